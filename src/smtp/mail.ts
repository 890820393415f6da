// MAIL FROM: a transaction begins, or the reason why not (RFC 5321 §4.1.1.2).
import type { ReversePath, TypedAddress } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { type Decision, withTrail } from "../mail/decision.ts"
import type { DeliverBy, Transaction } from "../mail/envelope.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import type { MailCommand } from "./command.ts"
import { type ByTime, type MailParameters, readMailParameters } from "./extensions.ts"
import { atLocalDoor, localParameters } from "./local-door.ts"
import { about, declaredTooLarge, replies, senderOk } from "./replies.ts"
import { traced, type Asks, byRule, move, type Outcome, type Session, stay } from "./session.ts"

/** The order of the checks is sendmail's: sequence, syntax, size and space, then the gate. */
export function mail(session: Session, command: MailCommand, asks: Asks): Soon<Outcome> {
  const { offers, arrival, transaction } = session
  const { path } = command
  if (arrival.helo === undefined && offers.privacy.has("needmailhelo")) {
    return stay(session, replies.needHello, byRule("PrivacyOptions", "needmailhelo", offers.origins.privacy))
  }
  if (transaction !== undefined) return stay(session, replies.senderAlready)
  const local = localParameters(arrival, command.parameters)
  const parameters = readMailParameters(local.smtp, offers)
  if (!parameters.ok) return stay(session, parameters.error)
  const { size, smtputf8, requireTls } = parameters.value
  if (requireTls && arrival.tls === undefined) return stay(session, replies.requireTlsNeedsTls) // RFC 8689 §4.1
  if (!smtputf8 && needsUtf8(path)) return stay(session, replies.needUtf8)
  // RFC 1870 §6.1
  if (offers.maxMessageSize > 0 && size > offers.maxMessageSize) {
    const rule = byRule("MaxMessageSize", `${size} octets were declared`, offers.origins.maxMessageSize)
    return stay(session, declaredTooLarge(offers.maxMessageSize), rule)
  }
  const room = asks.room(size)
  if (!room.ok) return stay(session, replies.noSpace, byRule("room in the spool", room.error))
  const wished = { parameters: parameters.value, wishes: { ...local, path }, now: asks.clock() }
  return whenThere(asks.gate.sender(arrival, path, size, command.parameters), (decision) => {
    const { submitter } = parameters.value
    return submitter === undefined
      ? opened(session, command, wished, decision)
      : submitterOf(submitter, decision, session, asks).then((believed) =>
          opened(session, command, withSubmitter(wished, believed.submitter), believed.sender),
        )
  })
}

/** What the sender asked for beside its path. */
type Wished = {
  readonly parameters: MailParameters
  readonly wishes: Parameters<typeof atLocalDoor>[2]
  readonly now: number
}

function withSubmitter(wished: Wished, submitter: string): Wished {
  return { ...wished, parameters: { ...wished.parameters, submitter } }
}

/** The transaction that the gate's yes opens. */
function opened(
  session: Session,
  { typed, path }: MailCommand,
  { parameters, wishes, now }: Wished,
  decision: Decision<ReversePath>,
): Outcome {
  const { arrival } = session
  const trace = traced("check_mail", typed, decision)
  if (decision.outcome !== "yes") {
    if (decision.outcome === "pass") throw new Error("check_mail passed")
    return stay(session, about(typed, path === "null" ? "" : path.text, decision.reply), trace)
  }
  const { size, smtputf8 } = parameters
  const begun: Transaction = {
    envelope: envelopeOf(decision.value, parameters, now),
    startedAt: new Date(now),
    bytes: size,
  }
  const transaction = atLocalDoor(arrival, begun, wishes)
  const within = { ...session, arrival: withUtf8(arrival, smtputf8), transaction, badRecipients: 0 }
  return move(within, senderOk(typed), undefined, trace)
}

function envelopeOf(
  reversePath: Transaction["envelope"]["reversePath"],
  { body, smtputf8, ret, envid, by, requireTls, submitter }: MailParameters,
  now: number,
): Transaction["envelope"] {
  const plain = { reversePath, recipients: [], body, smtputf8, ret, envid }
  const secret = requireTls ? { ...plain, requireTls } : plain
  const envelope = submitter === undefined ? secret : { ...secret, submitter }
  return by === undefined ? envelope : { ...envelope, deliverBy: deadline(by, now) }
}

/** AUTH=: the login that the client names, if it may; what was decided about the sender tells of it (sendmail: mail_esmtp_args). */
async function submitterOf<T>(
  named: string,
  sender: Decision<T>,
  { arrival }: Session,
  { gate }: Asks,
): Promise<{ readonly submitter: string; readonly sender: Decision<T> }> {
  if (named === "<>" || sender.outcome !== "yes") return { submitter: "<>", sender }
  const may = await gate.submitter?.(arrival, named)
  if (may === undefined) return { submitter: "<>", sender }
  const reason = withTrail(sender.reason, [{ ...may.reason, role: "passed" }])
  return { submitter: may.outcome === "yes" ? named : "<>", sender: { ...sender, reason } }
}

function deadline({ seconds, mode, trace }: ByTime, now: number): DeliverBy {
  return { at: now + seconds * 1000, mode, trace }
}

/** Whether the path has characters beyond ASCII, which only SMTPUTF8 allows (RFC 6531 §3.3). */
export function needsUtf8(path: TypedAddress | "null" | "postmaster"): boolean {
  return typeof path !== "string" && /[^\u0000-\u007f]/.test(path.text)
}

// RFC 6531 §4.3: the transaction's protocol has its own name, and the next one has not.
function withUtf8(arrival: Arrival, smtputf8: boolean): Arrival {
  if (arrival.protocol === "local") return arrival
  const lmtp = arrival.protocol === "LMTP" || arrival.protocol === "UTF8LMTP"
  if (smtputf8) return { ...arrival, protocol: lmtp ? "UTF8LMTP" : "UTF8SMTP" }
  if (arrival.protocol === "UTF8SMTP") return { ...arrival, protocol: "ESMTP" }
  return arrival.protocol === "UTF8LMTP" ? { ...arrival, protocol: "LMTP" } : arrival
}
