import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { readProxyHeader } from "./proxy-header.ts"

const v2 = (command: number, family: number, addresses: string) => {
  const body = Buffer.from(addresses, "hex")
  const length = body.length.toString(16).padStart(4, "0")
  return Buffer.concat([
    Buffer.from(
      `0d0a0d0a000d0a515549540a${command.toString(16)}${family.toString(16).padStart(2, "0")}${length}`,
      "hex",
    ),
    body,
  ])
}
const ipv4 = "c000020701020304c0de0019" // 192.0.2.7:49374 to 1.2.3.4:25
const ipv6 = `20010db8${"0".repeat(22)}07${"0".repeat(32)}c0de0019`

for (const [what, octets, expected] of [
  ["TCP4", Buffer.from("PROXY TCP4 192.0.2.7 192.0.2.1 49374 25\r\nEHLO"), "192.0.2.7 49374"],
  ["TCP6", Buffer.from("PROXY TCP6 2001:DB8::7 2001:db8::1 49374 25\r\n"), "2001:db8::7 49374"],
  ["UNKNOWN", Buffer.from("PROXY UNKNOWN ffff:f::1 x 1 2\r\n"), "own"],
  ["an address of the other family", Buffer.from("PROXY TCP4 2001:db8::7 2001:db8::1 49374 25\r\n"), "wrong"],
  ["a port that is none", Buffer.from("PROXY TCP4 192.0.2.7 192.0.2.1 99999 25\r\n"), "wrong"],
  ["a line without end", Buffer.from(`PROXY TCP4 ${"1".repeat(120)}`), "wrong"],
  ["a client that says no PROXY", Buffer.from("EHLO x\r\n"), "wrong"],
  ["version 2, IPv4", v2(0x21, 0x11, ipv4), "192.0.2.7 49374"],
  ["version 2, IPv6", v2(0x21, 0x21, ipv6), "2001:db8::7 49374"],
  ["version 2 with more behind the addresses", v2(0x21, 0x11, `${ipv4}040000`), "192.0.2.7 49374"],
  ["version 2, LOCAL", v2(0x20, 0x00, ""), "own"],
  ["version 2, a unix socket", v2(0x21, 0x31, ipv4), "wrong"],
  ["version 3", v2(0x31, 0x11, ipv4), "wrong"],
] as const) {
  test(`PROXY: ${what} is ${expected}`, () => {
    const read = readProxyHeader(octets)
    assert.equal(read.kind === "client" ? `${read.address} ${read.port}` : read.kind, expected)
  })
}

test("PROXY: a header that is cut anywhere wants more, and never another client", () => {
  for (const whole of [Buffer.from("PROXY TCP4 192.0.2.7 192.0.2.1 49374 25\r\n"), v2(0x21, 0x11, ipv4)])
    for (let cut = 1; cut < whole.length; cut++)
      assert.equal(readProxyHeader(whole.subarray(0, cut)).kind, "more", String(cut))
})

test("PROXY: no octets crash it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (octets, signed) => {
      const head = signed ? v2(0x21, 0x11, "").subarray(0, 12) : Buffer.alloc(0)
      readProxyHeader(Buffer.concat([head, octets]))
    }),
  )
})
