import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { test } from "node:test"
import fc from "fast-check"
import { scanHeader } from "../message/header.ts"
import { relaxedBodyHash, relaxedField, RelaxedBody, signedFields, simpleBodyHash } from "./dkim-canon.ts"

function hashOf(...pieces: readonly string[]): string {
  const body = new RelaxedBody()
  for (const piece of pieces) body.update(Buffer.from(piece, "latin1"))
  return body.digest()
}

const plain = (text: string) => createHash("sha256").update(Buffer.from(text, "latin1")).digest("base64")

const cases: readonly (readonly [body: string, canonical: string])[] = [
  ["", ""],
  ["\r\n", ""],
  ["\r\n\r\n\r\n", ""],
  [" \r\n\t\r\n", ""],
  [" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"], // RFC 6376 §3.4.5
  ["a", "a\r\n"],
  ["a\r\n", "a\r\n"],
  ["\r\n\r\na\r\n", "\r\n\r\na\r\n"],
  ["a \t \r\n b", "a\r\n b\r\n"],
  ["a\rb\r\n", "a\rb\r\n"],
  ["a\nb\r\n", "a\nb\r\n"],
]

for (const [body, canonical] of cases) {
  test(`the relaxed body of ${JSON.stringify(body)} is ${JSON.stringify(canonical)}`, () => {
    assert.equal(hashOf(body), plain(canonical))
    assert.equal(relaxedBodyHash(Buffer.from(body, "latin1")), plain(canonical))
  })
}

const anyBody = fc.array(fc.constantFrom("a", " ", "\t", "\r\n", "\r", "\n", "bc", "\xe9"), { maxLength: 60 })

test("a body that is here as a whole has the hash that its pieces have", () => {
  fc.assert(
    fc.property(anyBody, (parts) => {
      const whole = parts.join("")
      assert.equal(relaxedBodyHash(Buffer.from(whole, "latin1")), hashOf(whole))
    }),
    { numRuns: 3000 },
  )
})

test("a body of a hundred thousand blanks takes no longer than another", () => {
  const started = performance.now()
  relaxedBodyHash(Buffer.from(`${" \t".repeat(50_000)}x`))
  assert.ok(performance.now() - started < 1000)
})

test("the simple form leaves all but the line ends at the end", () => {
  const hashOfSimple = (text: string) => simpleBodyHash(Buffer.from(text, "latin1"))
  assert.equal(hashOfSimple(" C \r\nD \t E\r\n\r\n\r\n"), plain(" C \r\nD \t E\r\n")) // RFC 6376 §3.4.5
  for (const [text, form] of [
    ["", "\r\n"],
    ["\r\n\r\n", "\r\n"],
    ["a", "a\r\n"],
    ["a\r\n", "a\r\n"],
    ["a\n", "a\n\r\n"],
  ] as const)
    assert.equal(hashOfSimple(text), plain(form))
})

test("a body may come in any pieces", () => {
  fc.assert(
    fc.property(anyBody, fc.nat(60), fc.nat(60), (parts, a, b) => {
      const whole = parts.join("")
      const [first, second] = [Math.min(a, b), Math.max(a, b)]
      assert.equal(
        hashOf(whole.slice(0, first), whole.slice(first, second), whole.slice(second)),
        hashOf(whole),
      )
    }),
  )
})

test("fields are relaxed as the example of RFC 6376 §3.4.5 is", () => {
  assert.equal(relaxedField("A", " X\r\n"), "a:X")
  assert.equal(relaxedField("B ".trim(), " Y\t\r\n\tZ  \r\n"), "b:Y Z")
  assert.equal(relaxedField("Empty", " \r\n"), "empty:")
})

test("names are signed once more than they stand there, from the bottom up; lists may add their own", () => {
  const header = scanHeader(Buffer.from("Received: x\r\nTo: a\r\nTo: b\r\nFrom: me\r\nList-Id: l\r\n\r\n"))
  const { names, text } = signedFields(header)
  assert.deepEqual(
    names.filter((name) => ["from", "to", "cc", "list-id", "list-post", "received"].includes(name)),
    ["from", "from", "to", "to", "to", "cc", "list-id"],
  )
  assert.equal(text, "from:me\r\nto:b\r\nto:a\r\nlist-id:l\r\n")
})
