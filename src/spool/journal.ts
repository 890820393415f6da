// The log as it is written: whatever waits is written together, one group at a time, and is on stable storage when the write is
// over. What a record means is no matter of this file.
import { write } from "node:fs"
import { join } from "node:path"
import { alignedBuffer } from "../host/posix.ts"
import { FolderSync } from "./body-file.ts"
import { explainError, isFull } from "./database.ts"
import { block, putRecord, roomFor } from "./log-records.ts"
import {
  beginSegment,
  closeSegment,
  makeSpare,
  removeSegment,
  type Segment,
  segmentPath,
} from "./log-segments.ts"
import type { Failure } from "./requests.ts"
import { step } from "./steps.ts"

/** Where a record begins, and where its octets lie. */
export type Place = {
  readonly segment: number
  readonly record: number
  readonly at: number
  readonly crc: number
}

/** Up to here everything that the log holds is durable. */
export type Mark = { readonly segment: number; readonly at: number }

export type Wish = {
  readonly kind: "accept" | "record"
  readonly text: string
  readonly octets: Uint8Array
  /** Called when it is durable, before anything else happens; or when nothing of its group may count. */
  readonly done: (place: Place | undefined, failure: Failure | undefined) => void
}

export type JournalEvents = {
  /** All of a group is durable and was told so: the mark is behind it. */
  readonly written: () => void
  /** A segment is full: nothing more is written into it, and the next one has this number. */
  readonly full: (next: number) => void
  /** A group could not be written: nothing more is, until begin() has worked. */
  readonly broken: (failure: Failure) => void
}

/** Octets kept for the next group to be put together in; a larger one has a buffer of its own. */
const usualGroup = 256 * 1024
const largestKept = 4 * 1024 * 1024

export class Journal {
  readonly #folder: string
  readonly #folderSync: FolderSync
  readonly #size: number
  readonly #events: JournalEvents
  #number: number
  #segment: Segment | undefined
  /** Where the next group goes. */
  #end = block
  /** The segment after this one: begun while this one is written, so that no mail waits for it. */
  #next: Promise<Segment> | undefined
  #spare: Promise<string> | undefined
  /** Settles when no segment is being made. */
  #making: Promise<unknown> = Promise.resolve()
  #gathered: Wish[] = []
  #busy = false
  #scheduled = false
  #staging = alignedBuffer(usualGroup, block)
  #quiet: (() => void)[] = []

  /** `number` is that of the first segment it will write; `unneeded` are old ones that may be used again. */
  constructor(
    folder: string,
    size: number,
    { number, unneeded }: { readonly number: number; readonly unneeded: readonly number[] },
    events: JournalEvents,
  ) {
    this.#folder = folder
    this.#folderSync = new FolderSync(folder)
    this.#size = wholeBlocks(size)
    this.#number = number
    this.#events = events
    for (const old of unneeded) this.reuse(old)
  }

