import assert from "node:assert/strict"
import { test } from "node:test"
import { ClientLoad } from "./client-load.ts"

test("connections that are open and those of the last minute are counted for each address", () => {
  const load = new ClientLoad()
  assert.deepEqual(load.arrive("192.0.2.7", 0), { open: 1, rate: 1 })
  assert.deepEqual(load.arrive("192.0.2.7", 5000), { open: 2, rate: 2 })
  assert.deepEqual(load.arrive("192.0.2.8", 5000), { open: 1, rate: 1 })
  load.leave("192.0.2.7")
  assert.deepEqual(load.arrive("192.0.2.7", 59_999), { open: 2, rate: 3 })
})

test("what is a minute old counts no more; what is open does", () => {
  const load = new ClientLoad()
  load.arrive("192.0.2.7", 0)
  load.arrive("192.0.2.7", 30_000)
  assert.deepEqual(load.arrive("192.0.2.7", 60_000), { open: 3, rate: 2 })
  assert.deepEqual(load.arrive("192.0.2.7", 600_000), { open: 4, rate: 1 })
})

test("who is gone for a minute is forgotten, who still holds a connection is not", () => {
  const load = new ClientLoad()
  load.arrive("192.0.2.7", 0)
  load.leave("192.0.2.7")
  load.arrive("192.0.2.8", 0)
  load.arrive("192.0.2.9", 600_000)
  assert.deepEqual(load.arrive("192.0.2.7", 600_000), { open: 1, rate: 1 })
  assert.deepEqual(load.arrive("192.0.2.8", 600_000), { open: 2, rate: 1 })
  load.leave("192.0.2.77") // never seen
})
