// The spool on SQLite, as the rest of the system sees it. The work is done in a thread of its own (worker.ts); here messages are
// taken in, questions put, and the answers made values again.
import { mkdirSync } from "node:fs"
import type { Content } from "../mail/content.ts"
import { inMemory } from "../mail/content.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Clock } from "../mail/world.ts"
import type { Outcome, Queued } from "../queue/entry.ts"
import type { Shape } from "../queue/summary.ts"
import type { TimeMark } from "../queue/steady.ts"
import { Audits } from "./audits.ts"
import { FolderSync } from "./body-file.ts"
import { bodyPath, type Folders, foldersOf, setAsideFile } from "./bodies.ts"
import { foundEvents, printPending, readEvents, readQueued } from "./codec.ts"
import { sharesAt } from "./disk.ts"
import { DueMail } from "./due.ts"
import { fileContent, verifyFile } from "./file-content.ts"
import { IncomingMessage, type Intake } from "./incoming.ts"
import { Ledger } from "./ledger.ts"
import { type ChangeAnswer, Link } from "./link.ts"
import { type DirectoryLock, lockDirectory } from "./lock.ts"
import { Notes } from "./notes.ts"
import type { BodyRow, Change, DamageReport, RecordChange } from "./requests.ts"
import { Room } from "./room.ts"
import type { Event, EventPage, EventSearch, Filter, Incoming, QueueAges, ShapeOf, Spool } from "./spool.ts"
import { step } from "./steps.ts"

export type SpoolOptions = {
  /** Its own directory; it is made when it is missing. */
  readonly directory: string
  readonly clock: Clock
  /** Octets of disk kept free; undefined: 64 MiB, or an eighth of a small disk. */
  readonly reserveBytes?: number | undefined
  /** Whatever the operator must know, one line each. */
  readonly log: (line: string) => void
  /** Milliseconds until it is looked through for damage the first time. */
  readonly auditAfter?: number | undefined
  /** Bounds of history.db: 256 MiB (less on a small disk) and 7 days when absent. */
  readonly historyOctets?: number | undefined
  readonly historyMilliseconds?: number | undefined
  /** Octets of a segment of the log: 16 MiB (less on a small disk) when absent. */
  readonly segmentOctets?: number | undefined
  /** Milliseconds after which what waits becomes rows: 30,000 when absent. */
  readonly settleEvery?: number | undefined
  /** The time of what waits; without it `clock` is taken at its word. */
  readonly steady?:
    | {
        readonly mark: () => TimeMark
        readonly resume: (mark: TimeMark | undefined) => void
        readonly ahead: () => number
      }
    | undefined
  /** Hears of what was found damaged, also while the spool opens. */
  readonly onDamage?: (report: DamageReport) => void
  /** Hears of each event as it is noted. */
  readonly onNote?: (events: readonly Event[]) => void
}

const day = 86_400_000

/** A queue that was just begun has other things to do. */
const quietly = 300_000

/** Opens the spool, for this process alone. The error is one line for the user. */
export async function openSpool(options: SpoolOptions): Promise<Result<Spool>> {
  const { directory } = options
  const folders = foldersOf(directory)
  const locked = prepare(folders)
  if (!locked.ok) return locked
  step("open.locked")
  const { historyOctets = sharesAt(directory).history, historyMilliseconds = 7 * day } = options
  const notes = new Notes(options.log, options.onNote, options.steady?.ahead)
  const { steady } = options
  const events = {
    log: options.log,
    eventsKept: (count: number) => notes.kept(count),
    damage: (report: DamageReport) => options.onDamage?.(report),
    // Whichever clock is behind: no event goes before its time because the clock was set.
    now: () => options.clock() + Math.min(0, steady?.ahead() ?? 0),
    mark: () => steady?.mark(),
    marked: (mark: TimeMark | undefined) => steady?.resume(mark),
  }
  const { segmentOctets = sharesAt(directory).segment } = options
  const link = new Link({ directory, segmentOctets, historyOctets, historyMilliseconds }, events)
  notes.connect(link)
  const why = await link.open()
  if (why !== undefined) {
    locked.value.release()
    return fail(why)
  }
  const ledger = new Ledger(link, {
    folders,
    segmentOctets,
    settleEvery: options.settleEvery ?? 30_000,
    log: options.log,
  })
  const room = new Room(directory, options.clock, options.reserveBytes)
  const folderSync = new FolderSync(folders.bodies)
  const audits = new Audits(directory, options.auditAfter ?? quietly, (damage) => link.distrust(damage))
  return ok(new SqliteSpool({ folders, folderSync, ledger, room }, { notes, audits }, locked.value))
}

