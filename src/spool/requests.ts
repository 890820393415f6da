// What the two threads of the spool say to each other: changes in groups, questions, events.
// Everything is plain values, so that it can be cloned between threads.
import type { TimeMark } from "../queue/steady.ts"
import type { Shape } from "../queue/summary.ts"
import type { EventSearch, Filter, QueueAges, ShapeOf } from "./spool.ts"

/** A recipient as its row has it. `next` is when it is due, milliseconds since 1970. */
export type PendingRow = {
  readonly number: number
  readonly next: number
  /** Its destination, as queue/fair.ts numbers it. */
  readonly lane: number
  readonly json: string
}

/** The file of a large body, without the prefix that its row holds. */
export type BodyFileFacts = { readonly size: number; readonly crc: number }

/** A message that the log has: its row, and where its octets are. */
export type SettledRow = {
  readonly id: string
  readonly acceptedAt: number
  readonly held: string | undefined
  readonly json: string
  readonly pending: readonly PendingRow[]
  readonly file: BodyFileFacts | undefined
  readonly segment: number
  readonly at: number
  readonly length: number
  readonly crc: number
  /** Whether the octets stay in the segment. */
  readonly stays: boolean
}

/** What the log holds up to the mark becomes rows; a start reads the log from the mark on. */
export type SettleChange = {
  readonly kind: "settle"
  readonly id: ""
  readonly rows: readonly SettledRow[]
  readonly mark: { readonly segment: number; readonly at: number }
}

export type RecordChange = {
  readonly kind: "record"
  readonly id: string
  readonly done: readonly number[]
  readonly update: readonly PendingRow[]
  readonly add: readonly PendingRow[]
}

export type Change =
  | SettleChange
  | RecordChange
  | { readonly kind: "hold"; readonly id: string; readonly held: string }
  | { readonly kind: "release" | "remove" | "retry"; readonly id: string }

/** Nothing of the group was kept. `full`: for want of space. */
export type Failure = { readonly full: boolean; readonly why: string }

/** What became of one change: applied, no such message, or an error of this change alone. */
export type ChangeResult = boolean | string

export type Question =
  | {
      readonly ask: "due"
      readonly now: number
      readonly limit: number
      readonly inHand: readonly string[]
      /** Lanes that are passed over, and the one after which the look begins. */
      readonly full: readonly number[]
      readonly after: number
      /** Messages of one lane at most. */
      readonly each: number
    }
  | { readonly ask: "nextDue"; readonly now: number }
  | { readonly ask: "get"; readonly id: string }
  | { readonly ask: "body"; readonly id: string }
  | { readonly ask: "list"; readonly filter: Filter; readonly after: string; readonly limit: number }
  | { readonly ask: "count" }
  | { readonly ask: "history"; readonly id: string }
  | { readonly ask: "ages"; readonly now: number }
  | { readonly ask: "shapes"; readonly of: ShapeOf }
  | { readonly ask: "events"; readonly search: EventSearch }
  /** Free memory of the process is given back to the kernel; answered when that is done. */
  | { readonly ask: "trim" }

/** Questions that take many pages. */
export type Counted = Question & { readonly ask: "ages" | "shapes" }

/** An entry with its recipients, as rows. */
export type QueuedRow = {
  readonly json: string
  readonly held: string | undefined
  readonly pending: readonly PendingRow[]
}

/** What some lanes have that is due; `after` is the last one that was looked at, undefined at the end of them. */
export type DuePage = { readonly rows: readonly QueuedRow[]; readonly after: number | undefined }

/** Rows of a page; `after` is where the next page begins, undefined at the end of the queue. */
export type Page = { readonly rows: readonly QueuedRow[]; readonly after: string | undefined }

/** The octets of a row; `file` when most of them are in a file of their own. */
export type BodyRow =
  | {
      readonly found: "body"
      readonly octets: Uint8Array<ArrayBuffer>
      readonly headerSize: number
      readonly file: BodyFileFacts | undefined
    }
  | { readonly found: "nothing" }
  | { readonly found: "damaged"; readonly why: string }

/** A message that is damaged, and was set aside. */
export type DamagedMessage = {
  readonly id: string
  readonly why: string
  /** As far as they can be read, without brackets. */
  readonly sender: string | undefined
  readonly recipients: readonly string[]
  readonly subject: string | undefined
}

/** What was found damaged. `kept` messages of a database that had to be begun anew are in the new one. */
export type DamageReport = {
  readonly why: string
  readonly kept: number
  readonly lost: readonly DamagedMessage[]
  /** The folder with what is left. */
  readonly where: string
}

export type Totals = { readonly messages: number; readonly recipients: number; readonly octets: number }

/** `words` is what it can be found by, in lower case; rows that are read come without. */
export type EventRow = {
  readonly id: string
  readonly at: number
  readonly words?: string
  readonly json: string
}

/** Events of a page; `before` is where the next page begins, undefined at the end of the timelines. */
export type EventRows = { readonly rows: readonly EventRow[]; readonly before: number | undefined }

/** What each question is answered with. */
export type Answers = {
  due: DuePage
  nextDue: number | undefined
  get: QueuedRow | undefined
  body: BodyRow
  list: Page
  count: Totals
  history: readonly EventRow[]
  events: EventRows
  ages: QueueAges
  shapes: readonly Shape[]
  trim: undefined
}

export type WorkerStart = {
  readonly directory: string
  readonly segmentOctets: number
  readonly historyOctets: number
  readonly historyMilliseconds: number
  /** Whether it is the first thread of this process: only then is there something in the log that nobody knows of. */
  readonly first: boolean
}

/** The log's segments at a start: the number of the next one, and the old ones that nobody needs. */
export type Segments = { readonly number: number; readonly unneeded: readonly number[] }

export type ToWorker =
  | {
      readonly kind: "changes"
      readonly group: number
      readonly changes: readonly Change[]
      /** How many failures were heard of when it was sent: what overtook one is refused as well, so that the order stays. */
      readonly heard: number
      /** Now and then: what time it is, to be kept with them. */
      readonly mark: TimeMark | undefined
    }
  | { readonly kind: "question"; readonly number: number; readonly question: Question }
  | { readonly kind: "events"; readonly events: readonly EventRow[]; readonly now: number }
  /** The database was found damaged. */
  | { readonly kind: "distrust"; readonly why: string }
  | { readonly kind: "close"; readonly mark: TimeMark | undefined }

export type FromWorker =
  /** With what the last run left of time. */
  | { readonly kind: "opened"; readonly segments: Segments; readonly mark: TimeMark | undefined }
  /** Segments whose last message is gone. */
  | { readonly kind: "unneeded"; readonly segments: readonly number[] }
  | { readonly kind: "refused"; readonly why: string }
  /** Durable, each change with its result; `results` undefined: all applied. */
  | {
      readonly kind: "changed"
      readonly group: number
      readonly results: readonly ChangeResult[] | undefined
    }
  | { readonly kind: "failed"; readonly group: number; readonly failure: Failure }
  | { readonly kind: "answer"; readonly number: number; readonly value: Answers[keyof Answers] }
  | { readonly kind: "unanswered"; readonly number: number; readonly why: string }
  | { readonly kind: "eventsKept"; readonly count: number }
  /** The store is in order again, or not. */
  | { readonly kind: "order"; readonly trouble: Failure | undefined }
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "damage"; readonly report: DamageReport }
  | { readonly kind: "closed" }
