// DMARC's aggregate reports (RFC 9990, and RFC 7489 appendix C before it): what receivers saw of a domain's mail in a time, counted by
// where it came from and what was found. Read from XML; dmarc-report-write.ts writes it.
import { fail, ok, type Result } from "../mail/result.ts"
import { child, children, parseXml, textOf, type XmlElement } from "../message/xml.ts"

/** What was published when the mail came. */
export type PublishedPolicy = {
  readonly domain: string
  /** How the record was found: `treewalk`, or `psl` as RFC 7489 had it; "" where it is not said. */
  readonly discovery: string
  readonly p: string
  readonly sp: string
  readonly np: string
  readonly adkim: string
  readonly aspf: string
  readonly testing: boolean
}

export type SignatureSeen = { readonly domain: string; readonly selector: string; readonly result: string }
export type SpfSeen = { readonly domain: string; readonly scope: string; readonly result: string }

/** A word of RFC 9990 §3.1.6, and a text. */
export type OverrideReason = { readonly type: string; readonly comment: string }

/** Mail that was alike in all of this. */
export type ReportRow = {
  readonly source: string
  readonly count: number
  /** What was done: none, quarantine, reject. */
  readonly disposition: string
  /** Whether a signature, and SPF, passed and spoke for the author's domain. */
  readonly dkim: string
  readonly spf: string
  /** Why something else was done than was asked. */
  readonly reasons: readonly OverrideReason[]
  readonly headerFrom: string
  readonly envelopeFrom: string
  readonly signatures: readonly SignatureSeen[]
  readonly senders: readonly SpfSeen[]
}

export type AggregateReport = {
  /** Who reports. */
  readonly organization: string
  readonly contact: string
  readonly id: string
  /** Seconds since 1970. */
  readonly begin: number
  readonly end: number
  readonly policy: PublishedPolicy
  readonly rows: readonly ReportRow[]
  readonly errors: readonly string[]
  /** The program that wrote it; "" where it is not said. */
  readonly generator: string
}

/** Reads a report, of whoever wrote it: what it leaves out is as RFC 7489 has it by default. */
export function readReport(xml: string): Result<AggregateReport> {
  const root = parseXml(xml)
  if (!root.ok) return fail(`it is no XML: ${root.error}`)
  if (root.value.name !== "feedback") return fail(`it is <${root.value.name}>, no report of DMARC`)
  const metadata = child(root.value, "report_metadata")
  const published = child(root.value, "policy_published")
  if (metadata === undefined || published === undefined)
    return fail("it has no report_metadata or no policy_published")
  const range = child(metadata, "date_range")
  const [begin, end] = [textOf(range, "begin"), textOf(range, "end")].map(Number)
  if (begin === undefined || end === undefined || !Number.isSafeInteger(begin) || !Number.isSafeInteger(end))
    return fail("its date_range is no time")
  const rows: ReportRow[] = []
  for (const record of children(root.value, "record")) {
    const row = readRow(record)
    if (!row.ok) return row
    rows.push(row.value)
  }
  return ok({
    organization: textOf(metadata, "org_name"),
    contact: textOf(metadata, "email"),
    id: textOf(metadata, "report_id"),
    begin,
    end,
    policy: readPolicy(published),
    rows,
    errors: children(metadata, "error").map(({ text }) => text),
    generator: textOf(metadata, "generator"),
  })
}

function readPolicy(published: XmlElement): PublishedPolicy {
  const word = (name: string, usual: string) => textOf(published, name).toLowerCase() || usual
  const p = word("p", "none")
  const sp = word("sp", p)
  return {
    domain: textOf(published, "domain").toLowerCase(),
    discovery: textOf(published, "discovery_method"),
    p,
    sp,
    np: word("np", sp),
    adkim: word("adkim", "r"),
    aspf: word("aspf", "r"),
    testing: word("testing", "n") === "y",
  }
}

function readRow(record: XmlElement): Result<ReportRow> {
  const row = child(record, "row")
  const evaluated = child(row, "policy_evaluated")
  const identifiers = child(record, "identifiers")
  const results = child(record, "auth_results")
  const count = Number(textOf(row, "count") || "x")
  if (!Number.isSafeInteger(count) || count < 0) return fail("a record has no count")
  return ok({
    source: textOf(row, "source_ip"),
    count,
    disposition: textOf(evaluated, "disposition").toLowerCase() || "none",
    dkim: textOf(evaluated, "dkim").toLowerCase() || "fail",
    spf: textOf(evaluated, "spf").toLowerCase() || "fail",
    reasons: children(evaluated, "reason").map((one) => ({
      type: textOf(one, "type"),
      comment: textOf(one, "comment"),
    })),
    headerFrom: textOf(identifiers, "header_from").toLowerCase(),
    envelopeFrom: textOf(identifiers, "envelope_from").toLowerCase(),
    signatures: children(results, "dkim").map((one) => ({
      domain: textOf(one, "domain").toLowerCase(),
      selector: textOf(one, "selector"),
      result: textOf(one, "result").toLowerCase(),
    })),
    senders: children(results, "spf").map((one) => ({
      domain: textOf(one, "domain").toLowerCase(),
      scope: textOf(one, "scope").toLowerCase() || "mfrom",
      result: textOf(one, "result").toLowerCase(),
    })),
  })
}