function prepare({ root, bodies, damaged, log }: Folders): Result<DirectoryLock> {
  try {
    for (const folder of [root, bodies, damaged, log]) mkdirSync(folder, { recursive: true, mode: 0o700 })
    return lockDirectory(root)
  } catch (error) {
    return fail(`${root}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

class SqliteSpool implements Spool {
  readonly #intake: Intake
  readonly #notes: Notes
  readonly #audits: Audits
  readonly #lock: DirectoryLock
  readonly #due: DueMail

  constructor(intake: Intake, beside: { notes: Notes; audits: Audits }, lock: DirectoryLock) {
    this.#intake = intake
    this.#due = new DueMail(intake.ledger)
    this.#notes = beside.notes
    this.#audits = beside.audits
    this.#lock = lock
  }

  room(size: number): Result<void> {
    const { ledger, room } = this.#intake
    return ledger.trouble === undefined ? room.for(size) : fail(ledger.trouble.why)
  }

  incoming(id: string, expectedSize: number): Incoming {
    return new IncomingMessage(this.#intake, id, expectedSize)
  }

  record(outcome: Outcome): Promise<Result<void>> {
    step("record.asked")
    return recorded(this.#intake.ledger.record(changeOf(outcome), false))
  }

  recordLate(outcome: Outcome): Promise<Result<void>> {
    step("record.asked")
    return recorded(this.#intake.ledger.record(changeOf(outcome), true))
  }

  due(now: number, limit: number, inHand: readonly string[] = [], full: readonly number[] = []) {
    return this.#due.find({ now, limit, inHand, full })
  }

  nextDue(now: number): Promise<number | undefined> {
    return this.#intake.ledger.nextDue(now)
  }

  async get(id: string): Promise<Queued | undefined> {
    const row = await this.#intake.ledger.get(id)
    return row === undefined ? undefined : readQueued(row)
  }

  async list(filter: Filter, afterId: string | undefined, limit: number): Promise<readonly Queued[]> {
    const found: Queued[] = []
    for (let after = afterId ?? ""; found.length < limit; ) {
      const page = await this.#intake.ledger.ask({ ask: "list", filter, after, limit: limit - found.length })
      for (const row of page.rows) found.push(readQueued(row))
      if (page.after === undefined) break
      after = page.after
    }
    return found
  }

  count(): Promise<{ messages: number; recipients: number; octets: number }> {
    return this.#intake.ledger.ask({ ask: "count" })
  }

  async content(id: string): Promise<Result<Content>> {
    const body = await this.#intake.ledger.body(id)
    switch (body.found) {
      case "nothing":
        return fail(`${id}: no such message`)
      case "damaged":
        return fail(`${id}: ${body.why}; what is left of it is in damaged/${id}`)
      case "body":
        return this.#whole(id, body)
    }
  }

  async #whole(
    id: string,
    { octets, headerSize, file }: BodyRow & { found: "body" },
  ): Promise<Result<Content>> {
    const row = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
    if (file === undefined) return ok(inMemory(row, headerSize))
    const { folders } = this.#intake
    const path = bodyPath(folders, id)
    const verified = await verifyFile(path, file)
    if (verified.ok) return ok(fileContent(path, row, file.size, headerSize))
    const moved = setAsideFile(folders, id)
    return fail(`${id}: ${verified.error}${moved ? `; it was moved to damaged/${id}` : ""}`)
  }

  hold(id: string, reason: string): Promise<boolean> {
    return this.#change({ kind: "hold", id, held: JSON.stringify({ reason }) })
  }

  release(id: string): Promise<boolean> {
    return this.#change({ kind: "release", id })
  }

  remove(id: string): Promise<boolean> {
    return this.#change({ kind: "remove", id })
  }

  retry(id: string): Promise<boolean> {
    return this.#change({ kind: "retry", id })
  }

  async #change(change: Change): Promise<boolean> {
    const answer = await this.#intake.ledger.change(change)
    if (!answer.ok) throw new Error(answer.failure.why)
    if (typeof answer.result === "string") throw new Error(answer.result)
    return answer.result
  }

  ages(now: number): Promise<QueueAges> {
    return this.#intake.ledger.ask({ ask: "ages", now })
  }

  shapes(of: ShapeOf): Promise<readonly Shape[]> {
    return this.#intake.ledger.ask({ ask: "shapes", of })
  }

  note(events: readonly Event[]): void {
    this.#notes.add(events)
  }

  async history(id: string): Promise<readonly Event[]> {
    this.#notes.flush()
    return (await this.#intake.ledger.ask({ ask: "history", id })).flatMap(readEvents)
  }

  async events(search: EventSearch): Promise<EventPage> {
    this.#notes.flush()
    const { rows, before } = await this.#intake.ledger.ask({ ask: "events", search })
    return { events: rows.flatMap((row) => foundEvents(row, search.words)), before }
  }

  trimMemory(): Promise<void> {
    return this.#intake.ledger.trimMemory()
  }

  async close(): Promise<void> {
    await this.#audits.close()
    this.#notes.close()
    await this.#intake.ledger.close()
    this.#lock.release()
  }
}

function changeOf({ id, done, update, add }: Outcome): RecordChange {
  return { kind: "record", id, done, update: update.map(printPending), add: add.map(printPending) }
}

async function recorded(asked: Promise<ChangeAnswer>): Promise<Result<void>> {
  const answer = await asked
  if (!answer.ok) return fail(answer.failure.why)
  // No such message: somebody removed it while it was being delivered. There is nothing left to record.
  if (typeof answer.result === "string") return fail(answer.result)
  step("record.answered")
  return ok(undefined)
}
