// The queue's database as its thread sees it: groups of changes, one commit each, and the way back into order when a commit
// failed. A commit that failed is never tried again as if it had worked: the group is told, the database closed, looked through
// and opened anew, and only then are its changes made again, which does no harm where they are made already.
import { statfsSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import type { TimeMark } from "../queue/steady.ts"
import { AgeCount } from "./ages.ts"
import { type Folders, foldersOf, removeBodyFile, setAsideOctets, sweepBodies } from "./bodies.ts"
import { Checkpoints } from "./checkpoints.ts"
import { explainError, findDamage, isDamage, isFull, markOf, openDatabase, pageSize } from "./database.ts"
import { sharesAt } from "./disk.ts"
import { damageAtFirstLook } from "./first-look.ts"
import { lastMark, Marks } from "./marks.ts"
import { Reader } from "./reads.ts"
import { block } from "./log-records.ts"
import { replay } from "./replay.ts"
import type {
  Change,
  ChangeResult,
  Counted,
  DamageReport,
  Failure,
  Segments,
  WorkerStart,
} from "./requests.ts"
import { SegmentBodies } from "./segment-bodies.ts"
import { ShapeCount } from "./shapes.ts"
import { finishSalvage, salvage } from "./salvage.ts"
import { step } from "./steps.ts"
import { Tally } from "./tally.ts"
import { segmentsToKeep, settledRows } from "./unsettled.ts"
import { Writer } from "./writes.ts"

/** The changes of one message between the threads. */
export type Group = {
  readonly changes: readonly Change[]
  readonly mark?: TimeMark | undefined
}

export type Committed =
  | {
      readonly ok: true
      readonly results: readonly (readonly ChangeResult[])[]
      /** Segments of the log whose last message is gone. */
      readonly unneeded: readonly number[]
    }
  | { readonly ok: false; readonly failure: Failure }

type Opened = {
  readonly database: DatabaseSync
  readonly writer: Writer
  readonly reader: Reader
  readonly tally: Tally
  readonly bodies: SegmentBodies
  readonly marks: Marks
}

export class Store {
  readonly folders: Folders
  readonly #path: string
  readonly #walLimit: number
  readonly #segmentOctets: number
  readonly #log: (line: string) => void
  readonly #tell: (report: DamageReport) => void
  /** Why the file is not to be trusted any more. */
  #suspect: string | undefined
  #lastMark: TimeMark | undefined
  #opened: Opened | undefined
  #trouble: Failure | undefined
  /** Segments that nobody needed when it was opened. */
  #atStart: readonly number[] = []
  readonly #checkpoints: Checkpoints

  /** Throws when the database cannot be used. `tell` hears of whatever is damaged. */
  constructor(
    { directory, segmentOctets, first }: WorkerStart,
    { log, tell }: { log: (line: string) => void; tell: (report: DamageReport) => void },
  ) {
    this.folders = foldersOf(directory)
    this.#path = join(directory, "queue.db")
    this.#walLimit = sharesAt(directory).wal
    this.#segmentOctets = segmentOctets
    this.#log = log
    this.#checkpoints = new Checkpoints(this.#walLimit, log)
    this.#tell = tell
    try {
      this.#begin(first)
    } catch (error) {
      if (!isDamage(error)) throw error
      this.distrust(explainError(error))
      this.#begin(first)
    }
  }

  #begin(first: boolean): void {
    const opened = this.#open()
    this.#opened = opened
    this.#trouble = undefined
    // A later thread of the same process finds messages on their way in, and others that are in the log: somebody knows of them.
    if (!first) return
    this.#replay(opened)
    this.#lastMark = lastMark(opened.database)
    const { reader } = opened
    const swept = sweepBodies(this.folders, { has: (id) => reader.has(id), named: () => reader.withFiles() })
    step("open.swept")
    if (swept > 0)
      this.#log(`removed ${swept} unfinished ${swept === 1 ? "body" : "bodies"} of an earlier run`)
  }

  /** What keeps it from working; undefined when it is in order. */
  get trouble(): Failure | undefined {
    return this.#trouble
  }

  /** What time it was when an earlier run ended. */
  get lastMark(): TimeMark | undefined {
    return this.#lastMark
  }

  get reader(): Reader {
    return this.#need().reader
  }

  get tally(): Tally {
    return this.#need().tally
  }

  /** A count of what waits, by state and age or by destination and age, not begun yet. */
  begin(counted: Counted): AgeCount | ShapeCount {
    const { database } = this.#need()
    return counted.ask === "ages" ? new AgeCount(database, counted.now) : new ShapeCount(database, counted.of)
  }

  /** The log's segments after a start. */
  segments(): Segments {
    return { number: this.#need().bodies.next(), unneeded: this.#atStart }
  }

  /** What the last run left in the log becomes rows. */
  #replay({ database, writer, bodies }: Opened): void {
    const found = replay(this.folders, markOf(database), this.#log)
    const rows = settledRows(found, segmentsToKeep(found, this.#segmentOctets))
    if (rows.length > 0) {
      writer.begin()
      writer.apply({ kind: "settle", id: "", rows, mark: { segment: bodies.next(), at: block } })
      this.#atStart = writer.commit().unneeded
    } else this.#atStart = bodies.giveBack()
    step("open.replayed")
  }

  /** Octets that are the last ones wanted of a segment move into rows; the segments that can go. Undefined: nothing was to be done. */
  gather(): readonly number[] | undefined {
    if (this.#opened === undefined) return undefined
    const { bodies, writer } = this.#opened
    const segment = bodies.sparse(this.#segmentOctets)
    if (segment === undefined) return undefined
    try {
      writer.begin()
      this.#checkpoints.moved(writer.gather(segment))
      return writer.commit().unneeded
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  /** One transaction for all groups; durable when it returns ok. After a failure the store is closed until reopen() has worked. */
  commit(groups: readonly Group[]): Committed {
    if (this.#opened === undefined) return { ok: false, failure: this.#trouble ?? closed }
    try {
      return this.#transaction(this.#opened, groups)
    } catch (error) {
      return { ok: false, failure: this.#failed(error) }
    }
  }

  #transaction({ writer, marks }: Opened, groups: readonly Group[]): Committed {
    writer.begin()
    const results = groups.map(({ changes, mark }) => {
      if (mark !== undefined) marks.keep(mark)
      return changes.map((change) => {
        this.#checkpoints.applied(change)
        return writer.apply(change)
      })
    })
    const { orphans, unneeded } = writer.commit()
    this.#checkpoints.committed()
    committed(groups)
    for (const id of orphans) this.#forget(id)
    return { ok: true, results, unneeded }
  }

  #forget(id: string): void {
    try {
      removeBodyFile(this.folders, id)
    } catch (error) {
      this.#log(`${id}: the body's file could not be removed: ${explainError(error)}`)
    }
  }

  #failed(error: unknown): Failure {
    const failure = this.#failure(error)
    this.#trouble = failure
    this.#log(`the spool could not commit: ${failure.why}; it is closed and opened again`)
    this.#closeAfterFailure()
    return failure
  }

  // An fsync that fails for want of space comes as an I/O error: the file system is asked.
  #failure(error: unknown): Failure {
    const { bavail, bsize } = statfsSync(this.folders.root)
    return { full: isFull(error) || bavail * bsize < pageSize * 128, why: explainError(error) }
  }

  #closeAfterFailure(): void {
    const opened = this.#opened
    this.#opened = undefined
    if (opened === undefined) return
    try {
      if (opened.database.isTransaction) opened.writer.rollback()
      opened.bodies.close()
      opened.database.close()
    } catch (error) {
      this.#log(`closing the spool: ${explainError(error)}`)
    }
    step("reopen.closed")
  }

  /** True when the store is in order again. */
  reopen(): boolean {
    if (this.#opened !== undefined) return true
    let database: DatabaseSync | undefined
    try {
      const opened = this.#open()
      database = opened.database
      // What the WAL holds is trusted no further than into the file: from here on it begins anew.
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
      const damage = this.#trouble?.full === true ? undefined : findDamage(database)
      if (damage !== undefined) this.#suspect = damage
      if (damage !== undefined) throw new Error(`${this.#path} is damaged: ${damage}`)
      this.#opened = opened
      this.#trouble = undefined
      return true
    } catch (error) {
      this.#trouble = { full: isFull(error), why: explainError(error) }
      try {
        database?.close()
      } catch (closing) {
        this.#log(`closing the spool: ${explainError(closing)}`)
      }
      return false
    }
  }

  /** Where only an index is wrong, it is made anew from its table. True when that has worked. */
  reindex(why: string): boolean {
    if (!/\bindex\b/.test(why)) return false
    try {
      const { database } = this.#need()
      database.exec("REINDEX")
      if (findDamage(database) !== undefined) return false
    } catch (error) {
      this.#log(`${this.#path}: its indexes cannot be made anew: ${explainError(error)}`)
      return false
    }
    this.#log(`${this.#path} was damaged: ${why}; its indexes were made anew, nothing is lost`)
    this.#tell({
      why: `an index of queue.db was damaged and made anew: ${why}`,
      ...nothingLost(this.folders),
    })
    return true
  }

  /** SQLite found the file damaged: it is closed, and what is in it saved when it is opened again. */
  distrust(why: string): Failure {
    this.#suspect = why
    this.#trouble = { full: false, why }
    this.#closeAfterFailure()
    return this.#trouble
  }

  /** A damaged database is set aside, and one with all that could be saved takes its place. */
  #openOrSalvage(): DatabaseSync {
    finishSalvage(this.folders)
    const suspect = this.#suspect ?? damageAtFirstLook(this.folders.root)
    if (suspect !== undefined) this.#salvage(suspect)
    try {
      return openDatabase(this.#path, this.#walLimit)
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#salvage(explainError(error))
      return openDatabase(this.#path, this.#walLimit)
    }
  }

  #salvage(why: string): void {
    this.#log(`${this.#path} is damaged: ${why}; what can be saved is saved`)
    const report = salvage(this.folders, why)
    this.#suspect = undefined
    const { kept, lost, where } = report
    this.#log(`${kept} messages are saved, ${lost.length} are set aside; the damaged files are in ${where}`)
    this.#tell(report)
  }

  #open(): Opened {
    const database = this.#openOrSalvage()
    try {
      const tally = new Tally(database)
      const bodies = new SegmentBodies(this.folders.log, database, markOf(database).segment)
      const setAside = (seq: number, id: string, text: string) => this.#setAsideEntry(database, seq, id, text)
      const reader = new Reader(database, bodies, setAside)
      const writer = new Writer(database, tally, bodies)
      return { database, tally, bodies, reader, writer, marks: new Marks(database) }
    } catch (error) {
      database.close()
      throw error
    }
  }

  #setAsideEntry(database: DatabaseSync, seq: number, id: string, text: string): void {
    this.#log(
      `${id}: its entry is damaged; what is left of it is in damaged/${id}.entry, and it is not tried`,
    )
    setAsideOctets(this.folders, id, ".entry", Buffer.from(text))
    const lost = { id, why: "its entry is damaged", sender: undefined, recipients: [], subject: undefined }
    this.#tell({ why: lost.why, kept: 0, lost: [lost], where: this.folders.damaged })
    database.prepare("UPDATE pending SET due = NULL WHERE seq = ?").run(seq)
  }

  /** Moves the WAL's pages into the file, when there are enough of them or `atOnce`. */
  checkpoint(atOnce = false): void {
    if (this.#opened !== undefined) this.#checkpoints.run(this.#opened.database, atOnce)
  }

  close(mark?: TimeMark): void {
    if (mark !== undefined) this.#opened?.marks.keep(mark)
    this.checkpoint(true)
    this.#opened?.database.close()
    this.#opened = undefined
    this.#trouble = closed
  }

  #need(): Opened {
    if (this.#opened === undefined) throw new Error((this.#trouble ?? closed).why)
    return this.#opened
  }
}

const closed: Failure = { full: false, why: "the spool is closed" }

function nothingLost({ root }: Folders): Omit<DamageReport, "why"> {
  return { kept: 0, lost: [], where: root }
}

function committed(groups: readonly Group[]): void {
  for (const { changes } of groups) {
    for (const { kind } of changes) {
      if (kind === "settle") step("settle.committed")
      else if (kind === "record") step("record.committed")
      else if (kind === "remove") step("remove.committed")
      else step("change.committed")
    }
  }
}
