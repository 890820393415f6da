// What is in the log and not yet in the database. Mail that is delivered at once begins and ends here. What waits is tried from here
// too; it is settled, the oldest first, when it has waited long, when the log would grow too long or the memory too large, and all of it
// when somebody looks at the queue or gives an order: then it becomes rows of the database.
import { unlink } from "node:fs"
import { setImmediate as breathe } from "node:timers/promises"
import { crc32 } from "node:zlib"
import type { Entry } from "../queue/entry.ts"
import { bodyPath, type Folders, setAsideOctets } from "./bodies.ts"
import { Journal } from "./journal.ts"
import type { ChangeAnswer, Link } from "./link.ts"
import { type AcceptText, printAccept, printOutcome } from "./log-records.ts"
import type { Answers, BodyRow, Change, Failure, QueuedRow, Question, RecordChange } from "./requests.ts"
import { SegmentFiles } from "./segment-files.ts"
import { step } from "./steps.ts"
import {
  type DueHere,
  rowOf,
  segmentsToKeep,
  settledRows,
  type Unsettled,
  UnsettledMail,
} from "./unsettled.ts"

/** Milliseconds that an outcome nobody waits for may be late: as a rule the next message's group takes it along. */
const lateness = 10
/** Milliseconds between two tries to begin a segment. */
const again = 500
/** Segments, besides the one that is being written, of which mail may be in the log alone. */
const mostSegments = 4
/** Letters of rows kept in memory for mail that is in the log alone. */
const mostLetters = 8 * 1024 * 1024
/** Recipients that become rows in one turn of the event loop: to hand over so many takes a millisecond or two. */
const slice = 100
const nothing = new Uint8Array(0)

export type LedgerStart = {
  readonly folders: Folders
  readonly segmentOctets: number
  /** Milliseconds after which what waits becomes rows. */
  readonly settleEvery: number
  readonly log: (line: string) => void
}

/** What is asked of the database, once everything is there. */
type Asked = Exclude<Question, { readonly ask: "due" | "nextDue" | "get" | "body" | "trim" }>

export class Ledger {
  readonly #link: Link
  readonly #folders: Folders
  readonly #log: (line: string) => void
  readonly #journal: Journal
  readonly #files: SegmentFiles
  readonly #settleEvery: number
  readonly #mail = new UnsettledMail()
  /** Being written: not there yet, and no second one of their ids may come. */
  readonly #coming = new Set<string>()
  #trouble: Failure | undefined
  #late: NodeJS.Timeout | undefined
  #closed = false
  #settledAt = performance.now()
  /** Ends with the last slice of all that is to be settled now. */
  #settling = Promise.resolve()
  #crowded = false
  #timed = false

