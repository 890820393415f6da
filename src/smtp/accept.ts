// The message is whole: is it taken? And what is said then, once it is safe or could not be made so. In LMTP each recipient
// hears of its own (RFC 2033 §4.2).
import type { AuthResult } from "../mail/auth-result.ts"
import type { MessageBody, MessageVerdict } from "../mail/gate.ts"
import { type Decision, type Reason, withTrail } from "../mail/decision.ts"
import { shownSender, type Transaction } from "../mail/envelope.ts"
import type { Reply } from "../mail/reply.ts"
import { printPath } from "../mail/address.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { namesAnother } from "../message/authentication-warning.ts"
import { printDate } from "../message/date.ts"
import { writeAuthResults } from "../message/auth-results.ts"
import { countReceived, has, summary } from "../message/header.ts"
import { writeReceived } from "../message/received.ts"
import { messageIdFor, missingFields } from "../message/submit.ts"
import type { Entry, Pending } from "../queue/entry.ts"
import type { Collector, Failure } from "./collect.ts"
import { accepted, replies, tooManyHops } from "./replies.ts"
import { traced, type Asks, byRule, clientName, type Outcome, reset, type Session } from "./session.ts"

/** What a message came to: its header, and how many octets of it are stored. */
export type Measured = Pick<Collector, "header" | "headerSize" | "stored">

/** Either it is over, with its replies, or the message is to be stored and finish() says the rest. */
export type Verdict =
  | { readonly is: "refused"; readonly outcome: Outcome }
  | {
      readonly is: "taken"
      readonly keep: MessageVerdict["keep"]
      readonly fields?: string | undefined
      readonly results?: readonly AuthResult[] | undefined
      readonly by?: MessageVerdict["by"] | undefined
      readonly reason: Reason
      readonly tx: Transaction
      /** Whose address the sender's is, where the header does not say. */
      readonly fullName: string | undefined
    }

/** Judges the whole message. */
export function judge(
  session: Session,
  message: Collector,
  { gate }: Asks,
  body?: MessageBody,
): Soon<Verdict> {
  const { transaction: tx, offers, arrival } = session
  const { header, failure } = message
  if (tx === undefined) throw new Error("content without a transaction")
  if (failure !== undefined) return refuse(session, failure)
  if (header === undefined) throw new Error("the header was not read")
  // RFC 5321 §6.3. Our own Received: counts, as in sendmail.
  const hops = countReceived(header) + 1
  if (hops > offers.maxHops) {
    const rule = byRule("MaxHopCount", `${hops} hops`, offers.origins.maxHops)
    return refuse(session, { reply: tooManyHops(hops, offers.maxHops), rule })
  }
  const octets = header.bytes.subarray(0, header.bodyStart)
  return whenThere(gate.message(arrival, tx.envelope, octets, message.size, body), (decision) => {
    if (decision.outcome === "pass") throw new Error("check_eom passed")
    if (decision.outcome !== "yes") {
      const refused = finish(session, decision.reply)
      return { is: "refused", outcome: { ...refused, asked: traced("check_eom", "", decision) } } as const
    }
    const name = has(header, "from") ? undefined : gate.fullName?.(tx.envelope.reversePath)
    return whenThere(name, (fullName) => taken(tx, decision, fullName))
  })
}

function taken(
  tx: Transaction,
  { value, reason }: Decision<MessageVerdict> & { readonly outcome: "yes" },
  fullName: string | undefined,
): Verdict {
  const { keep, fields, results, by } = value
  return { is: "taken", keep, fields, results, by, reason, tx, fullName }
}

/** The reply to a message, one for each recipient in LMTP. The transaction is over. */
export function finish(session: Session, reply: Reply): Outcome {
  const { lmtp } = session.offers
  const count = lmtp ? (session.transaction?.envelope.recipients.length ?? 1) : 1
  return {
    session: { ...reset(session), idle: 0 },
    replies: count === 1 ? [reply] : Array.from({ length: count }, () => reply),
    next: reply.code === 421 ? { does: "close" } : { does: "read" },
    asked: undefined,
  }
}

/** It is safe: now, and not before, we answer for it. */
export function stored(session: Session, id: string): Outcome {
  return finish(session, accepted(id))
}

/** It could not be made safe, so nothing was kept. */
export function notStored(
  session: Session,
  failure: { readonly full: boolean; readonly why: string },
): Outcome {
  const said = finish(session, failure.full ? replies.noSpace : replies.notStored)
  return { ...said, asked: byRule("commit", failure.why) }
}

/**
 * What goes on top of the message: our Received:, and what the header lacks. RFC 6409 §8 asks for that at submission doors.
 * sendmail differs: it completes all mail (mailer flags D, F, M of every mailer), and so do we.
 */
