// The row of queue.db that remembers time (queue/steady.ts): when the queue was last written to, by its own time and by the
// machine's clocks. It rides with commits that are made anyway.
import type { DatabaseSync, StatementSync } from "node:sqlite"
import type { TimeMark } from "../queue/steady.ts"

/** Milliseconds of the queue's time between two marks. */
const markEvery = 10_000

/** Mail that waited before there was a mark was tried within the hour before its next attempt. */
const untilNextAttempt = 3_600_000

/** For a queue that has no mark of its own: the newest sign of life that is in it. */
export const newestSign = `
  INSERT OR REPLACE INTO clock SELECT 1, max(coalesce(max(acceptedAt), 0),
    coalesce((SELECT max(next) - ${untilNextAttempt} FROM pending), 0)), 0, 0, 0, '' FROM entry;
`

/** The table, and in a queue of an earlier version the newest sign of life that is in it. */
export const marksTable = `
  CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at INTEGER NOT NULL,
    ahead INTEGER NOT NULL,
    unsure INTEGER NOT NULL,
    uptime INTEGER NOT NULL,
    boot TEXT NOT NULL
  ) STRICT;
  ${newestSign}
`

export class Marks {
  readonly #put: StatementSync
  #marked: TimeMark | undefined

  constructor(database: DatabaseSync) {
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO clock (one, at, ahead, unsure, uptime, boot) VALUES (1, ?, ?, ?, ?, ?)",
    )
  }

  /** Inside a transaction: keeps it, when it is news. */
  keep(mark: TimeMark): void {
    const { at, ahead, unsure, uptime, boot } = mark
    const known = this.#marked
    if (known !== undefined && known.ahead === ahead && Math.abs(at - known.at) < markEvery) return
    this.#put.run(Math.round(at), Math.round(ahead), unsure ? 1 : 0, Math.round(uptime), boot)
    this.#marked = mark
  }
}

/** What the last run left; undefined when nothing waits, so that nothing could be too old. */
export function lastMark(database: DatabaseSync): TimeMark | undefined {
  const row = database.prepare("SELECT * FROM clock WHERE at > 0 AND EXISTS (SELECT 1 FROM entry)").get()
  if (row === undefined) return undefined
  const { at, ahead, unsure, uptime, boot } = row
  return {
    at: Number(at),
    ahead: Number(ahead),
    unsure: unsure === 1,
    uptime: Number(uptime),
    boot: String(boot),
  }
}
