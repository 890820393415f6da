import assert from "node:assert/strict"
import { test } from "node:test"
import { codeAt, newSecret, secretUrl, stepAt, stepOfCode } from "./totp.ts"

// RFC 6238, Appendix B, SHA-1: the last six digits of the eight there. The secret is "12345678901234567890".
const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

for (const [seconds, code] of [
  [59, "287082"],
  [1111111109, "081804"],
  [1111111111, "050471"],
  [1234567890, "005924"],
  [2000000000, "279037"],
  [20000000000, "353130"],
] as const) {
  test(`RFC 6238's test vector at ${seconds} s is ${code}`, () => {
    assert.equal(codeAt(secret, stepAt(seconds * 1000)), code)
  })
}

test("a code is good in its step and its neighbours, and never twice", () => {
  const now = 1234567890_000
  const step = stepAt(now)
  assert.equal(stepOfCode(secret, "005924", { now, after: -1 }), step)
  assert.equal(stepOfCode(secret, "005 924", { now: now + 30_000, after: -1 }), step)
  assert.equal(stepOfCode(secret, "005924", { now: now + 90_000, after: -1 }), undefined)
  assert.equal(stepOfCode(secret, "005924", { now, after: step }), undefined)
  for (const wrong of ["", "5924", "0059240", "abcdef", "00592４"])
    assert.equal(stepOfCode(secret, wrong, { now, after: -1 }), undefined)
})

test("a new secret has 160 bits in base 32, and an app can read its address", () => {
  const fresh = newSecret()
  assert.match(fresh, /^[A-Z2-7]{32}$/)
  assert.notEqual(fresh, newSecret())
  const url = new URL(secretUrl(fresh, "gordon", "mail.grussell.org"))
  assert.equal(url.searchParams.get("secret"), fresh)
})
