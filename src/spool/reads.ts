// What the queue holds, read by key in short steps. A row whose checksum is wrong is set aside: it is never tried and never lost.
import type { DatabaseSync, StatementSync } from "node:sqlite"
import { crc32 } from "node:zlib"
import { printPath } from "../mail/address.ts"
import type { Entry, Pending } from "../queue/entry.ts"
import { destinationOf } from "../queue/summary.ts"
import { checksum } from "./codec.ts"
import type { BodyRow, DuePage, Page, PendingRow, Question, QueuedRow } from "./requests.ts"
import { Screen, type Screened } from "./screen.ts"
import type { SegmentBodies } from "./segment-bodies.ts"
import type { Filter } from "./spool.ts"

const statements = {
  lane: "SELECT lane FROM pending WHERE due IS NOT NULL AND lane > ? ORDER BY lane LIMIT 1",
  due: "SELECT seq, id, due FROM pending JOIN entry USING (seq) WHERE lane = ? AND due <= ? ORDER BY due",
  nextDue: "SELECT min(due) AS due FROM pending WHERE due > 0 AND due > ?",
  bySeq: "SELECT seq, id, acceptedAt, held, crc, json FROM entry WHERE seq = ?",
  byId: "SELECT seq, id, acceptedAt, held, crc, json FROM entry WHERE id = ?",
  withFiles: "SELECT id FROM entry NOT INDEXED WHERE fileSize IS NOT NULL",
  has: "SELECT 1 FROM entry WHERE id = ?",
  pending: "SELECT number, next, lane, crc, json FROM pending WHERE seq = ? ORDER BY number",
  body: "SELECT size, bodyCrc, fileSize, fileCrc, segment, place, json, octets FROM entry LEFT JOIN body USING (seq) WHERE id = ?",
} as const

type Prepared = Record<keyof typeof statements, StatementSync>
type Row = NonNullable<ReturnType<StatementSync["get"]>>

/** Lanes looked at in one step, likewise. */
const lanesAtOnce = 1000

/** Entries looked at closely for one page of a list: some milliseconds of work. */
const scanned = 256

/** Told of an entry whose rows are damaged; `text` is all that is there. */
export type Damaged = (seq: number, id: string, text: string) => void

export class Reader {
  readonly #run: Prepared
  readonly #screen: Screen
  readonly #bodies: SegmentBodies
  readonly #damaged: Damaged

