// The changes of a group as statements, inside the transaction that the worker opened. Nothing here commits.
import type { DatabaseSync, StatementSync } from "node:sqlite"
import { crc32 } from "node:zlib"
import { checksum } from "./codec.ts"
import { explainError, isConstraint } from "./database.ts"
import type { AcceptChange, Change, ChangeResult, PendingRow, RecordChange } from "./requests.ts"
import { step } from "./steps.ts"
import type { Tally } from "./tally.ts"

type Known = { readonly seq: number; readonly held: boolean; readonly octets: number; readonly file: boolean }

const statements = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  newest: "SELECT max(seq) AS seq FROM entry",
  find: "SELECT seq, held IS NOT NULL AS held, size, fileSize IS NOT NULL AS file FROM entry WHERE id = ?",
  addEntry:
    "INSERT INTO entry (seq, id, acceptedAt, size, bodyCrc, fileSize, fileCrc, held, crc, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
  #nextSeq: number
  /** Ids whose body files are to be removed once the transaction is durable. */
  #orphans: string[] = []

  constructor(database: DatabaseSync, tally: Tally) {
    this.#run = prepareAll(database)
    this.#tally = tally
    this.#nextSeq = Number(this.#run.newest.get()?.["seq"] ?? 0) + 1
  }

  begin(): void {
    this.#orphans = []
    this.#tally.begin()
    this.#run.begin.run()
  }

  /** Durable when it returns; the ids of body files that nobody needs any more. */
  commit(): readonly string[] {
    this.#run.commit.run()
    this.#tally.commit()
    return this.#orphans
  }

  rollback(): void {
    this.#tally.rollback()
    this.#run.rollback.run()
  }

  /** False: there is no such message. A text: this change alone was impossible. It throws when the database fails. */
  apply(change: Change, octets: Uint8Array): ChangeResult {
    if (change.kind === "accept") return this.#accept(change, octets)
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
    }
  }

  #accept(change: AcceptChange, group: Uint8Array): ChangeResult {
    const { id, acceptedAt, held = null, json, pending, file } = change
    const octets = group.subarray(change.start, change.start + change.length)
    const size = change.length + (file?.size ?? 0)
    const seq = this.#nextSeq
    if (pending.length === 0) return `${id}: a message without recipients`
    try {
      this.#run.addEntry.run(
        seq,
        id,
        acceptedAt,
        size,
        crc32(octets),
        file?.size ?? null,
        file?.crc ?? null,
        held,
        checksum(json),
        json,
      )
      this.#nextSeq++
      this.#run.addBody.run(seq, octets)
      for (const row of pending) this.#write(this.#run.addPending, seq, row, held !== null)
    } catch (error) {
      if (!isConstraint(error)) throw error
      if (this.#nextSeq > seq) this.#drop(seq)
      return `${id}: ${explainError(error)}`
    }
    this.#tally.added(seq, pending.length, size)
    step("accept.written")
    return true
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

  #remove({ seq, octets, file }: Known, id: string): true {
    const recipients = this.#drop(seq)
    if (file) this.#orphans.push(id)
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
