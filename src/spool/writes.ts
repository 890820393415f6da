// The changes of a group as statements, inside the transaction that the worker opened. Nothing here commits.
import type { DatabaseSync, StatementSync } from "node:sqlite"
import { checksum } from "./codec.ts"
import { isConstraint } from "./database.ts"
import type { Change, ChangeResult, PendingRow, RecordChange, SettleChange, SettledRow } from "./requests.ts"
import type { SegmentBodies } from "./segment-bodies.ts"
import { step } from "./steps.ts"
import type { Tally } from "./tally.ts"

type Known = {
  readonly seq: number
  readonly held: boolean
  readonly octets: number
  readonly file: boolean
  readonly segment: number | undefined
}

const statements = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  newest: "SELECT max(seq) AS seq FROM entry",
  find: "SELECT seq, held IS NOT NULL AS held, size, fileSize IS NOT NULL AS file, segment FROM entry WHERE id = ?",
  addEntry:
    "INSERT INTO entry (seq, id, acceptedAt, size, bodyCrc, fileSize, fileCrc, held, crc, json, segment, place) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  addBody: "INSERT INTO body (seq, octets) VALUES (?, ?)",
  addPending: "INSERT INTO pending (seq, number, next, due, lane, crc, json) VALUES (?, ?, ?, ?, ?, ?, ?)",
  putPending:
    "INSERT OR REPLACE INTO pending (seq, number, next, due, lane, crc, json) VALUES (?, ?, ?, ?, ?, ?, ?)",
  movePending:
    "UPDATE pending SET next = ?, due = ?, lane = ?, crc = ?, json = ? WHERE seq = ? AND number = ?",
  dropPending: "DELETE FROM pending WHERE seq = ? AND number BETWEEN ? AND ?",
  lastPending: "SELECT max(number) AS number FROM pending WHERE seq = ?",
  anyPending: "SELECT 1 FROM pending WHERE seq = ? LIMIT 1",
  dropAllPending: "DELETE FROM pending WHERE seq = ?",
  dropEntry: "DELETE FROM entry WHERE seq = ?",
  dropBody: "DELETE FROM body WHERE seq = ?",
  hold: "UPDATE entry SET held = ? WHERE seq = ?",
  rest: "UPDATE pending SET due = NULL WHERE seq = ?",
  wake: "UPDATE pending SET due = next WHERE seq = ?",
  now: "UPDATE pending SET next = 0, due = 0 WHERE seq = ?",
  mark: "UPDATE log SET segment = ?, at = ?",
  inSegment: "SELECT seq, size, fileSize, place FROM entry WHERE segment = ? LIMIT 500",
  moved: "UPDATE entry SET segment = NULL, place = NULL WHERE seq = ?",
} as const

type Prepared = Record<keyof typeof statements, StatementSync>

function prepareAll(database: DatabaseSync): Prepared {
  const names = Object.keys(statements) as (keyof typeof statements)[]
  return Object.fromEntries(names.map((name) => [name, database.prepare(statements[name])])) as Prepared
}

/** Applies changes. It counts what it does in the tally, and names the body files that a commit leaves without a row. */
export class Writer {
  readonly #run: Prepared
  readonly #tally: Tally
  readonly #bodies: SegmentBodies
  #nextSeq: number
  /** Ids whose body files are to be removed once the transaction is durable. */
  #orphans: string[] = []

  constructor(database: DatabaseSync, tally: Tally, bodies: SegmentBodies) {
    this.#run = prepareAll(database)
    this.#tally = tally
    this.#bodies = bodies
    this.#nextSeq = Number(this.#run.newest.get()?.["seq"] ?? 0) + 1
  }

  begin(): void {
    this.#orphans = []
    this.#tally.begin()
    this.#bodies.begin()
    this.#run.begin.run()
  }

  /** Durable when it returns; the ids of body files, and the log's segments, that nobody needs any more. */
  commit(): { readonly orphans: readonly string[]; readonly unneeded: readonly number[] } {
    this.#run.commit.run()
    this.#tally.commit()
    return { orphans: this.#orphans, unneeded: this.#bodies.commit() }
  }

  rollback(): void {
    this.#tally.rollback()
    this.#run.rollback.run()
  }

  /** False: there is no such message. A text: this change alone was impossible. It throws when the database fails. */
  apply(change: Change): ChangeResult {
    if (change.kind === "settle") return this.#settle(change)
    const known = this.#find(change.id)
    if (known === undefined) return false
    switch (change.kind) {
      case "record":
        return this.#record(known, change)
      case "remove":
        return this.#remove(known, change.id)
      case "hold":
        this.#run.hold.run(change.held, known.seq)
        this.#run.rest.run(known.seq)
        break
      case "release":
        if (!known.held) return false
        this.#run.hold.run(null, known.seq)
        this.#run.wake.run(known.seq)
        break
      case "retry":
        if (known.held) return false
        this.#run.now.run(known.seq)
    }
    step("change.written")
    return true
  }

  #find(id: string): Known | undefined {
    const row = this.#run.find.get(id)
    if (row === undefined) return undefined
    return {
      seq: Number(row["seq"]),
      held: row["held"] === 1,
      octets: Number(row["size"]),
      file: row["file"] === 1,
      segment: row["segment"] === null ? undefined : Number(row["segment"]),
    }
  }