  constructor(database: DatabaseSync, bodies: SegmentBodies, damaged: Damaged) {
    const names = Object.keys(statements) as (keyof typeof statements)[]
    this.#run = Object.fromEntries(
      names.map((name) => [name, database.prepare(statements[name])]),
    ) as Prepared
    this.#screen = new Screen(database)
    this.#bodies = bodies
    this.#damaged = damaged
  }

  /** What the lanes after `after` have that is due, until there is enough of it. */
  due(asked: Question & { ask: "due" }): DuePage {
    const inHand = new Set(asked.inHand)
    const full = new Set(asked.full)
    const seqs = new Set<number>()
    let lane: number | undefined = asked.after
    for (let n = 0; n < lanesAtOnce && seqs.size < asked.limit; n++) {
      lane = this.#laneAfter(lane)
      if (lane === undefined) break
      if (!full.has(lane)) this.#dueIn(lane, asked, inHand, seqs)
    }
    const rows = [...seqs].flatMap((seq) => this.#whole(this.#run.bySeq.get(seq)) ?? [])
    return { rows, after: lane }
  }

  #laneAfter(lane: number): number | undefined {
    const row = this.#run.lane.get(lane)
    return row === undefined ? undefined : Number(row["lane"])
  }

  // A message has as many places in the index as recipients that are due: each message is taken once. The statement is walked to
  // its end or dropped before anything else happens, so it holds no snapshot.
  #dueIn(
    lane: number,
    { now, limit, each }: Question & { ask: "due" },
    inHand: ReadonlySet<string>,
    seqs: Set<number>,
  ): void {
    const most = Math.min(limit, seqs.size + each)
    for (const row of this.#run.due.iterate(lane, now)) {
      if (seqs.size >= most) break
      if (!inHand.has(String(row["id"]))) seqs.add(Number(row["seq"]))
    }
  }

  /** When the first of those that are not due at `now` will be. */
  nextDue(now: number): number | undefined {
    const due = this.#run.nextDue.get(now)?.["due"]
    return typeof due === "number" ? due : undefined
  }

  get(id: string): QueuedRow | undefined {
    return this.#whole(this.#run.byId.get(id))
  }

  /** Whether there is a row of this id, whatever is in it. */
  has(id: string): boolean {
    return this.#run.has.get(id) !== undefined
  }

  /** Ids of all messages that have a file, by the table itself, not by its index. */
  withFiles(): ReadonlySet<string> {
    return new Set(this.#run.withFiles.all().map(({ id }) => String(id)))
  }

  /** One page in order of id; it may be short, or empty, and yet not the last. */
  list(filter: Filter, after: string, limit: number): Page {
    const found =
      filter.ids === undefined ? this.#screen.step(filter, after, scanned) : this.#named(filter.ids, after)
    const rows: QueuedRow[] = []
    for (const row of found.rows) {
      const whole = isOlder(filter, row) && isHeldAsWanted(filter, row) ? this.#whole(row) : undefined
      if (whole === undefined || !matches(filter, whole)) continue
      rows.push(whole)
      if (rows.length >= limit) return { rows, after: String(row["id"]) }
    }
    return { rows, after: found.after }
  }

  /** Some of those that are named. */
  #named(ids: readonly string[], after: string): Screened {
    const wanted = ids
      .filter((id) => id > after)
      .toSorted()
      .slice(0, scanned)
    const rows = wanted.map((id) => this.#run.byId.get(id)).filter((row) => row !== undefined)
    return { rows, after: wanted.length < scanned ? undefined : wanted.at(-1) }
  }

  body(id: string): BodyRow {
    const row = this.#run.body.get(id)
    if (row === undefined) return { found: "nothing" }
    const octets = this.#octets(row)
    if (octets === undefined) return { found: "damaged", why: "its octets are missing" }
    const fileSize = row["fileSize"] === null ? undefined : Number(row["fileSize"])
    if (octets.length + (fileSize ?? 0) !== row["size"]) {
      return { found: "damaged", why: `${octets.length} octets where ${String(row["size"])} were kept` }
    }
    if (crc32(octets) !== row["bodyCrc"])
      return { found: "damaged", why: "the checksum of its octets is wrong" }
    const { headerSize } = JSON.parse(String(row["json"])) as Entry
    const file = fileSize === undefined ? undefined : { size: fileSize, crc: Number(row["fileCrc"]) }
    return { found: "body", octets: owned(octets), headerSize, file }
  }

  /** The octets of a row, right or wrong. */
  rawBody(id: string): Uint8Array | undefined {
    const row = this.#run.body.get(id)
    return row === undefined ? undefined : this.#octets(row)
  }

  /** From the row itself, or from the log's segment where they stayed. */
  #octets({ octets, segment, place, size, fileSize }: Row): Uint8Array | undefined {
    if (octets instanceof Uint8Array) return octets
    if (segment === null) return undefined
    return this.#bodies.read(Number(segment), Number(place), Number(size) - Number(fileSize ?? 0))
  }

  #whole(row: Row | undefined): QueuedRow | undefined {
    if (row === undefined) return undefined
    const pending = this.#run.pending.all(Number(row["seq"]))
    if (![row, ...pending].every(isIntact)) {
      const text = [row, ...pending].map((one) => String(one["json"])).join("\n")
      this.#damaged(Number(row["seq"]), String(row["id"]), text)
      return undefined
    }
    const held = typeof row["held"] === "string" ? row["held"] : undefined
    return { json: String(row["json"]), held, pending: pending.map(pendingRow) }
  }
}

function isIntact(row: Row): boolean {
  return checksum(String(row["json"])) === row["crc"]
}

function pendingRow(row: Row): PendingRow {
  return {
    number: Number(row["number"]),
    next: Number(row["next"]),
    lane: Number(row["lane"]),
    json: String(row["json"]),
  }
}

/** The octets in a buffer that can be handed to the other thread. */
function owned(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = octets
  if (buffer instanceof ArrayBuffer && octets.byteLength === buffer.byteLength) return new Uint8Array(buffer)
  return new Uint8Array(octets)
}

function isHeldAsWanted({ held }: Filter, row: Row): boolean {
  return held === undefined || (typeof row["held"] === "string") === (held === "only")
}

function isOlder({ olderThan }: Filter, row: Row): boolean {
  return olderThan === undefined || Number(row["acceptedAt"]) < olderThan
}

/** Parts of an address, in any case, as sendmail's -qS and -qR have it; parts of the words it waits with. */
function matches({ from, to, destination, reason }: Filter, row: QueuedRow): boolean {
  if (from !== undefined) {
    const { envelope } = JSON.parse(row.json) as Entry
    if (!contains(printPath(envelope.reversePath), from)) return false
  }
  if (to === undefined && destination === undefined && reason === undefined) return true
  const pending = row.pending.map(({ json }) => JSON.parse(json) as Pending)
  return (
    (to === undefined || pending.some(({ recipient }) => contains(printPath(recipient.path), to))) &&
    (destination === undefined || pending.some((one) => goesTo(one, destination))) &&
    (reason === undefined || saysSo(row, pending, reason))
  )
}

function goesTo({ recipient, route }: Pending, destination: string): boolean {
  return destinationOf(printPath(recipient.path), route?.host) === destination.toLowerCase()
}

function saysSo({ held }: QueuedRow, pending: readonly Pending[], part: string): boolean {
  if (pending.some(({ lastStatus }) => lastStatus !== undefined && contains(lastStatus.text, part)))
    return true
  return held !== undefined && contains((JSON.parse(held) as NonNullable<Entry["held"]>).reason, part)
}

function contains(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase())
}
