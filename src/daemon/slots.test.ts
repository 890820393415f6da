import assert from "node:assert/strict"
import { test } from "node:test"
import { NamedSlots, Slots } from "./slots.ts"

test("what waits for a slot is served in order", async () => {
  const slots = new Slots(1)
  assert.equal(slots.take(), undefined)
  const order: number[] = []
  const waits = [1, 2, 3].map(async (n) => {
    await slots.take()
    order.push(n)
    slots.release()
  })
  slots.release()
  await Promise.all(waits)
  assert.deepEqual(order, [1, 2, 3])
  assert.ok(slots.idle(1))
})

test("5,000 waiters on one slot all get it", async () => {
  const slots = new Slots(1)
  slots.take()
  let served = 0
  const waits = Array.from({ length: 5000 }, async () => {
    await slots.take()
    served++
    slots.release()
  })
  slots.release()
  await Promise.all(waits)
  assert.equal(served, 5000)
})

test("a full destination does not hold up another, and work that fails gives its slot back", async () => {
  const slots = new NamedSlots(1)
  const { promise, resolve } = Promise.withResolvers<void>()
  const slow = slots.run("dead.test", () => promise)
  assert.equal(await slots.run("live.test", async () => "done"), "done")
  resolve()
  await slow
  await assert.rejects(
    slots.run("dead.test", async () => {
      throw new Error("broken")
    }),
  )
  assert.equal(await slots.run("dead.test", async () => "again"), "again")
})
