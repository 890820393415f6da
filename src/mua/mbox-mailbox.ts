// An mbox file as a reader's mailbox. Deliveries append to it, other readers rewrite it; everything that writes holds both locks.
import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { checkMailbox, type LockedFile, openLocked } from "../mailbox/mbox-lock.ts"
import { Refused } from "../mailbox/outcome.ts"
import { directoryRights, ourselves } from "../mailbox/owner.ts"
import { isNamed, scanHeader } from "../message/header.ts"
import { loadIndex, saveIndex } from "./index-cache.ts"
import { type Changes, type Mailbox, MailboxError, type News } from "./mailbox.ts"
import { type Part, recover, rewrite } from "./mbox-journal.ts"
import { type Lying, readFully, roomFor, scanMbox, sharedFlags, statusFields } from "./mbox-scan.ts"
import { indexPath, journalPath } from "./places.ts"
import type { Flags } from "./summary.ts"

const lockWaitMilliseconds = 15_000

/** Opens an mbox. A file that is not there is an empty mailbox. */
export async function openMbox(path: string): Promise<Mailbox> {
  const mailbox = new MboxMailbox(resolve(path))
  await mailbox.open()
  return mailbox
}

class MboxMailbox implements Mailbox {
  readonly form = "mbox"
  readonly path: string
  messages: readonly Lying[] = []
  /** What the file was like when `messages` was read. */
  #mark = ""
  #byKey: ReadonlyMap<string, Lying> = new Map()
  #kept: { readonly fd: number; readonly inode: string } | undefined
  #serial = 0

  constructor(path: string) {
    this.path = path
  }

