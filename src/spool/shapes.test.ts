import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { queuedFor, type Wish } from "../../test/kit/queued.ts"
import { QueueShape, total } from "../queue/summary.ts"
import { openDatabase } from "./database.ts"
import { ShapeCount } from "./shapes.ts"
import { openSpool } from "./sqlite.ts"
import type { Spool } from "./spool.ts"

const now = Date.UTC(2026, 10, 24, 12)
const minute = 60_000

async function withSpool(act: (spool: Spool, directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "waypost-shapes-"))
  const opened = await openSpool({ directory, clock: () => now, log: () => {} })
  assert.ok(opened.ok)
  try {
    await act(opened.value, directory)
  } finally {
    await opened.value.close()
    rmSync(directory, { recursive: true })
  }
}

async function accept(spool: Spool, wish: Wish): Promise<void> {
  const { entry, pending } = queuedFor(wish)
  const octets = Buffer.from("Subject: lunch\r\n\r\nHello gordon.\r\n")
  const incoming = spool.incoming(entry.id, octets.length)
  await incoming.write(octets)
  assert.ok((await incoming.commit({ ...entry, size: octets.length }, pending, Buffer.alloc(0))).ok)
}

const wishes: readonly Wish[] = [
  { to: ["a@Example.org", "b@example.org"], acceptedAt: now - 7 * minute },
  { to: ["you@napier.ac.uk", "postmaster"], acceptedAt: now },
  { to: ["you@napier.ac.uk"], host: "Relay.hello.com", acceptedAt: now - 3000 * minute },
  { to: ["me@[192.0.2.7]", "me@b\u00fccher.example"], acceptedAt: now - 100 * minute, held: "looks odd" },
  { to: ["here@grussell.org"], host: "", acceptedAt: now - 5 * minute },
]

test("counted where it lies, the queue has the shape it has message by message", async () => {
  await withSpool(async (spool) => {
    const shape = new QueueShape(now)
    for (const [n, wish] of wishes.entries()) {
      const named = { ...wish, id: `6AO7AgXX00000${n}` }
      await accept(spool, named)
      shape.add(queuedFor(named))
    }
    assert.deepEqual(await spool.shapes({ now }), shape.shapes())
    const totals = async (of: { olderThan?: number; held?: "no" | "only" }) =>
      (await spool.shapes({ now, ...of })).map(({ destination, counts }) => [destination, total(counts)])
    assert.deepEqual(await totals({ held: "only" }), [
      ["[192.0.2.7]", 1],
      ["xn--bcher-kva.example", 1],
    ])
    assert.deepEqual(await totals({ olderThan: now - 1000 * minute }), [["relay.hello.com", 1]])
    assert.equal((await totals({ held: "no" })).length, 5)
  })
})

test("a long queue is counted in steps, and a damaged row is told as one", async () => {
  await withSpool(async (spool, directory) => {
    for (let n = 0; n < 3; n++) await accept(spool, { ...wishes[0], id: `6AO7AgXX00000${n}` })
    await spool.close()
    const database = openDatabase(join(directory, "queue.db"), 1024 * 1024)
    database.exec(`UPDATE pending SET json = 'gone' WHERE seq = 2 AND number = 0;
      WITH RECURSIVE more(seq) AS (SELECT 10 UNION ALL SELECT seq + 1 FROM more WHERE seq < 6000)
      INSERT INTO entry (seq, id, acceptedAt, size, bodyCrc, crc, json) SELECT seq, 'x' || seq, ${now}, 1, 0, 0, '{}' FROM more;
      INSERT INTO pending (seq, number, next, lane, crc, json) SELECT seq, 0, 0, 0, 0, '{"recipient":{"path":"postmaster"}}' FROM entry WHERE seq >= 10`)
    const count = new ShapeCount(database, { now })
    let steps = 1
    while (!count.countOn()) steps++
    database.close()
    assert.equal(steps, 3)
    assert.deepEqual(
      count.value.map(({ destination, counts }) => [destination, total(counts)]),
      [
        ["(local)", 5991],
        ["example.org", 5],
        ["(damaged)", 1],
      ],
    )
  })
})
