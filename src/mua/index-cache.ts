// What was read of a mailbox, kept in the user's cache so that opening it again costs nothing but what is new. It is only ever an
// echo of the mailbox: a file that is missing, damaged or of another version is no cache, and the mailbox is read.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"

const version = 1

/** The rows of a mailbox as it was when its mark was this; undefined when there is nothing to go by. */
export function loadIndex<Row>(
  path: string,
  mailbox: string,
): { readonly mark: string; readonly rows: Row[] } | undefined {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch {
    return undefined // none yet, or not for us to read
  }
  try {
    const kept = JSON.parse(text) as { version: number; mailbox: string; mark: string; rows: Row[] }
    return kept.version === version && kept.mailbox === mailbox
      ? { mark: kept.mark, rows: kept.rows }
      : undefined
  } catch {
    return undefined // cut off by a full disk, say
  }
}

/** Keeps the rows. A cache that cannot be written is no harm: the next opening takes longer. */
export function saveIndex<Row>(path: string, mailbox: string, mark: string, rows: readonly Row[]): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const fresh = `${path}.${process.pid}`
    writeFileSync(fresh, JSON.stringify({ version, mailbox, mark, rows }), { mode: 0o600 })
    renameSync(fresh, path)
  } catch {
    // A full disk or a home that cannot be written.
  }
}
