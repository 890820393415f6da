// Entries, recipients and events as the text of their rows, and back. JSON drops what is undefined: reading puts it back, so that
// what is read equals what was accepted.
import { crc32 } from "node:zlib"
import { printPath } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Reason } from "../mail/decision.ts"
import type { Recipient } from "../mail/envelope.ts"
import { decodeWords } from "../message/encoded-words.ts"
import type { Entry, Pending, Queued } from "../queue/entry.ts"
import { laneOf } from "../queue/fair.ts"
import type { EventRow, PendingRow, QueuedRow } from "./requests.ts"
import type { Event, Remembered } from "./spool.ts"

/** The checksum of a row's text. */
export function checksum(text: string): number {
  return crc32(text)
}

/** The entry without `held`, which has a column of its own. */
export function printEntry(entry: Entry): { json: string; held: string | undefined } {
  const { held } = entry
  return { json: entryText(entry), held: held === undefined ? undefined : JSON.stringify(held) }
}

/** An entry is printed for its record and for the timeline, and all of a session's have one arrival. */
const entryTexts = new WeakMap<Entry, string>()
const arrivalTexts = new WeakMap<Arrival, string>()

function entryText(entry: Entry): string {
  return textOf(entry, entryTexts, ({ arrival, ...rest }) =>
    withMember(
      JSON.stringify({ ...rest, held: undefined }),
      "arrival",
      textOf(arrival, arrivalTexts, JSON.stringify),
    ),
  )
}

function textOf<T extends object>(value: T, known: WeakMap<T, string>, print: (value: T) => string): string {
  const before = known.get(value)
  if (before !== undefined) return before
  const made = print(value)
  known.set(value, made)
  return made
}

/** The text of an object that has members, with one more. */
function withMember(object: string, name: string, value: string): string {
  return `${object.slice(0, -1)},"${name}":${value}}`
}

export function printPending(pending: Pending): PendingRow {
  const { number, recipient, route, expandedFrom, attempts, nextAttempt, lastStatus, warned, group } = pending
  // Field by field: what routing found out today is not kept with it.
  const kept = { number, recipient, route, expandedFrom, attempts, nextAttempt, lastStatus, warned, group }
  return { number, next: nextAttempt, lane: laneOf(pending), json: JSON.stringify(kept) }
}

/** A row's text is what printEntry and printPending wrote: its checksum was compared when it was read. */
export function readQueued(row: QueuedRow): Queued {
  const stored = JSON.parse(row.json) as Omit<Entry, "held">
  const held = row.held === undefined ? undefined : readHeld(row.held)
  return { entry: wholeEntry(stored, held), pending: row.pending.map(readPending) }
}

function readHeld(json: string): NonNullable<Entry["held"]> {
  const { reason, at } = JSON.parse(json) as NonNullable<Entry["held"]>
  return { reason, at }
}

function wholeEntry({ envelope, arrival, ...rest }: Omit<Entry, "held">, held: Entry["held"]): Entry {
  const { client, helo, authenticated, tls } = arrival
  const whole = client === undefined ? undefined : { ...client, name: client.name }
  return {
    ...rest,
    envelope: { ...envelope, ret: envelope.ret, envid: envelope.envid },
    arrival: { ...arrival, client: whole, helo, authenticated, tls },
    held,
  }
}

/** When it is due is what its column says: a retry by hand changes that alone. */
function readPending({ next, json }: Pick<PendingRow, "next" | "json">): Pending {
  const stored = JSON.parse(json) as Pending
  const { route, lastStatus, expandedFrom } = stored
  return {
    ...stored,
    nextAttempt: next,
    recipient: wholeRecipient(stored.recipient),
    route,
    lastStatus: lastStatus === undefined ? undefined : { ...lastStatus, remote: lastStatus.remote },
    expandedFrom: expandedFrom === undefined ? undefined : wholeExpansion(expandedFrom),
  }
}

