// The durable store behind one small interface: what has been accepted and what is still to be done for it.
// This file is the interface; spool/sqlite.ts and its worker keep it. docs/spool.md lists every state and what a crash leaves.
import type { Arrival } from "../mail/arrival.ts"
import type { Content } from "../mail/content.ts"
import type { Origin, Reason } from "../mail/decision.ts"
import type { Envelope, Recipient } from "../mail/envelope.ts"
import type { EnhancedCode } from "../mail/reply.ts"
import type { Result } from "../mail/result.ts"
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
  readonly summary: { readonly messageId: string; readonly subject: string; readonly from: string }
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

/** A message on its way in. Nothing of it survives unless commit resolves. */
export type Incoming = {
  readonly id: string
  /** Octets of the message in order. A promise means: wait before the next one (back-pressure). */
  write(chunk: Buffer): void | Promise<void>
  /**
   * Resolves when entry and octets are on stable storage; only then may 250 be said. `prefix` (our trace fields) goes
   * before what was written. An error (no space, I/O) means nothing was kept and 4xx is to be said; `full` tells the two apart.
   */
  commit(
    entry: Entry,
    pending: readonly Pending[],
    prefix: Buffer,
  ): Promise<Result<Queued & { content: Content }, { full: boolean; why: string }>>
  /** Throws away what was written. */
  abort(): void
}

/** An event in a message's or a refused session's life, for timelines and `waypost show`. */
export type Event = {
  readonly at: number
  /** Queue id, or session id for sessions that ended in a refusal. */
  readonly id: string
  readonly what:
    | "accepted"
    | "refused"
    | "expanded"
    | "delivered"
    | "relayed"
    | "deferred"
    | "failed"
    | "bounced"
    | "held"
    | "released"
    | "removed"
  /** The address concerned, without brackets. */
  readonly address: string
  /** Enhanced code and the words of who spoke. */
  readonly status: string
  readonly detail: string
  readonly remote: string | undefined
  readonly reason: Reason | undefined
}

export type Filter = {
  readonly ids?: readonly string[]
  readonly to?: string
  readonly from?: string
  readonly olderThan?: number
}

export type Spool = {
  /** Whether a message of this size may come now: space and inodes above the reserve, and the store in order. */
  room(size: number): Result<void, string>
  incoming(id: string, expectedSize: number): Incoming
  /** Applies the outcomes of an attempt. An entry without pending recipients is removed with its octets. Resolves when durable. */
  record(outcome: Outcome): Promise<Result<void>>
  /** Everything that is due at `now`, oldest first, at most `limit`, leaving out ids that are in hand already. */
  due(now: number, limit: number): Promise<readonly Queued[]>
  /** When the next one will be due; undefined when nothing waits. */
  nextDue(): Promise<number | undefined>
  /** The octets of a message; an error when they are damaged or missing. */
  content(id: string): Promise<Result<Content>>
  get(id: string): Promise<Queued | undefined>
  /** A page of the queue in order of id, beginning after `afterId`. Short read transactions: `mailq | less` never stops checkpoints. */
  list(filter: Filter, afterId: string | undefined, limit: number): Promise<readonly Queued[]>
  count(): Promise<{ readonly messages: number; readonly recipients: number; readonly octets: number }>
  hold(id: string, reason: string): Promise<boolean>
  release(id: string): Promise<boolean>
  remove(id: string): Promise<boolean>
  /** Due now, whatever the schedule says. */
  retry(id: string): Promise<boolean>
  /** Kept in history.db, lazily: never delays an acceptance, bounded in size. */
  note(events: readonly Event[]): void
  history(id: string): Promise<readonly Event[]>
  close(): Promise<void>
}
