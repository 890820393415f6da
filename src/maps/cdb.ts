// D. J. Bernstein's constant database, read: 256 pointers, then records, then hash tables. Behind them we put a part of our
// own that other cdb tools never look at: for each slot of the tables the line of the source text its record came from.
//
//   0                2048        tables                lines                 end-24       end
//   | 256 × (at, n)  | records   | slots (hash, at)    | a line for each slot | "waypost1" tables lines records 0 |
//
// All numbers are 32 bits, little-endian. A file without our part is read too; its entries stand on line 0.
import { fail, ok, type Result } from "../mail/result.ts"

/** Octets of our part's end: magic, start of tables, start of lines, number of records, reserved. */
export const trailerSize = 24

/** Tells our part from anything else that might follow. */
export const magic = Buffer.from("waypost1", "latin1")

/** Gives `length` octets at `position`; fewer only when the file is shorter. */
export type ReadAt = (position: number, length: number) => Buffer

export type Cdb = {
  readonly readAt: ReadAt
  /** The whole file, when it is in memory. */
  readonly whole: Buffer | undefined
  /** The 256 pointers. */
  readonly header: Buffer
  /** Where slots and lines begin; undefined in a file of another tool. */
  readonly lines: { readonly tables: number; readonly lines: number } | undefined
}

/** A value and the line of its source, 0 when nobody wrote it down. */
export type CdbValue = { readonly value: Buffer; readonly line: number }

/** hash = hash * 33 ^ octet, from 5381 (cdb.txt). */
export function cdbHash(key: Uint8Array): number {
  let hash = 5381
  for (const octet of key) hash = (Math.imul(hash, 33) ^ octet) >>> 0
  return hash
}

/** Opens a cdb of `size` octets that is read by position. */
export function openCdb(readAt: ReadAt, size: number, whole?: Buffer): Result<Cdb> {
  if (size < 2048) return fail("not a cdb file: shorter than its header")
  const header = Buffer.from(readAt(0, 2048))
  for (let table = 0; table < 256; table++) {
    const end = header.readUInt32LE(table * 8) + header.readUInt32LE(table * 8 + 4) * 8
    if (end > size) return fail("the cdb file is cut off: a table points behind its end")
  }
  return ok({ readAt, whole, header, lines: openLines(readAt, size) })
}

/** A cdb that is in memory. */
export function cdbInMemory(file: Buffer): Result<Cdb> {
  return openCdb((position, length) => file.subarray(position, position + length), file.length, file)
}

function openLines(readAt: ReadAt, size: number): Cdb["lines"] {
  const trailer = readAt(size - trailerSize, trailerSize)
  if (trailer.length < trailerSize || !trailer.subarray(0, 8).equals(magic)) return undefined
  const tables = trailer.readUInt32LE(8)
  const lines = trailer.readUInt32LE(12)
  // As many lines as slots: 4 octets for each 8.
  return lines - tables === (size - trailerSize - lines) * 2 ? { tables, lines } : undefined
}

/** Slots that are read at once where the file is on disk: most keys are found, or missed, in the first two. */
const slotsTogether = 4

/** The first value under a key. Throws when the file is damaged: a pointer leads out of it. */
export function findInCdb(cdb: Cdb, key: Uint8Array): CdbValue | undefined {
  const hash = cdbHash(key)
  const pointer = (hash & 255) * 8
  const table = cdb.header.readUInt32LE(pointer)
  const slots = cdb.header.readUInt32LE(pointer + 4)
  if (slots === 0) return undefined
  let slot = (hash >>> 8) % slots
  let near = { from: 0, octets: cdb.whole ?? nothing }
  for (let tried = 0; tried < slots; tried++) {
    const at = table + slot * 8
    if (at < near.from || at + 8 > near.from + near.octets.length)
      near = { from: at, octets: take(cdb, at, Math.min(slotsTogether, slots - slot) * 8) }
    const record = near.octets.readUInt32LE(at - near.from + 4)
    if (record === 0) return undefined
    if (near.octets.readUInt32LE(at - near.from) === hash) {
      const value = valueAt(cdb, record, key)
      if (value !== undefined) return { value, line: lineOfSlot(cdb, at) }
    }
    slot = slot + 1 === slots ? 0 : slot + 1
  }
  return undefined
}

const nothing = Buffer.alloc(0)

/** Octets of a value that are read together with its key: most values are no longer. */
const usualValue = 56

function valueAt(cdb: Cdb, record: number, key: Uint8Array): Buffer | undefined {
  const begin = cdb.readAt(record, 8 + key.length + usualValue)
  if (begin.length < 8) throw new RangeError(`damaged cdb file: nothing at octet ${record}`)
  const keyLength = begin.readUInt32LE(0)
  if (keyLength !== key.length) return undefined
  const end = 8 + keyLength + begin.readUInt32LE(4)
  const all = end <= begin.length ? begin : take(cdb, record, end)
  return all.subarray(8, 8 + keyLength).equals(key) ? all.subarray(8 + keyLength, end) : undefined
}

function lineOfSlot(cdb: Cdb, slot: number): number {
  if (cdb.lines === undefined || slot < cdb.lines.tables) return 0
  return take(cdb, cdb.lines.lines + (slot - cdb.lines.tables) / 2, 4).readUInt32LE(0)
}

function take(cdb: Cdb, position: number, length: number): Buffer {
  const octets = cdb.readAt(position, length)
  if (octets.length < length) throw new RangeError(`damaged cdb file: nothing at octet ${position}`)
  return octets
}

/** All records in the order in which they were written, without their lines. */
export function* cdbRecords(cdb: Cdb): Generator<{ readonly key: Buffer; readonly value: Buffer }> {
  let end = 0xffff_ffff
  for (let table = 0; table < 256; table++) end = Math.min(end, cdb.header.readUInt32LE(table * 8))
  for (let at = 2048; at < end; ) {
    const lengths = take(cdb, at, 8)
    const keyLength = lengths.readUInt32LE(0)
    const valueLength = lengths.readUInt32LE(4)
    const both = take(cdb, at + 8, keyLength + valueLength)
    yield { key: both.subarray(0, keyLength), value: both.subarray(keyLength) }
    at += 8 + keyLength + valueLength
  }
}
