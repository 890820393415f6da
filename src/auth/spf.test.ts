import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { dnsOf } from "../../test/kit/mailhost.ts"
import { hostOctets, isWithin, octetsOf } from "./ip.ts"
import { checkHost } from "./spf.ts"
import { parseMacros } from "./spf-macro.ts"
import { isSpf, parseRecord } from "./spf-record.ts"

type Zone = Parameters<typeof dnsOf>[0]

function ask(zone: Zone, address: string, domain = "example.org", clock = () => 0) {
  const question = { address, localPart: "ann", domain, helo: "mail.example.org", receiver: "grussell.org" }
  return checkHost(question, { dns: dnsOf(zone), clock })
}

test("each term that was looked at is a step of the trail", async () => {
  const zone = {
    "example.org": { TXT: "v=spf1 ip4:198.51.100.0/24 a:mail.example.org -all" },
    "mail.example.org": { A: "192.0.2.7" },
  }
  const verdict = await ask(zone, "192.0.2.7")
  assert.equal(verdict.result, "pass")
  assert.equal(verdict.term, "a:mail.example.org")
  assert.deepEqual(
    verdict.trail.map(({ says }) => says),
    [
      'example.org says "v=spf1 ip4:198.51.100.0/24 a:mail.example.org -all"',
      "example.org: ip4:198.51.100.0/24 does not match 192.0.2.7",
      "example.org: a:mail.example.org matches 192.0.2.7",
    ],
  )
  assert.equal(verdict.terms, 1)
})

test("a domain without a record, and a host without an address, are none and say why", async () => {
  assert.deepEqual(
    [(await ask({}, "192.0.2.7")).result, (await ask({}, "192.0.2.7")).why],
    ["none", "example.org has no SPF record"],
  )
  assert.equal((await ask({}, "here")).result, "none")
  assert.equal((await ask({}, "192.0.2.7", "localhost")).why, '"localhost" is no domain')
})

test("a check that takes longer than twenty seconds cannot tell", async () => {
  let now = 0
  const clock = () => (now += 11_000)
  const zone = { "example.org": { TXT: "v=spf1 a:a.example.org a:b.example.org -all" } }
  const verdict = await ask(zone, "192.0.2.7", "example.org", clock)
  assert.equal(verdict.result, "temperror")
  assert.match(verdict.why ?? "", /20 seconds/)
})

test("a record that includes itself ends at ten terms", async () => {
  const verdict = await ask({ "example.org": { TXT: "v=spf1 include:example.org -all" } }, "192.0.2.7")
  assert.deepEqual([verdict.result, verdict.terms], ["permerror", 11])
})

test("DNS that does not answer is temperror, never fail", async () => {
  const dns = dnsOf({})
  const silent = { ...dns, txt: async () => ({ found: "unavailable", why: "SERVFAIL" }) as const }
  const question = { address: "192.0.2.7", localPart: "", domain: "example.org", helo: "h", receiver: "r" }
  const verdict = await checkHost(question, { dns: silent, clock: () => 0 })
  assert.equal(verdict.result, "temperror")
})

const wrong = [
  "v=spf1 -all:x",
  "v=spf1 ip4:192.0.2.0/33",
  "v=spf1 ip4:192.0.2.0/08",
  "v=spf1 ip6:192.0.2.0",
  "v=spf1 include",
  "v=spf1 a:example",
  "v=spf1 a:example.123",
  "v=spf1 mx/24/64",
  "v=spf1 exists:%{z}.example.org",
  "v=spf1 exists:%{c}.example.org",
  "v=spf1 exp=%{i0}.example.org",
  "v=spf1 redirect=a.example.org redirect=b.example.org",
  "v=spf1 a\t-all",
  "v=spf1 ptr/24",
  "v=spf1 +",
]

for (const record of wrong) {
  test(`${JSON.stringify(record)} is wrong, and says where`, () => {
    const read = parseRecord(record)
    assert.equal(read.ok, false)
  })
}

test("v=spf10 is another version", () => {
  assert.deepEqual(["v=spf1", "V=SPF1 -all", "v=spf10", "v=spf1-all"].map(isSpf), [true, true, false, false])
})

test("no text makes the readers of records and macros throw, or take long", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      parseRecord(`v=spf1 ${text}`)
      parseMacros(text, true)
    }),
  )
})

test("an address is within its own network of any length, and families never meet", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV6(), fc.nat(32), fc.nat(128), (four, six, bits4, bits6) => {
      const a = octetsOf(four) ?? []
      const b = octetsOf(six) ?? []
      assert.ok(isWithin(a, a, bits4))
      assert.ok(isWithin(b, b, bits6))
      assert.ok(!isWithin(a, b, 0))
      assert.deepEqual(hostOctets(`::ffff:${four}`), a)
    }),
  )
})
