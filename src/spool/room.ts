// Whether there is room for more mail: disk space and inodes above a reserve that is kept for what is already here.
import { statfsSync } from "node:fs"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Clock } from "../mail/world.ts"
import { sharesOf } from "./disk.ts"

/** Files that must still be possible. */
const inodesInReserve = 100
/** Milliseconds for which an answer of the file system holds. */
const lookEvery = 1000

/** The reserve of this disk when so many of its blocks are to stay free: never less than its own. */
export function reserveOf(directory: string, blocksFree: number): number {
  const { bsize, blocks } = statfsSync(directory)
  return Math.max(blocksFree * bsize, sharesOf(blocks * bsize).reserve)
}

export class Room {
  readonly #directory: string
  readonly #clock: Clock
  readonly #reserve: number | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #free = 0
  #inodes = Number.POSITIVE_INFINITY
  #why: string | undefined

  /** `reserve` in octets; undefined: by the size of the disk. */
  constructor(directory: string, clock: Clock, reserve: number | undefined) {
    this.#directory = directory
    this.#clock = clock
    this.#reserve = reserve
  }

  /** Octets of mail that came since the last look; each needs its space twice. */
  taken(octets: number): void {
    this.#free -= 2 * octets
  }

  /** The next question looks anew. */
  lookAgain(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY
  }

  /** A body passes the WAL on its way into the database, so it needs its space twice. */
  for(size: number): Result<void> {
    this.#look()
    if (this.#why !== undefined) return fail(this.#why)
    if (this.#inodes < inodesInReserve) return fail(`${this.#directory}: ${this.#inodes} inodes left`)
    if (this.#free >= 2 * size) return ok(undefined)
    const short = Math.ceil((2 * size - this.#free) / 1024)
    return fail(`${this.#directory}: ${short} KiB short of ${size} octets with the reserve kept free`)
  }

  #look(): void {
    const now = this.#clock()
    if (now - this.#lookedAt < lookEvery && now >= this.#lookedAt) return
    this.#lookedAt = now
    try {
      const { bavail, bsize, blocks, files, ffree } = statfsSync(this.#directory)
      const reserve = this.#reserve ?? sharesOf(blocks * bsize).reserve
      this.#free = bavail * bsize - reserve
      this.#inodes = files > 0 ? ffree : Number.POSITIVE_INFINITY // btrfs counts none
      this.#why = undefined
    } catch (error) {
      this.#why = `${this.#directory}: ${error instanceof Error ? error.message : String(error)}`
    }
  }
}