  get mark(): Mark {
    return { segment: this.#number, at: this.#segment === undefined ? block : this.#end }
  }

  /** Octets of a segment. */
  get size(): number {
    return this.#size
  }

  append(wish: Wish): void {
    this.#gathered.push(wish)
  }

  /** What was appended is written as soon as what is being written is done. One turn of the event loop gathers what all sockets brought. */
  hurry(): void {
    if (this.#scheduled || this.#busy) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  /** Resolves when nothing is being written and nothing waits. */
  async drained(): Promise<void> {
    while (this.#busy || this.#gathered.length > 0) {
      this.hurry()
      await new Promise<void>((resolve) => this.#quiet.push(resolve))
    }
  }

  /** An old segment nobody needs any more: it is the next one, or goes. */
  reuse(number: number): void {
    const path = segmentPath(this.#folder, number)
    step("log.freed")
    if (this.#spare === undefined) this.#spare = Promise.resolve(path)
    else void removeSegment(path)
  }

  /** Begins a segment. What keeps it from that, if something does. */
  async begin(): Promise<Failure | undefined> {
    const next = this.#next ?? this.#made(this.#number)
    this.#next = undefined
    try {
      this.#segment = await next
      this.#end = block
    } catch (error) {
      await removeSegment(join(this.#folder, "spare"))
      return { full: isFull(error), why: explainError(error) }
    }
    return undefined
  }

  /** A segment of this number: an old one that has become free, else a new one. */
  #made(number: number): Promise<Segment> {
    const spare = this.#spare ?? makeSpare(this.#folder, this.#size)
    this.#spare = undefined
    const made = spare.then((path) => beginSegment(path, this.#folder, number, this.#size, this.#folderSync))
    this.#making = made.catch(() => {})
    return made
  }

  /** Nothing is written any more, and no file is open when it resolves. */
  async close(): Promise<void> {
    await this.#making
    if (this.#segment !== undefined) closeSegment(this.#segment)
    this.#segment = undefined
    await this.#next?.then(closeSegment, () => {})
  }

  /** An error comes up when the segment is needed. */
  #prepare(): void {
    if (this.#next !== undefined || this.#end < this.#size / 2) return
    this.#next = this.#made(this.#number + 1)
  }

  #flush(): void {
    if (this.#busy || this.#gathered.length === 0) return this.#tellQuiet()
    this.#busy = true
    const segment = this.#segment
    if (segment === undefined) return void this.#rotate()
    const wishes = this.#fitting(segment)
    if (wishes.length === 0) return void this.#rotate()
    this.#write(segment, wishes)
  }

  /** Those of the waiting that have their place in this segment; one that is larger than any segment is alone in one. */
  #fitting(segment: Segment): readonly Wish[] {
    let room = segment.size - this.#end
    const count = this.#gathered.findIndex(({ text, octets }) => {
      room -= roomFor(text, octets.length)
      return room < 0
    })
    if (count === -1) return this.#gathered.splice(0)
    if (count === 0 && this.#end === block) return this.#gathered.splice(0, 1)
    return this.#gathered.splice(0, count)
  }

  async #rotate(): Promise<void> {
    if (this.#segment !== undefined) {
      closeSegment(this.#segment)
      this.#segment = undefined
      this.#number++
      this.#events.full(this.#number)
    }
    const failure = await this.begin()
    this.#busy = false
    if (failure !== undefined) return this.#broken(failure, [])
    this.#flush()
  }

  #write(segment: Segment, wishes: readonly Wish[]): void {
    const places: Place[] = []
    const staging = this.#stagingFor(wishes)
    let length = 0
    for (const { kind, text, octets } of wishes) {
      const { start, end, crc } = putRecord(staging, length, segment.key, kind, text, octets)
      places.push({ segment: segment.number, record: this.#end + length, at: this.#end + start, crc })
      length = end
      if (kind === "accept") step("accept.written")
      else step("record.written")
    }
    const whole = wholeBlocks(length)
    staging.fill(0, length, whole) // whatever an earlier group left there must not be read as one of this
    this.#put(segment, staging, 0, whole, (error) => {
      this.#busy = false
      if (error !== undefined) {
        closeSegment(segment)
        this.#segment = undefined
        this.#number++
        return this.#broken({ full: isFull(error), why: explainError(error) }, wishes)
      }
      this.#end += whole
      for (const [n, { kind, done }] of wishes.entries()) {
        if (kind === "accept") step("accept.committed")
        else step("record.committed")
        done(places[n], undefined)
      }
      this.#events.written()
      this.#prepare()
      this.#flush()
    })
  }

  #stagingFor(wishes: readonly Wish[]): Buffer {
    let need = 0
    for (const { text, octets } of wishes) need += roomFor(text, octets.length)
    if (need <= this.#staging.length) return this.#staging
    const larger = alignedBuffer(wholeBlocks(need), block)
    if (need <= largestKept) this.#staging = larger
    return larger
  }

  /** Writes all of it, in as many calls as the kernel wants. */
  #put(
    segment: Segment,
    from: Buffer,
    start: number,
    end: number,
    done: (error: Error | undefined) => void,
  ): void {
    write(segment.file, from, start, end - start, this.#end + start, (error, written) => {
      if (error !== null) done(error)
      else if (start + written < end) this.#put(segment, from, start + written, end, done)
      else done(undefined)
    })
  }

  /** A write that failed is never tried again: nobody knows what is on the disk. */
  #broken(failure: Failure, wishes: readonly Wish[]): void {
    this.#events.broken(failure)
    for (const { done } of [...wishes, ...this.#gathered.splice(0)]) done(undefined, failure)
    this.#tellQuiet()
  }

  #tellQuiet(): void {
    for (const resolve of this.#quiet.splice(0)) resolve()
  }
}

/** The next multiple of a block. */
function wholeBlocks(octets: number): number {
  return Math.ceil(octets / block) * block
}
