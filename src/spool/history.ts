// history.db: what happened to each message and each refused session. Lazy and bounded; the worker keeps it when nothing more
// important waits. A crash of the machine may cost its last moments, never its order; no mail depends on it.
import { renameSync } from "node:fs"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { explainError, isDamage, pageSize, UnusableDatabase } from "./database.ts"
import type { EventRow, EventRows } from "./requests.ts"
import type { EventSearch } from "./spool.ts"
import { step } from "./steps.ts"

export type HistoryLimits = { readonly octets: number; readonly milliseconds: number }

const schema = `
  CREATE TABLE event (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL, words TEXT, json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX eventId ON event (id);
  PRAGMA user_version = 2;
`

/** Events of version 1 have no words: they are found by their whole text. */
const secondVersion = "ALTER TABLE event ADD COLUMN words TEXT; PRAGMA user_version = 2;"

/** Rows deleted at once when there are too many or too old ones. */
const portion = 2000
/** Events looked at in one go by a search: some milliseconds, so that no commit waits longer. */
const searchPage = 5000
/** Words of a search that count. */
const mostWords = 16
/** Events between two looks at size and age. */
const lookEvery = 1000

/** Opens it; one that is damaged is put beside and a new one begun, since nothing depends on it. */
export function openHistory(path: string, limits: HistoryLimits, log: (line: string) => void): History {
  try {
    return new History(path, limits)
  } catch (error) {
    if (!isDamage(error)) throw error
    log(`${path}: ${explainError(error)}; it is kept as ${path}.damaged, and a new one begun`)
    renameSync(path, `${path}.damaged`)
    return new History(path, limits)
  }
}

/** The events, oldest first, as a ring: the oldest make room for the newest. */
export class History {
  readonly #database: DatabaseSync
  readonly #limits: HistoryLimits
  readonly #add: StatementSync
  readonly #find: StatementSync
  readonly #oldest: StatementSync
  readonly #newest: StatementSync
  readonly #drop: StatementSync
  readonly #pages: StatementSync
  #sinceLook = lookEvery

  constructor(path: string, limits: HistoryLimits) {
    this.#limits = limits
    this.#database = new DatabaseSync(path)
    try {
      prepareFile(this.#database, path)
    } catch (error) {
      this.#database.close()
      throw error
    }
    this.#add = this.#database.prepare("INSERT INTO event (id, at, words, json) VALUES (?, ?, ?, ?)")
    this.#find = this.#database.prepare(
      "SELECT id, at, json FROM event WHERE id = ? ORDER BY seq LIMIT 10000",
    )
    this.#oldest = this.#database.prepare("SELECT seq, at FROM event ORDER BY seq LIMIT 1")
    this.#newest = this.#database.prepare("SELECT max(seq) AS seq FROM event WHERE seq < ?")
    this.#drop = this.#database.prepare("DELETE FROM event WHERE seq < ? AND at < ?")
    this.#pages = this.#database.prepare(
      "SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count) AS used, (SELECT page_size FROM pragma_page_size) AS size",
    )
  }

  add(events: readonly EventRow[], now: number): void {
    this.#database.exec("BEGIN IMMEDIATE")
    try {
      for (const { id, at, words = null, json } of events) this.#add.run(id, at, words, json)
      step("history.written")
      this.#prune(now, events.length)
      this.#database.exec("COMMIT")
      step("history.committed")
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK")
      throw error
    }
  }

  find(id: string): readonly EventRow[] {
    return this.#find.all(id).map(rowOf)
  }

  /** One page of a search. No index is kept for it, which each event would pay for: what is looked through is short. */
  search({ words, decisions = false, before = Number.MAX_SAFE_INTEGER }: EventSearch): EventRows {
    const wanted = words.slice(0, mostWords).map((word) => word.toLowerCase())
    const newest = Number(this.#newest.get(before)?.["seq"] ?? 0)
    const oldest = Number(this.#oldest.get()?.["seq"] ?? 0)
    const from = Math.max(oldest, newest - searchPage + 1)
    const rows = this.#searchFor(wanted.length, decisions).all(from, newest, ...wanted)
    return { rows: rows.map(rowOf), before: from > oldest ? from : undefined }
  }

  #searchFor(words: number, decisions: boolean): StatementSync {
    const holds = Array.from({ length: words }, () => " AND instr(coalesce(words, lower(json)), ?) > 0").join(
      "",
    )
    const whole = decisions ? ` AND (instr(json, '"message":{') > 0 OR instr(json, '"asked":{') > 0)` : ""
    return this.#database.prepare(
      `SELECT id, at, json FROM event WHERE seq BETWEEN ? AND ?${holds}${whole} ORDER BY seq DESC`,
    )
  }

  /** Moves what the WAL holds into the file; to be called when nothing else waits. */
  checkpoint(): void {
    this.#database.exec("PRAGMA wal_checkpoint(PASSIVE)")
  }

  close(): void {
    this.#database.close()
  }

  #prune(now: number, added: number): void {
    this.#sinceLook += added
    if (this.#sinceLook < lookEvery) return
    this.#sinceLook = 0
    const oldest = this.#oldest.get()
    if (oldest === undefined) return
    const end = Number(oldest["seq"]) + portion
    const tooOld = now - this.#limits.milliseconds
    if (this.#octets() > this.#limits.octets) this.#drop.run(end, Number.MAX_SAFE_INTEGER)
    else if (Number(oldest["at"]) < tooOld) this.#drop.run(end, tooOld)
  }

  #octets(): number {
    const row = this.#pages.get()
    return Number(row?.["used"] ?? 0) * Number(row?.["size"] ?? 0)
  }
}

function rowOf(row: Readonly<Record<string, unknown>>): EventRow {
  return { id: String(row["id"]), at: Number(row["at"]), json: String(row["json"]) }
}

function prepareFile(database: DatabaseSync, path: string): void {
  database.exec(`PRAGMA page_size = ${pageSize}`)
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0")
  database.exec("PRAGMA cache_size = -2048; PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY")
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0)
  if (version > 2) throw new UnusableDatabase(`${path} was written by a newer Waypost (schema ${version})`)
  if (version === 0) database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`)
  else if (version === 1) database.exec(`BEGIN IMMEDIATE; ${secondVersion} COMMIT`)
  else database.prepare("SELECT 1 FROM event ORDER BY seq DESC LIMIT 1").get()
}
