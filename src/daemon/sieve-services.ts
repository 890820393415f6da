// What users' Sieve scripts have the mail system do: letters into the queue (redirect, vacation), and a memory of what was seen
// (vacation, duplicate) that outlives a restart.
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { macro, type Settings } from "../config/settings.ts"
import { type ForwardPath, parseMailbox } from "../mail/address.ts"
import { ownArrival } from "../mail/arrival.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Clock, NewId } from "../mail/world.ts"
import type { SeenQuestion, SieveLetter, SieveServices } from "../mailers/sieve-world.ts"
import { printDate } from "../message/date.ts"
import { writeReceived } from "../message/received.ts"
import { type Entry, type Pending, untried } from "../queue/entry.ts"
import { type OwnMailWorld, queueOwnMail } from "./own-mail.ts"

export type SieveServicesWorld = OwnMailWorld & {
  readonly settings: Settings
  readonly software: string
  readonly clock: Clock
  /** How far the machine's clock, whose dates others read, is ahead of it. */
  readonly ahead: () => number
  readonly newId: NewId
  readonly memory: SieveMemory
}

/** The services, for one configuration. */
export function sieveServices(world: SieveServicesWorld): SieveServices {
  return {
    clock: () => world.clock() + world.ahead(),
    send: (letter) => queueLetter(letter, world),
    seen: (question) => world.memory.seen(question, world.clock()),
    isDone: (key) => world.memory.isDone(key, world.clock()),
    setDone: (key) => world.memory.setDone(key, world.clock()),
  }
}

async function queueLetter(letter: SieveLetter, world: SieveServicesWorld): Promise<Result<string>> {
  const { newId, clock, ahead } = world
  const recipient = parseMailbox(letter.recipient)
  if (!recipient.ok) return fail(`"${letter.recipient}" is no address`)
  const id = newId()
  const trace = Buffer.from(traceFor(id, clock() + ahead(), world).replaceAll(/\r?\n/g, "\r\n"))
  const entry = entryFor(letter, { id, trace, now: clock() })
  const pending = [pendingFor(recipient.value, letter)]
  const queued = await queueOwnMail({ entry, pending, octets: traced(trace, letter.content) }, world)
  return queued.ok ? ok(id) : queued
}

async function* traced(trace: Buffer, content: SieveLetter["content"]): AsyncGenerator<Uint8Array> {
  yield trace
  yield* content.chunks()
}

const arrival = ownArrival("sieve", "sieve")

function traceFor(id: string, now: number, { settings, software }: SieveServicesWorld): string {
  const by = macro(settings, "j") ?? "localhost"
  return writeReceived({ arrival, by, id, software, recipient: undefined, date: printDate(now) })
}

type Made = { readonly id: string; readonly trace: Buffer; readonly now: number }

function entryFor({ content, recipient, sender, terms }: SieveLetter, { id, trace, now }: Made): Entry {
  return {
    id,
    envelope: { ...terms, reversePath: sender, ret: undefined, envid: undefined },
    arrival,
    acceptedAt: now,
    size: trace.length + content.size,
    headerSize: trace.length + content.headerSize,
    summary: { messageId: "", subject: `for ${recipient}, by a user's script`, from: "" },
    held: undefined,
  }
}

function pendingFor(path: ForwardPath, { reason }: SieveLetter): Pending {
  // A report about what a script has sent is for whom the sender of the message asked for none.
  return untried(0, { path, original: undefined, notify: [], admitted: reason })
}

/** Forgotten entries are swept away after so many questions. */
const sweepEvery = 1000

/** Longer than any message waits in a queue. */
const doneMilliseconds = 30 * 86_400_000

/** What was seen, and until when that counts. Opened when it is first needed. */
export class SieveMemory {
  readonly #path: string
  #rows: Rows | undefined
  #asked = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Whether another delivery saw it; from now on it is seen. */
  seen({ key, seconds, last, delivery }: SeenQuestion, now: number): boolean {
    const { get, set } = this.#open(now)
    const row = get.get(key)
    const isFresh = row !== undefined && Number(row["until"]) > now
    const known = isFresh && row["delivery"] !== delivery
    if (!isFresh || last) set.run(key, now + seconds * 1000, delivery)
    return known
  }

  isDone(key: string, now: number): boolean {
    return this.#open(now).get.get(`done ${key}`) !== undefined
  }

  setDone(key: string, now: number): void {
    this.#open(now).set.run(`done ${key}`, now + doneMilliseconds, "")
  }

  close(): void {
    this.#rows?.database.close()
  }

  #open(now: number): Rows {
    this.#rows ??= openRows(this.#path)
    if (this.#asked++ % sweepEvery === 0)
      this.#rows.database.prepare("DELETE FROM seen WHERE until < ?").run(now)
    return this.#rows
  }
}

type Rows = { readonly get: StatementSync; readonly set: StatementSync; readonly database: DatabaseSync }

function openRows(path: string): Rows {
  const database = new DatabaseSync(path)
  database.exec(
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, until INTEGER NOT NULL, delivery TEXT NOT NULL DEFAULT '') WITHOUT ROWID",
  )
  const columns = database.prepare("PRAGMA table_info(seen)").all()
  if (!columns.some((column) => column["name"] === "delivery"))
    // made by a version that did not know who asked
    database.exec("ALTER TABLE seen ADD COLUMN delivery TEXT NOT NULL DEFAULT ''")
  return {
    get: database.prepare("SELECT until, delivery FROM seen WHERE key = ?"),
    set: database.prepare("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)"),
    database,
  }
}
