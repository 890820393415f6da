// One aggregate report of DMARC on its way: made of what was counted, packed, and queued for an address.
import { Readable } from "node:stream"
import { buffer } from "node:stream/consumers"
import { createGzip } from "node:zlib"
import type { Destination } from "../auth/dmarc-destinations.ts"
import { letterOf } from "../auth/dmarc-letter.ts"
import type { DmarcRecord } from "../auth/dmarc-record.ts"
import type { AggregateReport } from "../auth/dmarc-report.ts"
import { reportPieces } from "../auth/dmarc-report-write.ts"
import type { DomainDay } from "../auth/dmarc-seen.ts"
import { version } from "../host/version.ts"
import { type Mailbox, printDomain, printPath } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import type { Result } from "../mail/result.ts"
import { type LetterWorld, queueLetter } from "./own-letter.ts"

export type DayOfDomain = DomainDay & {
  readonly day: string
  readonly policy: DmarcRecord
  /** Messages of all domains that were not counted. */
  readonly lost: number
}

/** What a domain is told of a day. The same day has the same id, however often it is told (RFC 9990 §3.5.4). */
export function reportOf({ day, at, policy, rows, lost }: DayOfDomain, reporter: Mailbox): AggregateReport {
  const { p, sp, np, adkim, aspf, testing } = policy
  const organization = printDomain(reporter.domain)
  const begin = Date.parse(`${day}T00:00:00Z`) / 1000
  const notCounted = `for want of space ${lost} messages of that day, to all domains, were not counted`
  return {
    organization,
    contact: printPath(reporter),
    id: `${day.replaceAll("-", "")}.${at}@${organization}`,
    begin,
    end: begin + 86_399,
    policy: { domain: at, discovery: "treewalk", p, sp, np, adkim, aspf, testing },
    rows,
    errors: lost === 0 ? [] : [notCounted],
    generator: `Waypost ${version}`,
  }
}

/** The file. It is written piece by piece, so that a large one keeps no session waiting. */
export async function packedReport(report: AggregateReport): Promise<Buffer> {
  return await buffer(Readable.from(reportPieces(report)).pipe(createGzip()))
}

/** Octets of a line of base64, and what it costs to send them. */
const [octetsOfLine, lineWithEnd] = [57, 78]

/** Why it is not sent there; undefined: it is. RFC 9990 §3.5: the size that counts is that of what is mailed. */
export function refusal(destination: Destination, packed: Buffer): string | undefined {
  if (destination.is !== "wanted") return destination.why
  const { mostOctets } = destination
  const octets = Math.ceil(packed.length / octetsOfLine) * lineWithEnd
  return mostOctets !== undefined && octets > mostOctets
    ? `it has ${octets} octets, and no more than ${mostOctets} are wanted`
    : undefined
}

/** Queues it as mail of our own. One that cannot be delivered is nobody's trouble, so nobody is told. */
export function queueReport(
  report: AggregateReport,
  packed: Buffer,
  { to, reporter }: { readonly to: Mailbox; readonly reporter: Mailbox },
  world: LetterWorld,
): Promise<Result<string>> {
  const asked = `a report about ${report.policy.domain}, which asks for it by rua=`
  return queueLetter(
    {
      about: "dmarc",
      reversePath: reporter,
      body: "7bit",
      recipient: { path: to, original: undefined, notify: ["never"], admitted: because("dmarc", asked) },
      write: ({ id, date }) => letterOf({ report, packed, to: printPath(to), date, id }),
    },
    world,
  )
}
