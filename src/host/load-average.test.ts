import assert from "node:assert/strict"
import { test } from "node:test"
import { loadAverage } from "./load-average.ts"

test("the load average is that of one minute, rounded, and read anew every five seconds", () => {
  let time = 0
  let reads = 0
  const average = loadAverage(
    () => {
      reads++
      return [reads === 1 ? 11.5 : 2.4, 99, 99]
    },
    () => time,
  )
  assert.equal(average(), 12)
  time = 4999
  assert.equal(average(), 12)
  assert.equal(reads, 1)
  time = 5000
  assert.equal(average(), 2)
})

test("the machine has one", () => {
  assert.ok(loadAverage()() >= 0)
})
