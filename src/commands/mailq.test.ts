import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { text } from "node:stream/consumers"
import { after, test } from "node:test"
import { parseMailbox } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import { type Answer, type Request, serveControl, type Verb } from "../daemon/control.ts"
import { layoutOf, makeLayout } from "../daemon/layout.ts"
import type { Pending, Queued } from "../queue/entry.ts"
import type { Io } from "./io.ts"
import { run } from "./mailq.ts"

const state = mkdtempSync(join(tmpdir(), "mailq-"))
let queue: readonly Queued[] = []
const asked: Request[] = []

assert.ok(makeLayout(layoutOf(state), undefined).ok)
const verbs = new Map<string, Verb>([
  ["count", (request) => answers(request, [{ ok: true, messages: queue.length }])],
  [
    "queue",
    (request) =>
      answers(
        request,
        queue.map((queued) => ({ queued })),
      ),
  ],
])
for (const [client, own] of [
  ["client count", "count"],
  ["client queue", "queue"],
] as const) {
  const verb = verbs.get(own)
  if (verb !== undefined) verbs.set(client, verb)
}
const server = await serveControl(layoutOf(state).control, verbs, (error) => assert.fail(String(error)))
after(() => {
  server.close()
  rmSync(state, { recursive: true })
})

async function* answers(request: Request, list: readonly Answer[]): AsyncIterable<Answer> {
  asked.push(request)
  yield* list
}

/** What `mailq` with these arguments prints on this queue. */
async function mailq(list: readonly Queued[], ...argv: readonly string[]) {
  queue = list
  asked.length = 0
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const io: Io = {
    stdin: new PassThrough(),
    stdout,
    stderr,
    env: { WAYPOST_STATE: state },
    cwd: "/",
    entry: "",
  }
  const code = await run(argv, io)
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) }
}

function mailbox(address: string) {
  const parsed = parseMailbox(address)
  assert.ok(parsed.ok)
  return parsed.value
}

const acceptedAt = new Date(2026, 10, 24, 7, 10, 42).getTime()

function waiting(to: string, more: Partial<Pending> = {}): Pending {
  return {
    number: 1,
    recipient: { path: mailbox(to), original: undefined, notify: [], admitted: because("local", "yes") },
    route: undefined,
    expandedFrom: undefined,
    attempts: 1,
    nextAttempt: acceptedAt + 600_000,
    lastStatus: {
      status: "4.4.1",
      text: "Connection refused by mx1.remote.test.",
      remote: "mx1.remote.test [127.0.0.20]",
      at: acceptedAt + 1000,
    },
    warned: false,
    ...more,
  }
}

function message(pending: readonly Pending[], more: Partial<Queued["entry"]> = {}): Queued {
  return {
    entry: {
      id: "6AO7AgXX000001",
      envelope: {
        reversePath: mailbox("bob@hello.com"),
        body: "7bit",
        smtputf8: false,
        ret: undefined,
        envid: undefined,
      },
      arrival: {
        session: "s",
        protocol: "ESMTP",
        client: undefined,
        helo: undefined,
        authenticated: undefined,
        door: "MTA",
        submission: false,
        tls: undefined,
      },
      acceptedAt,
      size: 302,
      headerSize: 300,
      summary: { messageId: "<1@hello.com>", subject: "q", from: "bob@hello.com" },
      held: undefined,
      ...more,
    },
    pending,
  }
}

const directory = layoutOf(state).queue

test("an empty queue is said to be empty", async () => {
  assert.deepEqual(await mailq([]), {
    code: 0,
    stdout: `${directory} is empty\n\t\tTotal requests: 0\n`,
    stderr: "",
  })
})

// The form is that of sendmail 8.17.1, tab for tab.
test("a message that waits is listed as sendmail lists it", async () => {
  const { stdout } = await mailq([message([waiting("far@remote.test")])])
  assert.deepEqual(stdout.split("\n"), [
    `\t\t${directory} (1 request)`,
    "-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------",
    "6AO7AgXX000001        2 Tue Nov 24 07:10 <bob@hello.com>",
    "                 (Deferred: Connection refused by mx1.remote.test.)",
    "\t\t\t\t\t <far@remote.test>",
    "\t\tTotal requests: 1",
    "",
  ])
})

test("-v adds priority, tries and last words of each recipient", async () => {
  const list = {
    address: "staff@hello.com",
    owner: undefined,
    user: undefined,
    reason: because("alias", "x"),
  }
  const { stdout } = await mailq([message([waiting("far@remote.test", { expandedFrom: list })])], "-v")
  assert.deepEqual(stdout.split("\n"), [
    `\t\t${directory} (1 request)`,
    "-----Q-ID----- --Size-- -Priority- ---Q-Time--- --------Sender/Recipient--------",
    "6AO7AgXX000001        2      30302 Nov 24 07:10 <bob@hello.com>",
    "                 (Deferred: Connection refused by mx1.remote.test.)",
    "\t\t\t\t\t\t<far@remote.test>",
    "\t\t(from staff@hello.com)",
    "\t\t(4.4.1: Connection refused by mx1.remote.test.)",
    "\t\t(1 tried, next Tue Nov 24 07:20)",
    "\t\tTotal requests: 1",
    "",
  ])
})

