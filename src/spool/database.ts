// queue.db: how it is opened, its tables, and the ladder by which an older one becomes today's.
import { DatabaseSync } from "node:sqlite"
import { crc32 } from "node:zlib"
import type { Pending } from "../queue/entry.ts"
import { laneOf } from "../queue/fair.ts"
import { marksTable } from "./marks.ts"
import { step } from "./steps.ts"

/** A database that this program must not touch; the message is one line for its user. */
export class UnusableDatabase extends Error {}

/** A database that is not what this program wrote: what can be saved of it is to be saved. */
export class DamagedDatabase extends Error {}

// Rows are kept small and apart: a message with 10,000 recipients changes only the rows of those that were served.
// Bodies have a table of their own, so that lists and scans never pass over octets. `due` is `next`, or NULL while the
// message is held; its index has only what may be tried. `crc` guards what the row says, `bodyCrc` the octets.
const version1 = `
  CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    acceptedAt INTEGER NOT NULL,
    size INTEGER NOT NULL,
    bodyCrc INTEGER NOT NULL,
    fileSize INTEGER,
    fileCrc INTEGER,
    held TEXT,
    crc INTEGER NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
  CREATE TABLE pending (
    seq INTEGER NOT NULL,
    number INTEGER NOT NULL,
    next INTEGER NOT NULL,
    due INTEGER,
    crc INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (seq, number)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX pendingDue ON pending (due) WHERE due IS NOT NULL;
  CREATE TABLE body (seq INTEGER PRIMARY KEY, octets BLOB NOT NULL) STRICT;
`

// Each destination has a lane of its own (queue/fair.ts), so that what is due for one is found without passing over a hundred
// thousand others. When the next one is due is asked only of those that were put off: fresh mail, with 0, costs no place there.
const version2 = `
  ALTER TABLE pending ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
  DROP INDEX pendingDue;
  CREATE INDEX pendingLane ON pending (lane, due) WHERE due IS NOT NULL;
  CREATE INDEX pendingNext ON pending (due) WHERE due > 0;
`

// What is accepted is in the log first (ledger.ts), and may leave its octets there: `segment` and `place` say where. The one row of
// `log` says from where on a start has to read the log.
const version4 = `
  ALTER TABLE entry ADD COLUMN segment INTEGER;
  ALTER TABLE entry ADD COLUMN place INTEGER;
  CREATE INDEX entrySegment ON entry (segment, size) WHERE segment IS NOT NULL;
  CREATE TABLE log (segment INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
  INSERT INTO log VALUES (1, 0);
`

/** Each brings the database from version n to n + 1; user_version says where it stands. */
const ladder: readonly ((database: DatabaseSync) => void)[] = [
  (database) => database.exec(version1),
  (database) => {
    database.exec(version2)
    fillLanes(database)
  },
  (database) => database.exec(marksTable),
  (database) => database.exec(version4),
]

/** Gives each recipient the lane of its destination. A damaged row keeps lane 0: it is set aside when its turn comes. */
function fillLanes(database: DatabaseSync): void {
  const put = database.prepare("UPDATE pending SET lane = ? WHERE seq = ? AND number = ?")
  const rows = database.prepare("SELECT seq, number, crc, json FROM pending")
  for (const { seq = 0, number = 0, crc, json } of rows.all()) {
    const text = String(json)
    if (crc32(text) === crc) put.run(laneOf(JSON.parse(text) as Pending), seq, number)
  }
}

/** Octets of a page: a message of 10 KiB fills one and a bit. */
export const pageSize = 8192

/** Milliseconds that another process may keep queue.db locked (an operator with sqlite3) before our commit fails. */
const lockPatience = 1000

/**
 * Opens and brings up to date. What an interrupted run left in the WAL is read back by SQLite here. The WAL's file keeps up to
 * `walLimit` octets: overwriting is cheaper than growing anew.
 */
export function openDatabase(path: string, walLimit: number): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: lockPatience })
  try {
    database.exec(`PRAGMA page_size = ${pageSize}`)
    database.exec("PRAGMA journal_mode = WAL")
    // FULL: each commit is one fdatasync of the WAL. Checkpoints are ours to time (worker.ts).
    database.exec("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = OFF")
    database.exec(`PRAGMA cache_size = -8192; PRAGMA journal_size_limit = ${walLimit}`)
    database.exec("PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF")
    step("open.recovered")
    migrate(database, path)
    step("open.migrated")
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Up to where the log became rows. */
export function markOf(database: DatabaseSync): { readonly segment: number; readonly at: number } {
  const row = database.prepare("SELECT segment, at FROM log").get()
  return { segment: Number(row?.["segment"] ?? 1), at: Number(row?.["at"] ?? 0) }
}

/** The number of the schema. */
export function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0)
}

function migrate(database: DatabaseSync, path: string): void {
  const found = schemaVersion(database)
  if (found > mostLikely) throw new DamagedDatabase(`its version is ${found}`)
  if (found > ladder.length) {
    throw new UnusableDatabase(
      `${path} was written by a newer Waypost (schema ${found}, this one knows ${ladder.length}): start that one, or choose another directory`,
    )
  }
  for (let version = found; version < ladder.length; version++) {
    database.exec("BEGIN IMMEDIATE")
    try {
      ladder[version]?.(database)
    } catch (error) {
      if (resultCode(error) !== sqliteError) throw error
      throw new DamagedDatabase(`it is not of version ${version}, as it says: ${explainError(error)}`)
    }
    database.exec(`PRAGMA user_version = ${version + 1}; COMMIT`)
  }
  const there = new Set(
    database
      .prepare("SELECT name FROM sqlite_schema")
      .all()
      .map(({ name }) => name),
  )
  for (const name of tables) if (!there.has(name)) throw new DamagedDatabase(`its table ${name} is missing`)
}

/** No Waypost will ever have more versions. */
const mostLikely = 1000
const tables = ["entry", "pending", "body", "clock", "pendingLane", "pendingNext"]

/** What SQLite finds wrong; undefined when nothing. */
export function findDamage(database: DatabaseSync): string | undefined {
  const first = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]
  return first === "ok" ? undefined : String(first)
}

const sqliteError = 1
const sqliteConstraint = 19
const sqliteFull = 13
const sqliteCorrupt = 11
const sqliteNotADatabase = 26
/** A page that the file should have, and has not. */
const sqliteShortRead = 522

/** Whether only this statement failed, and the database is in order. */
export function isConstraint(error: unknown): boolean {
  return resultCode(error) === sqliteConstraint
}

/** Whether it failed for want of space. */
export function isFull(error: unknown): boolean {
  return resultCode(error) === sqliteFull || (error as NodeJS.ErrnoException).code === "ENOSPC"
}

/** Whether the file is no database, or no whole one. */
export function isDamage(error: unknown): boolean {
  if (error instanceof DamagedDatabase) return true
  const code = resultCode(error)
  return code === sqliteCorrupt || code === sqliteNotADatabase || extendedCode(error) === sqliteShortRead
}

/** SQLite's primary result code, 0 for errors that are not its own. */
function resultCode(error: unknown): number {
  return extendedCode(error) & 0xff
}

function extendedCode(error: unknown): number {
  const code = error instanceof Error && "errcode" in error ? error.errcode : 0
  return typeof code === "number" ? code : 0
}

/** One line about an error, with SQLite's own words and code. */
export function explainError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const extended = "errcode" in error ? ` (SQLite ${String(error.errcode)})` : ""
  return `${error.message}${extended}`
}
