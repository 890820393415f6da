// A database that the disk, or somebody, has changed: found, set aside, and what is whole goes on.
import assert from "node:assert/strict"
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { after, before, test } from "node:test"
import { headerSize, messageOf, octetsOf } from "../../test/kills/message.ts"
import type { DamageReport } from "./requests.ts"
import type { Spool } from "./spool.ts"
import { openSpool } from "./sqlite.ts"

const page = 8192
const letters = 80
const sizeOf = (n: number) => (n % 10 === 9 ? 90_000 : 600 + n * 150)
const names = Array.from({ length: letters }, (_, n) => `letter${String(n).padStart(2, "0")}`)

const root = mkdtempSync(join(tmpdir(), "waypost-salvage-"))
/** A queue that was closed in order, and one as a killed process leaves it: all of it is in the log. */
const closed = join(root, "closed")
const killed = join(root, "killed")
after(() => rmSync(root, { recursive: true, force: true }))

type Opened = { readonly spool: Spool; readonly reports: DamageReport[]; readonly log: string[] }

async function open(directory: string, auditAfter?: number): Promise<Opened> {
  const reports: DamageReport[] = []
  const log: string[] = []
  const opened = await openSpool({
    directory,
    clock: Date.now,
    reserveBytes: 0,
    log: (line) => log.push(line),
    onDamage: (report) => reports.push(report),
    auditAfter,
  })
  if (!opened.ok) assert.fail(opened.error)
  return { spool: opened.value, reports, log }
}

async function accept(spool: Spool, id: string, size: number): Promise<void> {
  const octets = octetsOf(id, size)
  const incoming = spool.incoming(id, 0)
  for (let at = headerSize; at < size; at += 30_000)
    await incoming.write(Buffer.from(octets.subarray(at, at + 30_000)))
  const { entry, pending } = messageOf(id, size, 2)
  const done = await incoming.commit(entry, pending, octets.subarray(0, headerSize))
  assert.ok(done.ok, done.ok ? "" : done.error.why)
  spool.note([
    {
      at: Date.now(),
      id,
      what: "accepted",
      address: "you@napier.ac.uk",
      status: "2.0.0",
      detail: "",
      remote: undefined,
      reason: undefined,
      message: { entry, recipients: ["you@napier.ac.uk"], header: "" },
    },
  ])
}

before(async () => {
  const { spool } = await open(closed)
  await Promise.all(names.slice(0, 40).map((id, n) => accept(spool, id, sizeOf(n))))
  for (const [n, id] of names.entries()) {
    if (n >= 40) await accept(spool, id, sizeOf(n))
    await spool.count() // whoever asks makes rows of what is in the log
  }
  await spool.history("letter00") // the timelines are written
  cpSync(closed, killed, { recursive: true })
  await spool.close()
  rmSync(join(killed, "lock"), { force: true })
  assert.ok(statSync(join(killed, "queue.db-wal")).size > 40 * page)
})

/** A copy that may be spoiled. */
async function spoiled(from: string, spoil: (directory: string) => void): Promise<string> {
  const directory = mkdtempSync(join(root, "spoiled-"))
  cpSync(from, directory, { recursive: true })
  spoil(directory)
  return directory
}

const database = (directory: string) => join(directory, "queue.db")

/** Changes octets of a file, from here on. */
function overwrite(path: string, at: number, octets: Buffer): void {
  const all = readFileSync(path)
  octets.copy(all, at)
  writeFileSync(path, all)
}

function flip(path: string, at: number): void {
  const all = readFileSync(path)
  all[at] = (all[at] ?? 0) ^ 0x41
  writeFileSync(path, all)
}

