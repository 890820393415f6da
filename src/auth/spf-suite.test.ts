// The public RFC 7208 test suite against our evaluator: each case by its own name.
import assert from "node:assert/strict"
import { test } from "node:test"
import { dnsOf, scenarios } from "../../test/kit/spf-suite.ts"
import { checkHost } from "./spf.ts"

let cases = 0
let explanations = 0

for (const { description, tests, zone } of scenarios) {
  for (const [name, { host, helo, mailfrom, result, explanation }] of Object.entries(tests)) {
    cases++
    // Without a text of the domain's own each implementation says what it likes.
    const told = explanation === "DEFAULT" ? undefined : explanation
    if (told !== undefined) explanations++
    test(`${description}: ${name}`, async () => {
      const at = mailfrom.lastIndexOf("@")
      const identity =
        mailfrom === ""
          ? { localPart: "postmaster", domain: helo }
          : { localPart: mailfrom.slice(0, Math.max(0, at)), domain: mailfrom.slice(at + 1) }
      const question = { ...identity, address: host, helo, receiver: "mx.grussell.org" }
      const verdict = await checkHost(question, { dns: dnsOf(zone), clock: () => 0 })
      assert.ok(
        result.includes(verdict.result),
        `${verdict.result} (${verdict.why ?? verdict.term}), not ${result.join(" or ")}`,
      )
      if (explanation !== undefined) assert.equal(verdict.explanation, told)
      if (verdict.result === "fail" || verdict.result === "pass") assert.notEqual(verdict.term, undefined)
      else if (verdict.term === undefined) assert.notEqual(verdict.why, undefined)
    })
  }
}

test("the suite is whole: 203 cases, 14 of them with an explanation of the domain's own", () => {
  assert.deepEqual([cases, explanations], [203, 14])
})
