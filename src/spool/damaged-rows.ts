// The rows of a database that is damaged in places, one by one: what can be read is read, and what cannot is passed over.
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { markOf, pageSize } from "./database.ts"
import { Leaves, type Row } from "./leaves.ts"

/** Seqs that are tried one by one between two that can be read, and after the last one. */
const longestGap = 50_000
const tail = 2000

/** Owned by a salvage, closed once. */
export class DamagedRows {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #leaves: Leaves | undefined

  /**
   * It opens whatever SQLite does not refuse outright, and changes nothing. With `header`, the file's own one is believed: then rows
   * are found that no tree leads to any more.
   */
  constructor(path: string, header: "own" | "mended") {
    this.#database = new DatabaseSync(path, { defensive: false })
    // A file that is shorter than it says is read as far as it goes.
    this.#database.exec("PRAGMA writable_schema = ON; PRAGMA cell_size_check = OFF; PRAGMA query_only = ON")
    this.#leaves = header === "own" ? Leaves.of(path, pageSize) : undefined
  }

  /** Whether the table can be asked at all. */
  has(table: string): boolean {
    try {
      this.#database.prepare(`SELECT 1 FROM ${table} LIMIT 1`)
      return true
    } catch {
      return false
    }
  }

  /** Every seq that any of the tables has, as far as can be seen, ascending; in gaps that damage made, every one there may be. */
  seqs(tables: readonly string[]): readonly number[] {
    const found = new Set<number>(this.#leaves?.seqs())
    for (const table of tables) for (const seq of this.#seqsOf(table)) found.add(seq)
    return [...found].toSorted((a, b) => a - b)
  }

  #seqsOf(table: string): Set<number> {
    const found = new Set<number>()
    const up = this.#walk(`SELECT seq FROM ${table} WHERE seq > ? ORDER BY seq LIMIT 500`, -1, found)
    if (up === undefined) return found
    const down = this.#walk(
      `SELECT seq FROM ${table} WHERE seq < ? ORDER BY seq DESC LIMIT 500`,
      Number.MAX_SAFE_INTEGER,
      found,
    )
    if (found.size === 0) return found
    const end = down === undefined || down > Number.MAX_SAFE_INTEGER / 2 ? up + tail : down
    for (let seq = up + 1; seq < Math.min(end, up + longestGap); seq++) found.add(seq)
    return found
  }

  /** Goes on from key to key; where it was stopped by damage, undefined when it came to the end. */
  #walk(query: string, from: number, found: Set<number>): number | undefined {
    let statement: StatementSync
    try {
      statement = this.#database.prepare(query)
    } catch {
      return undefined // a table that is not there has no gaps
    }
    const goesOn = (seq: number, last: number) => (from < 0 ? seq >= last : seq <= last)
    for (let last = from; ; ) {
      const before = last
      try {
        for (const { seq } of statement.iterate(last)) {
          if (typeof seq !== "number" || seq < 0 || !goesOn(seq, last)) return last // keys out of order are none
          found.add(seq)
          last = seq
        }
      } catch {
        if (last === before) return last
        continue
      }
      if (last === before) return undefined
    }
  }

  /** The rows of a seq; undefined when they cannot be read. */
  of(table: string, seq: number): readonly Row[] | undefined {
    const rows = this.#byTree(table, seq)
    if (rows !== undefined && rows.length > 0) return rows
    const strays = this.#leaves?.rows(table, seq) ?? []
    return strays.length > 0 ? strays : rows
  }

  #byTree(table: string, seq: number): readonly Row[] | undefined {
    try {
      const statement =
        this.#statements.get(table) ?? this.#database.prepare(`SELECT * FROM ${table} WHERE seq = ?`)
      this.#statements.set(table, statement)
      return statement.all(seq)
    } catch {
      return undefined
    }
  }

  /** Up to where the log became rows; undefined when that cannot be read. */
  mark(): { readonly segment: number; readonly at: number } | undefined {
    try {
      return markOf(this.#database)
    } catch {
      return undefined
    }
  }

  close(): void {
    this.#leaves?.close()
    this.#database.close()
  }
}