test("the newest words of several recipients stand under the sender; without any there is no such line", async () => {
  const old = { status: "4.2.2", text: "Mailbox full", remote: undefined, at: acceptedAt } as const
  const { stdout } = await mailq([
    message([waiting("a@remote.test", { lastStatus: old }), waiting("b@remote.test")]),
    message([waiting("c@remote.test", { lastStatus: undefined })], { id: "6AO7AgXX000002" }),
  ])
  const listed = stdout.split("\n")
  assert.equal(listed[0], `\t\t${directory} (2 requests)`)
  assert.equal(listed[3], "                 (Deferred: Connection refused by mx1.remote.test.)")
  assert.deepEqual(listed.slice(6), [
    "6AO7AgXX000002        2 Tue Nov 24 07:10 <bob@hello.com>",
    "\t\t\t\t\t <c@remote.test>",
    "\t\tTotal requests: 2",
    "",
  ])
})

test("a message that is held says so, and why", async () => {
  const { stdout } = await mailq([
    message([waiting("far@remote.test")], { held: { reason: "looks odd", at: undefined } }),
  ])
  assert.match(stdout, /^6AO7AgXX000001\? {7}2 Tue/m)
  assert.match(stdout, /^ {6}QUARANTINE: looks odd$/m)
})

test("a report's sender is <>", async () => {
  const envelope = { ...message([]).entry.envelope, reversePath: "null" } as const
  const { stdout } = await mailq([message([waiting("far@remote.test")], { envelope })])
  assert.match(stdout, /^6AO7AgXX000001 {8}2 Tue Nov 24 07:10 <>$/m)
})

test("--json is one object a line, and nothing else", async () => {
  const { stdout } = await mailq(
    [message([waiting("far@remote.test")]), message([waiting("b@remote.test")])],
    "--json",
  )
  const objects = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(objects.length, 2)
  assert.deepEqual(objects[0], {
    id: "6AO7AgXX000001",
    size: 302,
    acceptedAt: new Date(acceptedAt).toISOString(),
    sender: "bob@hello.com",
    messageId: "<1@hello.com>",
    subject: "q",
    from: "bob@hello.com",
    held: false,
    recipients: [
      {
        address: "far@remote.test",
        attempts: 1,
        nextAttempt: new Date(acceptedAt + 600_000).toISOString(),
        status: "4.4.1",
        text: "Connection refused by mx1.remote.test.",
        remote: "mx1.remote.test [127.0.0.20]",
      },
    ],
  })
})

for (const [argv, limits, held] of [
  [[], [], "no"],
  [
    ["-qRfar@", "-q!Sbob"],
    [
      { field: "recipient", part: "far@", not: false },
      { field: "sender", part: "bob", not: true },
    ],
    "no",
  ],
  [["-qI000002"], [{ field: "id", part: "000002", not: false }], "no"],
  [["-qQ"], [], "only"],
  [["-qQodd"], [{ field: "reason", part: "odd", not: false }], "only"],
] as const) {
  test(`mailq ${argv.join(" ")} asks the daemon for no more than it is to show`, async () => {
    await mailq([message([waiting("a@x.test")])], ...argv)
    assert.deepEqual(asked.at(-1), { verb: "queue", selection: { limits, held } })
  })
}

test("-Ac shows what the sendmail command keeps, under the name of its own directory", async () => {
  const { stdout } = await mailq([message([waiting("a@x.test")])], "-Ac")
  assert.deepEqual(asked.at(-1), { verb: "client queue", selection: { limits: [], held: "no" } })
  assert.ok(stdout.startsWith(`\t\t${layoutOf(state).clientQueue} (1 request)\n`))
})

for (const [argv, expected] of [
  [["-x"], "mailq: unknown option or argument -x; see mailq --help\n"],
  [["me"], "mailq: unknown option or argument me; see mailq --help\n"],
  [["--state"], "mailq: --state needs DIR; see mailq --help\n"],
] as const) {
  test(`mailq ${argv.join(" ")} is a mistake, told in one line`, async () => {
    assert.deepEqual(await mailq([], ...argv), { code: 64, stdout: "", stderr: expected })
  })
}

test("when nothing runs, that is said, and what to do", async () => {
  await assert.rejects(mailq([], "--state", join(state, "elsewhere")), {
    name: "Error",
    message: /no Waypost is running on .*elsewhere: start one/,
    code: 69,
  })
})
