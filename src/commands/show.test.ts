import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { text } from "node:stream/consumers"
import { after, test } from "node:test"
import { type Answer, serveControl, type Verb } from "../daemon/control.ts"
import { layoutOf, makeLayout } from "../daemon/layout.ts"
import type { Io } from "./io.ts"
import { run } from "./show.ts"

const state = mkdtempSync(join(tmpdir(), "show-"))
let told: Answer = {}
assert.ok(makeLayout(layoutOf(state), undefined).ok)
const show: Verb = async function* () {
  yield told
}
const server = await serveControl(layoutOf(state).control, new Map([["show", show]]), (error) =>
  assert.fail(String(error)),
)
after(() => {
  server.close()
  rmSync(state, { recursive: true })
})

/** What `waypost show` prints of this answer on a terminal of this width. */
async function shown(answer: Answer, argv: readonly string[], columns = 120) {
  told = answer
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const env = { WAYPOST_STATE: state, COLUMNS: String(columns) }
  const io: Io = { stdin: new PassThrough(), stdout, stderr, env, cwd: "/", entry: "" }
  const code = await run(argv, io)
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) }
}

const at = new Date(2026, 10, 24, 7, 10, 42).getTime()
const grussell = { kind: "name", ascii: "grussell.org", unicode: "grussell.org" } as const
const admitted = { step: "relay", says: "from this host", after: [] }

const queued = {
  entry: {
    id: "6AO7AgXX000001",
    envelope: { reversePath: { localPart: "bounces", domain: grussell }, body: "7bit", smtputf8: false },
    arrival: {
      session: "s",
      protocol: "ESMTP",
      client: { address: "192.0.2.7", port: 1, name: "mx.grussell.org" },
      helo: "mx",
      door: "MTA",
      submission: false,
    },
    acceptedAt: at,
    size: 500,
    headerSize: 300,
    summary: { messageId: "", subject: "", from: "" },
  },
  pending: [
    {
      number: 1,
      recipient: { path: { localPart: "me", domain: grussell }, notify: [], admitted },
      attempts: 1,
      nextAttempt: at + 600_000,
      lastStatus: { status: "4.4.1", text: "Connection refused by mx1.", at },
      warned: false,
    },
  ],
}

const headerText =
  "From: The Boss <boss@example.org>\r\nTo: everybody\r\nSubject: a subject that is\r\n\trather long\r\n\r\n"

const events = [
  {
    at,
    id: "6AO7AgXX000001",
    what: "deferred",
    address: "me@grussell.org",
    status: "4.4.1",
    detail: "Connection refused by mx1.",
    remote: "mx1 [192.0.2.9]",
    reasons: ["mailertable  yes: says esmtp:mx1   /etc/mail/mailertable:12"],
  },
]

const whole = { queued, headerText, events }

test("envelope and header stand side by side where there is room", async () => {
  const { stdout, code } = await shown(whole, ["6AO7AgXX000001"])
  assert.equal(code, 0)
  const lines = stdout.split("\n")
  assert.match(
    lines[0] ?? "",
    /^6AO7AgXX000001: 1 recipient to be served, next at Tue, 24 Nov 2026 07:20:42 /,
  )
  assert.match(lines[2] ?? "", /^Envelope \(what SMTP carried\) +│ Header \(what people see\)$/)
  assert.match(lines[3] ?? "", /^MAIL FROM:<bounces@grussell\.org> +│ From: The Boss <boss@example\.org>$/)
  assert.match(lines[4] ?? "", /^RCPT TO:<me@grussell\.org> +│ To: everybody$/)
  assert.match(
    lines[5] ?? "",
    /^ {2}4\.4\.1 Connection refused by mx1\. +│ Subject: a subject that is rather long$/,
  )
  assert.match(stdout, /^from mx\.grussell\.org \[192\.0\.2\.7\] +│$/m)
})

test("in a narrow terminal they stand below each other, and no line is wider than it", async () => {
  const { stdout } = await shown(whole, ["6AO7AgXX000001"], 60)
  assert.doesNotMatch(stdout, /│/)
  const [above = "", below = ""] = stdout.split("Header (what people see)")
  assert.match(above, /RCPT TO:<me@grussell\.org>/)
  assert.match(below, /^From: The Boss/m)
  const page = stdout.split("What happened")[0] ?? ""
  for (const line of page.split("\n").slice(1)) assert.ok(line.length <= 60, line)
})

test("what happened is told with the reason and the line that decided", async () => {
  const { stdout } = await shown(whole, ["6AO7AgXX000001"])
  assert.match(
    stdout,
    /^Nov 24 07:10:42 {2}deferred <me@grussell\.org>: 4\.4\.1 Connection refused by mx1\. \(mx1 \[192\.0\.2\.9\]\)$/m,
  )
  assert.match(stdout, /^ +mailertable {2}yes: says esmtp:mx1 {3}\/etc\/mail\/mailertable:12$/m)
})

test("a message that has left the queue still has its history", async () => {
  const { stdout } = await shown({ events }, ["6AO7AgXX000001"])
  assert.match(stdout, /^6AO7AgXX000001: no longer in the queue\n\nWhat happened\nNov 24/)
})

test("damaged content is said", async () => {
  const { stdout } = await shown({ queued, events, damaged: "checksum differs" }, ["x"])
  assert.match(stdout, /^Its content is damaged: checksum differs$/m)
})

test("a header cannot write to the terminal", async () => {
  const evil = "Subject: \u001b[2Jgone\u0007\u009b31m\r\n\r\n"
  const { stdout } = await shown({ queued, headerText: evil, events }, ["x"])
  assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  assert.match(stdout, /Subject: gone/)
})

test("an endless word is folded, and a terminal of no width is no trouble", async () => {
  const { stdout } = await shown({ queued, headerText: `X: ${"y".repeat(3000)}\r\n\r\n`, events }, ["x"], 1)
  assert.equal([...stdout.matchAll(/y/g)].length > 2999, true)
})

test("--json is the answer as it came", async () => {
  const { stdout } = await shown(whole, ["--json", "6AO7AgXX000001"])
  assert.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(whole)))
})

test("without an id the mistake is told in one line", async () => {
  assert.deepEqual(await shown(whole, []), {
    code: 64,
    stdout: "",
    stderr: "waypost show: which ID? mailq lists them\n",
  })
})

test("an id that nobody knows is told as the daemon tells it", async () => {
  const unknown = { error: "x: no message or session of this id", code: 67 }
  await assert.rejects(shown(unknown, ["x"]), { message: /no message or session/, code: 67 })
})

test("whose mail it is, as AUTH= of MAIL says it, is shown below the sender", async () => {
  const { entry, pending } = queued
  const envelope = { ...entry.envelope, submitter: "gor" }
  const { stdout } = await shown({ queued: { entry: { ...entry, envelope }, pending }, events: [] }, [
    entry.id,
  ])
  assert.match(stdout, /^MAIL FROM:<bounces@grussell\.org>.*\n {2}AUTH=gor\b/m)
})
