import assert from "node:assert/strict"
import { isIPv4, isIPv6 } from "node:net"
import { test } from "node:test"
import fc from "fast-check"
import { isIPv4Text, isIPv6Text } from "./ip-text.ts"

const texts = [
  "192.0.2.25",
  "0.0.0.0",
  "255.255.255.255",
  "256.0.2.1",
  "192.0.2.025",
  "192.0.2",
  "192.0.2.1.5",
  "192.0.2.1\n",
  "192.0..1",
  "",
  "::",
  "::1",
  "1::",
  "2001:db8::25",
  "2001:DB8::25",
  "1:2:3:4:5:6:7:8",
  "1:2:3:4:5:6:7::",
  "::2:3:4:5:6:7:8",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4::5:6:7:8",
  "1::2::3",
  ":::",
  ":1",
  "1:",
  "::ffff:192.0.2.25",
  "1:2:3:4:5:6:192.0.2.25",
  "1:2:3:4:5:6:7:192.0.2.25",
  "192.0.2.25::",
  "::192.0.2.25:1",
  "12345::",
  "g::",
]

for (const text of texts) {
  test(`${JSON.stringify(text)} is or is not an address, as node:net says`, () => {
    assert.equal(isIPv4Text(text), isIPv4(text))
    assert.equal(isIPv6Text(text), isIPv6(text))
  })
}

test("whatever is made of the letters of addresses is judged as node:net judges it", () => {
  const piece = fc.constantFrom(
    ":",
    "::",
    ".",
    "0",
    "1",
    "25",
    "255",
    "256",
    "01",
    "ffff",
    "db8",
    "12345",
    "192.0.2.25",
    "g",
    " ",
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
      const text = pieces.join("")
      assert.equal(isIPv4Text(text), isIPv4(text), text)
      assert.equal(isIPv6Text(text), isIPv6(text), text)
    }),
    { numRuns: 3000 },
  )
})

test("a zone is of one machine, so no mail address has one", () => {
  assert.equal(isIPv6Text("fe80::1%eth0"), false)
})
