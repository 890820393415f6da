// waypost tls: reports about TLS (RFC 8460), those of others about our hosts and those that we owe to others.
import { tlsReportInWords } from "../auth/tls-report-words.ts"
import { readTlsReport, type TlsReport } from "../auth/tls-report.ts"
import type { TlsDraft } from "../daemon/tls-reports.ts"
import { type Arguments, readArguments, stateOption, type Usage } from "./arguments.ts"
import { ask } from "./control-client.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { harmless, octetsOf, type ReportForm, reportsIn } from "./report-files.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost tls",
  operands: "report FILE|- … | pending | send",
  mostOperands: 10_000,
  about:
    "Reports about TLS (what rua= of _smtp._tls asks for). report reads those of others about our hosts: each FILE is JSON, gzip, ZIP, or a letter with one of these; for each policy: how many sessions were well, which were not, why, and what to do. pending tells what we have counted of other domains' hosts and who would hear of it (confTLS_REPORTS); send sends the reports of days that are over, which happens by itself some hours after midnight (UTC).",
  options: {
    json: { says: "report, pending: JSON, a line each" },
    state: stateOption,
  },
}

const tlsForm: ReportForm<TlsReport> = { begins: "{", read: readTlsReport }

/** Runs the command. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [word, ...operands] = given.operands
  if (word === "report" && operands.length > 0) return await tell(operands, given, io)
  if (word === "pending" && operands.length === 0) return await pending(given, io)
  if (word === "send" && operands.length === 0) return await send(given, io)
  throw new Refusal("report FILE, pending or send; see waypost tls --help", exits.usage)
}

async function tell(files: readonly string[], given: Arguments, io: Io): Promise<number> {
  let wrong = false
  for (const file of files) {
    const read = await reportsIn(octetsOf(file), tlsForm)
    for (const report of read.ok ? read.value : []) print(report, given, io)
    if (read.ok) continue
    wrong = true
    io.stderr.write(`waypost tls: ${file}: ${read.error}\n`)
  }
  return wrong ? exits.dataError : exits.ok
}

function print(report: TlsReport, given: Arguments, io: Io): void {
  const lines = given.has("json") ? [JSON.stringify(report)] : tlsReportInWords(report).map(harmless)
  io.stdout.write(lines.map((line) => `${line}\n`).join(""))
}

async function pending(given: Arguments, io: Io): Promise<number> {
  for await (const { draft } of ask(runningState(given.text("state"), io), { verb: "tls drafts" })) {
    const { over, domain, report, places } = draft as TlsDraft // our own daemon of our own version answers
    if (given.has("json")) io.stdout.write(`${JSON.stringify(draft)}\n`)
    else {
      const day = over ? report.begin.slice(0, 10) : `${report.begin.slice(0, 10)}, until now`
      io.stdout.write(`${harmless(`${day}: ${domain}, ${placesInWords(places)}`)}\n`)
      print(report, given, io)
    }
  }
  return exits.ok
}

function placesInWords(places: TlsDraft["places"]): string {
  if (typeof places === "string") return places
  if (places.length === 0) return "which wants no reports"
  return `to ${places.map((place) => (place.by === "mail" ? place.address : place.url)).join(", ")}`
}

async function send(given: Arguments, io: Io): Promise<number> {
  let left = 0
  for await (const { line, waiting } of ask(runningState(given.text("state"), io), { verb: "tls send" })) {
    if (typeof line === "string") io.stdout.write(`${harmless(line)}\n`)
    if (typeof waiting === "number") left = waiting
  }
  if (left > 0) io.stdout.write(`${left} wait, and are tried again within five minutes\n`)
  return left > 0 ? exits.tryAgain : exits.ok
}
