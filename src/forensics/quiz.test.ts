import assert from "node:assert/strict"
import { test } from "node:test"
import { openCase } from "./case.ts"
import { judge } from "./judgement.ts"
import { faults, makeQuestion } from "./quiz.ts"
import { signs } from "./teach.ts"

/** Dice that fall as they are told, then go on in some order. */
function dice(first: number, seed: number) {
  let asked = 0
  return (below: number) => (asked++ === 0 ? first : (seed * 7919 + asked * 104_729) % below)
}

for (const [n, { name }] of faults.entries()) {
  test(`a quiz with the fault "${name}" has that fault and no other`, () => {
    for (let seed = 1; seed <= 40; seed++) {
      const question = makeQuestion(dice(n, seed))
      assert.equal(question.fault, name)
      const { verdict, findings } = judge(
        openCase(Buffer.from(question.text), { receiver: question.receiver }),
      )
      if (name === "none") {
        assert.equal(verdict, "genuine", question.text)
        continue
      }
      assert.notEqual(verdict, "genuine", question.text)
      const sign = signs[n]
      const strong = findings.filter(({ severity }) => severity === "medium" || severity === "high")
      assert.ok(
        strong.every(
          ({ check }) =>
            sign?.checks.includes(check) === true || check === "reply_to" || check === "from_alignment",
        ),
        JSON.stringify(strong),
      )
    }
  })
}
