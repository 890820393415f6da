// What waits, by destination and age, counted where it lies: a page of rows at a time, so that commits go on in between. Nothing of
// it leaves the database's thread but the sums.
import type { DatabaseSync, StatementSync } from "node:sqlite"
import { ages, QueueShape, type Shape } from "../queue/summary.ts"
import type { ShapeOf } from "./spool.ts"

/** Messages of one page: some milliseconds of work. */
const page = 2500

const minute = 60_000

// The destination is where it goes, if that is known already, else the domain of the address (queue/summary.ts, destinationOf). A row
// that is no JSON any more is damaged, and is set aside when its turn comes.
const statement = `
  WITH rows AS MATERIALIZED (
    SELECT seq, $now - acceptedAt AS age FROM entry
    WHERE seq > $after AND ($held = 2 OR (held IS NOT NULL) = $held) AND acceptedAt < $olderThan
    ORDER BY seq LIMIT ${page}
  )
  SELECT CASE WHEN json_valid(pending.json) THEN lower(coalesce(
      nullif(pending.json ->> '$.route.host', ''),
      pending.json ->> '$.recipient.path.domain.ascii',
      pending.json ->> '$.recipient.path.domain.text',
      '(local)'
    )) ELSE '(damaged)' END AS destination,
    CASE ${ages.map((most, n) => `WHEN age < ${most * minute} THEN ${n}`).join(" ")} ELSE ${ages.length} END AS column,
    count(*) AS recipients
  FROM rows JOIN pending USING (seq) GROUP BY 1, 2`

const last = `
  SELECT max(seq) AS seq, count(*) AS messages FROM (
    SELECT seq FROM entry
    WHERE seq > $after AND ($held = 2 OR (held IS NOT NULL) = $held) AND acceptedAt < $olderThan
    ORDER BY seq LIMIT ${page}
  )`

/** One count, begun when it is made. */
export class ShapeCount {
  readonly #page: StatementSync
  readonly #last: StatementSync
  readonly #asked: { readonly $held: number; readonly $olderThan: number }
  readonly #now: number
  readonly #shape: QueueShape
  #after = 0

  constructor(database: DatabaseSync, { now, olderThan = Number.MAX_SAFE_INTEGER, held }: ShapeOf) {
    this.#page = database.prepare(statement)
    this.#last = database.prepare(last)
    this.#asked = { $held: held === undefined ? 2 : held === "only" ? 1 : 0, $olderThan: olderThan }
    this.#now = now
    this.#shape = new QueueShape(now)
  }

  /** Counts one more page; true when all are counted. */
  countOn(): boolean {
    const asked = { ...this.#asked, $after: this.#after }
    for (const row of this.#page.all({ ...asked, $now: this.#now }))
      this.#shape.count(String(row["destination"]), Number(row["column"]), Number(row["recipients"]))
    const found = this.#last.get(asked)
    this.#after = Number(found?.["seq"] ?? this.#after)
    return Number(found?.["messages"] ?? 0) < page
  }

  get value(): readonly Shape[] {
    return this.#shape.shapes()
  }
}