export function traceOf(
  session: Session,
  verdict: Verdict & { is: "taken" },
  message: Measured,
  made: { readonly id: string; readonly at: number },
): Buffer {
  const { arrival, offers } = session
  const { recipients } = verdict.tx.envelope
  const received = writeReceived({
    arrival,
    by: offers.hostname,
    id: made.id,
    software: offers.software,
    recipient: recipients.length === 1 ? recipients[0]?.path : undefined,
    typed: recipients.length === 1 ? recipients[0]?.typed : undefined,
    date: printDate(made.at),
  })
  const { results = [], fields = "" } = verdict
  const vouched = results.length === 0 ? "" : writeAuthResults(offers.hostname, results)
  const top = vouched + fields + received
  if (message.header === undefined) return Buffer.from(top)
  const missing = missingFields(message.header, {
    host: offers.hostname,
    id: made.id,
    now: made.at,
    sender: {
      address: shownSender(verdict.tx.envelope) || `MAILER-DAEMON@${offers.hostname}`,
      fullName: verdict.fullName,
    },
    recipients: recipients.map(({ path }) => printPath(path)),
    noRecipientAction: offers.noRecipientAction,
  })
  return Buffer.from(top + missing + authenticationWarning(session, verdict.tx))
}

/** What a reader should know of where it came from (sendmail: X-Authentication-Warning, PrivacyOptions=authwarnings). */
function authenticationWarning(session: Session, tx: Transaction): string {
  const { arrival, offers } = session
  const says = arrival.protocol === "local" ? strangeSender(session, tx) : withoutHello(session)
  return says === undefined ? "" : `X-Authentication-Warning: ${offers.hostname}: ${says}\r\n`
}

/** Who names another as the sender at the local door, and is not trusted to, is named. */
function strangeSender(
  { arrival, offers }: Session,
  { envelope, namedBy = "-f" }: NamedSender,
): string | undefined {
  const { authenticated: login } = arrival
  if (login === undefined) return undefined
  const { hostname: host, trustedUsers: trusted } = offers
  return namesAnother({ login, sender: shownSender(envelope), host, flag: namedBy, trusted })
}

type NamedSender = Pick<Transaction, "envelope"> & { readonly namedBy?: "-f" | "-r" }

function withoutHello({ arrival, offers }: Session): string | undefined {
  const { client, helo } = arrival
  if (client === undefined || helo !== undefined || !offers.privacy.has("authwarnings")) return undefined
  return `${clientName(arrival)} didn't use HELO protocol`
}

/** The queue entry of a message. `prefix` is the number of octets that come before it. */
export function entryOf(
  session: Session,
  verdict: Verdict & { is: "taken" },
  message: Measured,
  made: { readonly id: string; readonly at: number; readonly prefix: number },
): Entry {
  const { recipients: _, ...envelope } = verdict.tx.envelope
  return {
    id: made.id,
    envelope,
    arrival: session.arrival,
    acceptedAt: made.at,
    size: made.prefix + message.stored,
    headerSize: made.prefix + message.headerSize,
    summary: summaryOf(session, message, made),
    held: verdict.keep === "hold" ? { reason: heldBecause(verdict), at: verdict.reason.at } : undefined,
  }
}

/** In the postmaster's words where he wrote some. */
export function heldBecause({ by, reason }: Verdict & { is: "taken" }): string {
  return by?.why === undefined || by.why === "" ? reason.says : by.why
}

function summaryOf(
  { offers }: Session,
  { header }: Measured,
  { id, at }: { readonly id: string; readonly at: number },
): Entry["summary"] {
  if (header === undefined) return { messageId: "", subject: "", from: "" }
  const found = summary(header)
  if (found.messageId !== "" || has(header, "message-id")) return found
  return { ...found, messageId: messageIdFor({ host: offers.hostname, id, now: at }) }
}

/** Mail that waits for a queue run is tried by itself when none was made for so long (milliseconds). */
const untilQueueRun = 30 * 60_000

/** Its recipients, none tried yet. What was found out about who vouches for the message stands in the trail of the first. */
export function pendingOf(
  { tx: { envelope, waits }, reason, results }: Pick<Verdict & { is: "taken" }, "tx" | "reason" | "results">,
  now: number,
): readonly Pending[] {
  const vouched = results === undefined ? [] : [reason]
  return envelope.recipients.map((recipient, index) => ({
    number: index + 1,
    recipient: index === 0 ? { ...recipient, admitted: withTrail(recipient.admitted, vouched) } : recipient,
    route: undefined,
    expandedFrom: undefined,
    attempts: 0,
    nextAttempt: waits === true ? now + untilQueueRun : 0,
    lastStatus: undefined,
    warned: false,
  }))
}

function refuse(session: Session, { reply, rule }: Failure): Verdict {
  return { is: "refused", outcome: { ...finish(session, reply), asked: rule } }
}
