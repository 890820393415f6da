import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { after, before, test } from "node:test"
import { openDatabase, pageSize } from "./database.ts"
import { Leaves } from "./leaves.ts"

const folder = mkdtempSync(join(tmpdir(), "waypost-leaves-"))
const path = join(folder, "queue.db")
after(() => rmSync(folder, { recursive: true, force: true }))

const messages = 300
const isDeleted = (seq: number) => seq % 3 === 0
const tables = ["entry", "pending", "body"] as const

/** What SQLite says of each row. */
const rows = new Map<string, unknown[]>()

/** Lengths from nothing to several overflow pages. */
const long = (n: number) => "x".repeat((n * n * 37) % 30_000)

function fill(database: DatabaseSync): void {
  const entry = database.prepare(
    "INSERT INTO entry (seq, id, acceptedAt, size, bodyCrc, fileSize, fileCrc, held, crc, json, segment, place) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  )
  const pending = database.prepare(
    "INSERT INTO pending (seq, number, next, due, crc, json, lane) VALUES (?, ?, ?, ?, ?, ?, ?)",
  )
  const body = database.prepare("INSERT INTO body (seq, octets) VALUES (?, ?)")
  for (let seq = 1; seq <= messages; seq++) {
    const held = seq % 7 === 0 ? "held" : null
    const [segment, place] = seq % 5 === 0 ? [seq, 8192] : [null, null]
    entry.run(
      seq,
      `id${seq}`,
      1_800_000_000_000 + seq,
      seq - 200,
      4_000_000_000,
      null,
      2 ** 40,
      held,
      seq,
      long(seq),
      segment,
      place,
    )
    for (let number = 0; number < 1 + (seq % 4); number++)
      pending.run(
        seq,
        number * 1_000_000,
        -seq,
        number === 0 ? null : seq,
        seq,
        long(seq + number),
        2 ** 31 + seq,
      )
    body.run(seq, Buffer.from(long(seq * 3)))
  }
  for (const table of tables) database.exec(`DELETE FROM ${table} WHERE seq % 3 = 0`)
  for (let seq = 1; seq <= messages; seq++)
    for (const table of tables)
      rows.set(
        `${table} ${seq}`,
        database.prepare(`SELECT * FROM ${table} WHERE seq = ?`).all(seq).map(plain),
      )
}

/** Octets as text, and without a prototype of SQLite's. */
function plain(row: object): object {
  const values = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? Buffer.from(value).toString() : value,
  ])
  return Object.fromEntries(values)
}

before(() => {
  const database = openDatabase(path, 1 << 20)
  database.exec("BEGIN")
  fill(database)
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
  database.close()
})

function leaves(): Leaves {
  return Leaves.of(path, pageSize) ?? assert.fail("its free pages are known")
}

test("every row is found as SQLite has it, overflow pages and all, and no deleted one", () => {
  const found = leaves()
  for (let seq = 1; seq <= messages; seq++)
    for (const table of tables) {
      const inOrder = found.rows(table, seq).toSorted((a, b) => Number(a["number"]) - Number(b["number"]))
      assert.deepEqual(inOrder.map(plain), rows.get(`${table} ${seq}`), `${table} ${seq}`)
      if (isDeleted(seq)) assert.equal(rows.get(`${table} ${seq}`)?.length, 0)
    }
  assert.deepEqual([...found.seqs()].filter(isDeleted), [])
  found.close()
})

/** Pages of this kind: 5 is an inner page of a table, 2 one of an index. */
function pagesOf(kind: number): readonly number[] {
  const file = readFileSync(path)
  return Array.from({ length: file.length / pageSize }, (_, n) => n).filter(
    (n) => n > 0 && file[n * pageSize] === kind,
  )
}

test("with all inner pages of tables gone every row of entry and body is found", () => {
  const whole = readFileSync(path)
  const spoilt = Buffer.from(whole)
  const inner = pagesOf(5)
  assert.ok(inner.length >= 2)
  for (const n of inner) spoilt.fill("\u0007noise", n * pageSize, (n + 1) * pageSize)
  writeFileSync(path, spoilt)
  const found = leaves()
  for (let seq = 1; seq <= messages; seq++)
    for (const table of ["entry", "body"] as const)
      assert.deepEqual(found.rows(table, seq).map(plain), rows.get(`${table} ${seq}`), `${table} ${seq}`)
  found.close()
  writeFileSync(path, whole)
})

for (const [what, at, octets] of [
  ["says another number of free pages", 36, [0, 0, 0, 1]],
  ["begins its list of free pages beyond the end", 32, [0, 255, 255, 255]],
  ["begins its list of free pages in the first page", 32, [0, 0, 0, 1]],
] as const) {
  test(`a file that ${what} is not looked through: what was deleted would come back`, () => {
    const whole = readFileSync(path)
    const spoilt = Buffer.from(whole)
    Buffer.from(octets).copy(spoilt, at)
    writeFileSync(path, spoilt)
    assert.equal(Leaves.of(path, pageSize), undefined)
    writeFileSync(path, whole)
  })
}

test("noise is no rows", () => {
  const whole = readFileSync(path)
  const header = Buffer.from(whole.subarray(0, pageSize))
  header.fill(0, 32, 40)
  const noise = Buffer.alloc(20 * pageSize)
  for (let n = 0; n < noise.length; n++) noise[n] = (n * 7919 + (n >> 8) * 31) & 255
  for (const [n, kind] of [13, 10, 2, 5].entries()) noise[n * pageSize] = kind
  writeFileSync(path, Buffer.concat([header, noise]))
  const found = leaves()
  for (const seq of found.seqs()) for (const table of tables) found.rows(table, seq)
  found.close()
  writeFileSync(path, whole)
})
