// procmail's folders, written with our own rights and no others: mbox files, Maildirs, MH folders and plain directories, with links
// of one delivery in several directories.
import { randomBytes } from "node:crypto"
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { ended, folderOf, mboxForm, withoutFrom } from "../filters/procmail-mail.ts"
import { sizeOf, writeAll } from "./body.ts"
import { openLocked } from "./mbox-lock.ts"
import { Refused, wordsFor } from "./outcome.ts"
import { ourselves } from "./owner.ts"

export type FolderDelivery = {
  readonly folders: readonly string[]
  readonly directory: string
  readonly message: Buffer
  readonly whole: boolean
  readonly raw: boolean
  readonly berkeley: boolean
  readonly prefix: string
  readonly umask: number
  readonly locked: boolean
  readonly lockWaitMilliseconds: number
}

export type FolderOutcome = {
  readonly ok: boolean
  readonly folder: string
  readonly octets: number
  readonly why: string
  /** Its other names, in the directories that were named behind the first. */
  readonly links?: readonly string[]
}

/** Stores in the first folder, and links that into the others, which are directories. On disk when it resolves. */
export async function storeInFolders(delivery: FolderDelivery): Promise<FolderOutcome> {
  const [first = "", ...others] = delivery.folders
  try {
    const stored = await store(first, delivery)
    const links = others.flatMap((other) => link(stored.path, other, delivery) ?? [])
    return { ok: true, folder: stored.folder, octets: stored.octets, why: "", links }
  } catch (error) {
    const why = error instanceof Refused ? error.result.text : wordsFor(error)
    return { ok: false, folder: first, octets: 0, why }
  }
}

/** `path`: the file that links lead to; `folder`: as LASTFOLDER says it. */
type Stored = { readonly path: string; readonly folder: string; readonly octets: number }

async function store(name: string, delivery: FolderDelivery): Promise<Stored> {
  const { kind, path } = folderOf(name)
  const full = absolute(path, delivery)
  if (kind === "file" && !isDirectory(full)) return await append(name, full, delivery)
  const made = kind === "file" ? "directory" : kind
  makeDirectory(full, made, delivery)
  const { message, whole, raw } = delivery
  // Debian's procmail adds no empty line in a Maildir, where nothing needs one.
  const octets = made === "maildir" ? [whole ? withoutFrom(message) : message] : ended(message, raw)
  const fresh = writeFresh(made === "maildir" ? join(full, "tmp") : full, octets, delivery)
  try {
    const at = settle(fresh, full, made, delivery)
    syncDirectory(made === "maildir" ? join(full, "new") : full)
    return { path: at, folder: shown(at, full, path), octets: sizeOf(octets) }
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}

function absolute(path: string, { directory }: FolderDelivery): string {
  return path.startsWith("/") ? path : join(directory, path)
}

/** The file's name as the recipe would have written it. */
function shown(at: string, full: string, path: string): string {
  return path + at.slice(full.length)
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function makeDirectory(path: string, kind: "maildir" | "mh" | "directory", { umask }: FolderDelivery): void {
  const mode = 0o777 & ~umask
  for (const part of kind === "maildir" ? ["", "new", "cur", "tmp"] : [""]) {
    const one = join(path, part)
    if (!isDirectory(one)) mkdirSync(one, { mode })
  }
}

let count = 0

/** maildir(5)'s time.unique.host. */
function uniqueName(): string {
  const host = hostname().replaceAll("/", String.raw`\057`).replaceAll(":", String.raw`\072`)
  return `${Math.floor(Date.now() / 1000)}.R${randomBytes(6).toString("hex")}P${process.pid}_${count++}.${host}`
}

function writeFresh(directory: string, octets: readonly Buffer[], { umask }: FolderDelivery): string {
  const path = join(directory, directory.endsWith("/tmp") ? uniqueName() : `_${uniqueName()}`)
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666 & ~umask)
  try {
    writeAll(fd, octets)
    fsyncSync(fd)
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
  return path
}

/** From its temporary name to the one that readers look for. */
function settle(
  fresh: string,
  directory: string,
  kind: "maildir" | "mh" | "directory",
  { prefix }: FolderDelivery,
): string {
  if (kind === "mh") return moveToNumber(fresh, directory)
  const name =
    kind === "maildir" ? join("new", fresh.slice(fresh.lastIndexOf("/") + 1)) : inodeName(fresh, prefix)
  const to = join(directory, name)
  renameSync(fresh, to)
  return to
}

/** `msg.` and the inode, in letters and digits. */
function inodeName(path: string, prefix: string): string {
  return `${prefix}${lstatSync(path).ino.toString(36)}`
}

/** MH: the number after the highest. A name that another takes first is passed over. */
function moveToNumber(fresh: string, directory: string): string {
  const to = linkToNumber(fresh, directory)
  rmSync(fresh)
  return to
}

function linkToNumber(from: string, directory: string): string {
  const numbers = readdirSync(directory).filter((name) => /^\d{1,12}$/.test(name))
  for (let n = 1 + numbers.reduce((most, name) => Math.max(most, Number(name)), 0); ; n++) {
    const to = join(directory, String(n))
    try {
      linkSync(from, to)
      return to
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    }
  }
}

/** The same file in one more directory; one that cannot be made is passed over, as procmail does. */
function link(from: string, name: string, delivery: FolderDelivery): string | undefined {
  const { kind, path } = folderOf(name)
  const full = absolute(path, delivery)
  const made = kind === "file" ? "directory" : kind
  try {
    makeDirectory(full, made, delivery)
    const at = made === "mh" ? linkToNumber(from, full) : join(full, otherName(from, made, delivery))
    if (made !== "mh") linkSync(from, at)
    syncDirectory(made === "maildir" ? join(full, "new") : full)
    return shown(at, full, path)
  } catch {
    return undefined // the message is stored; a second name for it is a convenience
  }
}

function otherName(from: string, kind: "maildir" | "directory", { prefix }: FolderDelivery): string {
  return kind === "maildir" ? join("new", uniqueName()) : inodeName(from, prefix)
}

function syncDirectory(path: string): void {
  const fd = openSync(path, "r")
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

async function append(name: string, path: string, delivery: FolderDelivery): Promise<Stored> {
  const { message, raw, berkeley } = delivery
  const octets = mboxForm(message, { raw, berkeley })
  if (path === "/dev/null") return { path, folder: name, octets: sizeOf(octets) }
  const owner = ourselves()
  const file = await openLocked({
    path,
    owner,
    place: { rights: undefined, asRoot: false },
    dotLock: delivery.locked ? "needed" : "none",
    check: () => {},
    waitMilliseconds: delivery.lockWaitMilliseconds,
  })
  try {
    writeAll(file.fd, octets)
    if (fstatSync(file.fd).isFile()) fsyncSync(file.fd)
    return { path, folder: name, octets: sizeOf(octets) }
  } catch (error) {
    ftruncateSync(file.fd, file.size)
    throw error
  } finally {
    file.close()
  }
}
