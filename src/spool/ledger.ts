// What is in the log and not yet in the database. Mail that is delivered at once begins and ends here; the rest is settled: it
// becomes rows of the database when a segment of the log is full, and whenever somebody asks about the queue or gives an order.
import { unlink } from "node:fs"
import { bodyPath, type Folders } from "./bodies.ts"
import { Journal, type Mark, type Place } from "./journal.ts"
import type { ChangeAnswer, Link } from "./link.ts"
import { type AcceptText, block, printAccept, printOutcome } from "./log-records.ts"
import type { Answers, Change, Failure, PendingRow, Question, RecordChange, SettledRow } from "./requests.ts"
import { step } from "./steps.ts"

type Live = AcceptText & Place & { readonly length: number; readonly open: Map<number, PendingRow> }

/** Milliseconds that an outcome nobody waits for may be late: as a rule the next message's group takes it along. */
const lateness = 10
/** Milliseconds between two tries to begin a segment. */
const again = 500
/** The part of a segment that must still be wanted for it to be kept; of less, the octets go into the database. */
const worthKeeping = 4
const nothing = new Uint8Array(0)

export type LedgerStart = {
  readonly folders: Folders
  readonly segmentOctets: number
  /** Milliseconds for which the log may go on without the database. */
  readonly settleEvery: number
  readonly log: (line: string) => void
}

export class Ledger {
  readonly #link: Link
  readonly #folders: Folders
  readonly #log: (line: string) => void
  readonly #journal: Journal
  readonly #settleEvery: number
  readonly #live = new Map<string, Live>()
  /** Being written: not live yet, and no second one of their ids may come. */
  readonly #coming = new Set<string>()
  #trouble: Failure | undefined
  #late: NodeJS.Timeout | undefined
  #closed = false
  #settledAt = performance.now()
  #timed = false

