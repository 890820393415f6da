// What was read of a mailbox, kept in the user's cache so that opening it again costs nothing but what is new. It is only ever an
// echo of the mailbox: a file that is missing, damaged or of another version is no cache, and the mailbox is read.
// A line of JSON says of what it is, then there is one for each message: read and written by piece, so that a large mailbox's index
// is never in memory twice.
import { closeSync, mkdirSync, openSync, readSync, renameSync, writeSync } from "node:fs"
import { dirname } from "node:path"

const version = 2
const piece = 1 << 20
const lf = 0x0a

/** The rows of a mailbox as it was when its mark was this, each through `take`; undefined when there is nothing to go by. */
export function loadIndex<Kept, Row>(
  path: string,
  mailbox: string,
  take: (kept: Kept) => Row,
): { readonly mark: string; readonly rows: Row[] } | undefined {
  let fd: number
  try {
    fd = openSync(path, "r")
  } catch {
    return undefined // none yet, or not for us to read
  }
  try {
    return readRows(fd, mailbox, take)
  } catch {
    return undefined // damaged: not JSON, or a disk that cannot be read
  } finally {
    closeSync(fd)
  }
}

type Top = {
  readonly version: number
  readonly mailbox: string
  readonly mark: string
  readonly count: number
}

function readRows<Kept, Row>(
  fd: number,
  mailbox: string,
  take: (kept: Kept) => Row,
): { readonly mark: string; readonly rows: Row[] } | undefined {
  const lines = linesOf(fd)
  const top = JSON.parse(lines.next().value ?? "{}") as Top
  if (top.version !== version || top.mailbox !== mailbox) return undefined
  const rows: Row[] = []
  for (const line of lines) rows.push(take(JSON.parse(line) as Kept))
  return rows.length === top.count ? { mark: top.mark, rows } : undefined // else cut off by a full disk, say
}

/** Whole lines only. */
function* linesOf(fd: number): Generator<string, undefined> {
  let begun: Buffer[] = []
  for (;;) {
    const octets = Buffer.allocUnsafe(piece)
    const filled = octets.subarray(0, readSync(fd, octets))
    if (filled.length === 0) return undefined
    let from = 0
    for (let end = filled.indexOf(lf); end >= 0; end = filled.indexOf(lf, from)) {
      const line = filled.subarray(from, end)
      yield (begun.length === 0 ? line : Buffer.concat([...begun, line])).toString("utf8")
      begun = []
      from = end + 1
    }
    if (from < filled.length) begun.push(filled.subarray(from))
  }
}

/** Keeps the rows. A cache that cannot be written is no harm: the next opening takes longer. */
export function saveIndex<Row>(path: string, mailbox: string, mark: string, rows: readonly Row[]): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const fresh = `${path}.${process.pid}`
    const fd = openSync(fresh, "w", 0o600)
    try {
      writeLines(fd, [{ version, mailbox, mark, count: rows.length }])
      for (let from = 0; from < rows.length; from += atOnce) writeLines(fd, rows.slice(from, from + atOnce))
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, path)
  } catch {
    // A full disk or a home that cannot be written.
  }
}

const atOnce = 1000

function writeLines(fd: number, values: readonly unknown[]): void {
  const octets = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(""))
  for (let done = 0; done < octets.length; ) done += writeSync(fd, octets, done)
}
