// Reports of other hosts as they come in files: as they are, in gzip or ZIP, or in a letter with one of these. For the commands that
// read them.
import { readFileSync } from "node:fs"
import { gunzipSync, inflateRawSync } from "node:zlib"
import PostalMime from "postal-mime"
import { fail, ok, type Result } from "../mail/result.ts"
import { isZip, type ZipEntry, zipEntries } from "../message/zip.ts"
import { exits, Refusal } from "./io.ts"

/** One kind of report: its text's first character, by which a file is told from a letter, and how it is read. */
export type ReportForm<T> = {
  readonly begins: "<" | "{"
  readonly read: (text: string) => Result<T>
}

/** A report is some kilobytes; whoever sends more than this after unpacking means no good. */
const mostOctets = 64 * 1024 * 1024

/** Reports are written by strangers: nothing of them steers a terminal. */
export function harmless(line: string): string {
  return line.replaceAll(/[^\x20-\x7e█░×]/g, "?")
}

export function octetsOf(file: string): Buffer {
  try {
    return readFileSync(file === "-" ? 0 : file)
  } catch (error) {
    throw new Refusal(`${file}: ${error instanceof Error ? error.message : String(error)}`, exits.noInput)
  }
}

/** The reports in a file, however they are packed. */
export async function reportsIn<T>(octets: Buffer, form: ReportForm<T>): Promise<Result<readonly T[]>> {
  const texts = unpacked(octets)
  if (!texts.ok) return texts
  const [only] = texts.value
  if (texts.value.length === 1 && only !== undefined && !looksLike(form, only))
    return await inLetter(octets, form)
  const reports: T[] = []
  for (const text of texts.value) {
    const read = form.read(text.toString("utf8"))
    if (!read.ok) return read
    reports.push(read.value)
  }
  return reports.length === 0 ? fail("the archive is empty") : ok(reports)
}

function looksLike({ begins }: ReportForm<unknown>, octets: Buffer): boolean {
  return octets
    .toString("latin1", 0, 200)
    .replace(/^\xef\xbb\xbf/, "")
    .trimStart()
    .startsWith(begins)
}

function unpacked(octets: Buffer): Result<readonly Buffer[]> {
  if (octets[0] === 0x1f && octets[1] === 0x8b)
    return oneBy(() => gunzipSync(octets, { maxOutputLength: mostOctets }))
  if (!isZip(octets)) return ok([octets])
  const entries = zipEntries(octets)
  if (!entries.ok) return entries
  const files: Buffer[] = []
  for (const entry of entries.value.filter(({ name }) => !name.endsWith("/"))) {
    const file = oneBy(() => entryOctets(entry))
    if (!file.ok) return fail(`${entry.name}: ${file.error}`)
    files.push(...file.value)
  }
  return ok(files)
}

function entryOctets({ method, packed, size }: ZipEntry): Buffer {
  if (method !== 0 && method !== 8)
    throw new Error(`it is packed in a way (${method}) that is not known here`)
  const octets = method === 0 ? packed : inflateRawSync(packed, { maxOutputLength: mostOctets })
  if (octets.length !== size) throw new Error(`it should have ${size} octets, and has ${octets.length}`)
  return octets
}

function oneBy(unpack: () => Buffer): Result<readonly Buffer[]> {
  try {
    return ok([unpack()])
  } catch (error) {
    return fail(`it cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The attachments of a letter that are reports. */
async function inLetter<T>(octets: Buffer, form: ReportForm<T>): Promise<Result<readonly T[]>> {
  const { attachments } = await new PostalMime({ attachmentEncoding: "arraybuffer" }).parse(octets)
  const reports: T[] = []
  let why = "it is neither a report nor a letter with one"
  for (const { content } of attachments) {
    if (!(content instanceof ArrayBuffer)) continue
    const texts = unpacked(Buffer.from(content))
    for (const text of texts.ok ? texts.value : []) {
      const read = form.read(text.toString("utf8"))
      if (read.ok) reports.push(read.value)
      else why = read.error
    }
    if (!texts.ok) why = texts.error
  }
  return reports.length === 0 ? fail(why) : ok(reports)
}
