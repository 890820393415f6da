// Messages that only the log has, in the order in which they stand there: the rows they may become, who of their recipients is still
// to be served, and where the octets are. Knows no disk: ledger.ts writes and reads.
import type { Place } from "./journal.ts"
import type { AcceptText } from "./log-records.ts"
import { type OpenRows, openRows, strikeOff } from "./open-rows.ts"
import type { QueuedRow, Question, RecordChange, SettledRow } from "./requests.ts"

export type Unsettled = Omit<SettledRow, "pending" | "stays"> & {
  /** Where its record begins. */
  readonly record: number
  /** When it came, by performance.now(). */
  readonly since: number
  readonly open: OpenRows
}

type Kept = Unsettled & { letters: number }

/** What is asked of those that wait; `after` is the database's. */
export type DueHere = Omit<Question & { ask: "due" }, "ask" | "after">

/** Owns them until they are over or become rows. */
export class UnsettledMail {
  readonly #mail = new Map<string, Kept>()
  #letters = 0

  get size(): number {
    return this.#mail.size
  }

  /** Letters that their rows take in memory. */
  get letters(): number {
    return this.#letters
  }

  /** The one that stands first in the log. */
  get first(): Unsettled | undefined {
    return this.#mail.values().next().value
  }

  get(id: string): Unsettled | undefined {
    return this.#mail.get(id)
  }

  /** They are added in the order of the log. */
  add(text: AcceptText, place: Place, length: number, since: number): void {
    const { id, acceptedAt, held, json, pending, file } = text
    const { segment, record, at, crc } = place
    const letters = pending.reduce((sum, row) => sum + row.json.length, json.length)
    const open = openRows(pending)
    this.#mail.set(id, {
      id,
      acceptedAt,
      held,
      json,
      file,
      segment,
      record,
      at,
      length,
      crc,
      since,
      open,
      letters,
    })
    this.#letters += letters
  }

  /** The message after this outcome, gone from here when nobody is left; undefined when it is not here. */
  strikeOff(change: RecordChange): Unsettled | undefined {
    const one = this.#mail.get(change.id)
    if (one === undefined) return undefined
    const more = strikeOff(one.open, change)
    one.letters += more
    this.#letters += more
    if (one.open.size === 0) this.#forget(one.id)
    return one
  }

  /** The oldest, one after the other, as long as they are old enough. */
  *oldest(isOld: (one: Unsettled) => boolean): Iterable<Unsettled> {
    for (const one of this.#mail.values()) {
      if (!isOld(one)) return
      yield one
    }
  }

  /** Takes them, until so many recipients have gone with them. */
  take(isOld: (one: Unsettled) => boolean, recipients: number): readonly Unsettled[] {
    const taken: Unsettled[] = []
    let left = recipients
    for (const one of this.oldest(isOld)) {
      if (left <= 0) break
      left -= one.open.size
      taken.push(one)
    }
    for (const { id } of taken) this.#forget(id)
    return taken
  }

  #forget(id: string): void {
    this.#letters -= this.#mail.get(id)?.letters ?? 0
    this.#mail.delete(id)
  }

  /** What is due and not in hand, the oldest first: of each lane so many at most, of the full ones nothing. */
  due({ now, limit, inHand, full, each }: DueHere): readonly QueuedRow[] {
    const known = new Set(inHand)
    const taken = new Map(full.map((lane) => [lane, each]))
    const rows: QueuedRow[] = []
    for (const one of this.#mail.values()) {
      if (rows.length >= limit) break
      if (one.held !== undefined || known.has(one.id)) continue
      const lane = laneWithRoom(one.open, now, (other) => (taken.get(other) ?? 0) < each)
      if (lane === undefined) continue
      taken.set(lane, (taken.get(lane) ?? 0) + 1)
      rows.push(rowOf(one))
    }
    return rows
  }

  /** When the first of those that are not due at `now` will be. */
  nextDue(now: number): number | undefined {
    let first = Number.POSITIVE_INFINITY
    for (const { held, open } of this.#mail.values()) {
      if (held !== undefined) continue
      for (const { next } of open.values()) if (next > now && next < first) first = next
    }
    return first === Number.POSITIVE_INFINITY ? undefined : first
  }
}

function laneWithRoom(open: OpenRows, now: number, hasRoom: (lane: number) => boolean): number | undefined {
  for (const { next, lane } of open.values()) if (next <= now && hasRoom(lane)) return lane
  return undefined
}

/** An entry with its recipients, as the database would read it. */
export function rowOf({ json, held, open }: Unsettled): QueuedRow {
  return { json, held, pending: [...open.values()] }
}

/** The part of a segment that must still be wanted for it to be kept; of less, the octets go into the database. */
const worthKeeping = 4

/** The segments in which octets stay when all of these become rows: those of which enough is wanted. */
export function segmentsToKeep(
  all: Iterable<Pick<Unsettled, "segment" | "length">>,
  segmentOctets: number,
): ReadonlySet<number> {
  const octets = new Map<number, number>()
  for (const { segment, length } of all) octets.set(segment, (octets.get(segment) ?? 0) + length)
  const enough = segmentOctets / worthKeeping
  return new Set([...octets].filter(([, sum]) => sum >= enough).map(([segment]) => segment))
}

/** Their rows. The octets stay where they are, in segments that are kept; else they move. */
export function settledRows(
  all: readonly Omit<Unsettled, "record" | "since">[],
  kept: ReadonlySet<number>,
): readonly SettledRow[] {
  return all.map(({ id, acceptedAt, held, json, file, segment, at, length, crc, open }) => ({
    id,
    acceptedAt,
    held,
    json,
    pending: [...open.values()],
    file,
    segment,
    at,
    length,
    crc,
    stays: kept.has(segment),
  }))
}
