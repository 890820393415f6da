import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { gateOf } from "../../test/kit/gate.ts"
import { type Site, siteOf } from "../../test/kit/site.ts"
import { serveControl, type Verb } from "../daemon/control.ts"
import { layoutOf, makeLayout } from "../daemon/layout.ts"
import { explainAddress } from "../routing/explain-address.ts"
import { run } from "./explain.ts"

const site: Site = {
  users: ["gor"],
  tables: {
    aliases: "me: gor",
    access: "To:example.org RELAY\nFrom:spam@example.org REJECT",
    mailertable: ".example.org esmtp:[192.0.2.25]",
  },
  features: { accept_unresolvable_domains: [] },
}
const state = mkdtempSync(join(tmpdir(), "explain-"))
assert.ok(makeLayout(layoutOf(state), undefined).ok)
const text = (value: unknown) => (typeof value === "string" ? value : undefined)
const verb: Verb = async function* (request) {
  const question = {
    typed: text(request["address"]) ?? "",
    from: text(request["from"]),
    client: text(request["client"]),
  }
  yield await explainAddress(question, { routing: siteOf(site), gate: gateOf(site) })
}
const show: Verb = async function* ({ id }) {
  yield id === "6AODRN01736503"
    ? { queued: undefined, remembered: undefined, headerText: undefined, events: [] }
    : { error: `${String(id)}: no message or session of this id`, code: 67 }
}
const verbs = new Map([
  ["explain", verb],
  ["show", show],
])
const control = await serveControl(layoutOf(state).control, verbs, (error) => assert.fail(String(error)))
after(() => {
  control.close()
  rmSync(state, { recursive: true })
})

async function explain(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const io = memoryIo("", { WAYPOST_STATE: state })
  const code = await run(argv, io)
  return { code, out: io.written.stdout, err: io.written.stderr }
}

test("an alias is explained down to the account's line", async () => {
  const { code, out } = await explain("me@grussell.org")
  assert.equal(code, 0)
  assert.match(out, /me@grussell\.org: alias "me"\n {2}gor: mailer local, user gor {2}\/etc\/mail\/aliases:1/)
  assert.match(out, /user\? +yes: gor has an account +\/etc\/passwd:20/)
})

test("a table's line and the line that put the table there are cited", async () => {
  const { code, out } = await explain("bob@a.example.org")
  assert.equal(code, 0)
  const lines = out.split("\n")
  assert.equal(lines[0], "bob@a.example.org → mailer esmtp, host [192.0.2.25], user bob@a.example.org")
  assert.match(out, /local\? +no: +a\.example\.org is not in class w/)
  assert.match(
    out,
    /mailertable +yes: "\.example\.org" says "esmtp:\[192\.0\.2\.25\]" +\/etc\/mail\/mailertable:1/,
  )
  assert.match(out, / +consulted because of FEATURE\(mailertable\) +\/etc\/mail\/sendmail\.mc:\d+/)
})

test("a client's question is answered by the gate, with the reply it would hear", async () => {
  const denied = await explain("x@napier.ac.uk", "--client", "192.0.2.7")
  assert.equal(denied.code, 67)
  assert.match(denied.out, /^RCPT TO:<x@napier\.ac\.uk> → refused: 550 5\.7\.1 Relaying denied/)
  const taken = await explain("x@example.org", "--client", "192.0.2.7", "--from", "ann@hello.com")
  assert.equal(taken.code, 0)
  assert.match(taken.out, /access +yes: "To:example\.org" says "RELAY" +\/etc\/mail\/access:1/)
  const spam = await explain("me", "--client", "192.0.2.7", "--from", "<spam@example.org>")
  assert.match(spam.out, /^MAIL FROM:<spam@example\.org> → refused: 550 5\.7\.1 Access denied/)
  assert.match(spam.out, /\/etc\/mail\/access:2/)
})

test("an unknown user ends with 67, as sendmail -bv does", async () => {
  const { code, out } = await explain("nobody")
  assert.equal(code, 67)
  assert.match(out, /refused: 550 5\.1\.1 User unknown/)
})

test("--json is one object with the same decisions", async () => {
  const { out } = await explain("me", "--json", "--client", "127.0.0.1")
  const answer = JSON.parse(out)
  assert.equal(answer.deliverable[0].user, "gor")
  assert.equal(answer.admission.outcome, "yes")
  assert.ok(answer.deliverable[0].reasons.some((one: { at?: string }) => one.at === "/etc/mail/aliases:1"))
})

test("a queue id is a message that went its way: what happened to it is shown", async () => {
  const { code, out } = await explain("6AODRN01736503")
  assert.equal(code, 0)
  assert.match(out, /^6AODRN01736503: no longer in the queue\n/)
  assert.match((await explain("user1234567")).out, /^user1234567\S* → refused: 550 5\.1\.1 User unknown/)
})

test("mistakes are told in one line", async () => {
  assert.deepEqual(await explain(), { code: 64, out: "", err: "waypost explain: which address?\n" })
  const client = await explain("me", "--client", "grussell.org")
  assert.equal(client.code, 64)
  assert.match(client.err, /^waypost explain: --client is an IP address, which "grussell\.org" is not\n$/)
})
