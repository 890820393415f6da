// RCPT TO: one more recipient, or the reason why not (RFC 5321 §4.1.1.3, §3.3).
import type { ForwardPath } from "../mail/address.ts"
import type { Decision } from "../mail/decision.ts"
import { type Recipient, type Transaction, withRecipient } from "../mail/envelope.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import type { RcptCommand } from "./command.ts"
import { type RcptParameters, readRcptParameters } from "./extensions.ts"
import { typedRecipient } from "./local-door.ts"
import { needsUtf8 } from "./mail.ts"
import { about, recipientOk, replies } from "./replies.ts"
import { traced, type Asks, byRule, move, type Outcome, type Session, stay } from "./session.ts"

/** Asks the gate, unless the transaction is full. */
export function rcpt(session: Session, command: RcptCommand, { gate }: Asks): Soon<Outcome> {
  const { transaction: tx, offers, arrival } = session
  const { path } = command
  if (tx === undefined) return stay(session, replies.needMailBeforeRcpt)
  // The limit is ours, and the client's recipients up to it are kept: 452, not 552 (RFC 5321 §4.5.3.1.10).
  if (offers.maxRecipients > 0 && tx.envelope.recipients.length >= offers.maxRecipients) {
    const rule = byRule(
      "MaxRecipientsPerMessage",
      `${offers.maxRecipients} at most`,
      offers.origins.maxRecipients,
    )
    return stay(session, replies.tooManyRecipients, rule)
  }
  const parameters = readRcptParameters(command.parameters, offers)
  if (!parameters.ok) return stay(session, parameters.error)
  if (!tx.envelope.smtputf8 && needsUtf8(path)) return stay(session, replies.needUtf8)
  const wished = parameters.value
  return whenThere(gate.recipient(arrival, tx.envelope, path, command.parameters), (decision) =>
    decision.outcome === "yes"
      ? admitted({ session, tx, wished, gate }, command, decision)
      : refused(session, command, decision),
  )
}

type Admission = {
  readonly session: Session
  readonly tx: Transaction
  readonly wished: RcptParameters
  readonly gate: Asks["gate"]
}

function admitted(
  { session, tx, wished, gate }: Admission,
  { typed, path }: RcptCommand,
  decision: Decision<ForwardPath> & { readonly outcome: "yes" },
): Outcome {
  const { notify, original } = wished
  const named: Recipient = { path: decision.value, notify, original, admitted: decision.reason }
  const recipient = { ...named, ...typedRecipient(session.arrival, path) }
  // sendmail differs from what a client may expect: who was named before is shown as he was typed then (recipient.c).
  const earlier = gate.earlier?.(tx.envelope, decision.value)
  const said = recipientOk(earlier === undefined ? typed : `<${earlier}>`)
  const trace = traced("check_rcpt", typed, decision)
  return move({ ...session, transaction: withRecipient(tx, recipient) }, said, undefined, trace)
}

function refused(
  session: Session,
  { typed, path }: RcptCommand,
  decision: Exclude<Decision<ForwardPath>, { outcome: "yes" }>,
): Outcome {
  const trace = traced("check_rcpt", typed, decision)
  if (decision.outcome === "pass") throw new Error("check_rcpt passed")
  const refusal = about(typed, path === "postmaster" ? path : path.text, decision.reply)
  const counted = { ...session, badRecipients: session.badRecipients + 1 }
  const { badRecipientThrottle: throttle } = session.offers
  // Who guesses addresses gets one answer a second (sendmail: BadRcptThrottle).
  return throttle > 0 && counted.badRecipients > throttle
    ? move(counted, refusal, { does: "pause", milliseconds: 1000 }, trace)
    : stay(counted, refusal, trace)
}
