// What waits in the queue, as values: a message's entry and its recipients that are still to be served. The spool keeps them,
// routing and the schedule change them; none of these knows how they are stored.
import type { Summary } from "../message/header.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Origin, Reason } from "../mail/decision.ts"
import type { Envelope, Recipient } from "../mail/envelope.ts"
import type { EnhancedCode } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"

/** What is known of a message beside its octets. */
export type Entry = {
  /** Queue id, unique in this spool: [0-9A-Za-z]{14}, sendmail's form. */
  readonly id: string
  readonly envelope: Omit<Envelope, "recipients">
  readonly arrival: Arrival
  /** Milliseconds since 1970. */
  readonly acceptedAt: number
  readonly size: number
  readonly headerSize: number
  /** Message-Id, Subject and From, cut to 200 octets, for queue lists and search. */
  readonly summary: Summary
  /** Set aside by a rule (quarantine) or by hand (hold): never tried until released. */
  readonly held: { readonly reason: string; readonly at: Origin | undefined } | undefined
}

/** A recipient that is still to be served. Those that are done have no row. */
export type Pending = {
  /** Stable within the entry: children of an expansion get numbers of their own. */
  readonly number: number
  readonly recipient: Recipient
  /** Known once aliases and .forward were applied; undefined until the first attempt. */
  readonly route: Route | undefined
  /** How it came from an alias: who answers for its errors (owner-list) and with whose rights programs run. */
  readonly expandedFrom:
    | {
        readonly address: string
        readonly owner: string | undefined
        readonly user: string | undefined
        /** The name as the list, the .forward or the sender wrote it, where it is another than the recipient's path. */
        readonly typed?: string
        readonly reason: Reason
      }
    | undefined
  readonly attempts: number
  /** When it is due, milliseconds since 1970. 0: at once. */
  readonly nextAttempt: number
  /** The last words of the peer, or ours. */
  readonly lastStatus:
    | {
        readonly status: EnhancedCode
        readonly text: string
        readonly remote: string | undefined
        readonly at: number
      }
    | undefined
  /** Whether a "delayed" report was sent. */
  readonly warned: boolean
  /** The queue group with runners of its own that it was in at its last attempt; absent: none such. It has one lane. */
  readonly group?: string
}

/** A place that stands only if its user has no .forward. */
export type Unlooked = {
  /** Those of his files that nobody has looked for yet: who delivers looks first (RoutingWorld.forward). */
  readonly forward?: readonly string[] | undefined
}

/** As it waits: where only the delivery was to look for a .forward, the next attempt asks anew where it goes. */
export function asWaiting<T extends Pending>(one: T & Unlooked): T {
  return one.forward === undefined ? one : { ...one, route: undefined, forward: undefined }
}

/** A recipient that nobody has tried to serve yet, due at once. */
export function untried(number: number, recipient: Recipient): Pending {
  return {
    number,
    recipient,
    route: undefined,
    expandedFrom: undefined,
    attempts: 0,
    nextAttempt: 0,
    lastStatus: undefined,
    warned: false,
  }
}

export type Queued = { readonly entry: Entry; readonly pending: readonly Pending[] }

/** Changes after an attempt, applied in one commit. */
export type Outcome = {
  readonly id: string
  /** Numbers of those that need no more work (delivered, relayed, failed, or replaced by `add`). */
  readonly done: readonly number[]
  /** New state of those that stay. */
  readonly update: readonly Pending[]
  /** Children of an expansion that could not be served in this attempt. */
  readonly add: readonly Pending[]
}
