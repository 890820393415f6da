// A copy of a damaged database that SQLite can read again as far as possible: the file, with the pages of its log put in their
// places, and with a first page that says what it has to say.
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { readWal } from "./wal.ts"

const magic = "SQLite format 3\0"

/** Where the numbers of the first page stand (sqlite.org/fileformat2.html §1.3). */
const at = { pageSize: 16, writes: 18, changes: 24, pages: 28, validFor: 92 } as const

/** Puts it together at `to`; the files themselves are only read. Tells whether the first page's header had to be mended. */
export function compose(path: string, to: string, pageSize: number): "own" | "mended" {
  if (existsSync(path)) copyFileSync(path, to, constants.COPYFILE_FICLONE)
  else writeFileSync(to, "")
  const file = openSync(to, "r+")
  try {
    const wal = readWal(`${path}-wal`)
    if (wal?.pageSize === pageSize) {
      const log = openSync(`${path}-wal`, "r")
      try {
        const page = Buffer.alloc(pageSize)
        for (const { page: number, offset } of wal.frames) {
          readSync(log, page, 0, pageSize, offset)
          writeSync(file, page, 0, pageSize, (number - 1) * pageSize)
        }
      } finally {
        closeSync(log)
      }
    }
    const { size } = fstatSync(file)
    ftruncateSync(file, Math.ceil(size / pageSize) * pageSize)
    return repairHeader(file, pageSize)
  } finally {
    closeSync(file)
  }
}

/** The numbers that keep SQLite from looking further, set to what can be seen. */
function repairHeader(file: number, pageSize: number): "own" | "mended" {
  const { size } = fstatSync(file)
  const header = Buffer.alloc(100)
  if (readSync(file, header, 0, header.length, 0) < header.length) return "mended"
  const found = Buffer.from(header)
  header.write(magic, 0, "latin1")
  header.writeUInt16BE(pageSize === 65_536 ? 1 : pageSize, at.pageSize)
  header.writeUInt16BE(0x0101, at.writes) // no log belongs to it any more
  header.writeUInt8(0, 20)
  Buffer.from([64, 32, 32]).copy(header, 21)
  header.writeUInt32BE(size / pageSize, at.pages)
  header.writeUInt32BE(header.readUInt32BE(at.changes), at.validFor)
  header.writeUInt32BE(4, 44) // schema format
  header.writeUInt32BE(1, 56) // UTF-8
  writeSync(file, header, 0, header.length, 0)
  return constant(found).equals(constant(header)) ? "own" : "mended"
}

/** What is the same in every header of ours: name, size of a page, fractions, form, encoding. */
function constant(header: Buffer): Buffer {
  const parts = [
    header.subarray(0, 18),
    header.subarray(20, 24),
    header.subarray(44, 48),
    header.subarray(56, 60),
  ]
  return Buffer.concat(parts)
}

/** Gives the copy the first page of a database that the same program made: its tables begin where theirs began. */
export function lendFirstPage(from: string, to: string, pageSize: number): void {
  const page = Buffer.alloc(pageSize)
  const [lender, file] = [openSync(from, "r"), openSync(to, "r+")]
  try {
    readSync(lender, page, 0, pageSize, 0)
    writeSync(file, page, 0, pageSize, 0)
    repairHeader(file, pageSize)
  } finally {
    closeSync(lender)
    closeSync(file)
  }
}