  #settle({ rows, mark }: SettleChange): true {
    for (const row of rows) this.#take(row)
    this.#run.mark.run(mark.segment, mark.at)
    this.#bodies.marked(mark.segment)
    step("settle.written")
    return true
  }

  #take(row: SettledRow): void {
    const { id, acceptedAt, held = null, json, pending, file, segment, at, length, crc, stays } = row
    const size = length + (file?.size ?? 0)
    const seq = this.#nextSeq
    const facts = [
      seq,
      id,
      acceptedAt,
      size,
      crc,
      file?.size ?? null,
      file?.crc ?? null,
      held,
      checksum(json),
      json,
    ]
    try {
      this.#run.addEntry.run(...facts, stays ? segment : null, stays ? at : null)
    } catch (error) {
      if (!isConstraint(error)) throw error
      return // it is there already: the log was read once more
    }
    this.#nextSeq++
    if (stays) this.#bodies.changed(segment, 1, size)
    else this.#run.addBody.run(seq, this.#bodies.read(segment, at, length))
    for (const one of pending) this.#write(this.#run.addPending, seq, one, held !== null)
    this.#tally.added(seq, pending.length, size)
  }

  /** Moves the octets of some messages from a segment into rows. How many they were. */
  gather(segment: number): number {
    let moved = 0
    const rows = this.#run.inSegment.all(segment)
    for (const row of rows) {
      const { seq = 0, size, fileSize, place } = row
      const octets = this.#bodies.read(segment, Number(place), Number(size) - Number(fileSize ?? 0))
      this.#run.addBody.run(seq, octets)
      this.#run.moved.run(seq)
      this.#bodies.changed(segment, -1, -Number(size))
      moved += octets.length
    }
    step("settle.gathered")
    return moved
  }

  #write(
    statement: StatementSync,
    seq: number,
    { number, next, lane, json }: PendingRow,
    held: boolean,
  ): void {
    statement.run(seq, number, next, held ? null : next, lane, checksum(json), json)
  }

  #record(known: Known, { id, done, update, add }: RecordChange): ChangeResult {
    const { seq, held } = known
    let gone = 0
    for (const [first, last] of runsOf(done))
      gone += Number(this.#run.dropPending.run(seq, first, last).changes)
    for (const { number, next, lane, json } of update) {
      this.#run.movePending.run(next, held ? null : next, lane, checksum(json), json, seq, number)
    }
    gone += this.#add(seq, add, held)
    this.#tally.recipients(seq, add.length - gone)
    step("record.written")
    return this.#run.anyPending.get(seq) === undefined ? this.#remove(known, id) : true
  }

  /** The number of rows that were replaced: the same expansion made again after a crash has the same numbers. */
  #add(seq: number, rows: readonly PendingRow[], held: boolean): number {
    if (rows.length === 0) return 0
    const last = Number(this.#run.lastPending.get(seq)?.["number"] ?? -1)
    let gone = 0
    for (const row of rows) {
      if (row.number <= last) gone += Number(this.#run.dropPending.run(seq, row.number, row.number).changes)
      this.#write(this.#run.putPending, seq, row, held)
    }
    return gone
  }

  #remove({ seq, octets, file, segment }: Known, id: string): true {
    const recipients = this.#drop(seq)
    if (file) this.#orphans.push(id)
    if (segment !== undefined) this.#bodies.changed(segment, -1, -octets)
    this.#tally.removed(seq, recipients, octets)
    step("remove.written")
    return true
  }

  /** The number of recipients that were dropped with it. */
  #drop(seq: number): number {
    const { changes } = this.#run.dropAllPending.run(seq)
    this.#run.dropBody.run(seq)
    this.#run.dropEntry.run(seq)
    return Number(changes)
  }
}

/** Numbers that follow each other, as the first and the last of them: a list's members are served many at once. */
function* runsOf(numbers: readonly number[]): Iterable<readonly [number, number]> {
  for (let n = 0; n < numbers.length; ) {
    const first = numbers[n++] ?? 0
    let last = first
    while (n < numbers.length && numbers[n] === last + 1) last = numbers[n++] ?? last
    yield [first, last]
  }
}
