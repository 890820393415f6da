import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import type { Decision } from "../mail/decision.ts"
import type { DnsAnswer, MxRecord } from "../mail/world.ts"
import {
  addressesOf,
  type Exchangers,
  type ExchangerWorld,
  findExchangers,
  order,
  parseHosts,
} from "./exchangers.ts"

type Known = Readonly<Record<string, DnsAnswer<MxRecord>>>

const none: DnsAnswer<never> = { found: "nothing", why: "no such record", secure: false }
const silent: DnsAnswer<never> = { found: "unavailable", why: "no answer in time" }

function mx(...records: readonly (readonly [number, string])[]): DnsAnswer<MxRecord> {
  return {
    found: "records",
    records: records.map(([preference, exchange]) => ({ preference, exchange })),
    secure: true,
    ttl: 300,
  }
}

function world(known: Known, fallback?: string): ExchangerWorld {
  return {
    dns: { mx: async (name) => known[name] ?? none, addresses: async () => none },
    isOurs: (name) => name === "mail.example.org",
    random: () => 0,
    fallback,
  }
}

/** `10 a, 20 b c`: the groups of a yes; `no 5.1.2`, `later 4.4.3` otherwise. */
function shown(decision: Decision<Exchangers>): string {
  if (decision.outcome === "pass") return "pass"
  if (decision.outcome !== "yes") return `${decision.outcome} ${decision.reply.status}`
  return decision.value.groups
    .map((group) =>
      [group[0]?.preference, ...group.map(({ host }) => host)].filter((word) => word !== undefined).join(" "),
    )
    .join(", ")
}

test("who is the best exchanger of a domain that is not his tries its own address, if TryNullMXList says so", () => {
  const answer = mx([10, "mail.example.org"], [20, "backup.example.net"])
  const ask = (tryItself: boolean, domain = "grussell.org") =>
    shown(order(domain, answer, { ...world({}), tryItself }))
  assert.equal(ask(true), "grussell.org")
  assert.equal(ask(false), "no 5.3.5")
  assert.equal(ask(true, "mail.example.org"), "no 5.3.5", "never to himself")
})

const table: readonly (readonly [string, string, Known, string])[] = [
  ["by preference, not by place", "grussell.org", { "grussell.org": mx([20, "b"], [10, "a"]) }, "10 a, 20 b"],
  [
    "equal preferences together",
    "grussell.org",
    { "grussell.org": mx([10, "a"], [10, "b"], [5, "c"]) },
    "5 c, 10 a b",
  ],
  ["the same host twice is one", "grussell.org", { "grussell.org": mx([10, "a"], [10, "a"]) }, "10 a"],
  ["no MX: the domain itself", "grussell.org", {}, "grussell.org"],
  ["a null MX takes nothing", "grussell.org", { "grussell.org": mx([0, "."]) }, "no 5.1.10"],
  ["a root beside real hosts is left out", "grussell.org", { "grussell.org": mx([0, "."], [5, "a"]) }, "5 a"],
  ["DNS cannot tell", "grussell.org", { "grussell.org": silent }, "later 4.4.3"],
  [
    "we are the second: only those before us",
    "grussell.org",
    { "grussell.org": mx([10, "a"], [20, "mail.example.org"], [30, "c"]) },
    "10 a",
  ],
  [
    "equals of ours are cut too",
    "grussell.org",
    { "grussell.org": mx([5, "a"], [20, "b"], [20, "mail.example.org"]) },
    "5 a",
  ],
  [
    "we are the best: a loop",
    "grussell.org",
    { "grussell.org": mx([10, "mail.example.org"], [20, "b"]) },
    "no 5.3.5",
  ],
  ["[host]: no MX lookup", "[grussell.org]", { "grussell.org": mx([10, "a"]) }, "grussell.org"],
  ["an address literal", "[192.0.2.7]", {}, "[192.0.2.7]"],
  ["an IPv6 literal", "[IPv6:2001:DB8::7]", {}, "[IPv6:2001:db8::7]"],
  ["an IPv6 address in brackets", "[2001:db8::7]", {}, "[IPv6:2001:db8::7]"],
  ["a bare address", "192.0.2.7", {}, "[192.0.2.7]"],
  ["a trailing dot and capitals", "GRUSSELL.org.", { "grussell.org": mx([10, "a"]) }, "10 a"],
  [
    "several hosts in their order",
    "grussell.org:[::1]:[backup.test]",
    { "grussell.org": mx([10, "a"]) },
    "10 a, [IPv6:::1], backup.test",
  ],
  [
    "one of several has no mail",
    "hello.com:grussell.org",
    { "hello.com": mx([0, "."]), "grussell.org": mx([5, "a"]) },
    "5 a",
  ],
  [
    "of several, cannot tell outweighs no",
    "hello.com:grussell.org",
    { "hello.com": mx([0, "."]), "grussell.org": silent },
    "later 4.4.3",
  ],
  ["all of several refuse", "hello.com:hello.com", { "hello.com": mx([0, "."]) }, "no 5.1.10"],
  ["no host at all", "", {}, "later 4.3.5"],
  ["half a bracket", "[grussell.org", {}, "later 4.3.5"],
]

for (const [name, host, known, expected] of table) {
  test(`exchangers: ${name}`, async () => {
    assert.equal(shown(await findExchangers(host, world(known))), expected)
  })
}

