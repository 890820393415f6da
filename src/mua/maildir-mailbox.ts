// A Maildir as a reader's mailbox (maildir(5), with the flags of mutt and Dovecot). No locks: each message is a file, renamed when
// its flags change; another reader's renames are found by the unique part of the name.
import { openSync, readFileSync, closeSync, renameSync, rmSync, statSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { join, resolve } from "node:path"
import { setImmediate as breathe } from "node:timers/promises"
import { scanHeader } from "../message/header.ts"
import { loadIndex, saveIndex } from "./index-cache.ts"
import { type Changes, type Mailbox, MailboxError, type News } from "./mailbox.ts"
import { readFully, roomFor, sharedFlags } from "./mbox-scan.ts"
import { indexPath } from "./places.ts"
import { type Flags, type Listed, summarize, type Summary } from "./summary.ts"

/** Opens a Maildir. */
export async function openMaildir(path: string): Promise<Mailbox> {
  const mailbox = new MaildirMailbox(resolve(path))
  await mailbox.open()
  return mailbox
}

/** What never changes of a message, kept in the cache by its unique name. */
type Kept = {
  readonly unique: string
  readonly received: number
  readonly size: number
  readonly summary: Summary
}

type Found = { readonly unique: string; readonly folder: "new" | "cur"; readonly name: string }

class MaildirMailbox implements Mailbox {
  readonly form = "maildir"
  readonly path: string
  messages: readonly Listed[] = []
  /** Where each message's file is, by unique name. */
  #files = new Map<string, Found>()
  #kept = new Map<string, Kept>()
  #mark = ""

  constructor(path: string) {
    this.path = path
  }

  async open(): Promise<void> {
    const cache = loadIndex(indexPath(this.path), this.path, (row: Kept) => row)
    for (const row of cache?.rows ?? []) this.#kept.set(row.unique, row)
    await this.look()
  }

  async look(): Promise<News> {
    const mark = this.#markNow()
    if (mark === this.#mark && settled(mark)) return { came: [], went: [] }
    const files = await this.#list()
    const listed: Listed[] = []
    for (const [i, found] of [...files.values()].entries()) {
      const kept = this.#kept.get(found.unique) ?? this.#readHead(found)
      if (kept === undefined)
        files.delete(found.unique) // removed while we looked
      else listed.push(listedOf(kept, found))
      if (i % 256 === 255) await breathe()
    }
    const before = new Set(this.messages.map(({ key }) => key))
    const after = new Set(files.keys())
    this.messages = listed.toSorted((a, b) => a.received - b.received || (a.key < b.key ? -1 : 1))
    this.#files = files
    this.#mark = mark
    return {
      came: this.messages.filter(({ key }) => !before.has(key)),
      went: [...before].filter((key) => !after.has(key)),
    }
  }

  /** The two folders' times change with each delivery, removal and renaming. */
  #markNow(): string {
    const of = (folder: string) => {
      const found = statSync(join(this.path, folder), { throwIfNoEntry: false })
      if (found === undefined) throw new MailboxError(`${this.path}: no Maildir (it has no ${folder}/)`)
      return found.mtimeMs
    }
    return `${of("new")} ${of("cur")}`
  }

  async #list(): Promise<Map<string, Found>> {
    const files = new Map<string, Found>()
    for (const folder of ["new", "cur"] as const) {
      for (const name of await readdir(join(this.path, folder))) {
        if (name.startsWith(".")) continue
        const unique = uniqueOf(name)
        files.set(unique, { unique, folder, name }) // in cur after new: that is where it went meanwhile
      }
    }
    return files
  }

  #readHead(found: Found): Kept | undefined {
    const path = join(this.path, found.folder, found.name)
    let fd: number
    try {
      fd = openSync(path, "r")
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
      throw new MailboxError(`${path}: ${(error as Error).message}`)
    }
    try {
      let filled = readFully(fd, head, 8192, 0)
      let header = scanHeader(head.subarray(0, filled))
      if (header.ends === "end of message" && filled === 8192) {
        filled = readFully(fd, head, head.length, 0)
        header = scanHeader(head.subarray(0, filled))
      }
      const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { size: filled, mtimeMs: 0 }
      const seconds = /^(\d{9,11})\b/.exec(found.name)?.[1]
      const received = seconds === undefined ? mtimeMs : Number(seconds) * 1000
      const kept = { unique: found.unique, received, size, summary: summarize(header) }
      this.#kept.set(found.unique, kept)
      return kept
    } finally {
      closeSync(fd)
    }
  }

  async read(key: string, room?: Buffer): Promise<Buffer | undefined> {
    const octets = this.#readFile(key, room)
    if (octets !== undefined) return octets
    await this.#relist() // another reader renamed it, or removed it
    return this.#readFile(key, room)
  }

  #readFile(key: string, room: Buffer | undefined): Buffer | undefined {
    const found = this.#files.get(key)
    if (found === undefined) return undefined
    try {
      return readWhole(join(this.path, found.folder, found.name), this.#kept.get(key)?.size ?? 0, room)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
      throw new MailboxError((error as Error).message)
    }
  }

  async #relist(): Promise<void> {
    this.#mark = ""
    await this.look()
  }

  async write({ flags, removed }: Changes): Promise<void> {
    await this.#relist()
    for (const key of removed) {
      const found = this.#files.get(key)
      if (found !== undefined) rmSync(join(this.path, found.folder, found.name), { force: true })
    }
    for (const [key, wanted] of flags) {
      const found = this.#files.get(key)
      if (found !== undefined && !removed.has(key)) this.#rename(found, wanted)
    }
    await this.#relist()
  }

  #rename(found: Found, flags: Flags): void {
    const others = flagsText(found.name).replaceAll(/[DFRST]/g, "") // "passed", and Dovecot's keywords: not ours to drop
    const letters = [...`${lettersOf(flags)}${others}`].toSorted().join("")
    const name = flags.recent ? found.unique : `${found.unique}:2,${letters}`
    const folder = flags.recent ? "new" : "cur"
    if (folder === found.folder && name === found.name) return
    try {
      renameSync(join(this.path, found.folder, found.name), join(this.path, folder, name))
    } catch (error) {
      // Another reader was quicker: what it wrote stands.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw new MailboxError((error as Error).message)
    }
  }

  async close(): Promise<void> {
    const rows = [...this.#files.keys()].flatMap((unique) => this.#kept.get(unique) ?? [])
    saveIndex<Kept>(indexPath(this.path), this.path, this.#mark, rows)
  }
}

/** A file whose size is known already: three system calls. */
function readWhole(path: string, size: number, room: Buffer | undefined): Buffer {
  const fd = openSync(path, "r")
  try {
    const octets = roomFor(size + 1, room)
    const filled = readFully(fd, octets, size + 1, 0)
    return filled <= size ? octets.subarray(0, filled) : readFileSync(fd) // it was written to, which nobody may
  } finally {
    closeSync(fd)
  }
}

/** A header longer than this is read up to here. */
const head = Buffer.allocUnsafe(1 << 18)

/** Two changes within the file system's clock tick leave the same time: only a folder that has been quiet for a while is known. */
function settled(mark: string): boolean {
  const newest = Math.max(...mark.split(" ").map(Number))
  return Date.now() - newest > 2000
}

function uniqueOf(name: string): string {
  const colon = name.indexOf(":2,")
  return colon < 0 ? name : name.slice(0, colon)
}

function flagsText(name: string): string {
  const colon = name.indexOf(":2,")
  return colon < 0 ? "" : name.slice(colon + 3)
}

function listedOf({ received, size, summary }: Kept, { unique, folder, name }: Found): Listed {
  const letters = flagsText(name)
  const flags = sharedFlags({
    seen: letters.includes("S"),
    answered: letters.includes("R"),
    flagged: letters.includes("F"),
    draft: letters.includes("D"),
    deleted: letters.includes("T"),
    recent: folder === "new",
  })
  return { key: unique, received, size, flags, summary }
}

function lettersOf(flags: Flags): string {
  return `${flags.draft ? "D" : ""}${flags.flagged ? "F" : ""}${flags.answered ? "R" : ""}${flags.seen ? "S" : ""}${flags.deleted ? "T" : ""}`
}
