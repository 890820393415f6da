// A queue.db that is damaged is set aside, and a new one begun with every message of it that is proven whole by its checksums. What
// is left of the others lies in damaged/, and is told. The work is done beside; one rename makes it count.
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { crc32 } from "node:zlib"
import { printPath } from "../mail/address.ts"
import type { Entry, Pending } from "../queue/entry.ts"
import { laneOf } from "../queue/fair.ts"
import { type Folders, setAsideOctets, syncFolder } from "./bodies.ts"
import { checksum } from "./codec.ts"
import { compose, lendFirstPage } from "./compose.ts"
import { DamagedRows } from "./damaged-rows.ts"
import { markOf, openDatabase, pageSize } from "./database.ts"
import type { Row } from "./leaves.ts"
import { segmentPath } from "./log-segments.ts"
import type { DamagedMessage, DamageReport } from "./requests.ts"
import { rememberedBeside } from "./remembered.ts"
import { replay } from "./replay.ts"
import { newestSign } from "./marks.ts"
import { step } from "./steps.ts"
import { holdsPages } from "./wal.ts"

const names = { database: "queue.db", work: "salvage", ready: "queue.db.salvaged" } as const

/** Messages in one transaction. */
const portion = 500

/** Saves what can be saved; afterwards queue.db is in order. It throws when there is no room for that, and then nothing has changed. */
export function salvage(folders: Folders, why: string): DamageReport {
  const work = join(folders.root, names.work)
  needRoom(folders.root)
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { mode: 0o700 })
  const fresh = openDatabase(join(work, "new.db"), 1 << 20)
  const rows = openDamaged(join(folders.root, names.database), work, fresh)
  let saved: Saved = { kept: 0, ids: new Set(), lost: [] }
  try {
    if (rows !== undefined) saved = copyAll(rows, fresh, folders)
    // Without the mark all of the log is read again: some mail may be delivered twice, none is lost.
    const mark = rows?.mark()
    if (mark !== undefined) fresh.prepare("UPDATE log SET segment = ?, at = ?").run(mark.segment, mark.at)
    for (const { id } of replay(folders, markOf(fresh), () => {})) saved.ids.add(id)
  } finally {
    rows?.close()
    fresh.exec(newestSign)
    fresh.exec("PRAGMA wal_checkpoint(TRUNCATE)")
    fresh.close()
  }
  keepStrayBodies(folders, saved.ids)
  renameSync(join(work, "new.db"), join(folders.root, names.ready))
  syncFolder(folders.root)
  step("salvage.ready")
  const where = finishSalvage(folders) ?? folders.damaged
  rmSync(work, { recursive: true, force: true })
  const known = new Set([...saved.ids, ...saved.lost.map(({ id }) => id)])
  const lost = [...saved.lost, ...rememberedBeside(join(folders.root, "history.db"), known)]
  return { why, kept: saved.kept, lost, where }
}

