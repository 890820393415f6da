import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Deadline } from "./deadline.ts"

/** A deadline, and how often it was over. Its timer keeps no process alive: ours does. */
function counted() {
  let times = 0
  const deadline = new Deadline(() => void times++)
  return { deadline, times: () => times }
}

test("the last limit that was set counts, be it later or sooner, and only once", async () => {
  const { deadline, times } = counted()
  deadline.set(20)
  deadline.set(60_000)
  await sleep(60)
  assert.equal(times(), 0)
  deadline.set(20)
  await sleep(60)
  assert.equal(times(), 1)
  await sleep(40)
  assert.equal(times(), 1)
})

test("one that was lifted is never over, and may be set again; one that has ended is quiet", async () => {
  const { deadline, times } = counted()
  deadline.set(20)
  deadline.lift()
  await sleep(60)
  assert.equal(times(), 0)
  deadline.set(20)
  await sleep(60)
  assert.equal(times(), 1)
  deadline.set(20)
  deadline.end()
  await sleep(60)
  assert.equal(times(), 1)
})
