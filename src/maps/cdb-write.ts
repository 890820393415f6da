// A cdb file made in memory: records first, then 256 hash tables, then the lines of the source (see cdb.ts).
import { fail, ok, type Result } from "../mail/result.ts"
import { cdbHash, magic, trailerSize } from "./cdb.ts"

/** What a cdb is made with. Add everything, then finish once. */
export type CdbMaker = {
  readonly pieces: Buffer[]
  piece: Buffer
  /** Octets used of the current piece. */
  used: number
  /** Where the next record will stand. */
  position: number
  count: number
  /** Hash, position and line of each record, three numbers a record. */
  index: Uint32Array
}

const pieceSize = 1024 * 1024
const largest = 0xffff_ffff

/** An empty one. */
export function newCdb(): CdbMaker {
  return {
    pieces: [],
    piece: Buffer.allocUnsafe(pieceSize),
    used: 0,
    position: 2048,
    count: 0,
    index: new Uint32Array(3 * 1024),
  }
}

/** Adds a record; a key that is there already gets another value behind the first. */
export function addToCdb(
  maker: CdbMaker,
  key: string,
  value: string,
  line: number,
  encoding: "utf8" | "latin1",
): void {
  const keyLength = Buffer.byteLength(key, encoding)
  const valueLength = Buffer.byteLength(value, encoding)
  const size = 8 + keyLength + valueLength
  reserve(maker, size)
  const { piece, used } = maker
  piece.writeUInt32LE(keyLength, used)
  piece.writeUInt32LE(valueLength, used + 4)
  piece.write(key, used + 8, keyLength, encoding)
  piece.write(value, used + 8 + keyLength, valueLength, encoding)
  note(maker, cdbHash(piece.subarray(used + 8, used + 8 + keyLength)), line)
  maker.used += size
  maker.position += size
}

function reserve(maker: CdbMaker, size: number): void {
  if (maker.used + size <= maker.piece.length) return
  maker.pieces.push(maker.piece.subarray(0, maker.used))
  maker.piece = Buffer.allocUnsafe(Math.max(pieceSize, size))
  maker.used = 0
}

function note(maker: CdbMaker, hash: number, line: number): void {
  const at = maker.count * 3
  if (at + 3 > maker.index.length) {
    const larger = new Uint32Array(maker.index.length * 2)
    larger.set(maker.index)
    maker.index = larger
  }
  maker.index[at] = hash
  maker.index[at + 1] = maker.position
  maker.index[at + 2] = line
  maker.count++
}

/** The whole file in pieces, in order. A cdb ends at 4 GiB. */
export function finishCdb(maker: CdbMaker): Result<readonly Buffer[]> {
  const tables = maker.position
  const slots = maker.count * 2
  if (tables + slots * 12 + trailerSize > largest) return fail("a cdb file holds at most 4 GiB")
  const header = Buffer.alloc(2048)
  const slotArea = Buffer.alloc(slots * 8)
  const lineArea = Buffer.alloc(slots * 4)
  fillTables(maker, tables, header, slotArea, lineArea)
  const trailer = Buffer.alloc(trailerSize)
  magic.copy(trailer)
  trailer.writeUInt32LE(tables, 8)
  trailer.writeUInt32LE(tables + slots * 8, 12)
  trailer.writeUInt32LE(maker.count, 16)
  return ok([header, ...maker.pieces, maker.piece.subarray(0, maker.used), slotArea, lineArea, trailer])
}

function fillTables(
  maker: CdbMaker,
  tables: number,
  header: Buffer,
  slotArea: Buffer,
  lineArea: Buffer,
): void {
  const { index, count } = maker
  const counts = new Uint32Array(256)
  for (let record = 0; record < count; record++) countOne(counts, (index[record * 3] ?? 0) & 255)
  const starts = new Uint32Array(256)
  let start = 0
  for (let table = 0; table < 256; table++) {
    const size = (counts[table] ?? 0) * 2
    header.writeUInt32LE(tables + start * 8, table * 8)
    header.writeUInt32LE(size, table * 8 + 4)
    starts[table] = start
    start += size
  }
  for (let record = 0; record < count; record++) {
    const hash = index[record * 3] ?? 0
    const table = hash & 255
    const size = (counts[table] ?? 0) * 2
    const base = starts[table] ?? 0
    let slot = (hash >>> 8) % size
    while (slotArea.readUInt32LE((base + slot) * 8 + 4) !== 0) slot = slot + 1 === size ? 0 : slot + 1
    slotArea.writeUInt32LE(hash, (base + slot) * 8)
    slotArea.writeUInt32LE(index[record * 3 + 1] ?? 0, (base + slot) * 8 + 4)
    lineArea.writeUInt32LE(index[record * 3 + 2] ?? 0, (base + slot) * 4)
  }
}

function countOne(counts: Uint32Array, table: number): void {
  counts[table] = (counts[table] ?? 0) + 1
}
