// Octets of messages that stayed in the log's segments, as the database's thread sees them: read from there, and counted, so that
// a segment is given back when the last one is gone.
import type { DatabaseSync } from "node:sqlite"
import { segmentNumbers } from "./log-segments.ts"
import { SegmentFiles } from "./segment-files.ts"

type Count = { messages: number; octets: number }

export class SegmentBodies {
  readonly #folder: string
  readonly #counts = new Map<number, Count>()
  /** Segments before the mark that are still there. */
  readonly #kept = new Set<number>()
  readonly #files: SegmentFiles
  #mark: number
  /** What the transaction changes, to be undone when it fails. */
  #changes: { segment: number; messages: number; octets: number }[] = []
  #newMark: number | undefined

  constructor(folder: string, database: DatabaseSync, mark: number) {
    this.#folder = folder
    this.#files = new SegmentFiles(folder)
    this.#mark = mark
    for (const row of database.prepare(counts).all()) {
      const { segment, messages, octets } = row
      this.#counts.set(Number(segment), { messages: Number(messages), octets: Number(octets) })
    }
    for (const number of segmentNumbers(folder)) if (number < mark) this.#kept.add(number)
  }

  begin(): void {
    this.#changes = []
    this.#newMark = undefined
  }

  changed(segment: number, messages: number, octets: number): void {
    this.#changes.push({ segment, messages, octets })
  }

  marked(segment: number): void {
    this.#newMark = segment
  }

  /** The segments that nobody needs now. */
  commit(): readonly number[] {
    for (const { segment, messages, octets } of this.#changes) {
      const count = this.#counts.get(segment) ?? { messages: 0, octets: 0 }
      count.messages += messages
      count.octets += octets
      if (count.messages > 0) this.#counts.set(segment, count)
      else this.#counts.delete(segment)
    }
    const mark = this.#newMark ?? this.#mark
    if (mark > this.#mark) {
      for (const number of segmentNumbers(this.#folder))
        if (number >= this.#mark && number < mark) this.#kept.add(number)
      this.#mark = mark
    }
    return this.#changes.length > 0 || this.#newMark !== undefined ? this.giveBack() : []
  }

  /** The segments that nobody needs, each said once. */
  giveBack(): readonly number[] {
    const unneeded = [...this.#kept].filter((number) => !this.#counts.has(number))
    for (const number of unneeded) {
      this.#kept.delete(number)
      this.#files.close(number)
    }
    return unneeded
  }

  /** The number of a segment that was never there. */
  next(): number {
    return Math.max((segmentNumbers(this.#folder).at(-1) ?? 0) + 1, this.#mark)
  }

  /** A segment of which less than a quarter is still wanted, besides the one that is being written. `octets` is its size. */
  sparse(octets: number): number | undefined {
    for (const [number, count] of this.#counts)
      if (number < this.#mark && count.octets < octets / 4) return number
    return undefined
  }

  /** The octets of a message; as many as there are. */
  read(segment: number, at: number, length: number): Uint8Array<ArrayBuffer> {
    return this.#files.read(segment, at, length)
  }

  close(): void {
    this.#files.closeAll()
  }
}

const counts =
  "SELECT segment, count(*) AS messages, sum(size) AS octets FROM entry WHERE segment IS NOT NULL GROUP BY segment"
