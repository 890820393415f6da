import assert from "node:assert/strict"
import { test } from "node:test"
import { Turns } from "./turns.ts"

test("a turn of the event loop has so much work; what is left is done in the next ones, in its order", async () => {
  let now = 0
  const turns = new Turns(10, () => now)
  const done: number[] = []
  const work = async (n: number) => {
    await turns.hasTime()
    now += 4
    done.push(n)
  }
  const all: Promise<void>[] = []
  for (let n = 0; n < 7; n++) {
    all.push(work(n))
    await new Promise((resolve) => process.nextTick(resolve)) // it comes in the same turn
  }
  assert.deepEqual(done, [0, 1, 2])
  await Promise.all(all)
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5, 6])
})

test("however long one work takes, the next one has its turn", async () => {
  let now = 0
  const turns = new Turns(10, () => now)
  for (let n = 0; n < 3; n++) {
    await turns.hasTime()
    now += 100
  }
  assert.equal(now, 300)
})
