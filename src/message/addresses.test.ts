import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { parseAddressList } from "./addresses.ts"

const addresses = (text: string) => parseAddressList(text).map((one) => one.address)

const cases: readonly (readonly [string, ...string[]])[] = [
  ["me@grussell.org", "me@grussell.org"],
  ["Gordon Russell <me@grussell.org>", "me@grussell.org"],
  ["<me@grussell.org>", "me@grussell.org"],
  ['"Santa" claws@northpole.com', "claws@northpole.com"],
  ["a.cumming, gor , me@grussell.org.uk", "a.cumming", "gor", "me@grussell.org.uk"],
  ["bob (Bob Jones, of hello.com)", "bob"],
  ["bob@hello.com (Bob (the builder))", "bob@hello.com"],
  ["(first) bob", "bob"],
  ["g.russell @ napier.ac.uk", "g.russell@napier.ac.uk"],
  ["g.russell@napier . ac . uk", "g.russell@napier.ac.uk"],
  ['"Russell, Gordon" <g.russell@napier.ac.uk>, andrew', "g.russell@napier.ac.uk", "andrew"],
  ['"a, b"@example.org', '"a, b"@example.org'],
  ['"me@grussell.org" <you@hello.com>', "you@hello.com"],
  ["undisclosed-recipients:;"],
  ["The List: ann@example.org, <bob@hello.com>; jim", "ann@example.org", "bob@hello.com", "jim"],
  ["<>"],
  ["Nobody <>, jim", "jim"],
  ["jim bob andrew", "jim", "bob", "andrew"],
  ["Jim <jim@hello.com", "jim@hello.com"],
  ["Jim <jim@hello.com, bob@hello.com", "jim@hello.com", "bob@hello.com"],
  ["<@hello.com,@example.org:jim@napier.ac.uk>", "@hello.com,@example.org:jim@napier.ac.uk"],
  ["< jim@hello.com >", "jim@hello.com"],
  ["<jim (comment) @ hello.com>", "jim@hello.com"],
  ["x@[192.0.2.1], y@[IPv6:2001:db8::1]", "x@[192.0.2.1]", "y@[IPv6:2001:db8::1]"],
  ["host!user, user%dom@hello.com", "host!user", "user%dom@hello.com"],
  [""],
  [" , ,; "],
  ["(never closed"],
  ['"never closed', '"never closed'],
  ["a\r\n\tb@example.org", "b@example.org"],
  ["x@[never closed", "x@[never"],
]

for (const [text, ...expected] of cases) {
  test(`the addresses of ${JSON.stringify(text)} are ${expected.join(" and ") || "none"}`, () => {
    assert.deepEqual(addresses(text), expected)
  })
}

test("spans say exactly where each address stands", () => {
  const text = 'To Gordon <me@grussell.org>, "x" <a (c) @ b.org>, jim (Jim)'
  const spans = parseAddressList(text).map(({ start, end }) => text.slice(start, end))
  assert.deepEqual(spans, ["me@grussell.org", "a (c) @ b.org", "jim"])
})

test("whatever the octets are, spans are in order, do not overlap, and lie in the text", () => {
  const text = fc.string({
    unit: fc.constantFrom(...'ab@.,;:<>()[]"\\ \t%!') as fc.Arbitrary<string>,
    maxLength: 40,
  })
  fc.assert(
    fc.property(text, (value) => {
      let last = 0
      for (const { start, end, address } of parseAddressList(value)) {
        assert.ok(start >= last && end > start && end <= value.length)
        assert.notEqual(address, "")
        last = end
      }
    }),
    { numRuns: 2000 },
  )
})

test("printed lists of plain addresses are read back", () => {
  const atom = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
  const address = fc.tuple(atom, atom, atom).map(([user, host, top]) => `${user}@${host}.${top}`)
  const shown = fc.tuple(atom, address, fc.constantFrom(0, 1, 2)).map(([name, addr, form]) => {
    return { addr, text: form === 0 ? addr : form === 1 ? `${name} <${addr}>` : `${addr} (${name})` }
  })
  fc.assert(
    fc.property(fc.array(shown, { maxLength: 8 }), (list) => {
      assert.deepEqual(
        addresses(list.map((one) => one.text).join(", ")),
        list.map((one) => one.addr),
      )
    }),
  )
})

test("a list of 100,000 members is read in linear time", () => {
  const text = Array.from({ length: 100_000 }, (_, n) => `member${n}@example.org`).join(",\r\n\t")
  const started = performance.now()
  assert.equal(addresses(text).length, 100_000)
  assert.equal(addresses("<".repeat(200_000)).length, 0)
  assert.ok(performance.now() - started < 3000)
})