/** Two more of it are made, a copy and a new one. */
function needRoom(root: string): void {
  const path = join(root, names.database)
  const needed = 2 * (sizeOf(path) + sizeOf(`${path}-wal`))
  const { bavail, bsize } = statfsSync(root)
  if (bavail * bsize < needed)
    throw new Error(`to save what is in it, ${Math.ceil(needed / 1048576)} MiB must be free`)
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Puts a finished salvage in its place, also one that a crash cut off there; says where the damaged files are. */
export function finishSalvage(folders: Folders): string | undefined {
  const ready = join(folders.root, names.ready)
  if (!existsSync(ready)) return undefined
  const where = placeAside(folders)
  for (const ending of ["-wal", "-shm", ""]) {
    const path = join(folders.root, `${names.database}${ending}`)
    if (existsSync(path)) renameSync(path, join(where, `${names.database}${ending}`))
  }
  syncFolder(where)
  renameSync(ready, join(folders.root, names.database))
  syncFolder(folders.root)
  step("salvage.done")
  return where
}

/** damaged/queue-1, damaged/queue-2 …: the newest one while it has no database yet. */
function placeAside({ damaged }: Folders): string {
  for (let n = 1; ; n++) {
    const place = join(damaged, `queue-${n}`)
    if (existsSync(join(place, names.database))) continue
    mkdirSync(place, { recursive: true, mode: 0o700 })
    syncFolder(damaged)
    return place
  }
}

/** The old rows, by whatever first page shows them; undefined when nothing can be read. */
function openDamaged(path: string, work: string, fresh: DatabaseSync): DamagedRows | undefined {
  if (sizeOf(path) === 0 && !holdsPages(`${path}-wal`)) return undefined
  const copy = join(work, "old.db")
  const header = compose(path, copy, pageSize)
  fresh.exec("PRAGMA wal_checkpoint(TRUNCATE)")
  for (const attempt of ["as it is", "lent"] as const) {
    if (attempt === "lent") lendFirstPage(join(work, "new.db"), copy, pageSize)
    try {
      const rows = new DamagedRows(copy, attempt === "lent" ? "mended" : header)
      if (["entry", "pending", "body"].every((table) => rows.has(table))) return rows
      rows.close()
    } catch {
      continue // no database by this first page
    }
  }
  return undefined
}

type Saved = { kept: number; readonly ids: Set<string>; readonly lost: DamagedMessage[] }

function copyAll(rows: DamagedRows, fresh: DatabaseSync, folders: Folders): Saved {
  const saved: Saved = { kept: 0, ids: new Set(), lost: [] }
  const put = statements(fresh)
  const seqs = rows.seqs(["entry", "pending", "body"])
  for (let n = 0; n < seqs.length; n += portion) {
    fresh.exec("BEGIN")
    for (const seq of seqs.slice(n, n + portion)) copyOne({ rows, put, folders, saved }, seq)
    fresh.exec("COMMIT")
  }
  return saved
}

function statements(fresh: DatabaseSync) {
  return {
    entry: fresh.prepare(
      "INSERT OR IGNORE INTO entry (seq, id, acceptedAt, size, bodyCrc, fileSize, fileCrc, held, crc, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    pending: fresh.prepare(
      "INSERT OR IGNORE INTO pending (seq, number, next, due, lane, crc, json) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    body: fresh.prepare("INSERT OR IGNORE INTO body (seq, octets) VALUES (?, ?)"),
  }
}

type Copying = {
  readonly rows: DamagedRows
  readonly put: ReturnType<typeof statements>
  readonly folders: Folders
  readonly saved: Saved
}

/** A message goes over when its entry, its octets and at least one recipient are as they were written. */
function copyOne({ rows, put, folders, saved }: Copying, seq: number): void {
  const entry = rows.of("entry", seq)?.find(isWhole)
  const found = rows.of("pending", seq)
  const pending = found?.filter(isWhole) ?? []
  const octets = rows.of("body", seq)?.[0]?.["octets"]
  const body = octets instanceof Uint8Array ? octets : octetsInLog(folders, entry)
  if (entry === undefined && pending.length === 0 && body === undefined) return
  if (entry !== undefined) saved.ids.add(String(entry["id"]))
  const whole = entry !== undefined && body !== undefined && isBodyOf(entry, body)
  if (whole && pending.length > 0) {
    if (insert(put, seq, { entry, pending, body })) saved.kept++
    if (found?.length === pending.length) return
  }
  const goesOn = whole && pending.length > 0
  const why = whyNot({ entry, whole, recipients: pending.length, body })
  const remains = { entry, pending: found ?? [], body: goesOn ? undefined : body, why }
  saved.lost.push(setAside(folders, seq, remains))
}

type Parts = { readonly entry: Row; readonly pending: readonly Row[]; readonly body: Uint8Array }

/** Octets that stayed in the log: those in the new database do not. */
function octetsInLog({ log }: Folders, entry: Row | undefined): Uint8Array | undefined {
  const { segment = null, place = null, size = null, fileSize = null } = entry ?? {}
  if (segment === null || place === null) return undefined
  try {
    const file = openSync(segmentPath(log, Number(segment)), "r")
    try {
      const octets = new Uint8Array(Number(size) - Number(fileSize ?? 0))
      return octets.subarray(0, readSync(file, octets, 0, octets.length, Number(place)))
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined // the segment is gone, or the numbers are none
  }
}

/** What has no checksum of its own is taken from the text that has one. */
function insert(put: Copying["put"], seq: number, { entry, pending, body }: Parts): boolean {
  const json = String(entry["json"])
  const { id, acceptedAt } = JSON.parse(json) as Entry
  const held = heldOf(entry["held"])
  const { size = 0, bodyCrc = 0, fileSize = null, fileCrc = null } = entry
  const { changes } = put.entry.run(
    ...[seq, id, acceptedAt, size, bodyCrc, fileSize, fileCrc, held, checksum(json), json],
  )
  if (changes === 0) return false // the same message, at another place of the file
  for (const row of pending) {
    const text = String(row["json"])
    const told = JSON.parse(text) as Pending
    const next = typeof row["next"] === "number" ? row["next"] : told.nextAttempt
    put.pending.run(
      ...[seq, told.number, next, held === null ? next : null, laneOf(told), checksum(text), text],
    )
  }
  put.body.run(seq, body)
  return true
}

/** Why it is held, if it is; what cannot be understood keeps it held. */
function heldOf(column: Row[string] | undefined): string | null {
  if (column === null || column === undefined) return null
  try {
    JSON.parse(String(column))
    return String(column)
  } catch {
    return JSON.stringify({ reason: "it was held when the queue was damaged" })
  }
}

function isWhole(row: Row): boolean {
  return checksum(String(row["json"])) === row["crc"]
}

function isBodyOf({ size, fileSize, bodyCrc }: Row, octets: Uint8Array): boolean {
  return octets.length + Number(fileSize ?? 0) === size && crc32(octets) === bodyCrc
}

function whyNot(found: {
  readonly entry: Row | undefined
  readonly whole: boolean
  readonly recipients: number
  readonly body: Uint8Array | undefined
}): string {
  if (found.entry === undefined) return "its entry cannot be read"
  if (!found.whole)
    return found.body === undefined ? "its octets cannot be read" : "its octets are not what was accepted"
  return found.recipients === 0
    ? "its recipients cannot be read"
    : "some of its recipients cannot be read; the others have it"
}

type Remains = {
  readonly entry: Row | undefined
  readonly pending: readonly Row[]
  readonly body: Uint8Array | undefined
  readonly why: string
}

/** What is left of a message, where its operator finds it. */
function setAside(folders: Folders, seq: number, { entry, pending, body, why }: Remains): DamagedMessage {
  const id = entry === undefined ? `nameless-${seq}` : String(entry["id"])
  const texts = [entry, ...pending].flatMap((row) => (row === undefined ? [] : String(row["json"])))
  setAsideOctets(folders, id, ".entry", Buffer.from(texts.join("\n")))
  if (body !== undefined) setAsideOctets(folders, id, "", body)
  return { id, why, ...factsOf(entry, pending.filter(isWhole)) }
}

/** Of a message that is set aside: what its postmaster wants to know. Rows are whole: their checksums were compared. */
function factsOf(entry: Row | undefined, pending: readonly Row[]): Omit<DamagedMessage, "id" | "why"> {
  const told = entry === undefined ? undefined : (JSON.parse(String(entry["json"])) as Entry)
  const recipients = pending.map(({ json }) =>
    printPath((JSON.parse(String(json)) as Pending).recipient.path),
  )
  return {
    recipients,
    sender: told === undefined ? undefined : printPath(told.envelope.reversePath),
    subject: told?.summary.subject,
  }
}

/** Files of large messages that are neither in the new database nor in the log would be swept away at the next start: they are kept. */
function keepStrayBodies({ bodies, damaged }: Folders, ids: ReadonlySet<string>): void {
  for (const name of readdirSync(bodies)) {
    // A second name, not another one: the file may be that of a message on its way in.
    if (!ids.has(name) && !existsSync(join(damaged, name))) linkSync(join(bodies, name), join(damaged, name))
  }
  syncFolder(damaged)
}
