// What waits, by state and age, counted where it lies: a page of rows at a time, so that commits go on in between.
import type { DatabaseSync, StatementSync } from "node:sqlite"
import type { QueueAges } from "./spool.ts"

const page = 5000

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** The upper ends of the ages, as durations that people say. */
const bounds = [
  ["5m", 5 * minute],
  ["1h", hour],
  ["4h", 4 * hour],
  ["1d", day],
  ["3d", 3 * day],
] as const
const older = "older"
const states = ["active", "deferred", "held"] as const

const statement = `
  WITH rows AS MATERIALIZED (
    SELECT seq, acceptedAt, held,
      (SELECT count(*) FROM pending WHERE pending.seq = entry.seq) AS recipients,
      (SELECT min(next) FROM pending WHERE pending.seq = entry.seq) AS next
    FROM entry WHERE seq > $after ORDER BY seq LIMIT ${page}
  )
  SELECT CASE WHEN held IS NOT NULL THEN 2 WHEN next > $now THEN 1 ELSE 0 END AS state,
    CASE ${bounds.map(([, most], n) => `WHEN $now - acceptedAt < ${most} THEN ${n}`).join(" ")} ELSE ${bounds.length} END AS age,
    count(*) AS messages, total(recipients) AS recipients, max(seq) AS seq
  FROM rows GROUP BY 1, 2`

type Count = { messages: number; recipients: number }

/** One count, begun when it is made. */
export class AgeCount {
  readonly #page: StatementSync
  readonly #now: number
  #after = 0
  readonly #counts: Count[] = Array.from({ length: states.length * (bounds.length + 1) }, () => ({
    messages: 0,
    recipients: 0,
  }))

  constructor(database: DatabaseSync, now: number) {
    this.#page = database.prepare(statement)
    this.#now = now
  }

  /** Counts one more page; true when all are counted. */
  countOn(): boolean {
    let counted = 0
    for (const row of this.#page.all({ $after: this.#after, $now: this.#now })) {
      const count = this.#counts[Number(row["state"]) * (bounds.length + 1) + Number(row["age"])]
      const messages = Number(row["messages"])
      counted += messages
      this.#after = Math.max(this.#after, Number(row["seq"]))
      if (count === undefined) continue
      count.messages += messages
      count.recipients += Number(row["recipients"])
    }
    return counted < page
  }

  get value(): QueueAges {
    return this.#counts.map((count, n) => ({
      state: states[Math.floor(n / (bounds.length + 1))] ?? "active",
      age: bounds[n % (bounds.length + 1)]?.[0] ?? older,
      ...count,
    }))
  }
}
