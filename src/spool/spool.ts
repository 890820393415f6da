// The durable store behind one small interface: what has been accepted and what is still to be done for it.
// This file is the interface; spool/sqlite.ts and its worker keep it. docs/spool.md lists every state and what a crash leaves.
import type { Arrival } from "../mail/arrival.ts"
import type { Content } from "../mail/content.ts"
import type { Reason } from "../mail/decision.ts"
import type { Result } from "../mail/result.ts"
import type { Entry, Outcome, Pending, Queued } from "../queue/entry.ts"
import type { Shape } from "../queue/summary.ts"

export type { Entry, Outcome, Pending, Queued } from "../queue/entry.ts"

/** A message on its way in. Nothing of it survives unless commit resolves. */
export type Incoming = {
  readonly id: string
  /** Octets of the message in order; they are copied. A promise means: wait before the next one (back-pressure). */
  write(chunk: Buffer): void | Promise<void>
  /** What was written so far, from this octet on, in pieces; each is gone when the next one is asked for. */
  written(start: number): AsyncIterable<Buffer>
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
    | "retried"
  /** The address concerned, without brackets. */
  readonly address: string
  /** Enhanced code and the words of who spoke. */
  readonly status: string
  readonly detail: string
  readonly remote: string | undefined
  readonly reason: Reason | undefined
  /** Of the first "accepted": what `waypost show` needs when the message has long left the queue. */
  readonly message?: Remembered
  /** Of a refusal: what was asked, so that it can be asked again under other settings (daemon/what-if.ts). */
  readonly asked?: AskedOf
}

/** What a refused question was about. */
export type AskedOf = {
  readonly arrival: Arrival
  /** sendmail's word for it: check_relay, check_mail, check_rcpt … */
  readonly question: string
  /** As it was typed, without brackets; undefined before MAIL. */
  readonly sender: string | undefined
  /** As it was typed, without brackets; undefined where none was asked about. */
  readonly recipient: string | undefined
  /** SIZE= of MAIL, or the octets of the message. */
  readonly size: number
}

/** A message as it was accepted, without its body. */
export type Remembered = {
  readonly entry: Entry
  /** Forward-paths of the envelope, without brackets; of a long list the first ones. */
  readonly recipients: readonly string[]
  /** The header's octets, one character each; cut when it is long. */
  readonly header: string
}

/** Every state and age, also those that nothing has. */
export type QueueAges = readonly {
  readonly state: "active" | "deferred" | "held"
  /** The upper end: 5m, 1h, 4h, 1d, 3d, older. */
  readonly age: string
  readonly messages: number
  readonly recipients: number
}[]

/** Whose destinations and ages are counted. */
export type ShapeOf = Pick<Filter, "olderThan" | "held"> & { readonly now: number }

/** Which events are looked for. */
export type EventSearch = {
  /** Each is a part of what the event is found by (codec.ts, wordsOf), in any case; none: every event. */
  readonly words: readonly string[]
  /** Only those that hold all that was decided by: messages as they were accepted, refusals with what was asked. */
  readonly decisions?: boolean
  /** Where the page begins; absent: at the newest. */
  readonly before?: number | undefined
}

export type EventPage = {
  readonly events: readonly Event[]
  /** Where the next page begins; undefined: there is none. */
  readonly before: number | undefined
}

/** All that is given must hold. */
export type Filter = {
  readonly ids?: readonly string[]
  /** Part of a waiting recipient's address, in any case. */
  readonly to?: string
  /** Part of the reverse-path, in any case. */
  readonly from?: string
  /** Where a waiting recipient goes, as the summary names it. */
  readonly destination?: string
  /** Part of the words that it is held or was put off with, in any case. */
  readonly reason?: string
  /** Accepted before this time, milliseconds since 1970. */
  readonly olderThan?: number
  /** Only what is held, or only what is not. */
  readonly held?: "no" | "only"
}

export type Spool = {
  /** Whether a message of this size may come now: space and inodes above the reserve, and the store in order. */
  room(size: number): Result<void, string>
  incoming(id: string, expectedSize: number): Incoming
  /** Applies the outcomes of an attempt. An entry without pending recipients is removed with its octets. Resolves when durable. */
  record(outcome: Outcome): Promise<Result<void>>
  /** The same where nothing waits for it: it rides with the next commit, at the latest a hundredth of a second later. */
  recordLate(outcome: Outcome): Promise<Result<void>>
  /**
   * What is due at `now`, at most `limit`, leaving out those that are in hand already and destinations whose lane is full: from
   * each lane in turn, of a lane the longest overdue first, and no more than half of `limit` when other lanes have some too. What the
   * log alone has follows, the oldest first: half of `limit` where both have as much.
   */
  due(
    now: number,
    limit: number,
    inHand?: readonly string[],
    full?: readonly number[],
  ): Promise<readonly Queued[]>
  /** When the first of those that are not due at `now` will be; undefined when there is none. */
  nextDue(now: number): Promise<number | undefined>
  /** The octets of a message; an error when they are damaged or missing. */
  content(id: string): Promise<Result<Content>>
  get(id: string): Promise<Queued | undefined>
  /** A page of the queue in order of id, beginning after `afterId`. Short read transactions: `mailq | less` never stops checkpoints. */
  list(filter: Filter, afterId: string | undefined, limit: number): Promise<readonly Queued[]>
  count(): Promise<{ readonly messages: number; readonly recipients: number; readonly octets: number }>
  /** What waits, by state and age; counted page by page. */
  ages(now: number): Promise<QueueAges>
  /** What waits, by destination and age, the fullest destination first; counted page by page. */
  shapes(of: ShapeOf): Promise<readonly Shape[]>
  hold(id: string, reason: string): Promise<boolean>
  release(id: string): Promise<boolean>
  remove(id: string): Promise<boolean>
  /** Due now, whatever the schedule says; false when it is held or not there. */
  retry(id: string): Promise<boolean>
  /** Kept in history.db, lazily: never delays an acceptance, bounded in size. */
  note(events: readonly Event[]): void
  history(id: string): Promise<readonly Event[]>
  /** A page of events, the newest first. It may be empty and yet not the last: only so many are looked at in one go. */
  events(search: EventSearch): Promise<EventPage>
  /** Free memory of the process is given back to the kernel, by the spool's thread: it can take a tenth of a second, and no session waits. */
  trimMemory(): Promise<void>
  close(): Promise<void>
}