  constructor(link: Link, { folders, segmentOctets, settleEvery, log }: LedgerStart) {
    this.#link = link
    this.#folders = folders
    this.#log = log
    this.#settleEvery = settleEvery
    this.#files = new SegmentFiles(folders.log)
    this.#journal = new Journal(folders.log, segmentOctets, link.segments, {
      written: () => this.#settleNowAndThen(),
      full: (next) => void this.#settle(({ segment }) => segment < next - mostSegments),
      broken: (failure) => this.#broken(failure),
    })
    link.onUnneeded((segments) => {
      for (const segment of segments) {
        this.#files.close(segment)
        this.#journal.reuse(segment)
      }
    })
  }

  /** What keeps mail from being taken; undefined when all is in order. */
  get trouble(): Failure | undefined {
    return this.#trouble ?? this.#link.trouble
  }

  /** Messages that the log alone has. */
  get unsettled(): number {
    return this.#mail.size
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
          if (place !== undefined) this.#mail.add(text, place, octets.length, performance.now())
          resolve(failure)
        },
      })
      this.#journal.hurry()
    })
  }

  #cannot({ id, pending }: AcceptText): Failure | undefined {
    if (this.#mail.get(id) !== undefined || this.#coming.has(id))
      return { full: false, why: `${id}: there is a message of this id` }
    return pending.length === 0 ? { full: false, why: `${id}: a message without recipients` } : undefined
  }

  /** Applies an outcome; resolves when it is durable. A late one waits a moment for company. */
  record(change: RecordChange, late: boolean): Promise<ChangeAnswer> {
    const one = this.#mail.strikeOff(change)
    if (one === undefined) return late ? this.#link.changeLate(change) : this.#link.change(change)
    const over = one.open.size === 0
    return new Promise((resolve) => {
      this.#journal.append({
        kind: "record",
        text: printOutcome(change),
        octets: nothing,
        done: (_, failure) => {
          // What could not be written here was settled with all the rest; the database is asked once more to be sure.
          if (failure !== undefined) return resolve(this.#link.change(change))
          if (over && one.file !== undefined) this.#removeBody(change.id)
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

  /** What the log alone has that is due: the oldest first, of each lane so many at most, of the full ones nothing. */
  dueHere(asked: DueHere): readonly QueuedRow[] {
    return this.#mail.due(asked)
  }

  /** What the database has that is due. */
  dueThere(question: Question & { readonly ask: "due" }): Promise<Answers["due"]> {
    return this.#link.askAfterChanges(question)
  }

  /** When the first of those that are not due at `now` will be. */
  async nextDue(now: number): Promise<number | undefined> {
    const here = this.#mail.nextDue(now) // before the question: what is settled meanwhile would be found by neither
    const there = await this.#link.askAfterChanges({ ask: "nextDue", now })
    return here === undefined || there === undefined ? (here ?? there) : Math.min(here, there)
  }

  /** A message as it is now. */
  get(id: string): Promise<QueuedRow | undefined> {
    const one = this.#mail.get(id)
    return one === undefined ? this.#link.ask({ ask: "get", id }) : Promise.resolve(rowOf(one))
  }

  /** The octets of a message. */
  async body(id: string): Promise<BodyRow> {
    const one = this.#mail.get(id)
    const body = one === undefined ? undefined : await this.#read(one)
    return body ?? (await this.#link.ask({ ask: "body", id }))
  }

  /** From the log; undefined when the message has left it meanwhile. What is damaged is kept beside, for the eyes of the operator. */
  async #read(one: Unsettled): Promise<BodyRow | undefined> {
    const { id, json, segment, at, length, crc, file } = one
    const octets = await this.#files.readLater(segment, at, length).catch((error: unknown) => {
      if (this.#mail.get(id) === one) throw error
      return nothing
    })
    if (this.#mail.get(id) !== one) return undefined
    if (crc32(octets) === crc) {
      const { headerSize } = JSON.parse(json) as Entry
      return { found: "body", octets, headerSize, file }
    }
    setAsideOctets(this.#folders, id, "", octets)
    return { found: "damaged", why: "the checksum of its octets is wrong" }
  }

  /** An order: it is obeyed in the database. */
  async change(change: Change): Promise<ChangeAnswer> {
    await this.#settleAll()
    return this.#link.change(change)
  }

  /** A question about the queue, or about what happened: it is answered from the database. */
  async ask<Q extends Asked>(question: Q): Promise<Answers[Q["ask"]]> {
    if (question.ask !== "history" && question.ask !== "events") await this.#settleAll()
    return this.#link.ask(question)
  }

  async trimMemory(): Promise<void> {
    await this.#link.ask({ ask: "trim" })
  }

  async close(): Promise<void> {
    clearTimeout(this.#late)
    await this.#journal.drained()
    this.#closed = true
    void this.#settleAtOnce()
    await this.#link.close()
    this.#files.closeAll()
    await this.#journal.close()
  }

  /** So that a start has little to read, and memory its bounds. The database learns what time it is when the first mail comes. */
  #settleNowAndThen(): void {
    if (!this.#timed) this.#link.tellTime()
    this.#timed = true
    const now = performance.now()
    if (this.#mail.letters > mostLetters) void this.#makeRoom()
    else if (now - this.#settledAt >= this.#settleEvery)
      void this.#settle(({ since }) => now - since >= this.#settleEvery)
  }

  async #makeRoom(): Promise<void> {
    if (this.#crowded) return
    this.#crowded = true
    await this.#settle(() => this.#mail.letters > mostLetters / 2)
    this.#crowded = false
  }

  /** Whatever was there when somebody asked. */
  async #settleAll(): Promise<void> {
    const now = performance.now()
    if (this.#mail.size > 0) void this.#settle(({ since }) => since <= now)
    await this.#settling
  }

  /**
   * Makes rows of the oldest, as long as they are old enough, a slice in a turn of the event loop, so that no session waits for all of
   * them. Resolves when the database has been told of the last one.
   */
  #settle(isOld: (one: Unsettled) => boolean): Promise<void> {
    this.#settledAt = performance.now()
    this.#settling = this.#settling.then(() => this.#settleInSlices(isOld))
    return this.#settling
  }

  async #settleInSlices(isOld: (one: Unsettled) => boolean): Promise<void> {
    if (this.#closed) return
    const kept = segmentsToKeep(this.#mail.oldest(isOld), this.#journal.size)
    for (;;) {
      void this.#settleSome(this.#mail.take(isOld, slice), kept)
      const { first } = this.#mail
      if (first === undefined || !isOld(first)) return
      step("settle.sliced")
      await breathe()
    }
  }

  /** All of it, now; resolves when that is durable. */
  #settleAtOnce(): Promise<void> {
    const all = this.#mail.take(() => true, Number.POSITIVE_INFINITY)
    return this.#settleSome(all, segmentsToKeep(all, this.#journal.size))
  }

  /**
   * The database has these from here on: what comes for them goes there. The mark is where the first one stands that stays, so a start
   * reads nothing again of what has rows, and all of what has none.
   */
  async #settleSome(some: readonly Unsettled[], kept: ReadonlySet<number>): Promise<void> {
    const { first } = this.#mail
    const mark = first === undefined ? this.#journal.mark : { segment: first.segment, at: first.record }
    await this.#link.changeNow({ kind: "settle", id: "", rows: settledRows(some, kept), mark })
    if (first !== undefined) step("settle.parted")
  }

  /** A group could not be written. What the log has is settled, and a new segment begun: nothing refused is ever read from the old one. */
  #broken(failure: Failure): void {
    if (this.#trouble === undefined)
      this.#log(`the spool's log could not be written: ${failure.why}; a new one is begun`)
    this.#trouble = failure
    void this.#beginAnew()
  }

  async #beginAnew(): Promise<void> {
    await this.#settleAtOnce()
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
