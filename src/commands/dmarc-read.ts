// waypost dmarc report: aggregate reports that others send about our domains (rua= of DMARC), read as they come: XML, gzip, ZIP, or the
// letter with one of them; told in words, with bars, or as a drawing.
import { type AggregateReport, readReport } from "../auth/dmarc-report.ts"
import { drawSummary, summaries, summaryInWords } from "../auth/dmarc-summary.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { harmless, octetsOf, type ReportForm, reportsIn } from "./report-files.ts"

const dmarcForm: ReportForm<AggregateReport> = { begins: "<", read: readReport }

/** How it is told. */
export type Form = "words" | "drawing" | "json"

/** Reads the files and tells of them; the exit code. */
export async function tellReports(files: readonly string[], form: Form, io: Io): Promise<number> {
  const reports: AggregateReport[] = []
  let wrong = false
  for (const file of files) {
    const read = await reportsIn(octetsOf(file), dmarcForm)
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
  return lines.map((line) => `${harmless(line)}\n`).join("")
}

function timeOf(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime())
    ? `${seconds}`
    : `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`
}