  async open(): Promise<void> {
    const anew = (row: Lying): Lying => ({ ...row, flags: sharedFlags(row.flags), key: this.#nextKey() })
    const kept = loadIndex(indexPath(this.path), this.path, anew)
    if (kept !== undefined) this.#becomes(kept.rows, kept.mark)
    await this.look()
  }

  async look(): Promise<News> {
    const now = stat(this.path)
    if (now !== undefined && !now.isFile()) throw new MailboxError(`${this.path}: not a regular file`)
    if (markOf(now) === this.#mark) return { came: [], went: [] }
    if (now === undefined) return this.#becomes([], markOf(now))
    const locked = await this.#tryLock()
    const fd = locked?.fd ?? open(this.path, constants.O_RDONLY)
    try {
      if (locked !== undefined) this.#endJournal()
      return await this.#read(fd)
    } finally {
      if (locked === undefined) closeSync(fd)
      else locked.close()
    }
  }

  /** Reads what is new in the open file. */
  async #read(fd: number): Promise<News> {
    const before = this.messages
    const file = fstatSync(fd) // before the reading: what changes meanwhile is seen at the next look
    const { size } = file
    const known = this.#stillThere(fd, size)
    const found = await scanMbox(fd, known.at(-1)?.end ?? 0, size, this.#nextKey)
    const all = known.length > 0 ? [...known, ...found] : found.map(this.#knownAgain(before))
    return this.#becomes(all, markOf(file))
  }

  /** What was read before, when the file has only grown since; nothing when it must be read anew. */
  #stillThere(fd: number, size: number): readonly Lying[] {
    const last = this.messages.at(-1)
    if (last === undefined || size < last.end) return []
    // The beginnings of the last message and of the first one behind it are where they were: nobody rewrites without moving them.
    const start = Buffer.alloc(Math.min(last.end - last.start, 2048))
    readFully(fd, start, start.length, last.start)
    const fromLine = start.toString("latin1", 0, start.indexOf(0x0a)).trimEnd()
    if (!last.identity.startsWith(`${fromLine}\n`) || !headSame(start, last) || size === last.end) return []
    const next = Buffer.alloc(5)
    readFully(fd, next, 5, last.end)
    return next.toString("latin1") === "From " ? this.messages : []
  }

  #becomes(all: readonly Lying[], mark: string): News {
    const before = new Set(this.messages.map(({ key }) => key))
    const after = new Set(all.map(({ key }) => key))
    const went = [...before].filter((key) => !after.has(key))
    const came = all.filter(({ key }) => !before.has(key))
    this.messages = all
    this.#byKey = new Map(all.map((lying) => [lying.key, lying]))
    this.#mark = mark
    return { came, went }
  }

  /** Gives a message that was read anew the key it had, found by what it says of itself; doubles in their order. */
  #knownAgain(before: readonly Lying[]): (lying: Lying) => Lying {
    const keys = Map.groupBy(before, ({ identity }) => identity)
    return (lying) => {
      const key = keys.get(lying.identity)?.shift()?.key
      return key === undefined ? lying : { ...lying, key }
    }
  }

  async read(key: string, room?: Buffer): Promise<Buffer | undefined> {
    if (!this.#isAsRead()) await this.look()
    const lying = this.#byKey.get(key)
    if (lying === undefined) return undefined
    const octets = roomFor(lying.end - lying.headerStart, room)
    const whole = octets.subarray(0, readFully(this.#open(), octets, octets.length, lying.headerStart))
    return withoutSeparator(whole)
  }

  /** The open file has not changed since it was read. That another has taken its place is seen by `look`: what is open stays whole. */
  #isAsRead(): boolean {
    return this.#kept !== undefined && markOf(fstatSync(this.#kept.fd)) === this.#mark
  }

  /** The file, kept open: a reader asks for one message after the other. */
  #open(): number {
    const inode = this.#mark.slice(0, this.#mark.indexOf(" "))
    if (this.#kept?.inode === inode) return this.#kept.fd
    if (this.#kept !== undefined) closeSync(this.#kept.fd)
    this.#kept = { fd: open(this.path, constants.O_RDONLY), inode }
    return this.#kept.fd
  }

  async write(changes: Changes): Promise<void> {
    if (changes.flags.size === 0 && changes.removed.size === 0) return
    const locked = await this.#lock()
    try {
      const fd = open(this.path, constants.O_RDWR) // the lock's own descriptor only appends
      try {
        this.#endJournal()
        await this.#read(fd)
        this.#rewrite(fd, changes)
        await this.#read(fd)
      } finally {
        closeSync(fd)
      }
    } finally {
      locked.close()
    }
  }

  #rewrite(fd: number, { flags, removed }: Changes): void {
    const touched = (one: Lying) => removed.has(one.key) || differs(one.flags, flags.get(one.key))
    const firstAt = this.messages.findIndex(touched)
    const first = this.messages[firstAt]
    if (first === undefined) return
    const rest = this.messages.slice(firstAt)
    const parts = rest
      .filter(({ key }) => !removed.has(key))
      .flatMap((one): Part[] => {
        const changed = flags.get(one.key)
        return differs(one.flags, changed) && changed !== undefined
          ? reflagged(fd, one, changed)
          : [{ from: one.start, to: one.end }]
      })
    rewrite(journalPath(this.path), this.path, fd, first.start, joined(parts))
  }

  async close(): Promise<void> {
    saveIndex(indexPath(this.path), this.path, this.#mark, this.messages)
    if (this.#kept !== undefined) closeSync(this.#kept.fd)
    this.#kept = undefined
  }

  #endJournal(): void {
    const fd = open(this.path, constants.O_RDWR)
    try {
      const ended = recover(journalPath(this.path), fd)
      if (ended.found === "stale") {
        throw new MailboxError(
          `${this.path} was being rewritten when the machine stopped, and has been replaced since; what was to be written is kept in ${ended.kept}`,
        )
      }
    } finally {
      closeSync(fd)
    }
  }

  /** The locks, if they can be had at once: a mailbox that we may only read is read without. */
  async #tryLock(): Promise<LockedFile | undefined> {
    try {
      return await this.#lock(2000)
    } catch {
      return undefined
    }
  }

  async #lock(waitMilliseconds = lockWaitMilliseconds): Promise<LockedFile> {
    const owner = ourselves()
    try {
      return await openLocked({
        path: this.path,
        owner,
        place: directoryRights(dirname(this.path), owner),
        dotLock: "needed",
        check: checkMailbox({ ...owner, uid: statSync(this.path).uid }),
        waitMilliseconds,
      })
    } catch (error) {
      if (error instanceof Refused) throw new MailboxError(error.message, { cause: error })
      throw error
    }
  }

  readonly #nextKey = (): string => `m${++this.#serial}`
}

function stat(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new MailboxError(`${path}: ${code === "EACCES" ? "you may not open it" : (error as Error).message}`)
  }
}

function markOf(file: Stats | undefined): string {
  return file === undefined ? "none" : `${file.ino} ${file.size} ${file.mtimeMs} ${file.ctimeMs}`
}

/** Whether the header's beginning still has this message's marks, so that a rewritten status is noticed. */
function headSame(start: Buffer, last: Lying): boolean {
  const header = scanHeader(start.subarray(last.headerStart - last.start))
  const id = last.summary.messageId
  return id === "" || header.ends !== "blank line" || header.bytes.includes(id)
}

function differs(now: Flags, wanted: Flags | undefined): boolean {
  return wanted !== undefined && statusFields(now, "\n") !== statusFields(wanted, "\n")
}

/** The message with its status fields written anew at the header's end. */
function reflagged(fd: number, one: Lying, flags: Flags): Part[] {
  const octets = Buffer.allocUnsafe(Math.min(one.end - one.headerStart, 1 << 20))
  const header = scanHeader(octets.subarray(0, readFully(fd, octets, octets.length, one.headerStart)))
  const status = (name: "status" | "x-status") =>
    header.fields.filter((field) => isNamed(header, field, name))
  const gone = [...status("status"), ...status("x-status")].toSorted((a, b) => a.start - b.start)
  const parts: Part[] = [{ from: one.start, to: one.headerStart }]
  let at = 0
  for (const { start, end } of gone) {
    parts.push({ from: one.headerStart + at, to: one.headerStart + start })
    at = end
  }
  const lineEnd = header.bytes.subarray(0, header.end).includes("\r\n") ? "\r\n" : "\n"
  const blank = header.ends === "no blank line" ? lineEnd : ""
  parts.push(
    { from: one.headerStart + at, to: one.headerStart + header.end },
    Buffer.from(`${statusFields(flags, lineEnd)}${blank}`),
    { from: one.headerStart + header.end, to: one.end },
  )
  return parts
}

/** Neighbouring ranges as one. */
function joined(parts: readonly Part[]): Part[] {
  const all: Part[] = []
  for (const part of parts) {
    const last = all.at(-1)
    if (Buffer.isBuffer(part) || last === undefined || Buffer.isBuffer(last) || last.to !== part.from)
      all.push(part)
    else all[all.length - 1] = { from: last.from, to: part.to }
  }
  return all.filter((part) => (Buffer.isBuffer(part) ? part.length > 0 : part.to > part.from))
}

/** A message ends before the empty line that sets it off from the next From_ line. */
function withoutSeparator(octets: Buffer): Buffer {
  if (octets.subarray(-2).equals(Buffer.from("\n\n"))) return octets.subarray(0, -1)
  return octets
}
