// What is due: of the log, and lane by lane of the database. Where both have some, each gives half, so that neither keeps the other's
// mail from its turn.
import type { Queued } from "../queue/entry.ts"
import { readQueued } from "./codec.ts"
import type { Ledger } from "./ledger.ts"

export type DueAsked = {
  readonly now: number
  readonly limit: number
  readonly inHand: readonly string[]
  /** Lanes that are passed over. */
  readonly full: readonly number[]
}

/** Lanes are numbered from 0. */
const beforeAll = -1

/** Remembers where the last look ended. */
export class DueMail {
  readonly #ledger: Pick<Ledger, "dueHere" | "dueThere">
  /** The lane where the last look at the database ended. */
  #lane = beforeAll

  constructor(ledger: Pick<Ledger, "dueHere" | "dueThere">) {
    this.#ledger = ledger
  }

  /** At most `limit` messages; of a lane half of that, where others have some too. */
  async find(asked: DueAsked): Promise<readonly Queued[]> {
    const { limit } = asked
    const each = Math.max(1, Math.ceil(limit / 2))
    // The log is looked at before the database is asked: what is settled meanwhile would be found by neither.
    const here = this.#ledger.dueHere({ ...asked, each })
    const found = new Map<string, Queued>()
    await this.#findThere(
      { ...asked, limit: limit - Math.min(here.length, Math.floor(limit / 2)) },
      each,
      found,
    )
    for (const row of here) {
      if (found.size >= limit) break
      const queued = readQueued(row)
      found.set(queued.entry.id, queued)
    }
    return [...found.values()]
  }

  /** From where the last look ended to the last lane, then from the first one to there. */
  async #findThere(
    { now, limit, inHand, full }: DueAsked,
    each: number,
    found: Map<string, Queued>,
  ): Promise<void> {
    const begun = this.#lane
    for (let [after, whole] = [begun, false]; limit > found.size; ) {
      const known = found.size === 0 ? inHand : [...inHand, ...found.keys()]
      const asked = { now, limit: limit - found.size, inHand: known, full, after, each } as const
      const page = await this.#ledger.dueThere({ ask: "due", ...asked })
      for (const row of page.rows.map(readQueued)) found.set(row.entry.id, row)
      if (page.after === undefined && whole) break
      if (whole && (page.after ?? 0) >= begun) break
      if (page.after === undefined) whole = true
      after = page.after ?? beforeAll
      this.#lane = after
    }
  }
}
