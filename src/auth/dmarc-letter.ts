// The letter that an aggregate report goes in (RFC 9990 §3.5.2): a sentence for people, and the file.
import type { AggregateReport } from "./dmarc-report.ts"

export type LetterFacts = {
  readonly report: AggregateReport
  /** The file, compressed. */
  readonly packed: Buffer
  readonly to: string
  readonly date: string
  /** Our own mark for this letter; no two have the same. */
  readonly id: string
}

/** The name of the file: receiver!domain!begin!end.xml.gz */
export function fileNameOf({ organization, policy, begin, end }: AggregateReport): string {
  return `${organization}!${policy.domain}!${begin}!${end}.xml.gz`
}

/** `Report Domain: … Submitter: … Report-ID: …`, folded. */
export function subjectOf({ organization, policy, id }: AggregateReport): string {
  return `Report Domain: ${policy.domain}\r\n\tSubmitter: ${organization}\r\n\tReport-ID: <${id}>`
}

/** Whether a letter says that it is such a report: nobody reports about reports, or two systems would do so for ever. */
export function isReportSubject(subject: string): boolean {
  return /^report\s+domain:\s*\S+\s+submitter:/i.test(subject)
}

/** Header and body. */
export function letterOf(facts: LetterFacts): { readonly header: string; readonly body: string } {
  const { report, packed, to, date, id } = facts
  const boundary = `=_dmarc_${id}`
  const name = fileNameOf(report)
  const header = [
    `Date: ${date}`,
    `From: ${report.contact}`,
    `To: ${to}`,
    `Subject: ${subjectOf(report)}`,
    `Message-ID: <${id}.${report.id}>`,
    "MIME-Version: 1.0",
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    "Auto-Submitted: auto-generated",
    "",
    "",
  ]
  const count = report.rows.reduce((sum, row) => sum + row.count, 0)
  const body = [
    `--${boundary}`,
    "Content-Type: text/plain; charset=us-ascii",
    "",
    `This is an aggregate report of DMARC (RFC 9990): what ${report.organization} saw of mail in the name of`,
    `${report.policy.domain} on ${dayOf(report.begin)} (UTC), ${count} ${count === 1 ? "message" : "messages"}. It was asked for by rua= in`,
    `the record at _dmarc.${report.policy.domain}.`,
    `--${boundary}`,
    "Content-Type: application/gzip",
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment;\r\n\tfilename="${name}"`,
    "",
    ...(packed.toString("base64").match(/.{1,76}/g) ?? []),
    `--${boundary}--`,
    "",
  ]
  return { header: header.join("\r\n"), body: body.join("\r\n") }
}

function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}
