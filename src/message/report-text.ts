// The part of a report that people read: first in words what happened, who said so and what can be done; then the block that
// sendmail's bounces have had for decades, since scripts look for it.
import { replyLine } from "../mail/reply.ts"
import { diagnosticText, type DeliveryStatus } from "../mail/status.ts"
import { printDate } from "./date.ts"
import { age, line, type Report, type Reported, remoteHost } from "./report-form.ts"
import { statusAdvice, statusWords } from "./status-words.ts"

/** The whole text, with CRLF. */
export function reportText(report: Report): string {
  const { preface = [] } = report
  const lines = [...preface, ...(preface.length > 0 ? [""] : []), ...inWords(report), ...familiar(report)]
  return lines.map((one) => `${line(one, report.international)}\r\n`).join("")
}

function inWords(report: Report): readonly string[] {
  const { host, kind, recipients, original, international } = report
  const subject = original.subject === "" ? [] : [`Subject: ${original.subject}`]
  return [
    `This is the mail system at ${host}.`,
    "",
    ...opening(report),
    "",
    ...recipients.flatMap((one) => oneInWords(one, report)),
    ...(kind === "failed" ? closing(report) : []),
    ...wrap(
      [...subject, `Message-Id: ${original.messageId === "" ? "none" : original.messageId}`],
      international,
    ),
    "",
  ]
}

/** Short lines of their own, indented. */
function wrap(lines: readonly string[], international: boolean): readonly string[] {
  return lines.map((one) => `    ${line(one, international).slice(0, 200)}`)
}

function opening({ kind, postmasterOnly, recipients, now, original }: Report): readonly string[] {
  const whom = recipients.length === 1 ? "this address" : `these ${recipients.length} addresses`
  switch (kind) {
    case "failed":
      return postmasterOnly
        ? [`A message without a sender to tell could not be delivered to ${whom}:`]
        : [`Your message could not be delivered to ${whom}:`]
    case "delayed":
      return [
        `Your message has been waiting here for ${age(now - original.arrivedAt)}, and is still to be`,
        `delivered to ${whom}. You need not do anything: it is tried again.`,
      ]
    case "succeeded":
      return [`You asked to be told: your message has reached ${whom}:`]
  }
}

function closing({ returned, postmasterOnly }: Report): readonly string[] {
  const what = returned === "full" ? "The message is" : "Its header is"
  return [
    postmasterOnly
      ? "It is not tried again, and nobody else has been told."
      : "It is not tried again for the addresses above; if there were others, they are no part of this.",
    `${what} attached:`,
  ]
}

function oneInWords({ address, actual, status, retryUntil }: Reported, { kind }: Report): readonly string[] {
  const lines = [`  <${address}>`]
  if (actual !== undefined) lines.push(`    which leads to <${actual}>`)
  lines.push(...spoken(status).map((words) => `    ${words}`))
  if (kind === "failed") lines.push(`    ${statusAdvice(status.status)}`)
  if (retryUntil !== undefined) lines.push(`    It is tried until ${printDate(retryUntil)}.`)
  lines.push("")
  return lines
}

/** In whose words: the peer's own, ours, or how it went well. */
function spoken(status: DeliveryStatus): readonly string[] {
  const { action, diagnostic, remote } = status
  if (action === "delivered") return ["It is in the mailbox."]
  if (action === "expanded") return ["It was sent on to the members of that list."]
  if (action === "relayed")
    return [`It was handed to ${remote ?? "the next host"}, which does not report any further.`]
  const words = diagnosticText(diagnostic) ?? status.reason.says
  const expired = status.status === "4.4.7" ? ["Its time here ran out. What was said last:"] : []
  if (typeof diagnostic === "object") return [...expired, `${remote ?? "The other host"} said: ${words}`]
  return [...expired, remote === undefined ? words : `${words} (${remote})`]
}

const banner = [
  "    **********************************************",
  "    **      THIS IS A WARNING MESSAGE ONLY      **",
  "    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **",
  "    **********************************************",
  "",
]

const headings = {
  failed: "   ----- The following addresses had permanent fatal errors -----",
  delayed: "   ----- The following addresses had transient non-fatal errors -----",
  succeeded: "   ----- The following addresses had successful delivery notifications -----",
} as const

/** sendmail's own words and order (savemail.c errbody). */
function familiar(report: Report): readonly string[] {
  const { kind, original, recipients, postmasterOnly } = report
  return [
    ...(kind === "delayed" ? banner : []),
    `The original message was received at ${printDate(original.arrivedAt)}`,
    `from ${original.from}`,
    ...(postmasterOnly ? [`with id ${original.id}`] : []),
    "",
    headings[kind],
    ...recipients.flatMap(addressLines),
    "",
    "   ----- Transcript of session follows -----",
    ...recipients.flatMap((one) => transcript(one, report)),
  ]
}

function addressLines({ address, actual, status }: Reported): readonly string[] {
  if (status.action === "delivered") return [`<${address}>  (successfully delivered to mailbox)`]
  if (status.action === "relayed") return [`<${address}>  (relayed to non-DSN-aware mailer)`]
  if (status.action === "expanded") return [`<${address}>  (expanded by mailing list)`]
  return [
    `<${address}>`,
    ...reasonLine(status),
    ...(actual === undefined ? [] : [`    (expanded from: <${address}>)`]),
  ]
}

function reasonLine({ diagnostic }: DeliveryStatus): readonly string[] {
  const words = diagnosticText(diagnostic)
  return words === undefined ? [] : [`    (reason: ${words})`]
}

function transcript({ address, status, retryUntil }: Reported, { now, original }: Report): readonly string[] {
  switch (status.action) {
    case "delivered":
      return [`<${address}>... Successfully delivered`]
    case "expanded":
      return [`<${address}>... expanded`]
    case "relayed":
      return [`<${address}>... relayed; expect no further notifications`]
    case "delayed":
      return [
        ...talk(status),
        `<${address}>... Deferred${status.diagnostic === undefined ? "" : `: ${diagnosticText(status.diagnostic)}`}`,
        `Warning: message still undelivered after ${age(now - original.arrivedAt)}`,
        ...(retryUntil === undefined
          ? []
          : [`Will keep trying until message is ${age(retryUntil - original.arrivedAt)} old`]),
      ]
    case "failed":
      return [...talk(status), failedLine(address, status)]
  }
}

function talk(status: DeliveryStatus): readonly string[] {
  const { diagnostic } = status
  if (typeof diagnostic !== "object") return []
  const host = remoteHost(status)
  const talking = host === undefined ? [] : [`... while talking to ${host}.:`]
  return [...talking, ...diagnostic.text.map((text) => `<<< ${replyLine({ ...diagnostic, text: [text] })}`)]
}

function failedLine(address: string, { status, diagnostic }: DeliveryStatus): string {
  const code = typeof diagnostic === "object" ? diagnostic.code : status.startsWith("4") ? 554 : 550
  const words = typeof diagnostic === "string" ? diagnostic : statusWords(status)
  return `${code} ${status} <${address}>... ${words}`
}
