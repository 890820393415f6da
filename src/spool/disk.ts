// How much of its disk the spool may use for itself. A WAL that fills a small disk could not be written into the database any
// more, which is the only way to empty it: so it grows no further than what stays free for that.
import { statfsSync } from "node:fs"

const mebibyte = 1024 * 1024

export type Shares = {
  /** Octets up to which the WAL grows before its pages go into the database. */
  readonly wal: number
  /** Octets of a segment of the log. */
  readonly segment: number
  /** Octets kept free: no mail is taken below. */
  readonly reserve: number
  /** Octets of timelines. */
  readonly history: number
}

/** The shares of a disk of this size: 32, 16, 64 and 256 MiB, less on small ones. */
export function sharesOf(octets: number): Shares {
  const wal = between(mebibyte, octets / 16, 32 * mebibyte)
  return {
    wal,
    segment: Math.ceil(wal / 2),
    reserve: 2 * wal,
    history: between(mebibyte, octets / 32, 256 * mebibyte),
  }
}

/** The shares of the disk that this directory is on. */
export function sharesAt(directory: string): Shares {
  const { blocks, bsize } = statfsSync(directory)
  return sharesOf(blocks * bsize)
}

function between(least: number, wanted: number, most: number): number {
  return Math.round(Math.min(Math.max(wanted, least), most))
}
