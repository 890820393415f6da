// The cells of a page of an SQLite database, and the records in them, read without SQLite (sqlite.org/fileformat2.html §1.6, §2.1). What
// makes no sense is undefined: the page is damaged, or it is no page of a tree at all.
import type { SQLOutputValue } from "node:sqlite"

/** A row as a record: its values in the order of the table's columns. */
export type Values = readonly SQLOutputValue[]

export type Cell = {
  /** The key of a table with a rowid; undefined in an index, and so in a table WITHOUT ROWID. */
  readonly rowid: number | undefined
  /** Octets of the record, of which `local` begins it; the rest is in a chain of overflow pages from `overflow` on. */
  readonly size: number
  readonly local: Buffer<ArrayBuffer>
  readonly overflow: number
}

const kinds = { tableLeaf: 13, indexLeaf: 10, indexInner: 2 } as const

/** The cells of a page that has rows; none where it has none. `header` is where its own header begins: 100 on the first page. */
export function cellsOf(page: Buffer<ArrayBuffer>, header = 0): readonly Cell[] {
  const kind = page[header]
  const isTable = kind === kinds.tableLeaf
  if (!isTable && kind !== kinds.indexLeaf && kind !== kinds.indexInner) return []
  const count = page.readUInt16BE(header + 3)
  const pointers = header + (kind === kinds.indexInner ? 12 : 8)
  if (pointers + count * 2 > page.length) return []
  const cells: Cell[] = []
  for (let n = 0; n < count; n++) {
    const at = page.readUInt16BE(pointers + n * 2) + (kind === kinds.indexInner ? 4 : 0)
    const cell = readCell(page, at, isTable)
    if (cell !== undefined) cells.push(cell)
  }
  return cells
}

function readCell(page: Buffer<ArrayBuffer>, at: number, isTable: boolean): Cell | undefined {
  const size = varint(page, at)
  const rowid = size === undefined || !isTable ? undefined : varint(page, size.end)
  if (size === undefined || (isTable && rowid === undefined)) return undefined
  const start = (rowid ?? size).end
  const here = localOf(size.value, page.length, isTable)
  const isWhole = here === size.value
  if (start + here + (isWhole ? 0 : 4) > page.length) return undefined
  return {
    rowid: rowid?.value,
    size: size.value,
    local: page.subarray(start, start + here),
    overflow: isWhole ? 0 : page.readUInt32BE(start + here),
  }
}

/** How much of a record lies in its cell (§1.6, the numbers X, M and K). */
function localOf(size: number, usable: number, isTable: boolean): number {
  const most = isTable ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23
  if (size <= most) return size
  const least = Math.floor(((usable - 12) * 32) / 255) - 23
  const fitting = least + ((size - least) % (usable - 4))
  return fitting <= most ? fitting : least
}

/** A record's values, or the first ones of them; undefined when its header and its length do not agree. */
export function valuesOf(record: Buffer<ArrayBuffer>, most = Number.POSITIVE_INFINITY): Values | undefined {
  const types = typesOf(record)
  if (types === undefined) return undefined
  const values: SQLOutputValue[] = []
  let at = types.end
  for (const type of types.value) {
    if (values.length >= most) return values
    const length = lengthOf(type)
    if (at + length > record.length) return undefined
    values.push(valueOf(type, record.subarray(at, at + length)))
    at += length
  }
  return at === record.length ? values : undefined
}

/** The types of a record's columns, of which the beginning is enough. */
export function typesOf(record: Buffer): Varying<readonly number[]> | undefined {
  const header = varint(record, 0)
  if (header === undefined || header.value > record.length) return undefined
  const types: number[] = []
  let at = header.end
  while (at < header.value) {
    const type = varint(record, at)
    if (type === undefined) return undefined
    types.push(type.value)
    at = type.end
  }
  return at === header.value ? { value: types, end: at } : undefined
}

const integers = [0, 1, 2, 3, 4, 6, 8] as const

function lengthOf(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2)
  return type === 7 ? 8 : (integers[type] ?? 0)
}

function valueOf(type: number, octets: Buffer<ArrayBuffer>): SQLOutputValue {
  if (type === 0) return null
  if (type === 7) return octets.readDoubleBE()
  if (type === 8 || type === 9) return type - 8
  if (type === 6) return Number(octets.readBigInt64BE())
  if (type < 12) return octets.readIntBE(0, octets.length)
  return type % 2 === 0 ? octets : octets.toString("utf8")
}

type Varying<T> = { readonly value: T; readonly end: number }

/** Seven bits an octet, the first ones first; the ninth octet has eight. undefined: it is not all there, or no number of ours. */
function varint(octets: Buffer, at: number): Varying<number> | undefined {
  let value = 0
  for (let n = 0; n < 9; n++) {
    const octet = octets[at + n]
    if (octet === undefined) return undefined
    value = n === 8 ? value * 256 + octet : value * 128 + (octet & 127)
    if (value > Number.MAX_SAFE_INTEGER) return undefined
    if (n === 8 || octet < 128) return { value, end: at + n + 1 }
  }
  return undefined
}
