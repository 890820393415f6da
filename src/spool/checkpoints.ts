// When the pages of the WAL go into the database file: after so much of new rows, after so much of WAL, or when nothing else is to be
// done. It counts what is written; the transactions are store.ts's.
import type { DatabaseSync } from "node:sqlite"
import { explainError, pageSize } from "./database.ts"
import type { Change } from "./requests.ts"
import { step } from "./steps.ts"

/** WAL octets after which the operator hears that somebody keeps it from shrinking. */
const walWarning = 64 * 1024 * 1024
/** The part of the WAL's limit after which new rows go into the database file: some milliseconds of work. */
const freshPart = 4
/** Octets of a settled message besides its own: recipients, indexes. */
const rowSize = 1024
/** The WAL begins anew after this much of it, even if the same few pages were written again and again. */
const pagesOfCommit = 9

export class Checkpoints {
  readonly #walLimit: number
  readonly #log: (line: string) => void
  /** Octets since the last one: what the next will have to write (about), and what the WAL holds (about). */
  #fresh = 0
  #wal = 0
  #warnedAt = 0

  constructor(walLimit: number, log: (line: string) => void) {
    this.#walLimit = walLimit
    this.#log = log
  }

  /** A change is in the open transaction. */
  applied(change: Change): void {
    const octets = weightOf(change)
    this.#fresh += octets
    this.#wal += octets
  }

  /** Octets were moved within the database. */
  moved(octets: number): void {
    this.#wal += octets
  }

  committed(): void {
    this.#wal += pagesOfCommit * pageSize
  }

  /** Moves the WAL's pages into the file, when there are enough of them or `atOnce`. Readers are not waited for. */
  run(database: DatabaseSync, atOnce: boolean): void {
    if (this.#wal === 0) return
    if (!atOnce && this.#fresh < this.#walLimit / freshPart && this.#wal < this.#walLimit) return
    this.#fresh = 0
    this.#wal = 0
    step("checkpoint.begun")
    try {
      const row = database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get()
      this.#warn(Number(row?.["log"] ?? 0) * pageSize)
    } catch (error) {
      // Nothing is lost: the WAL has it all, and the next checkpoint writes the same pages again.
      this.#log(`the spool's WAL could not be written into its database: ${explainError(error)}`)
    }
    step("checkpoint.done")
  }

  #warn(octets: number): void {
    if (octets < walWarning || octets < this.#warnedAt * 2) return
    this.#warnedAt = octets
    this.#log(
      `the spool's WAL has grown to ${Math.round(octets / 1048576)} MiB: another process reads queue.db for long`,
    )
  }
}

/** About how many octets of the WAL a change takes. */
function weightOf(change: Change): number {
  if (change.kind !== "settle") return pageSize
  return change.rows.reduce(
    (sum, { length, stays, json }) => sum + json.length + rowSize + (stays ? 0 : length),
    0,
  )
}
