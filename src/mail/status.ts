// What became of a recipient: one record from the wire to the bounce, the log and the timeline.
import type { Reason } from "./decision.ts"
import type { Recipient } from "./envelope.ts"
import { type EnhancedCode, type Reply, replyLine } from "./reply.ts"

/** The action words of RFC 3464 §2.3.3. */
export type Action = "delivered" | "relayed" | "expanded" | "delayed" | "failed"

export type DeliveryStatus = {
  readonly recipient: Recipient
  readonly action: Action
  readonly status: EnhancedCode
  /** The peer's own reply, or our words where no peer spoke. */
  readonly diagnostic: Reply | string | undefined
  /** The host or program that spoke: "mx1.example.org [192.0.2.7]". */
  readonly remote: string | undefined
  readonly at: Date
  readonly reason: Reason
  /** For `relayed`: the next host offered DSN and got NOTIFY with the recipient, so it reports, not we (RFC 3461 §5.2.2). */
  readonly dsnHandedOn?: boolean
  /** For `relayed`: the next host knows nothing of the time that the sender set, so we report (RFC 2852). */
  readonly deliverByLost?: boolean
  /** For `relayed`: what the next host said to this recipient, before it took the message. */
  readonly recipientReply?: Reply
  /** For `delayed`: the system stops, and left it before anybody could have taken the message: as if it had not been tried. */
  readonly interrupted?: true
  /** For `delayed`: he has a .forward, or that cannot be told, and nothing was done but to look for it. */
  readonly forwards?: true
}

/** The words of who spoke, on one line; undefined when nobody said anything. */
export function diagnosticText(diagnostic: Reply | string | undefined): string | undefined {
  return typeof diagnostic === "object" ? replyLine(diagnostic) : diagnostic
}
