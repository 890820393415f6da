// A filter that few messages of a long queue match: the database leaves out what cannot match, by its rows' text, so that only the
// rest is read and looked at closely. It never decides that a message is meant.
import type { DatabaseSync, StatementSync } from "node:sqlite"
import { localDestination } from "../queue/summary.ts"
import type { Filter } from "./spool.ts"

/** Entries that one step passes over: some milliseconds, so that commits go on in between. */
export const screened = 2048

type Row = NonNullable<ReturnType<StatementSync["get"]>>

/** Rows that may match, and the last id that was passed over; undefined: the queue ends here. */
export type Screened = { readonly rows: readonly Row[]; readonly after: string | undefined }

// The first statement is answered from the index alone. instr() with an empty word is true of every text.
const end = `SELECT id FROM entry WHERE id > ? ORDER BY id LIMIT 1 OFFSET ${screened - 1}`
const may = `
  SELECT seq, id, acceptedAt, held, crc, json FROM entry
  WHERE id > $after AND id <= $last AND acceptedAt < $olderThan
    AND ($held = -1 OR (held IS NOT NULL) = $held)
    AND instr(lower(json), $from) > 0
    AND ($to = '' OR EXISTS (
      SELECT 1 FROM pending WHERE pending.seq = entry.seq AND instr(lower(pending.json), $to) > 0))
    AND ($destination = '' OR EXISTS (
      SELECT 1 FROM pending WHERE pending.seq = entry.seq AND instr(lower(pending.json), $destination) > 0))
    AND ($reason = '' OR instr(lower(held), $reason) > 0 OR EXISTS (
      SELECT 1 FROM pending WHERE pending.seq = entry.seq AND instr(lower(pending.json), $reason) > 0))
  ORDER BY id LIMIT $limit`

/** Above every id: they are letters and digits. */
const beyond = "~"

export class Screen {
  readonly #end: StatementSync
  readonly #may: StatementSync

  constructor(database: DatabaseSync) {
    this.#end = database.prepare(end)
    this.#may = database.prepare(may)
  }

  /** The next step after an id. */
  step({ from, to, destination, reason, olderThan, held }: Filter, after: string, limit: number): Screened {
    const last = this.#end.get(after)?.["id"]
    const rows = this.#may.all({
      $after: after,
      $last: typeof last === "string" ? last : beyond,
      $olderThan: olderThan ?? Number.MAX_SAFE_INTEGER,
      $held: held === undefined ? -1 : held === "only" ? 1 : 0,
      $from: wordIn(from),
      $to: wordIn(to),
      $destination: destination === localDestination ? "" : wordIn(destination),
      $reason: wordIn(reason),
      $limit: limit,
    })
    const stopped = rows.length < limit ? last : rows.at(-1)?.["id"]
    return { rows, after: typeof stopped === "string" ? stopped : undefined }
  }
}

/** The longest run of letters that stand in a row's JSON as they stand in the text: no quotes, nothing that is escaped. */
function wordIn(part: string | undefined): string {
  const runs = (part ?? "").toLowerCase().match(/[a-z0-9._-]+/g) ?? []
  return runs.reduce<string>((longest, run) => (run.length > longest.length ? run : longest), "")
}
