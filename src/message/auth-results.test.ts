import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { claimsToBeOurs, resultOf, serverOf, writeAuthResults } from "./auth-results.ts"
import { scanHeader } from "./header.ts"

test("each method stands on a line of its own, and nobody can end a comment or a value early", () => {
  const results = [
    {
      method: "spf",
      result: "fail",
      comment: "no) way\\",
      properties: { "smtp.mailfrom": 'a" b@example.org' },
    },
    { method: "dkim", result: "none", properties: {} },
  ]
  assert.equal(
    writeAuthResults("mx.test", results),
    'Authentication-Results: mx.test;\r\n\tspf=fail (no\' way\') smtp.mailfrom="a\\"?b@example.org";\r\n\tdkim=none\r\n',
  )
  assert.equal(writeAuthResults("mx.test", []), "Authentication-Results: mx.test; none\r\n")
})

const claims = [
  ["mx.test; spf=pass", "mx.test"],
  [" (a (nested) one) MX.test 1; spf=pass", "MX.test"],
  ['"mx\\.test" ; none', "mx.test"],
  ["mx.test", "mx.test"],
  ["(mx.test) other.test;", "other.test"],
  ["(never ended", ""],
  ["", ""],
] as const

for (const [value, server] of claims) {
  test(`"${value}" is of ${server || "nobody"}`, () => assert.equal(serverOf(value), server))
}

test("only Authentication-Results of our own name claims to be ours, in any case and folded", () => {
  const text =
    "Authentication-Results:\r\n\tMX.TEST;\r\n spf=pass\r\nX-Authentication-Results: mx.test\r\n\r\n"
  const header = scanHeader(Buffer.from(text))
  assert.deepEqual(
    header.fields.map((field) => claimsToBeOurs(header, field, "mx.test")),
    [true, false],
  )
})

for (const [value, result] of [
  ["mx.test; spf=pass; arc=fail", "fail"],
  ["mx.test;\tspf=pass (x;arc=pass) smtp.mailfrom=a@b.c;\r\n\tarc=FAIL (i=1) x=y", "fail"],
  ['mx.test; spf=pass smtp.mailfrom="a\\";arc=pass"@b.c; arc (why) = (so) none', "none"],
  ["mx.test; spf=pass (a (b);arc=pass) (;arc=pass); xarc=pass; dmarc=pass", undefined],
  ["mx.test; none", undefined],
  ["arc=pass", undefined],
] as const) {
  test(`of "${value}" ARC's result is ${result}`, () => assert.equal(resultOf(value, "arc"), result))
}

test("no value makes the reader throw", () => {
  fc.assert(fc.property(fc.string(), (text) => void [serverOf(text), resultOf(text, "arc")]))
})
