import assert from "node:assert/strict"
import { statfsSync } from "node:fs"
import { tmpdir } from "node:os"
import { test } from "node:test"
import { reserveOf, Room } from "./room.ts"

const free = () => {
  const { bavail, bsize } = statfsSync(tmpdir())
  return bavail * bsize
}

test("a message needs its space twice, above the reserve", () => {
  const room = new Room(tmpdir(), () => 0, free() - 100_000_000)
  assert.ok(room.for(10_000_000).ok)
  const refused = room.for(90_000_000)
  assert.ok(!refused.ok)
  assert.match(refused.error, /KiB short of 90000000 octets with the reserve kept free/)
})

test("what has come since the last look at the disk counts at once; the disk itself is asked once a second", () => {
  let now = 0
  const room = new Room(tmpdir(), () => now, free() - 100_000_000)
  assert.ok(room.for(10_000_000).ok)
  room.taken(45_000_000)
  assert.equal(room.for(10_000_000).ok, false)
  now = 999
  assert.equal(room.for(10_000_000).ok, false)
  now = 1000
  assert.ok(room.for(10_000_000).ok)
  room.taken(45_000_000)
  assert.equal(room.for(10_000_000).ok, false)
  now = 500 // the clock was set back
  assert.ok(room.for(10_000_000).ok)
})

test("a directory that cannot be asked has no room, and the reason is one line", () => {
  const gone = new Room("/nonexistent/queue", () => 0, undefined).for(1)
  assert.ok(!gone.ok)
  assert.match(gone.error, /^\/nonexistent\/queue: ENOENT[^\n]*$/)
})

test("MinFreeBlocks is in blocks of the file system, and never less than the disk's own reserve", () => {
  const own = reserveOf(tmpdir(), 0)
  assert.ok(own > 0)
  assert.equal(reserveOf(tmpdir(), 1), own)
  assert.equal(reserveOf(tmpdir(), 1_000_000_000) % 1_000_000_000, 0)
})
