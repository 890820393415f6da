import assert from "node:assert/strict"
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { after, test } from "node:test"
import { readWal } from "./wal.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-wal-"))
after(() => rmSync(directory, { recursive: true, force: true }))

/** A log as a killed process leaves it, after so many commits. */
function killedAfter(commits: number, name: string): string {
  const path = join(directory, name)
  const database = new DatabaseSync(path)
  database.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
  database.exec("CREATE TABLE letter (n INTEGER PRIMARY KEY, words TEXT)")
  const put = database.prepare("INSERT INTO letter VALUES (?, ?)")
  for (let n = 1; n <= commits; n++) put.run(n, "Hello gordon. ".repeat(100))
  copyFileSync(path, `${path}.copy`)
  copyFileSync(`${path}-wal`, `${path}.copy-wal`)
  database.close()
  return `${path}.copy`
}

/** How many letters SQLite finds. */
function count(path: string): number {
  const database = new DatabaseSync(path)
  const row = database.prepare("SELECT count(*) AS letters FROM letter").get()
  database.close()
  return Number(row?.["letters"])
}

test("a log that a killed process left is in order, and its pages are those that SQLite reads", () => {
  const path = killedAfter(20, "killed")
  const found = readWal(`${path}-wal`)
  assert.ok(found !== undefined)
  assert.equal(found.damage, undefined)
  assert.equal(found.pageSize, 8192)
  const log = readFileSync(`${path}-wal`)
  const pages = Buffer.alloc(found.pages * found.pageSize)
  for (const { page, offset } of found.frames) log.copy(pages, (page - 1) * 8192, offset, offset + 8192)
  pages[18] = pages[19] = 1 // no log belongs to it any more
  writeFileSync(join(directory, "put-together"), pages)
  assert.equal(count(join(directory, "put-together")), 20)
  assert.equal(count(path), 20)
})

test("a log that was cut off anywhere is what a crash leaves, and no damage", () => {
  const path = killedAfter(10, "cut")
  const whole = readFileSync(`${path}-wal`)
  for (let length = 0; length <= whole.length; length += 997) {
    writeFileSync(join(directory, "cut-wal"), whole.subarray(0, length))
    assert.equal(readWal(join(directory, "cut-wal"))?.damage, undefined, `cut at ${length}`)
  }
})

test("an octet that was changed anywhere before the last commit is damage, and all other pages are still found", () => {
  const path = killedAfter(10, "changed")
  const whole = readFileSync(`${path}-wal`)
  const before = readWal(`${path}-wal`)?.frames.length ?? 0
  const lastFrame = whole.length - 8192 - 24
  for (let at = 1; at < lastFrame; at += 1009) {
    const changed = Buffer.from(whole)
    changed[at] = (changed[at] ?? 0) ^ 0x55
    writeFileSync(join(directory, "changed-wal"), changed)
    const found = readWal(join(directory, "changed-wal"))
    assert.match(found?.damage ?? "no damage", /not what was written/, `octet ${at}`)
    assert.ok((found?.frames.length ?? 0) >= before - 2, `octet ${at}: ${found?.frames.length} of ${before}`)
  }
})

for (let at = 0; at < 32; at += 5) {
  test(`octet ${at} of the log's header is missed when it is changed`, () => {
    const path = killedAfter(5, `header-${at}`)
    const changed = readFileSync(`${path}-wal`)
    changed[at] = (changed[at] ?? 0) ^ 0x55
    writeFileSync(`${path}-wal`, changed)
    assert.match(readWal(`${path}-wal`)?.damage ?? "no damage", /not what was written/)
  })
}

test("an old log, or none, or one without a commit, says nothing", () => {
  assert.equal(readWal(join(directory, "none")), undefined)
  writeFileSync(join(directory, "empty"), "")
  assert.equal(readWal(join(directory, "empty")), undefined)
  writeFileSync(join(directory, "noise"), Buffer.alloc(100_000, 7))
  assert.equal(readWal(join(directory, "noise")), undefined)
})