  constructor(link: Link, { folders, segmentOctets, settleEvery, log }: LedgerStart) {
    this.#link = link
    this.#folders = folders
    this.#log = log
    this.#settleEvery = settleEvery
    this.#journal = new Journal(folders.log, segmentOctets, link.segments, {
      written: () => this.#settleNowAndThen(),
      full: (next) => void this.#settle({ segment: next, at: block }),
      broken: (failure, next) => this.#broken(failure, next),
    })
    link.onUnneeded((segments) => {
      for (const segment of segments) this.#journal.reuse(segment)
    })
  }

  /** What keeps mail from being taken; undefined when all is in order. */
  get trouble(): Failure | undefined {
    return this.#trouble ?? this.#link.trouble
  }

  /** Resolves when the message is durable; the failure when nothing of it was kept. */
  accept(text: AcceptText, octets: Uint8Array): Promise<Failure | undefined> {
    const refused = this.#trouble ?? this.#cannot(text)
    if (refused !== undefined) return Promise.resolve(refused)
    return new Promise((resolve) => {
      this.#coming.add(text.id)
      this.#journal.append({
        kind: "accept",
        text: printAccept(text),
        octets,
        done: (place, failure) => {
          this.#coming.delete(text.id)
          if (place !== undefined) this.#live.set(text.id, liveOf(text, place, octets.length))
          resolve(failure)
        },
      })
      this.#journal.hurry()
    })
  }

  #cannot({ id, pending }: AcceptText): Failure | undefined {
    if (this.#live.has(id) || this.#coming.has(id))
      return { full: false, why: `${id}: there is a message of this id` }
    return pending.length === 0 ? { full: false, why: `${id}: a message without recipients` } : undefined
  }

  /** Applies an outcome; resolves when it is durable. A late one waits a moment for company. */
  record(change: RecordChange, late: boolean): Promise<ChangeAnswer> {
    const live = this.#live.get(change.id)
    if (live === undefined) return late ? this.#link.changeLate(change) : this.#link.change(change)
    apply(live, change)
    const over = live.open.size === 0
    if (over) this.#live.delete(change.id)
    return new Promise((resolve) => {
      this.#journal.append({
        kind: "record",
        text: printOutcome(change),
        octets: nothing,
        done: (_, failure) => {
          // What could not be written here was settled with all the rest; the database is asked once more to be sure.
          if (failure !== undefined) return resolve(this.#link.change(change))
          if (over && live.file !== undefined) this.#removeBody(change.id)
          resolve({ ok: true, result: true })
        },
      })
      if (late) this.#late ??= setTimeout(() => this.#tellLate(), lateness)
      else this.#journal.hurry()
    })
  }

  #tellLate(): void {
    this.#late = undefined
    this.#journal.hurry()
  }

  #removeBody(id: string): void {
    unlink(bodyPath(this.#folders, id), (error) => {
      if (error !== null && error.code !== "ENOENT")
        this.#log(`${id}: the body's file could not be removed: ${error.message}`)
      step("remove.unlinked")
    })
  }

  /** An order: it is obeyed in the database. */
  change(change: Change): Promise<ChangeAnswer> {
    void this.#settle()
    return this.#link.change(change)
  }

  /** A question: it is answered from the database. */
  ask<Q extends Question>(question: Q): Promise<Answers[Q["ask"]]> {
    if (question.ask !== "history" && question.ask !== "events") void this.#settle()
    return this.#link.ask(question)
  }

  async close(): Promise<void> {
    clearTimeout(this.#late)
    await this.#journal.drained()
    this.#closed = true
    void this.#settle(this.#journal.mark)
    await this.#link.close()
    this.#journal.close()
  }

  /** So that a start has little to read, and the database learns what time it is: at once when the first mail comes. */
  #settleNowAndThen(): void {
    if (!this.#timed) this.#link.tellTime()
    this.#timed = true
    const now = performance.now()
    if (now - this.#settledAt >= this.#settleEvery) void this.#settle(this.#journal.mark)
  }

  /** Makes rows of all that is only in the log. From here on the database has them: what comes for them goes there. */
  #settle(mark?: Mark): Promise<ChangeAnswer> | undefined {
    if (this.#live.size === 0 && mark === undefined) return undefined
    this.#settledAt = performance.now()
    const all = [...this.#live.values()]
    this.#live.clear()
    const rows = settledRows(all, this.#journal.size / worthKeeping)
    return this.#link.changeNow({ kind: "settle", id: "", rows, mark: mark ?? this.#journal.mark })
  }

  /** A group could not be written. What the log has is settled, and a new segment begun: nothing refused is ever read from the old one. */
  #broken(failure: Failure, next: number): void {
    if (this.#trouble === undefined)
      this.#log(`the spool's log could not be written: ${failure.why}; a new one is begun`)
    this.#trouble = failure
    void this.#beginAnew(next)
  }

  async #beginAnew(next: number): Promise<void> {
    await this.#settle({ segment: next, at: block })
    for (;;) {
      if (this.#closed) return
      const failure = await this.#journal.begin()
      if (failure === undefined) break
      this.#trouble = failure
      await new Promise((resolve) => setTimeout(resolve, again))
    }
    this.#trouble = undefined
    this.#log("the spool's log is in order again")
  }
}

function liveOf(text: AcceptText, place: Place, length: number): Live {
  const open = new Map<number, PendingRow>()
  for (const row of text.pending) open.set(row.number, row)
  const { id, acceptedAt, held, json, pending, file } = text
  const { segment, at, crc } = place
  return { id, acceptedAt, held, json, pending, file, segment, at, crc, length, open }
}

function apply({ open }: Live, { done, update, add }: RecordChange): void {
  for (const number of done) open.delete(number)
  for (const row of update) if (open.has(row.number)) open.set(row.number, row)
  for (const row of add) open.set(row.number, row)
}

/** Their octets stay where they are, where enough of them do; else they move. */
function settledRows(all: readonly Live[], enough: number): readonly SettledRow[] {
  const octets = new Map<number, number>()
  for (const { segment, length } of all) octets.set(segment, (octets.get(segment) ?? 0) + length)
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
    stays: (octets.get(segment) ?? 0) >= enough,
  }))
}
