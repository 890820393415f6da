// Rows of a damaged database that no tree leads to any more: an inner page is gone, and the leaves below it are as they were. They are
// found by a look at every page that is not free. Whether a row is what was written, its checksums tell, as ever.
import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import type { SQLOutputValue } from "node:sqlite"
import { type Cell, cellsOf, typesOf, type Values, valuesOf } from "./leaf-cells.ts"

/** A row as it is read, right or wrong. */
export type Row = Readonly<Record<string, SQLOutputValue>>

/** The tables that are looked for, with their columns. */
const columns = {
  entry: [
    "seq",
    "id",
    "acceptedAt",
    "size",
    "bodyCrc",
    "fileSize",
    "fileCrc",
    "held",
    "crc",
    "json",
    "segment",
    "place",
  ],
  pending: ["seq", "number", "next", "due", "crc", "json", "lane"],
  body: ["seq", "octets"],
} as const

type Table = keyof typeof columns

/** Columns that came with a later version are missing in older rows. */
const fewest: Readonly<Record<Table, number>> = { entry: 10, pending: 6, body: 2 }

/** Owned by a salvage, closed once. */
export class Leaves {
  readonly #file: number
  readonly #pageSize: number
  readonly #pages: number
  readonly #free: ReadonlySet<number>
  readonly #places = new Map<string, number[]>()
  readonly #seqs = new Set<number>()

  /**
   * Undefined when it cannot be told which pages are free: on those lie rows that were deleted, and what was delivered long ago would be
   * taken for mail that waits.
   */
  static of(path: string, pageSize: number): Leaves | undefined {
    const file = openSync(path, "r")
    const pages = Math.floor(fstatSync(file).size / pageSize)
    const free = freePages((number) => pageAt(file, number, pageSize), pages)
    if (free !== undefined) return new Leaves(file, pageSize, pages, free)
    closeSync(file)
    return undefined
  }

  private constructor(file: number, pageSize: number, pages: number, free: ReadonlySet<number>) {
    this.#file = file
    this.#pageSize = pageSize
    this.#pages = pages
    this.#free = free
    for (let number = 1; number <= pages; number++) if (!free.has(number)) this.#look(number)
  }

  #look(number: number): void {
    for (const cell of this.#cells(number)) {
      const found = kindOf(cell)
      if (found === undefined) continue
      this.#seqs.add(found.seq)
      const key = `${found.table} ${found.seq}`
      const places = this.#places.get(key) ?? []
      if (places.at(-1) !== number) places.push(number)
      this.#places.set(key, places)
    }
  }

  #cells(number: number): readonly Cell[] {
    return cellsOf(pageAt(this.#file, number, this.#pageSize), number === 1 ? 100 : 0)
  }

  /** Every seq that some page has. */
  seqs(): Iterable<number> {
    return this.#seqs
  }

  /** The rows of a seq, wherever they lie. */
  rows(table: string, seq: number): readonly Row[] {
    return (this.#places.get(`${table} ${seq}`) ?? []).flatMap((number) =>
      this.#cells(number).flatMap((cell) => {
        const found = kindOf(cell)
        if (found?.seq !== seq || found.table !== table) return []
        const values = this.#values(cell)
        return values === undefined ? [] : [rowOf(found.table, seq, values)]
      }),
    )
  }

  /** The whole record, its overflow pages included. */
  #values({ local, size, overflow }: Cell): Values | undefined {
    if (size > this.#pages * this.#pageSize) return undefined
    const pieces = [local]
    let have = local.length
    for (let next = overflow; have < size; ) {
      if (next < 2 || next > this.#pages || this.#free.has(next)) return undefined
      const page = pageAt(this.#file, next, this.#pageSize)
      const piece = page.subarray(4, 4 + Math.min(size - have, page.length - 4))
      pieces.push(piece)
      have += piece.length
      next = page.readUInt32BE(0)
    }
    return valuesOf(Buffer.concat(pieces))
  }

  close(): void {
    closeSync(this.#file)
  }
}

function pageAt(file: number, number: number, pageSize: number): Buffer<ArrayBuffer> {
  const page = Buffer.alloc(pageSize)
  readSync(file, page, 0, pageSize, (number - 1) * pageSize)
  return page
}

/** The list of free pages that begins in the file's header (§1.5); undefined when it is not what the header says. */
function freePages(read: (number: number) => Buffer, pages: number): ReadonlySet<number> | undefined {
  const free = new Set<number>()
  if (pages === 0) return free
  const header = read(1)
  const count = header.readUInt32BE(36)
  for (let trunk = header.readUInt32BE(32); trunk !== 0; ) {
    if (trunk > pages || free.has(trunk)) return undefined
    free.add(trunk)
    const page = read(trunk)
    const leaves = page.readUInt32BE(4)
    if (leaves * 4 + 8 > page.length) return undefined
    for (let n = 0; n < leaves; n++) free.add(page.readUInt32BE(8 + n * 4))
    trunk = page.readUInt32BE(0)
  }
  return free.size === count ? free : undefined
}

/** Which table's row a cell is, by its columns: those of no other table or index are like them. */
function kindOf(cell: Cell): { readonly table: Table; readonly seq: number } | undefined {
  const types = typesOf(cell.local)?.value
  if (types === undefined) return undefined
  const has = (table: Table) => types.length >= fewest[table] && types.length <= columns[table].length
  const { rowid } = cell
  if (rowid === undefined) {
    if (!has("pending") || !isText(types[5])) return undefined
    const [seq] = valuesOf(cell.local, 1) ?? []
    return typeof seq === "number" ? { table: "pending", seq } : undefined
  }
  if (has("entry") && isText(types[1]) && isText(types[9])) return { table: "entry", seq: rowid }
  return has("body") && types[0] === 0 && isBlob(types[1]) ? { table: "body", seq: rowid } : undefined
}

const isText = (type = 0) => type >= 13 && type % 2 === 1
const isBlob = (type = 0) => type >= 12 && type % 2 === 0

function rowOf(table: Table, seq: number, values: Values): Row {
  const named = columns[table].map((name, n) => [name, values[n] ?? null])
  return { ...Object.fromEntries(named), seq }
}
