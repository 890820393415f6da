import assert from "node:assert/strict"
import { test } from "node:test"
import { parseMailbox } from "../mail/address.ts"
import { replyLine } from "../mail/reply.ts"
import { tableOf } from "../../test/kit/site.ts"
import { addressKeys, askAccess, mailboxKeys, parseVerdict, tagged } from "./access.ts"

const verdicts: readonly (readonly [string, string])[] = [
  ["OK", "OK"],
  ["relay", "RELAY"],
  ["REJECT", "REJECT"],
  ["DISCARD", "DISCARD"],
  ["SKIP", "SKIP"],
  ["QUARANTINE:look at this", "QUARANTINE look at this"],
  ["ERROR:5.7.1:550 We do not like you", "550 5.7.1 We do not like you"],
  ['ERROR:5.7.1:"550 Quoted text"', "550 5.7.1 Quoted text"],
  ["ERROR:4.7.1:450 Try later", "450 4.7.1 Try later"],
  ["ERROR:just a text", "553 5.3.0 just a text"],
  ["ERROR:5.2.2:552 full up", "552 5.2.2 full up"],
  ["ERROR:550 no thanks", "550 5.0.0 no thanks"],
  ["550 Plain text", "550 5.0.0 Plain text"],
  ["550 5.7.1 Your list is not welcome", "550 5.7.1 Your list is not welcome"],
  ["450 5.7.1 of another class is only text", "450 4.0.0 5.7.1 of another class is only text"],
  ["Go away", "553 5.3.0 Go away"],
]

for (const [value, expected] of verdicts) {
  test(`an entry "${value}" means ${expected}`, () => {
    const verdict = parseVerdict(value)
    const shown =
      verdict.word === "ERROR"
        ? replyLine(verdict.reply)
        : verdict.word === "QUARANTINE"
          ? `QUARANTINE ${verdict.why}`
          : verdict.word
    assert.equal(shown, expected)
  })
}

test("an IPv4 address is asked by its octets, an IPv6 address by its groups", () => {
  assert.deepEqual(addressKeys("192.0.2.7"), ["192.0.2.7", "192.0.2", "192.0", "192"])
  assert.deepEqual(addressKeys("2001:db8::7"), [
    "IPv6:2001:db8:0:0:0:0:0:7",
    "IPv6:2001:db8::7",
    "IPv6:2001:db8:0:0:0:0:0",
    "IPv6:2001:db8:0:0:0:0",
    "IPv6:2001:db8:0:0:0",
    "IPv6:2001:db8:0:0",
    "IPv6:2001:db8:0",
    "IPv6:2001:db8",
    "IPv6:2001",
  ])
  assert.equal(addressKeys("::ffff:192.0.2.7")[0], "IPv6:0:0:0:0:0:ffff:c000:207")
})

test("a mailbox is asked whole, then by its user, then by its domain and each parent", () => {
  const mailbox = parseMailbox("bob@a.example.org")
  assert.ok(mailbox.ok)
  assert.deepEqual(mailboxKeys(mailbox.value), [
    ["bob@a.example.org"],
    ["bob@"],
    ["a.example.org", "example.org", "org"],
  ])
})

const table = tableOf(
  "access",
  `From:example.org  REJECT
example.net  550 whoever it is
From:good@example.org  OK
From:cyber@  DISCARD
From:skip.example.org  SKIP
To:example.org  RELAY`,
  undefined,
)

const questions: readonly (readonly ["From" | "To", string, string | undefined])[] = [
  ["From", "ann@example.org", "REJECT"],
  ["From", "ann@a.b.example.org", "REJECT"],
  ["From", "good@example.org", "OK"],
  ["From", "GOOD@Example.ORG", "OK"],
  ["From", "cyber@anywhere.example.com", "DISCARD"],
  ["From", "ann@example.net", "ERROR"],
  ["To", "ann@example.net", "ERROR"],
  ["To", "ann@example.org", "RELAY"],
  ["From", "ann@skip.example.org", undefined],
  ["From", "ann@a.skip.example.org", undefined],
  ["To", "ann@hello.com", undefined],
]

for (const [tag, address, expected] of questions) {
  test(`${tag}:${address} finds ${expected ?? "nothing"}`, async () => {
    const mailbox = parseMailbox(address)
    assert.ok(mailbox.ok)
    const answer = await askAccess([table], tagged(tag, mailboxKeys(mailbox.value)))
    assert.equal(answer.found === "entry" ? answer.verdict.word : undefined, expected)
  })
}
