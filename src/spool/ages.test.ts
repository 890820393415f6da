import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { test } from "node:test"
import { AgeCount } from "./ages.ts"
import { openDatabase } from "./database.ts"

const hour = 3_600_000
const now = 1_000 * hour

function withQueue(act: (database: DatabaseSync) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "waypost-ages-"))
  const database = openDatabase(join(directory, "queue.db"), 1024 * 1024)
  try {
    act(database)
  } finally {
    database.close()
    rmSync(directory, { recursive: true })
  }
}

type Waiting = { readonly age: number; readonly next: readonly number[]; readonly held?: boolean }

function add(database: DatabaseSync, { age, next, held = false }: Waiting, count = 1): void {
  const entry = database.prepare(
    "INSERT INTO entry (id, acceptedAt, size, bodyCrc, held, crc, json) VALUES (?, ?, 1, 0, ?, 0, '{}')",
  )
  const pending = database.prepare(
    "INSERT INTO pending (seq, number, next, crc, json) VALUES (?, ?, ?, 0, '{}')",
  )
  database.exec("BEGIN")
  for (let n = 0; n < count; n++) {
    const { lastInsertRowid } = entry.run(`m${Math.random()}`, now - age, held ? "{}" : null)
    for (const [number, time] of next.entries()) pending.run(lastInsertRowid, number, time)
  }
  database.exec("COMMIT")
}

/** What is there, without what nothing has, and in how many steps it was counted. */
function counted(database: DatabaseSync) {
  const count = new AgeCount(database, now)
  let steps = 1
  while (!count.countOn()) steps++
  return { steps, ages: count.value.filter(({ messages }) => messages > 0) }
}

test("an empty queue has every state and age, each with nothing", () => {
  withQueue((database) => {
    const count = new AgeCount(database, now)
    assert.ok(count.countOn())
    assert.equal(count.value.length, 18)
    assert.ok(count.value.every(({ messages, recipients }) => messages === 0 && recipients === 0))
  })
})

test("messages are counted by what is to be done with them and by age, recipients with them", () => {
  withQueue((database) => {
    add(database, { age: 1000, next: [0, 0] })
    add(database, { age: 2 * hour, next: [now + hour] })
    add(database, { age: 2 * hour, next: [now + hour, now - 1] })
    add(database, { age: 200 * hour, next: [0], held: true })
    assert.deepEqual(counted(database).ages, [
      { state: "active", age: "5m", messages: 1, recipients: 2 },
      { state: "active", age: "4h", messages: 1, recipients: 2 },
      { state: "deferred", age: "4h", messages: 1, recipients: 1 },
      { state: "held", age: "older", messages: 1, recipients: 1 },
    ])
  })
})

test("a long queue is counted in steps, and none of it twice", () => {
  withQueue((database) => {
    add(database, { age: 2 * hour, next: [now + hour] }, 12_001)
    assert.deepEqual(counted(database), {
      steps: 3,
      ages: [{ state: "deferred", age: "4h", messages: 12_001, recipients: 12_001 }],
    })
  })
})
