// sendmail's syslog lines of a message, as log tools have read them for a quarter century: from= when it came, to= for each
// recipient of an attempt. Text only; where it goes is log.ts.
import { printAngled, printPath } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { printOrigin, type Reason } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import { type DeliveryStatus, diagnosticText } from "../mail/status.ts"
import { printDuration } from "../message/date.ts"
import { protocolName } from "../message/received.ts"
import { statusWords } from "../message/status-words.ts"
import type { Entry, Queued } from "../queue/entry.ts"
import type { Tried } from "../queue/settle.ts"

/** Whose rights a delivery has, and who hears of its errors (sendmail: the controlling address). */
export type Controlling = { readonly address: string; readonly uid: number; readonly gid: number }

/** `ID: from=<bob@hello.com>, size=83, class=${summary.precedence ?? 0}, nrcpts=1, msgid=<…>, proto=ESMTP, daemon=MTA, relay=… [192.0.2.7]`. */
export function acceptedLine({ entry, pending }: Queued): string {
  const { id, envelope, arrival, size, summary } = entry
  const body = envelope.body === "7bit" ? "" : `, bodytype=${envelope.body.toUpperCase()}`
  const protocol = protocolName(arrival)
  const way = protocol === undefined ? "" : `, proto=${protocol}, daemon=${arrival.door}`
  return (
    `${id}: from=${printSender(entry)}, size=${size}, class=${summary.precedence ?? 0}, nrcpts=${pending.length}` +
    `, msgid=${summary.messageId}${body}${way}, relay=${relayOf(arrival)}`
  )
}

/** The sender as it was typed. */
export function printSender({ envelope }: Entry): string {
  return envelope.typedSender ?? printAngled(envelope.reversePath)
}

/** `client.example.net [192.0.2.7]`, `bob@localhost`. */
export function relayOf({ client, authenticated }: Arrival): string {
  if (client === undefined) return authenticated === undefined ? "localhost" : `${authenticated}@localhost`
  const address = client.address.includes(":") ? `[IPv6:${client.address}]` : `[${client.address}]`
  return client.name === undefined ? address : `${client.name} ${address}`
}

/** Weight of a recipient in sendmail's priority (the option RecipientFactor). */
const recipientFactor = 30_000

/** `ID: to=<…>, ctladdr=<…> (1000/100), delay=…, xdelay=…, mailer=…, pri=…, relay=…, dsn=2.0.0, stat=Sent`. */
export function deliveredLine(
  entry: Entry,
  { pending, status }: Tried,
  startedAt: number,
  by: Controlling | undefined,
): string {
  const { route } = pending
  const at = status.at.getTime()
  const ctladdr = by === undefined ? "" : `, ctladdr=${by.address} (${by.uid}/${by.gid})`
  const mailer = route === undefined ? "" : `, mailer=${route.mailer}`
  return (
    `${entry.id}: to=${target(pending)}${ctladdr}, delay=${printDuration(at - entry.acceptedAt)}` +
    `, xdelay=${printDuration(at - startedAt)}${mailer}, pri=${entry.size + recipientFactor}${relayTo(pending, status)}` +
    `, dsn=${status.status}${replyField(status)}, stat=${statOf(status)}${because(status)}`
  )
}

/** Where it goes: the address as its sender, the list or the .forward wrote it, the program or the file. */
export function target({ recipient, route, expandedFrom }: Tried["pending"]): string {
  if (route?.mailer === "prog") return `"|${route.user.replace(/^\|/, "")}"`
  if (route?.mailer === "*file*") return route.user
  const typed = expandedFrom?.typed
  if (typed === undefined) return recipient.typed ?? printAngled(recipient.path)
  return typed === expandedFrom?.address ? `<${typed}>` : typed.replaceAll("\\", "\\\\")
}

/** The host that spoke, with the root's dot as sendmail has it; a mailbox's host is the detail it was addressed by. */
function relayTo({ route }: Tried["pending"], { remote }: DeliveryStatus): string {
  if (remote !== undefined) return `, relay=${withDot(remote)}`
  return route?.mailer === "local" && route.host !== "" ? `, relay=${route.host}` : ""
}

/** sendmail writes a host it looked up with the root's dot: `mx1.example.org. [192.0.2.7]`. */
function withDot(remote: string): string {
  const end = remote.indexOf(" [")
  return end <= 0 || remote[0] === "[" || remote[end - 1] === "."
    ? remote
    : `${remote.slice(0, end)}.${remote.slice(end)}`
}

function replyField({ action, diagnostic }: DeliveryStatus): string {
  const bad = action === "failed" || action === "delayed"
  return bad && typeof diagnostic === "object" ? `, reply=${replyLine(diagnostic)}` : ""
}

/** The word and, behind it, the words of who spoke. */
export function statOf({ action, status, diagnostic, reason }: DeliveryStatus): string {
  switch (action) {
    case "delivered":
    case "relayed":
      return typeof diagnostic === "object" && diagnostic.text.length > 0
        ? `Sent (${diagnostic.text.join(" ")})`
        : "Sent"
    case "expanded":
      return "expanded"
    case "delayed":
      return `Deferred: ${diagnosticText(diagnostic) ?? reason.says}`
    case "failed":
      return typeof diagnostic === "string" && status !== configurationError
        ? diagnostic
        : statusWords(status)
  }
}

/** sendmail says only its short words, and the rest in a line before. */
const configurationError = "5.3.5"

/** What failed because a line of text said so names the line. */
function because({ action, reason }: DeliveryStatus): string {
  return action === "failed" && reason.at !== undefined ? `, reason=${printReason(reason)}` : ""
}

/** `access: To:example.org says REJECT (/etc/mail/access:3)`. */
export function printReason({ step, says, at }: Reason): string {
  return `${step}: ${says}${at === undefined ? "" : ` (${printOrigin(at)})`}`
}

/** What a report is about, in sendmail's words: `DSN: User unknown`, `postmaster notify: …`, `sender notify: Warning: …`. */
export function reportedLine(entry: Entry, report: Entry, about: Tried, addressee: string): string {
  const { status } = about
  const toSender = addressee === printPath(entry.envelope.reversePath)
  const who = toSender ? "DSN" : "postmaster notify"
  const words =
    status.action === "delayed" || status.action === "failed"
      ? statOf({ ...status, action: "failed" })
      : "Return receipt"
  return `${entry.id}: ${report.id}: ${status.action === "delayed" ? "sender notify" : who}: ${words}`
}