/** Asked until the store is in order: the first question may be the one that finds the damage. */
async function ask<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await act()
    } catch (error) {
      if (tries > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** Reads everything; the ids of what is whole. What is not whole must have been told. */
async function readAll({ spool }: Opened): Promise<ReadonlySet<string>> {
  const whole = new Set<string>()
  const found = await ask(() => spool.list({}, undefined, 1000))
  for (const { entry, pending } of found) {
    const n = names.indexOf(entry.id)
    const content = await ask(() => spool.content(entry.id))
    if (!content.ok) continue
    const pieces: Buffer[] = []
    for await (const piece of content.value.chunks()) pieces.push(Buffer.from(piece))
    assert.deepEqual(Buffer.concat(pieces), octetsOf(entry.id, n < 0 ? 700 : sizeOf(n)), entry.id)
    assert.equal(pending.length > 0, true)
    whole.add(entry.id)
  }
  return whole
}

/** After damage: what is left is whole, all that is missing was told, mail goes on, and the next start finds nothing wrong. */
async function check(directory: string, atLeast: number): Promise<DamageReport[]> {
  const opened = await open(directory)
  await readAll(opened)
  const whole = await readAll(opened)
  const told = new Set(opened.reports.flatMap(({ lost }) => lost.map(({ id }) => id)))
  for (const id of readdirSync(join(directory, "damaged"))) told.add(id.replace(/\.entry$/, ""))
  const missing = names.filter((id) => !whole.has(id) && !told.has(id))
  assert.deepEqual(missing, [], "nobody was told of these")
  assert.ok(whole.size >= atLeast, `${whole.size} of ${letters} are left`)
  await ask(async () => assert.ok(opened.spool.room(700).ok))
  await accept(opened.spool, "afterwards", 700)
  await opened.spool.close()

  const again = await open(directory)
  assert.deepEqual(again.reports, [], "it is in order now")
  assert.equal((await readAll(again)).size, whole.size + 1)
  await again.spool.close()
  return opened.reports
}

const noise = Buffer.alloc(page, "\u0007noise")

for (const [what, spoil, atLeast] of [
  ["its first hundred octets are zero", (path: string) => overwrite(path, 0, Buffer.alloc(100)), letters],
  ["its name is another", (path: string) => flip(path, 3), letters],
  ["its page size is another", (path: string) => overwrite(path, 16, Buffer.from([4, 0])), letters],
  [
    "its version is a number that no version has",
    (path: string) => overwrite(path, 60, Buffer.from([77, 0, 0, 1])),
    letters,
  ],
  ["its version is of long ago", (path: string) => overwrite(path, 60, Buffer.from([0, 0, 0, 1])), letters],
  ["its first page is noise", (path: string) => overwrite(path, 0, noise), letters],
  ["it is cut in the middle", (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2)), 10],
  ["it is cut within a page", (path: string) => truncateSync(path, statSync(path).size - 3000), letters - 20],
  ["it is cut to its first page", (path: string) => truncateSync(path, page), 0],
  ["nothing of it is left", (path: string) => truncateSync(path, 0), 0],
  ["it is gone", (path: string) => rmSync(path), 0],
  [
    "it is noise from end to end",
    (path: string) => writeFileSync(path, Buffer.alloc(50 * page, "\u0007noise")),
    0,
  ],
] as const) {
  test(`queue.db: ${what}; at least ${atLeast} of ${letters} messages go on, and so does new mail`, async () => {
    const directory = await spoiled(closed, (folder) => spoil(database(folder)))
    const before = existsSync(database(directory)) ? readFileSync(database(directory)) : undefined
    const reports = await check(directory, atLeast)
    assert.equal(reports.length > 0, true, "it was told")
    const aside = reports.flatMap(({ where }) => (existsSync(join(where, "queue.db")) ? [where] : []))
    if (before !== undefined)
      assert.ok(readFileSync(join(aside[0] ?? "", "queue.db")).equals(before), "as it was")
  })
}

test("any page of queue.db may be noise: nothing is given out wrong, and all that is missing is told", async () => {
  const pages = statSync(database(closed)).size / page
  for (let n = 1; n < pages; n += Math.ceil(pages / 12)) {
    const directory = await spoiled(closed, (folder) => overwrite(database(folder), n * page, noise))
    await check(directory, 0)
    rmSync(directory, { recursive: true })
  }
})

test("an inner page of a table is noise: every message below it goes on", async () => {
  const file = readFileSync(database(closed))
  const pages = Array.from({ length: file.length / page }, (_, n) => n)
  const inner = pages.filter((n) => n > 0 && file[n * page] === 5)
  assert.ok(inner.length > 0, "there are inner pages")
  for (const n of inner) {
    const directory = await spoiled(closed, (folder) => overwrite(database(folder), n * page, noise))
    const reports = await check(directory, letters)
    assert.deepEqual(
      reports.flatMap(({ lost }) => lost),
      [],
    )
    rmSync(directory, { recursive: true })
  }
})

test("an octet may change anywhere in queue.db: at most a page of messages is lost by it, and told", async () => {
  const { size } = statSync(database(closed))
  for (let at = 5001; at < size; at += Math.ceil(size / 16)) {
    const directory = await spoiled(closed, (folder) => flip(database(folder), at))
    await check(directory, letters - 25)
    rmSync(directory, { recursive: true })
  }
})

for (const [what, spoil, atLeast] of [
  ["an octet in its middle", (path: string) => flip(path, Math.floor(statSync(path).size / 2)), letters - 25],
  ["its first page", (path: string) => overwrite(path, 32, noise), letters - 25],
  ["its header", (path: string) => overwrite(path, 0, Buffer.alloc(32)), letters],
] as const) {
  test(`queue.db-wal: ${what} changed after a kill; commits after it are not forgotten`, async () => {
    const directory = await spoiled(killed, (folder) => spoil(join(folder, "queue.db-wal")))
    const reports = await check(directory, atLeast)
    assert.match(reports[0]?.why ?? "", /queue\.db-wal is damaged/)
  })
}

test("a database that is empty beside a log that is not gets back what the log has", async () => {
  const directory = await spoiled(killed, (folder) => truncateSync(database(folder), 0))
  const [report] = await check(directory, 1)
  assert.match(report?.why ?? "", /queue\.db is empty/)
})

/** Says another condition of the index pendingLane, without making it anew. */
function rewriteIndex(folder: string, from: string, to: string): void {
  const file = new DatabaseSync(database(folder), { defensive: false })
  file.exec("PRAGMA writable_schema = ON")
  file.prepare("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'pendingLane'").run(from, to)
  file.close()
}

test("an index that leads astray is found by the daily look, and made anew", async () => {
  const directory = await spoiled(closed, (folder) => {
    // The index is emptied behind SQLite's back: what is due is found by nobody.
    rewriteIndex(folder, "due IS NOT NULL", "due IS NOT NULL AND due < 0")
    const file = new DatabaseSync(database(folder))
    file.exec("REINDEX pendingLane")
    file.close()
    rewriteIndex(folder, "due IS NOT NULL AND due < 0", "due IS NOT NULL")
  })
  const opened = await open(directory, 0)
  for (let tries = 0; opened.reports.length === 0 && tries < 500; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  assert.match(opened.reports[0]?.why ?? "", /index of queue\.db was damaged and made anew/)
  assert.equal((await opened.spool.due(Date.now() + 1e12, 1000)).length, letters)
  await opened.spool.close()
})

test("a salvage that is cut off goes on at the next start", async () => {
  const directory = await spoiled(closed, (folder) => {
    copyFileSync(database(folder), join(folder, "queue.db.salvaged"))
    overwrite(database(folder), 0, noise)
  })
  const { spool, reports } = await open(directory)
  assert.deepEqual(reports, [])
  assert.equal((await spool.list({}, undefined, 1000)).length, letters)
  assert.deepEqual(readdirSync(join(directory, "damaged")), ["queue-1"])
  await spool.close()
})
