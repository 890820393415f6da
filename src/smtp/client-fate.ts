// What a peer's reply means for a recipient: relayed, delayed or failed, with the enhanced code it gave or the one its number stands for.
import type { ResultType } from "../auth/tls-report.ts"
import type { EnhancedCode, Reply } from "../mail/reply.ts"
import { replyLine } from "../mail/reply.ts"

/** The end of one recipient's way in this session. */
export type Fate = {
  readonly action: "relayed" | "delayed" | "failed"
  readonly status: EnhancedCode
  /** The peer's reply, or our words where no peer spoke. */
  readonly diagnostic: Reply | string
  /** What happened, in words, for the trail of reasons. */
  readonly says: string
  /** What the peer had said to this recipient's RCPT, where it took the message for it. */
  readonly recipientReply?: Reply
  /** The peer offers DSN, so it was told what reports are wanted, and makes them (RFC 3461 §5.2.2). */
  readonly dsnHandedOn?: boolean
}

/** Why a session cannot go on. Recipients without a fate may be tried with another host. */
export type Broken = {
  readonly says: string
  readonly status: EnhancedCode
  /** The reply that ended it, where the peer spoke. */
  readonly reply: Reply | undefined
  /** True when the host refuses for good: a 5xx greeting (RFC 5321 §3.1, RFC 7504). */
  readonly permanent: boolean
  /** TLS could not be begun, which says nothing about the peer in clear text. */
  readonly tls?: true
  /** What TLS reports are to be told of it (RFC 8460). */
  readonly failure?: TlsFailure | undefined
}

/** In what way TLS with a peer was not as it should be. */
export type TlsFailure = {
  readonly result: ResultType
  readonly reason: string
  readonly from?: string | undefined
}

/** What a code without an enhanced code stands for: sendmail's table (deliver.c smtptodsn). */
const derived: Readonly<Record<number, EnhancedCode>> = {
  421: "4.3.2",
  450: "4.2.0",
  451: "4.3.0",
  452: "4.3.1",
  500: "5.5.2",
  501: "5.5.4",
  502: "5.5.1",
  503: "5.5.1",
  504: "5.5.4",
  550: "5.2.0",
  551: "5.1.6",
  552: "5.2.2",
  553: "5.1.3",
  554: "5.3.0",
}

/** The reply's enhanced code, or the one its number stands for. */
export function statusOf({ code, status }: Reply): EnhancedCode {
  if (status !== undefined) return status
  const known = derived[code]
  if (known !== undefined) return known
  return code < 400 ? "2.0.0" : code < 500 ? "4.0.0" : "5.0.0"
}

/** A 4xx delays, a 5xx fails; anything else where a yes or no was due says nothing, so it delays too. */
export function refused(answer: Reply, to: string): Fate {
  const kind = Math.trunc(answer.code / 100)
  const says = `the peer said "${replyLine(answer)}" to ${to}`
  if (kind === 5) return { action: "failed", status: statusOf(answer), diagnostic: answer, says }
  const status = kind === 4 ? statusOf(answer) : "4.5.0"
  return { action: "delayed", status, diagnostic: answer, says }
}

/** The peer has taken responsibility (RFC 5321 §6.1). */
export function relayed(answer: Reply, dsnHandedOn: boolean): Fate {
  const status = statusOf(answer)
  return { action: "relayed", status, diagnostic: answer, says: "the peer took the message", dsnHandedOn }
}

/** A no of our own, before the peer was asked. */
export function impossible(status: EnhancedCode, says: string): Fate {
  return { action: "failed", status, diagnostic: says, says }
}

/** The end of a session that leaves it open whether the message arrived: it will be sent again. */
export function delayedBy(broken: Broken): Fate {
  return {
    action: "delayed",
    status: broken.status,
    diagnostic: broken.reply ?? broken.says,
    says: broken.says,
  }
}
