// waypost tls report: what others saw of TLS with our hosts (RFC 8460), read as it comes: JSON, gzip, or the letter with it; in words.
import { tlsReportInWords } from "../auth/tls-report-words.ts"
import { readTlsReport, type TlsReport } from "../auth/tls-report.ts"
import { readArguments, type Usage } from "./arguments.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { harmless, octetsOf, type ReportForm, reportsIn } from "./report-files.ts"

const usage: Usage = {
  name: "waypost tls",
  operands: "report FILE|- …",
  mostOperands: 10_000,
  about:
    "Reports about TLS with our hosts (what rua= of _smtp._tls asks for): each FILE is JSON, gzip, ZIP, or a letter with one of these. For each policy: how many sessions were well, which were not, why, and what to do.",
  options: { json: { says: "the reports as JSON, a line each" } },
}

const tlsForm: ReportForm<TlsReport> = { begins: "{", read: readTlsReport }

/** Runs the command. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [word, ...files] = given.operands
  if (word !== "report" || files.length === 0)
    throw new Refusal("report FILE; see waypost tls --help", exits.usage)
  let wrong = false
  for (const file of files) {
    const read = await reportsIn(octetsOf(file), tlsForm)
    for (const report of read.ok ? read.value : []) {
      const lines = given.has("json") ? [JSON.stringify(report)] : tlsReportInWords(report).map(harmless)
      io.stdout.write(lines.map((line) => `${line}\n`).join(""))
    }
    if (read.ok) continue
    wrong = true
    io.stderr.write(`waypost tls: ${file}: ${read.error}\n`)
  }
  return wrong ? exits.dataError : exits.ok
}
