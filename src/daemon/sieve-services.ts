// What users' Sieve scripts have the mail system do: letters into the queue (redirect, vacation), and a memory of what was seen
// (vacation, duplicate) that outlives a restart.
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { macro, type Settings } from "../config/settings.ts"
import { type ForwardPath, parseMailbox, type ReversePath } from "../mail/address.ts"
import type { Content } from "../mail/content.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Clock, NewId } from "../mail/world.ts"
import type { SieveLetter, SieveServices } from "../mailers/sieve.ts"
import { printDate } from "../message/date.ts"
import { writeReceived } from "../message/received.ts"
import type { Entry, Pending, Queued } from "../queue/entry.ts"
import type { Spool } from "../spool/spool.ts"

export type SieveServicesWorld = {
  readonly spool: Pick<Spool, "incoming">
  readonly settings: Settings
  readonly software: string
  readonly clock: Clock
  readonly newId: NewId
  readonly onAccepted: (queued: Queued, content: Content) => void
  readonly memory: SieveMemory
}

/** The services, for one configuration. */
export function sieveServices(world: SieveServicesWorld): SieveServices {
  return {
    clock: world.clock,
    send: (letter) => queueLetter(letter, world),
    seen: (key, seconds, last) => world.memory.seen(key, seconds, last, world.clock()),
  }
}

async function queueLetter(letter: SieveLetter, world: SieveServicesWorld): Promise<Result<string>> {
  const { spool, newId, clock } = world
  const reversePath = pathOf(letter.sender)
  const recipient = parseMailbox(letter.recipient)
  if (reversePath === undefined || !recipient.ok) return fail(`"${letter.recipient}" is no address`)
  const id = newId()
  const trace = Buffer.from(traceFor(id, clock(), world).replaceAll(/\r?\n/g, "\r\n"))
  const entry = entryFor(letter, { id, reversePath, trace, now: clock() })
  const incoming = spool.incoming(id, entry.size)
  await incoming.write(trace)
  for await (const piece of letter.content.chunks()) await incoming.write(Buffer.from(piece))
  const committed = await incoming.commit(entry, [pendingFor(recipient.value, letter)], Buffer.alloc(0))
  if (!committed.ok) return fail(committed.error.why)
  const { content, ...queued } = committed.value
  world.onAccepted(queued, content)
  return ok(id)
}

function pathOf(sender: string): ReversePath | undefined {
  if (sender === "") return "null"
  const parsed = parseMailbox(sender)
  return parsed.ok ? parsed.value : undefined
}

const arrival: Entry["arrival"] = {
  session: "sieve",
  protocol: "local",
  client: undefined,
  helo: undefined,
  authenticated: undefined,
  door: "sieve",
  submission: false,
  tls: undefined,
}

function traceFor(id: string, now: number, { settings, software }: SieveServicesWorld): string {
  const by = macro(settings, "j") ?? "localhost"
  return writeReceived({ arrival, by, id, software, recipient: undefined, date: printDate(now) })
}

type Made = {
  readonly id: string
  readonly reversePath: ReversePath
  readonly trace: Buffer
  readonly now: number
}

function entryFor({ content, recipient }: SieveLetter, { id, reversePath, trace, now }: Made): Entry {
  return {
    id,
    envelope: { reversePath, body: "8bitmime", smtputf8: false, ret: undefined, envid: undefined },
    arrival,
    acceptedAt: now,
    size: trace.length + content.size,
    headerSize: trace.length + content.headerSize,
    summary: { messageId: "", subject: `for ${recipient}, by a user's script`, from: "" },
    held: undefined,
  }
}

function pendingFor(path: ForwardPath, { reason }: SieveLetter): Pending {
  return {
    number: 0,
    // A report about what a script has sent is for whom the sender of the message asked for none.
    recipient: { path, original: undefined, notify: [], admitted: reason },
    route: undefined,
    expandedFrom: undefined,
    attempts: 0,
    nextAttempt: 0,
    lastStatus: undefined,
    warned: false,
  }
}

/** Forgotten entries are swept away after so many questions. */
const sweepEvery = 1000

/** What was seen, and until when that counts. Opened when it is first needed. */
export class SieveMemory {
  readonly #path: string
  #database: DatabaseSync | undefined
  #get: StatementSync | undefined
  #set: StatementSync | undefined
  #asked = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Whether it was seen; from now on it is. */
  seen(key: string, seconds: number, last: boolean, now: number): boolean {
    const { get, set, database } = this.#open()
    if (this.#asked++ % sweepEvery === 0) database.prepare("DELETE FROM seen WHERE until < ?").run(now)
    const row = get.get(key)
    const known = row !== undefined && Number(row["until"]) > now
    if (!known || last) set.run(key, now + seconds * 1000)
    return known
  }

  close(): void {
    this.#database?.close()
  }

  #open(): { readonly get: StatementSync; readonly set: StatementSync; readonly database: DatabaseSync } {
    if (this.#database === undefined) {
      this.#database = new DatabaseSync(this.#path)
      this.#database.exec(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID",
      )
    }
    this.#get ??= this.#database.prepare("SELECT until FROM seen WHERE key = ?")
    this.#set ??= this.#database.prepare("INSERT OR REPLACE INTO seen VALUES (?, ?)")
    return { get: this.#get, set: this.#set, database: this.#database }
  }
}
