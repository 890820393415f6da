// SQLite's write-ahead log, read without SQLite: it stops at the first page whose checksum is wrong and forgets what comes after,
// which is right for a write that a crash cut off and wrong for octets that a disk has changed. Here the two are told apart.
// Format: sqlite.org/fileformat2.html §4.
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs"

const headerSize = 32
const frameHeaderSize = 24

/** A page in the log that is as it was written. */
export type Frame = {
  /** Its number in the database, from 1. */
  readonly page: number
  /** Where its octets begin in the log. */
  readonly offset: number
}

/** What a log has. */
export type WalContent = {
  readonly pageSize: number
  /** Every page that is whole, up to the last commit, in order. */
  readonly frames: readonly Frame[]
  /** Pages of the database after the last commit. */
  readonly pages: number
  /** What SQLite would not read although commits were made of it; undefined when nothing. */
  readonly damage: string | undefined
}

/** Reads a log; undefined when there is none, or nothing was ever committed in it. */
export function readWal(path: string): WalContent | undefined {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size <= headerSize + frameHeaderSize) return undefined
  const octets = readFileSync(path)
  const header = readHeader(octets)
  const start = header ?? guessHeader(octets)
  return start === undefined ? undefined : walk(octets, start, header === undefined)
}

/** Whether the log is longer than nothing: a database beside it cannot be empty. */
export function holdsPages(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > headerSize + frameHeaderSize
}

type Sums = readonly [number, number]
type Start = {
  readonly pageSize: number
  readonly littleEndian: boolean
  readonly salts: string
  /** Of the header, from which those of the frames go on; unknown when the header is damaged. */
  readonly sums: Sums | undefined
}

function readHeader(octets: Buffer): Start | undefined {
  const magic = octets.readUInt32BE(0)
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return undefined
  const littleEndian = magic === 0x377f0682
  const sums = addUp([0, 0], octets.subarray(0, 24), littleEndian)
  const stored: Sums = [octets.readUInt32BE(24), octets.readUInt32BE(28)]
  if (!isSame(sums, stored)) return undefined
  return { pageSize: octets.readUInt32BE(8), littleEndian, salts: octets.toString("latin1", 16, 24), sums }
}

/** A header that was changed: page size and salts are those that all frames agree about. */
function guessHeader(octets: Buffer): Start | undefined {
  for (const pageSize of [8192, 4096, 1024, 2048, 16_384, 32_768, 65_536]) {
    const second = headerSize + frameHeaderSize + pageSize
    if (octets.length < second + frameHeaderSize + pageSize) continue
    const salts = octets.toString("latin1", headerSize + 8, headerSize + 16)
    for (const littleEndian of [true, false]) {
      const found = frameAt(octets, second, { pageSize, littleEndian, salts, sums: undefined })
      if (found !== undefined && isSame(addFrame(found, storedSums(octets, headerSize)), found.sums))
        return { pageSize, littleEndian, salts, sums: undefined }
    }
  }
  return undefined
}

type Found = Frame & {
  readonly commit: number
  readonly sums: Sums
  /** What the checksum is made of. */
  readonly summed: readonly [Buffer, Buffer]
  readonly littleEndian: boolean
}

/** The frame that begins here, when it belongs to this log. */
function frameAt(octets: Buffer, at: number, { pageSize, salts, littleEndian }: Start): Found | undefined {
  const end = at + frameHeaderSize + pageSize
  if (end > octets.length || octets.toString("latin1", at + 8, at + 16) !== salts) return undefined
  return {
    page: octets.readUInt32BE(at),
    offset: at + frameHeaderSize,
    commit: octets.readUInt32BE(at + 4),
    sums: storedSums(octets, at),
    summed: [octets.subarray(at, at + 8), octets.subarray(at + frameHeaderSize, end)],
    littleEndian,
  }
}

function storedSums(octets: Buffer, at: number): Sums {
  return [octets.readUInt32BE(at + 16), octets.readUInt32BE(at + 20)]
}

function addFrame({ summed: [head, page], littleEndian }: Found, before: Sums): Sums {
  return addUp(addUp(before, head, littleEndian), page, littleEndian)
}

/**
 * Each frame's checksum goes on from the one before. A page that was changed is left out, and the chain goes on from what is
 * written beside it. What a crash leaves is a frame without a commit after it; a commit after a wrong page is damage.
 */
function walk(octets: Buffer, start: Start, headerIsWrong: boolean): WalContent | undefined {
  const step = frameHeaderSize + start.pageSize
  const whole: Frame[] = []
  let committed = 0
  let pages = 0
  let wrong = headerIsWrong ? 1 : 0
  let lost = headerIsWrong
  let sums = start.sums
  for (let at = headerSize; at + step <= octets.length; at += step) {
    const frame = frameAt(octets, at, start)
    if (frame === undefined && !goesOn(octets, at, step, start)) break
    // After a frame whose header is gone nobody can tell; what is in the page has checksums of its own.
    const isRight = frame !== undefined && (sums === undefined || isSame(addFrame(frame, sums), frame.sums))
    sums = frame?.sums
    if (!isRight) {
      wrong++
      continue
    }
    whole.push({ page: frame.page, offset: frame.offset })
    if (frame.commit === 0) continue
    committed = whole.length
    pages = frame.commit
    if (wrong > 0) lost = true
  }
  if (committed === 0) return undefined
  const damage = lost ? `${wrong} of its parts ${wrong === 1 ? "is" : "are"} not what was written` : undefined
  return { pageSize: start.pageSize, frames: whole.slice(0, committed), pages, damage }
}

/** Whether the log goes on after a frame whose own header was changed. */
function goesOn(octets: Buffer, at: number, step: number, start: Start): boolean {
  const next = frameAt(octets, at + step, start)
  if (next === undefined) return false
  const after = frameAt(octets, at + 2 * step, start)
  if (after !== undefined && isSame(addFrame(after, next.sums), after.sums)) return true
  return isSame(addFrame(next, storedSums(octets, at)), next.sums)
}

function isSame([a, b]: Sums, [c, d]: Sums): boolean {
  return a === c && b === d
}

function addUp([first, second]: Sums, octets: Buffer, littleEndian: boolean): Sums {
  let [a, b] = [first | 0, second | 0]
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  for (let at = 0; at < octets.byteLength; at += 8) {
    a = (a + view.getInt32(at, littleEndian) + b) | 0
    b = (b + view.getInt32(at + 4, littleEndian) + a) | 0
  }
  return [a >>> 0, b >>> 0]
}

/** Octets of a file from here on, as many as there are. */
export function readAt(path: string, at: number, length: number): Buffer {
  const file = openSync(path, "r")
  try {
    const octets = Buffer.alloc(length)
    return octets.subarray(0, readSync(file, octets, 0, length, at))
  } finally {
    closeSync(file)
  }
}
