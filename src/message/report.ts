// A delivery status notification: multipart/report (RFC 6522) of a text for people, message/delivery-status for programs
// (RFC 3464; RFC 6533 for international addresses), and the message it is about. The original stands between `before` and
// `after` and is not touched here, so that a report on a large message costs no memory.
import { replyLine } from "../mail/reply.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import { printDate, printMinute } from "./date.ts"
import { age, line, type Report, type Reported, type ReportKind, remoteHost } from "./report-form.ts"
import { reportText } from "./report-text.ts"

/** The octets around the original, and where the report's own header ends in `before`. */
export type WrittenReport = { readonly before: Buffer; readonly after: Buffer; readonly headerSize: number }

const subjects: Readonly<Record<ReportKind, (report: Report) => string>> = {
  failed: ({ postmasterOnly }) =>
    `${postmasterOnly ? "Postmaster notify" : "Returned mail"}: see transcript for details`,
  delayed: ({ now, original }) => `Warning: could not send message for past ${age(now - original.arrivedAt)}`,
  succeeded: () => "Return receipt",
}

/** The report's Subject. */
export function reportSubject(report: Report): string {
  return subjects[report.kind](report)
}

/** What RFC 3834 §5 wants to know: that no person wrote it; the comment is sendmail's. */
const comments: Readonly<Record<ReportKind, string>> = {
  failed: "failure",
  delayed: "warning-timeout",
  succeeded: "return-receipt",
}

/** Prints a report. `trace` is the Received: field that goes on top. */
export function writeReport(report: Report, trace: string): WrittenReport {
  const boundary = `${report.id}.${Math.floor(report.now / 1000)}/${report.host}`
  const header = `${trace}${reportHeader(report, boundary)}\r\n`
  const encoding = report.eightBit || report.international ? "Content-Transfer-Encoding: 8bit\r\n" : ""
  const statusType = report.international ? "message/global-delivery-status" : "message/delivery-status"
  const parts = [
    `This is a MIME-encapsulated message\r\n\r\n--${boundary}\r\n`,
    `Content-Type: text/plain; charset=${report.international ? "utf-8" : "us-ascii"}\r\n`,
    `${report.international ? encoding : ""}\r\n${reportText(report)}\r\n--${boundary}\r\n`,
    `Content-Type: ${statusType}\r\n${report.international ? encoding : ""}\r\n${deliveryStatus(report)}`,
    `\r\n--${boundary}\r\nContent-Type: ${originalType(report)}\r\n${encoding}\r\n`,
    `Return-Path: ${line(report.original.returnPath, report.eightBit)}\r\n`,
  ]
  const before = Buffer.from(header + parts.join(""), "utf8")
  return { before, after: Buffer.from(`\r\n--${boundary}--\r\n`), headerSize: Buffer.byteLength(header) }
}

function reportHeader(report: Report, boundary: string): string {
  const { host, author, id, now, to, kind, original, eightBit, international, postmasterOnly } = report
  const comment = postmasterOnly ? "postmaster-notification" : comments[kind]
  const related = /^<[\x21-\x3b\x3d\x3f-\x7e]+>$/.test(original.messageId) ? original.messageId : undefined
  return [
    `Date: ${printDate(now)}`,
    // Bare, as all names of this host in our own mail: what leaves for other hosts gets its domain then, as masquerading asks.
    `From: Mail Delivery Subsystem <${line(author, false)}>`,
    `Message-Id: <${printMinute(now)}.${id}@${host}>`,
    ...to.map((address) => `To: ${line(address, international)}`),
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"`,
    ...(eightBit || international ? ["Content-Transfer-Encoding: 8bit"] : []),
    `Subject: ${reportSubject(report)}`,
    `Auto-Submitted: auto-generated (${comment})`,
    ...(related === undefined ? [] : [`References: ${related}`]),
    "",
  ].join("\r\n")
}

// RFC 6522 §4, RFC 6533 §5.
function originalType({ returned, international }: Report): string {
  if (returned === "full") return international ? "message/global" : "message/rfc822"
  return international ? "message/global-headers" : "text/rfc822-headers"
}

/** RFC 3464 §2.2 for the message, §2.3 for each recipient. */
function deliveryStatus(report: Report): string {
  const { original, host, international } = report
  const perMessage = [
    ...(original.envid === undefined ? [] : [`Original-Envelope-Id: ${line(original.envid, international)}`]),
    `Reporting-MTA: dns; ${host}`,
    ...(original.fromHost === undefined ? [] : [`Received-From-MTA: dns; ${line(original.fromHost, false)}`]),
    `Arrival-Date: ${printDate(original.arrivedAt)}`,
  ]
  const groups = [perMessage, ...report.recipients.map((one) => perRecipient(one, international))]
  return groups.map((group) => `${group.join("\r\n")}\r\n`).join("\r\n")
}

function perRecipient(reported: Reported, international: boolean): readonly string[] {
  const { address, actual, status, retryUntil } = reported
  const type = international ? "utf-8" : "rfc822" // RFC 6533 §3
  const remote = remoteHost(status)
  return [
    ...(status.recipient.original === undefined
      ? []
      : [`Original-Recipient: ${line(status.recipient.original, international)}`]),
    `Final-Recipient: ${type}; ${line(address, international)}`,
    ...(actual === undefined ? [] : [`X-Actual-Recipient: ${type}; ${line(actual, international)}`]),
    `Action: ${actionWords(status)}`,
    `Status: ${statusField(status)}`,
    ...(remote === undefined ? [] : [`Remote-MTA: dns; ${line(remote, false)}`]),
    ...diagnosticField(status, international),
    `Last-Attempt-Date: ${printDate(status.at.getTime())}`,
    ...(retryUntil === undefined ? [] : [`Will-Retry-Until: ${printDate(retryUntil)}`]),
  ]
}

/**
 * RFC 3463 §3.2: a mailbox that took the message is a valid destination, as sendmail says of each. sendmail says 5.5.0 of mail whose
 * MX leads back here, though it logs 5.3.5; so do we, for those who count reports.
 */
function statusField({ action, status, diagnostic = "" }: DeliveryStatus): string {
  const words = typeof diagnostic === "string" ? diagnostic : diagnostic.text.join(" ")
  if (status === "5.3.5" && words.includes("loops back")) return "5.5.0"
  return action === "delivered" && status === "2.0.0" ? "2.1.5" : status
}

// RFC 3464 §2.3.3: the word, and a comment after it.
function actionWords({ action }: DeliveryStatus): string {
  if (action === "delivered") return "delivered (to mailbox)"
  return action === "relayed" ? "relayed (to non-DSN-aware mailer)" : action
}

/** RFC 3464 §2.3.6: `smtp` only for what a peer said on the wire; our own words are of our own type. */
function diagnosticField(status: DeliveryStatus, international: boolean): readonly string[] {
  const diagnostic = status.recipientReply ?? status.diagnostic
  if (diagnostic === undefined) return []
  const [type, words] =
    typeof diagnostic === "string" ? ["X-Waypost", diagnostic] : ["smtp", replyLine(diagnostic)]
  return [`Diagnostic-Code: ${type}; ${line(words, international)}`]
}
