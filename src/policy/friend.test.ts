import assert from "node:assert/strict"
import { test } from "node:test"
import { parseMailbox } from "../mail/address.ts"
import { replyLine } from "../mail/reply.ts"
import { arrivalOf, gateOf, rcpt } from "../../test/kit/gate.ts"
import type { Site } from "../../test/kit/site.ts"

const access = `Connect:192.0.2.66 REJECT
From:spam@example.org REJECT
Spam:friend@ FRIEND
Spam:hater@ HATER
Spam:bob+all@hello.com FRIEND
Spam:example.net FRIEND
To:example.net RELAY
To:friend@example.com RELAY`

const users = ["friend", "hater", "bob"]

function site(mode: string): Site {
  return {
    users,
    name: "hello.com",
    features: { access_db: [], delay_checks: [mode], accept_unresolvable_domains: [] },
    tables: { access },
  }
}

const spam = parseMailbox("spam@example.org")
const fine = parseMailbox("ann@example.org")
assert.ok(spam.ok && fine.ok)

async function answer(mode: string, to: string, sender = fine, client = "192.0.2.7"): Promise<string> {
  assert.ok(sender.ok)
  const decision = await rcpt(gateOf(site(mode)), arrivalOf(client), to, sender.value)
  return decision.outcome === "yes" || decision.outcome === "pass"
    ? decision.outcome
    : replyLine(decision.reply)
}

const denied = "550 5.7.1 Access denied"

const cases: readonly (readonly [
  mode: string,
  to: string,
  from: "spam" | "refused client" | "fine",
  answer: string,
])[] = [
  ["", "bob", "spam", denied],
  ["", "friend", "spam", denied],
  ["", "friend", "refused client", denied],
  ["friend", "friend", "spam", "yes"],
  ["friend", "friend", "refused client", "yes"],
  ["friend", "bob", "spam", denied],
  ["friend", "bob+all@hello.com", "spam", "yes"],
  ["friend", "anybody@example.net", "spam", "yes"],
  ["friend", "hater", "spam", denied],
  ["hater", "hater", "spam", denied],
  ["hater", "hater", "refused client", denied],
  ["hater", "hater", "fine", "yes"],
  ["hater", "bob", "spam", "yes"],
  ["hater", "bob", "refused client", "yes"],
  ["friend", "nobody", "spam", "550 5.1.1 User unknown"],
]

for (const [mode, to, from, expected] of cases) {
  test(`delay_checks "${mode}": mail from ${from} to ${to} is answered ${expected}`, async () => {
    const client = from === "refused client" ? "192.0.2.66" : "192.0.2.7"
    assert.equal(await answer(mode, to, from === "spam" ? spam : fine, client), expected)
  })
}

test("what the recipient said of itself is in the reason, with its line", async () => {
  assert.ok(spam.ok)
  const decision = await rcpt(gateOf(site("friend")), arrivalOf("192.0.2.7"), "friend", spam.value)
  assert.match(decision.reason.says, /"Spam:friend@" says "FRIEND"/)
  assert.equal(decision.reason.at?.line, 3)
})

test("access that does not answer is no yes", async () => {
  assert.ok(fine.ok)
  const silent = { ...site("friend"), tables: {}, silent: ["access"] }
  const decision = await rcpt(gateOf(silent), arrivalOf("127.0.0.1"), "bob", fine.value)
  assert.equal(decision.outcome, "later")
})
