// waypost dmarc report: aggregate reports that others send about our domains (rua= of DMARC), read as they come: XML, gzip, ZIP, or the
// letter with one of them; told in words, with bars, or as a drawing.
import { readFileSync } from "node:fs"
import { gunzipSync, inflateRawSync } from "node:zlib"
import PostalMime from "postal-mime"
import { type AggregateReport, readReport } from "../auth/dmarc-report.ts"
import { drawSummary, summaries, summaryInWords } from "../auth/dmarc-summary.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { isZip, type ZipEntry, zipEntries } from "../message/zip.ts"
import { exits, type Io, Refusal } from "./io.ts"

/** A report is some kilobytes; whoever sends more than this after unpacking means no good. */
const mostOctets = 64 * 1024 * 1024

/** How it is told. */
export type Form = "words" | "drawing" | "json"

/** Reads the files and tells of them; the exit code. */
export async function tellReports(files: readonly string[], form: Form, io: Io): Promise<number> {
  const reports: AggregateReport[] = []
  let wrong = false
  for (const file of files) {
    const read = await reportsIn(octetsOf(file))
    if (read.ok) reports.push(...read.value)
    else {
      wrong = true
      io.stderr.write(`waypost dmarc: ${file}: ${read.error}\n`)
    }
  }
  if (form === "json") io.stdout.write(`${JSON.stringify(reports, undefined, 2)}\n`)
  else io.stdout.write(told(reports, form === "drawing"))
  return wrong ? exits.dataError : exits.ok
}

function told(reports: readonly AggregateReport[], drawn: boolean): string {
  const sums = summaries(reports)
  if (drawn && sums.length > 1)
    throw new Refusal("--svg draws one domain; these reports are about several", exits.usage)
  if (drawn) return sums.map(drawSummary).join("")
  const lines = sums.flatMap((sum, n) => [...(n === 0 ? [] : [""]), ...summaryInWords(sum, timeOf)])
  return lines.map((line) => `${shown(line)}\n`).join("")
}

/** Reports are written by strangers: nothing of them steers a terminal. */
export function shown(line: string): string {
  return line.replaceAll(/[^\x20-\x7e█░]/g, "?")
}

function timeOf(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime())
    ? `${seconds}`
    : `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`
}

function octetsOf(file: string): Buffer {
  try {
    return readFileSync(file === "-" ? 0 : file)
  } catch (error) {
    throw new Refusal(`${file}: ${error instanceof Error ? error.message : String(error)}`, exits.noInput)
  }
}

/** The reports in a file, however they are packed. */
async function reportsIn(octets: Buffer): Promise<Result<readonly AggregateReport[]>> {
  const texts = unpacked(octets)
  if (!texts.ok) return texts
  const [only] = texts.value
  if (texts.value.length === 1 && only !== undefined && !looksLikeXml(only)) return await inLetter(octets)
  const reports: AggregateReport[] = []
  for (const text of texts.value) {
    const read = readReport(text.toString("utf8"))
    if (!read.ok) return read
    reports.push(read.value)
  }
  return reports.length === 0 ? fail("the archive is empty") : ok(reports)
}

function looksLikeXml(octets: Buffer): boolean {
  return octets
    .toString("latin1", 0, 200)
    .replace(/^\xef\xbb\xbf/, "")
    .trimStart()
    .startsWith("<")
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
async function inLetter(octets: Buffer): Promise<Result<readonly AggregateReport[]>> {
  const { attachments } = await new PostalMime({ attachmentEncoding: "arraybuffer" }).parse(octets)
  const reports: AggregateReport[] = []
  let why = "it is neither a report nor a letter with one"
  for (const { content } of attachments) {
    if (!(content instanceof ArrayBuffer)) continue
    const texts = unpacked(Buffer.from(content))
    for (const text of texts.ok ? texts.value : []) {
      const read = readReport(text.toString("utf8"))
      if (read.ok) reports.push(read.value)
      else why = read.error
    }
    if (!texts.ok) why = texts.error
  }
  return reports.length === 0 ? fail(why) : ok(reports)
}
