import assert from "node:assert/strict"
import { test } from "node:test"
import { Sampling } from "./sampling.ts"

const taken = (sampling: Sampling, count: number, at: number) =>
  Array.from({ length: count }, () => sampling.takes(at)).filter(Boolean).length

test("in quiet times every refusal is kept with its inputs", () => {
  const sampling = new Sampling()
  for (let second = 0; second < 10; second++) assert.equal(taken(sampling, 20, second * 1000), 20)
})

test("of a flood a sample is kept, and the next second begins anew", () => {
  const sampling = new Sampling()
  assert.equal(taken(sampling, 10_000, 5000), 220) // 20, and one in 50 of all
  assert.equal(taken(sampling, 3, 6000), 3)
})