const fallbacks: readonly (readonly [string, string, Known, string, string])[] = [
  [
    "follows the others",
    "grussell.org",
    { "grussell.org": mx([10, "a"]) },
    "backup.test",
    "10 a, backup.test",
  ],
  ["serves when DNS cannot tell", "grussell.org", { "grussell.org": silent }, "backup.test", "backup.test"],
  ["does not serve a null MX", "hello.com", { "hello.com": mx([0, "."]) }, "backup.test", "no 5.1.10"],
  [
    "is not used when it is ourselves",
    "grussell.org",
    { "grussell.org": mx([10, "a"]) },
    "mail.example.org",
    "10 a",
  ],
  ["is left out when it is no host", "grussell.org", { "grussell.org": mx([10, "a"]) }, "[x", "10 a"],
]

for (const [name, host, known, fallback, expected] of fallbacks) {
  test(`FallbackMXhost ${name}`, async () => {
    assert.equal(shown(await findExchangers(host, world(known, fallback))), expected)
  })
}

test("FallbackSmartHost comes last, behind FallbackMXhost, and does not serve a null MX", async () => {
  const known = { "grussell.org": mx([10, "a"]), "hello.com": mx([0, "."]) }
  const both = { ...world(known, "backup.test"), smart: "smart.test" }
  const found = await findExchangers("grussell.org", both)
  assert.equal(shown(found), "10 a, backup.test, smart.test")
  assert.equal(found.reason.says, "FallbackSmartHost follows")
  assert.equal(shown(await findExchangers("hello.com", both)), "no 5.1.10")
})

test("each host and each refusal says why", async () => {
  const found = await findExchangers("grussell.org", world({ "grussell.org": mx([10, "a.grussell.org"]) }))
  assert.ok(found.outcome === "yes")
  assert.equal(found.value.groups[0]?.[0]?.reason.says, "grussell.org MX 10 a.grussell.org")
  const nullMx = await findExchangers("hello.com", world({ "hello.com": mx([0, "."]) }))
  assert.equal(nullMx.reason.says, "hello.com has a null MX record: it takes no mail")
  const wrong = await findExchangers("grussell.org", world({ "grussell.org": mx([10, "a"]) }, "[x"))
  assert.match(wrong.reason.after[0]?.says ?? "", /FallbackMXhost is left out/)
})

test("equal preferences are tried in an order that chance decides, and all of them", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom("a", "b", "c", "d", "e")), {
        minLength: 1,
      }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (records, chances) => {
        const decision = order("grussell.org", mx(...records), {
          isOurs: () => false,
          random: () => chances.next().value ?? 0,
        })
        assert.ok(decision.outcome === "yes")
        const flat = decision.value.groups.flat()
        const asked = new Set(records.map(([preference, host]) => `${preference} ${host}`))
        assert.deepEqual(new Set(flat.map(({ preference, host }) => `${preference} ${host}`)), asked)
        const preferences = flat.map(({ preference }) => preference ?? 0)
        assert.deepEqual(
          preferences,
          preferences.toSorted((a, b) => a - b),
        )
      },
    ),
  )
  const last = order("grussell.org", mx([1, "a"], [1, "b"]), { isOurs: () => false, random: () => 0.99 })
  assert.equal(shown(last), "1 b a")
})

test("a host list never crashes the reader, whatever is in it", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", ".", ":", "[", "]", "1", " ", "ipv6:") }), (text) => {
      const specs = parseHosts(text)
      if (specs.ok)
        assert.ok(specs.value.every((spec) => (spec.kind === "address" ? spec.address : spec.name) !== ""))
    }),
  )
})

const found = (...records: string[]): DnsAnswer<string> => ({
  found: "records",
  records,
  secure: false,
  ttl: 300,
})
const missing: DnsAnswer<never> = { found: "nothing", why: "no such name", secure: false }

async function targets(answers: Readonly<Record<string, DnsAnswer<string>>>): Promise<string> {
  const decision = order("grussell.org", mx(...Object.keys(answers).map((host) => [10, host] as const)), {
    isOurs: () => false,
    random: () => 0,
  })
  assert.ok(decision.outcome === "yes")
  const result = await addressesOf(
    decision.value.groups[0] ?? [],
    { addresses: async (name) => answers[name] ?? missing },
    (address) => address === "127.0.0.1",
  )
  if (result.outcome === "yes")
    return result.value.map(({ exchanger, address }) => `${exchanger.host} ${address}`).join(", ")
  return result.outcome === "pass" ? "pass" : `${result.outcome} ${result.reply.status}`
}

test("addresses of a group: every one, in order; what cannot be had is left out while others can", async () => {
  assert.equal(
    await targets({ a: found("192.0.2.1", "2001:db8::1"), b: found("192.0.2.2") }),
    "a 192.0.2.1, a 2001:db8::1, b 192.0.2.2",
  )
  assert.equal(await targets({ a: missing, b: found("192.0.2.2") }), "b 192.0.2.2")
  assert.equal(await targets({ a: silent, b: found("192.0.2.2") }), "b 192.0.2.2")
  assert.equal(await targets({ a: missing, b: none }), "no 5.1.2")
  assert.equal(await targets({ a: missing, b: silent }), "later 4.4.3")
  assert.equal(await targets({ a: silent, b: missing }), "later 4.4.3")
  assert.equal(await targets({ a: found("192.0.2.1"), b: found("127.0.0.1") }), "no 5.3.5")
})

test("an address that the route names outright may be our own: somebody wrote it down", async () => {
  const decision = await findExchangers("[127.0.0.1]", world({}))
  assert.ok(decision.outcome === "yes")
  const result = await addressesOf(
    decision.value.groups[0] ?? [],
    { addresses: async () => none },
    () => true,
  )
  assert.ok(result.outcome === "yes")
  assert.deepEqual(
    result.value.map(({ address }) => address),
    ["127.0.0.1"],
  )
})