function wholeExpansion(stored: NonNullable<Pending["expandedFrom"]>): NonNullable<Pending["expandedFrom"]> {
  const { owner, user, reason } = stored
  return { ...stored, owner, user, reason: wholeReason(reason) }
}

function wholeRecipient(stored: Recipient): Recipient {
  return { ...stored, original: stored.original, admitted: wholeReason(stored.admitted) }
}

function wholeReason(stored: Reason): Reason {
  return { ...stored, at: stored.at, after: stored.after.map(wholeReason) }
}

export function printEvent(event: Event): EventRow {
  const { id, at, message, ...rest } = event
  const json = JSON.stringify(rest)
  const whole = message === undefined ? json : withMember(json, "message", rememberedText(message))
  return { id, at, words: wordsOf(event), json: whole }
}

function rememberedText({ entry, recipients, header }: Remembered): string {
  const text = entry.held === undefined ? entryText(entry) : JSON.stringify(entry)
  return withMember(JSON.stringify({ recipients, header }), "entry", text)
}

/** Addresses whose events one row tells at most: a search passes over thousands of rows in one step. */
const mostTogether = 100

/** The events as rows; what happened to several addresses together, in the same words and for the same reason, is one row. */
export function printEvents(events: readonly Event[]): readonly EventRow[] {
  const rows: EventRow[] = []
  for (let n = 0; n < events.length; ) {
    const first = events[n++]
    if (first === undefined) break
    const others: string[] = []
    for (let next = events[n]; next !== undefined && isAlike(first, next); next = events[++n]) {
      if (others.length + 1 >= mostTogether) break
      others.push(next.address)
    }
    rows.push(others.length === 0 ? printEvent(first) : printTogether(first, others))
  }
  return rows
}

function isAlike(one: Event, other: Event): boolean {
  if (one.reason !== other.reason || one.at !== other.at || one.what !== other.what) return false
  if (one.message !== undefined || other.message !== undefined || other.asked !== undefined) return false
  return (
    one.id === other.id &&
    one.status === other.status &&
    one.detail === other.detail &&
    one.remote === other.remote
  )
}

function printTogether(event: Event, others: readonly string[]): EventRow {
  const { id, at, ...rest } = event
  const words = `${wordsOf(event)} ${others.join(" ").toLowerCase()}`
  return { id, at, words, json: JSON.stringify({ ...rest, others }) }
}

/** What an event is found by: ids, addresses and hosts; of a message also its Message-ID and subject. */
function wordsOf({ id, what, address, status, remote, message }: Event): string {
  const peer = remote === undefined ? "" : ` ${remote}`
  const own = `${id} ${what} ${address} ${status}${peer}`
  return (message === undefined ? own : `${own} ${messageWords(message)}`).toLowerCase()
}

function messageWords({ entry, recipients }: Remembered): string {
  const { envelope, arrival, summary } = entry
  const { messageId, subject } = summary
  const decoded = decodeWords(subject)
  const readable = decoded === subject ? subject : `${subject} ${decoded}`
  const sender = envelope.reversePath === "null" ? "<>" : printPath(envelope.reversePath)
  return `${sender} ${recipients.slice(1).join(" ")} ${messageId} ${readable} ${arrival.session}`
}

/** The events of a row. */
export function readEvents({ id, at, json }: EventRow): readonly Event[] {
  const { remote, reason, others, ...rest } = JSON.parse(json) as Omit<Event, "id" | "at"> & {
    readonly others?: readonly string[]
  }
  const first = { ...rest, id, at, remote, reason: reason === undefined ? undefined : wholeReason(reason) }
  return others === undefined ? [first] : [first, ...others.map((address) => ({ ...first, address }))]
}

/** Those of a row that a search means: each word must be a part of one event, not of several together. */
export function foundEvents(row: EventRow, words: readonly string[]): readonly Event[] {
  const events = readEvents(row)
  if (events.length === 1) return events
  const wanted = words.map((word) => word.toLowerCase())
  return events.filter((event) => {
    const own = wordsOf(event)
    return wanted.every((word) => own.includes(word))
  })
}
