// The files in a ZIP archive (PKWARE's APPNOTE), as reports come in them: found by the directory at its end; how a file is unpacked is the
// caller's business.
import { fail, ok, type Result } from "../mail/result.ts"

export type ZipEntry = {
  readonly name: string
  /** 0: stored, 8: deflated. */
  readonly method: number
  readonly packed: Buffer
  readonly size: number
}

const endMark = 0x06054b50
const entryMark = 0x02014b50
const localMark = 0x04034b50

/** Whether octets begin as an archive does. */
export function isZip(octets: Buffer): boolean {
  return octets.length >= 22 && octets.readUInt32LE(0) === localMark
}

/** The files, in the order of the directory. */
export function zipEntries(octets: Buffer): Result<readonly ZipEntry[]> {
  const end = endOf(octets)
  if (end === undefined) return fail("the archive has no directory")
  const count = octets.readUInt16LE(end + 10)
  let at = octets.readUInt32LE(end + 16)
  const entries: ZipEntry[] = []
  for (let n = 0; n < count; n++) {
    if (at + 46 > octets.length || octets.readUInt32LE(at) !== entryMark)
      return fail("the archive's directory is broken")
    const entry = entryAt(octets, at)
    if (!entry.ok) return entry
    entries.push(entry.value)
    at += 46 + octets.readUInt16LE(at + 28) + octets.readUInt16LE(at + 30) + octets.readUInt16LE(at + 32)
  }
  return ok(entries)
}

/** The end of the directory stands last, before a comment of at most 65,535 octets. */
function endOf(octets: Buffer): number | undefined {
  for (let at = octets.length - 22; at >= Math.max(0, octets.length - 22 - 65_535); at--) {
    if (octets.readUInt32LE(at) === endMark) return at
  }
  return undefined
}

function entryAt(octets: Buffer, at: number): Result<ZipEntry> {
  const flags = octets.readUInt16LE(at + 8)
  const method = octets.readUInt16LE(at + 10)
  const length = octets.readUInt32LE(at + 20)
  const size = octets.readUInt32LE(at + 24)
  const name = octets.toString("utf8", at + 46, at + 46 + octets.readUInt16LE(at + 28))
  const local = octets.readUInt32LE(at + 42)
  if ((flags & 1) !== 0) return fail(`${name} is encrypted`)
  if (local + 30 > octets.length || octets.readUInt32LE(local) !== localMark)
    return fail(`${name} is not where the directory says`)
  const start = local + 30 + octets.readUInt16LE(local + 26) + octets.readUInt16LE(local + 28)
  if (start + length > octets.length) return fail(`${name} is cut off`)
  return ok({ name, method, packed: octets.subarray(start, start + length), size })
}
