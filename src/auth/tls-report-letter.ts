// The letter that a TLS report goes in (RFC 8460 §5.3): a sentence for people, and the file.
import type { TlsReport } from "./tls-report.ts"

export type TlsLetterFacts = {
  /** Whose report it is. */
  readonly domain: string
  readonly report: TlsReport
  /** The file, compressed. */
  readonly packed: Buffer
  readonly to: string
  readonly date: string
  /** Our own mark for this letter; no two have the same. */
  readonly id: string
}

/** Header and body. */
export function tlsLetterOf({ domain, report, packed, to, date, id }: TlsLetterFacts): {
  readonly header: string
  readonly body: string
} {
  const { organization, contact, begin, end } = report
  const boundary = `=_tls_${id}`
  const seconds = [begin, end].map((text) => Date.parse(text) / 1000).join("!")
  const header = [
    `Date: ${date}`,
    `From: ${contact}`,
    `To: ${to}`,
    `Subject: Report Domain: ${domain}\r\n\tSubmitter: ${organization}\r\n\tReport-ID: <${report.id}>`,
    `Message-ID: <${id}.${report.id}>`,
    `TLS-Report-Domain: ${domain}`,
    `TLS-Report-Submitter: ${organization}`,
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type="tlsrpt";\r\n\tboundary="${boundary}"`,
    "Auto-Submitted: auto-generated",
    "",
    "",
  ]
  const body = [
    `--${boundary}`,
    "Content-Type: text/plain; charset=us-ascii",
    "",
    `This is a report of ${organization} about TLS with the mail hosts of`,
    `${domain} on ${begin.slice(0, 10)} (UTC; RFC 8460). It was asked for by rua= in`,
    `the record at _smtp._tls.${domain}.`,
    "",
    `--${boundary}`,
    "Content-Type: application/tlsrpt+gzip",
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment;\r\n\tfilename="${organization}!${domain}!${seconds}.json.gz"`,
    "",
    ...(packed.toString("base64").match(/.{1,76}/g) ?? []),
    `--${boundary}--`,
    "",
  ]
  return { header: header.join("\r\n"), body: body.join("\r\n") }
}
