import assert from "node:assert/strict"
import { test } from "node:test"
import { Throttle } from "./throttle.ts"

test("so many connections a second begin at once, the others each in the first second that has room", () => {
  const throttle = new Throttle(2)
  const waits = (now: number, times: number) => Array.from({ length: times }, () => throttle.arrive(now))
  assert.deepEqual(waits(10_000, 5), [0, 0, 1000, 1000, 2000])
  assert.deepEqual(waits(10_500, 2), [1500, 2500])
  assert.deepEqual(waits(20_000, 2), [0, 0])
})

test("without a limit nobody waits", () => {
  const throttle = new Throttle(0)
  assert.deepEqual([throttle.arrive(0), throttle.arrive(0), throttle.arrive(0)], [0, 0, 0])
})
