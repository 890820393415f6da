import assert from "node:assert/strict"
import { tmpdir } from "node:os"
import { test } from "node:test"
import fc from "fast-check"
import { sharesAt, sharesOf } from "./disk.ts"

const MiB = 1024 * 1024

/** Size of the disk; WAL (of which a segment of the log is the half), reserve and history, in MiB. */
const disks: readonly (readonly [number, number, number, number])[] = [
  [8, 1, 2, 1],
  [24, 1.5, 3, 1],
  [512, 32, 64, 16],
  [8 * 1024, 32, 64, 256],
  [1024 * 1024, 32, 64, 256],
]
for (const [disk, wal, reserve, history] of disks) {
  test(`of ${disk} MiB the WAL gets ${wal}, the reserve ${reserve}, the timelines ${history}`, () => {
    assert.deepEqual(sharesOf(disk * MiB), {
      wal: wal * MiB,
      segment: (wal / 2) * MiB,
      reserve: reserve * MiB,
      history: history * MiB,
    })
  })
}

test("the reserve always has room for the whole WAL, and all of it is a part of the disk from 8 MiB on", () => {
  fc.assert(
    fc.property(fc.integer({ min: 8 * MiB, max: 2 ** 50 }), (octets) => {
      const { wal, reserve, history } = sharesOf(octets)
      assert.ok(reserve >= wal)
      assert.ok(wal + reserve + history <= octets / 2)
    }),
  )
})

test("the disk of a directory is asked", () => {
  assert.ok(sharesAt(tmpdir()).wal > 0)
  assert.throws(() => sharesAt("/nonexistent"), /ENOENT/)
})
