// What a session of this daemon may use of the world: the gate, the spool, the clock, and who is told of what happened.
import type { Content } from "../mail/content.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Authenticator } from "../auth/sasl.ts"
import type { Gate } from "../mail/gate.ts"
import type { Reason } from "../mail/decision.ts"
import type { Reply } from "../mail/reply.ts"
import type { Clock, NewId } from "../mail/world.ts"
import type { Queued } from "../queue/entry.ts"
import type { Event, Spool } from "../spool/spool.ts"
import type { Asked } from "../smtp/session.ts"
import type { ServerTls } from "../trust/tls-server.ts"
import type { Filtering } from "./milters.ts"

/** How long a client may be silent, in milliseconds. */
export type SessionTimeouts = { readonly command: number; readonly datablock: number }

/** What the log is told of a session, each in sendmail's words. `id` is the session's or the message's. */
export type SessionLog = {
  /** `ruleset=check_rcpt, arg1=<x@example.org>, relay=h [192.0.2.7], reject=550 5.7.1 …` */
  refused(id: string, text: string, reason: Reason | undefined): void
  /** A message was taken that is not kept: rules had it thrown away. */
  accepted?(queued: Queued): void
  /** Anything else worth a line: a lost client, a message not taken. */
  note(id: string, text: string): void
  /** A bug of ours, with its stack. */
  bug(error: unknown): void
}

export type World = {
  readonly gate: Gate
  readonly spool: Pick<Spool, "incoming" | "room">
  readonly newId: NewId
  readonly clock: Clock
  /** The machine's clock, for dates that others read, where it is another than the queue's. */
  readonly wall?: Clock
  readonly timeouts: SessionTimeouts
  /** How many milliseconds a command waits under the machine's load (DelayLA); absent: none ever does. */
  readonly delay?: ((line: string) => number) | undefined
  readonly log: SessionLog
  /** Begins TLS on a stream; absent where there is no certificate. */
  readonly tls?: ServerTls | undefined
  /** The filters of this door, between the session and its gate. */
  readonly milters?: (gate: Gate, newId: NewId) => Filtering
  /** Who knows the logins. */
  readonly authenticator?: Authenticator | undefined
  /** Accepted, safe, answered for: it may be delivered now. */
  readonly onAccepted: (queued: Queued, content: Content) => void
  /** For the timelines. */
  readonly note: (events: readonly Event[]) => void
  /** A refusal, for those who count. */
  readonly refused?: (asked: Asked, reply: Reply) => void
  /** Whether what was asked is to be kept with this refusal; absent: never. */
  readonly samples?: () => boolean
  /** ETRN: what its argument names is tried now. */
  readonly runQueue: (argument: string) => void
  /** Each reply with its reason, for whoever looks over the session's shoulder. */
  readonly watch?: (arrival: Arrival, reply: Reply, reason: Reason | undefined) => void
  /** Fires when the daemon stops: sessions end after the message in hand. */
  readonly stopping?: AbortSignal
}
