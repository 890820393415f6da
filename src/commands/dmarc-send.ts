// waypost dmarc pending, waypost dmarc send: the reports that we owe to others, asked of the running system.
import type { Destination } from "../auth/dmarc-destinations.ts"
import type { AggregateReport } from "../auth/dmarc-report.ts"
import { writeReport } from "../auth/dmarc-report-write.ts"
import { fileNameOf } from "../auth/dmarc-letter.ts"
import type { Draft } from "../daemon/dmarc-reports.ts"
import { ask } from "./control-client.ts"
import { exits, type Io } from "./io.ts"
import { harmless } from "./report-files.ts"

export type Wish = {
  readonly state: string
  /** `xml`: as they would be sent, those of days that are over alone. */
  readonly form: "words" | "json" | "xml"
}

/** Tells of what is counted and not sent, of these domains or of all. */
export async function tellDrafts(domains: readonly string[], wish: Wish, io: Io): Promise<number> {
  const wanted = new Set(domains.map((name) => name.toLowerCase()))
  const drafts: Draft[] = []
  for await (const { draft } of ask(wish.state, { verb: "dmarc drafts" })) {
    const read = draft as Draft // our own daemon of our own version answers
    if (wanted.size > 0 && !wanted.has(read.report.policy.domain)) continue
    if (wish.form !== "xml" || read.over) drafts.push(read)
  }
  if (wish.form === "json") io.stdout.write(`${JSON.stringify(drafts, undefined, 2)}\n`)
  else if (drafts.length === 0) io.stdout.write("there is nothing to report\n")
  else io.stdout.write(drafts.map(wish.form === "xml" ? asFile : inWords).join("\n"))
  return exits.ok
}

function inWords({ day, over, report, destinations }: Draft): string {
  const count = messagesOf(report)
  const when = over ? day : `${day}, until now`
  return [
    `${when}: ${report.policy.domain}, ${count === 1 ? "1 message" : `${count} messages`}, alike in ${report.rows.length}`,
    ...report.errors.map((error) => `  ${error}`),
    ...destinations.map((one) => `  ${destinationInWords(one)}`),
  ]
    .map((line) => `${harmless(line)}\n`)
    .join("")
}

function messagesOf({ rows }: AggregateReport): number {
  return rows.reduce((sum, { count }) => sum + count, 0)
}

function destinationInWords(destination: Destination): string {
  switch (destination.is) {
    case "wanted":
      return `goes to ${destination.uri}`
    case "refused":
      return `not to ${destination.uri}: ${destination.why}`
    case "unknown":
      return `waits for ${destination.uri}: ${destination.why}`
  }
}

function asFile({ report, destinations }: Draft): string {
  return [fileNameOf(report), ...destinations.map(destinationInWords), ...writeReport(report).split("\n")]
    .map((line) => harmless(line))
    .join("\n")
}

/** Has those sent that are due. */
export async function sendReports(state: string, io: Io): Promise<number> {
  let left = 0
  for await (const { line, waiting } of ask(state, { verb: "dmarc send" })) {
    if (typeof line === "string") io.stdout.write(`${harmless(line)}\n`)
    if (typeof waiting === "number") left = waiting
  }
  if (left > 0) io.stdout.write(`${left} wait, and are tried again within five minutes\n`)
  return left > 0 ? exits.tryAgain : exits.ok
}
