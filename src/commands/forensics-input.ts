// What `waypost forensics` reads: one message, the messages of an mbox, or those of a Maildir. Of a message only the beginning is
// needed: the header, never the body's gigabytes.
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { exits, type Io, Refusal } from "./io.ts"

export type Given = { readonly name: string; readonly bytes: Buffer }

/** Octets of one message that are read. */
const longestRead = 32 << 20

const fromLine = Buffer.from("\nFrom ")

/** Each message of the file, folder or standard input (`-`). */
export async function* readMessages(operand: string, io: Io): AsyncGenerator<Given> {
  if (operand === "-") {
    yield* parted("standard input", await readAll(io))
    return
  }
  const path = resolve(io.cwd, operand)
  const stat = statOf(path)
  if (stat.isDirectory()) yield* fromMaildir(path)
  else yield* parted(operand, readMessageFile(path))
}

async function readAll({ stdin }: Io): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of stdin) {
    const octets: Buffer = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece), "latin1")
    if (size < longestRead) pieces.push(octets)
    size += octets.length
  }
  return Buffer.concat(pieces)
}

function statOf(path: string) {
  try {
    return statSync(path)
  } catch (error) {
    throw noInput(path, error)
  }
}

function noInput(path: string, error: unknown): Refusal {
  const code = error instanceof Error && "code" in error ? String(error.code) : "cannot be read"
  const why = code === "ENOENT" ? "there is no such file" : code === "EACCES" ? "permission denied" : code
  return new Refusal(`forensics: ${path}: ${why}`, exits.noInput)
}

/** The file's beginning: an mbox is read whole up to the same size. */
export function readMessageFile(path: string): Buffer {
  let fd: number
  try {
    fd = openSync(path, "r")
  } catch (error) {
    throw noInput(path, error)
  }
  try {
    const size = Math.min(statSync(path).size, longestRead)
    const bytes = Buffer.allocUnsafe(size)
    let filled = 0
    for (let got = 1; filled < size && got > 0; filled += got)
      got = readSync(fd, bytes, filled, size - filled, filled)
    return bytes.subarray(0, filled)
  } catch (error) {
    throw noInput(path, error)
  } finally {
    closeSync(fd)
  }
}

/** One message, or those of an mbox: a From_ line begins each, after a blank line. */
function* parted(name: string, bytes: Buffer): Generator<Given> {
  if (bytes.length === 0) return
  if (bytes.toString("latin1", 0, 5) !== "From ") {
    yield { name, bytes }
    return
  }
  let start = 0
  for (let n = 1; start < bytes.length; n++) {
    const next = nextStart(bytes, start + 5)
    yield { name: `${name}, message ${n}`, bytes: bytes.subarray(start, next) }
    start = next
  }
}

function nextStart(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(fromLine, from); at >= 0; at = bytes.indexOf(fromLine, at + 1)) {
    if (bytes[at - 1] === 0x0a || (bytes[at - 1] === 0x0d && bytes[at - 2] === 0x0a)) return at + 1
  }
  return bytes.length
}

function* fromMaildir(path: string): Generator<Given> {
  const folders = ["cur", "new"].map((name) => join(path, name))
  const names = folders.flatMap((folder) => namesIn(folder).map((name) => join(folder, name)))
  if (names.length === 0 && !folders.some((folder) => exists(folder)))
    throw new Refusal(`forensics: ${path} is a folder without cur and new: no Maildir`, exits.noInput)
  for (const file of names.toSorted()) yield { name: basename(file), bytes: readMessageFile(file) }
}

function exists(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
}

function namesIn(folder: string): readonly string[] {
  if (!exists(folder)) return []
  return readdirSync(folder).filter((name) => !name.startsWith("."))
}
