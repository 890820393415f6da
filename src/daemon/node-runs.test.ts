import assert from "node:assert/strict"
import { test } from "node:test"
import { limitOf, NodeRuns } from "./node-runs.ts"

for (const [argument, field, part] of [
  ["Example.ORG", "recipient", "@example.org"],
  ["@example.org", "recipient", "example.org"],
  ["#slow", "group", "slow"],
] as const) {
  test(`ETRN ${argument} means the ${field} ${part}`, () => {
    assert.deepEqual(limitOf(argument), { field, part, not: false })
  })
}

test("runs come one after the other, and a host that is asked for twice meanwhile is run once", async () => {
  const begun: string[] = []
  const ends: (() => void)[] = []
  const runs = new NodeRuns((_, argument) => {
    begun.push(argument)
    return new Promise<void>((resolve) => ends.push(resolve))
  })
  for (const argument of ["a.test", "b.test", "b.test", "c.test"]) runs.ask(argument)
  assert.deepEqual(begun, ["a.test"])
  for (let n = 0; n < 3; n++) {
    ends[n]?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(begun, ["a.test", "b.test", "c.test"])
  runs.ask("a.test")
  assert.deepEqual(begun.at(-1), "a.test")
})

test("whoever asks for more hosts than can wait gets no more of them", async () => {
  let runs = 0
  const all = new NodeRuns(async () => void runs++)
  for (let n = 0; n < 1000; n++) all.ask(`${n}.test`)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(runs, 51)
})
