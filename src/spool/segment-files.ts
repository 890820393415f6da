// The log's segments, opened for reading: octets by place, a few files kept open.
import { closeSync, openSync, read, readSync } from "node:fs"
import { segmentPath } from "./log-segments.ts"

/** Files kept open. */
const mostOpen = 8

export class SegmentFiles {
  readonly #folder: string
  readonly #open = new Map<number, number>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The octets at a place; as many as there are. */
  read(segment: number, at: number, length: number): Uint8Array<ArrayBuffer> {
    const octets = new Uint8Array(length)
    const file = this.#fileOf(segment)
    for (let done = 0; done < length; ) {
      const count = readSync(file, octets, done, length - done, at + done)
      if (count === 0) return octets.slice(0, done)
      done += count
    }
    return octets
  }

  /** The same without waiting for the disk: what was written past the page cache is not in memory. */
  readLater(segment: number, at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const octets = new Uint8Array(length)
    const file = this.#fileOf(segment)
    return new Promise((resolve, reject) => {
      const more = (done: number): void =>
        read(file, octets, done, length - done, at + done, (error, count) => {
          if (error !== null) reject(error)
          else if (count === 0 || done + count === length) resolve(octets.subarray(0, done + count))
          else more(done + count)
        })
      more(0)
    })
  }

  #fileOf(segment: number): number {
    const known = this.#open.get(segment)
    if (known !== undefined) return known
    const [oldest] = this.#open.keys()
    if (oldest !== undefined && this.#open.size >= mostOpen) this.close(oldest)
    const file = openSync(segmentPath(this.#folder, segment), "r")
    this.#open.set(segment, file)
    return file
  }

  /** The file will be another segment's. */
  close(segment: number): void {
    const file = this.#open.get(segment)
    this.#open.delete(segment)
    if (file !== undefined) closeSync(file)
  }

  closeAll(): void {
    for (const number of [...this.#open.keys()]) this.close(number)
  }
}
