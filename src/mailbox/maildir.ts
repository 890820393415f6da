// Delivery into a Maildir: written whole under tmp, renamed into new, so that no reader ever sees half a message. The name comes
// from the delivery, so that a delivery done again after a crash finds its own file instead of making a second one.
import {
  closeSync,
  constants,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs"
import { hostname } from "node:os"
import { dirname, join } from "node:path"
import { withRights } from "../host/posix.ts"
import { type Body, isInMemory, sizeOf, writeAll } from "./body.ts"
import type { MakeDurable } from "./durable.ts"
import { isKeyword, keywordLetters } from "./keywords.ts"
import { type Account, roomFor } from "./maildir-quota.ts"
import { done, failed, later, type MailboxOutcome, outcomeOf, Refused } from "./outcome.ts"
import { directoryRights, type Owner } from "./owner.ts"
import { refuseBeside } from "./unless.ts"

export type MaildirDelivery = {
  /** The Maildir itself: tmp, new and cur are in it. */
  readonly path: string
  readonly owner: Owner
  /** Queue id and recipient number, the same whenever this delivery is done again. */
  readonly delivery: string
  /** When the message was accepted, the same whenever this delivery is done again. */
  readonly date: number
  /** It may have been delivered before: an earlier attempt was cut off. */
  readonly repeat: boolean
  /** A Maildir++ folder of it: the name behind its dot. Where it is not there and is not to be made, the Maildir itself is meant. */
  readonly folder?: { readonly name: string; readonly make: boolean }
  /** What the Maildir may hold: `10485760S,1000C`. Without, what its own maildirsize says, if it has one. */
  readonly quota?: string
  /** Flags that it has from the beginning, in Maildir's letters: "FS". It is not new then. */
  readonly flags?: string
  /** IMAP keywords that it has from the beginning. It is not new then. */
  readonly keywords?: readonly string[]
  /** Files of its owner beside which nothing is delivered (unless.ts). */
  readonly unless?: readonly string[]
  readonly body: Body
}

export type MaildirWorld = { readonly durable: MakeDurable }

/** Delivers; a Maildir that is missing is made, 0700, as its owner. */
export async function deliverToMaildir(
  given: MaildirDelivery,
  { durable }: MaildirWorld,
): Promise<MailboxOutcome> {
  if (!/^[\w.-]{1,120}$/.test(given.delivery))
    return failed("5.3.5", `"${given.delivery}" cannot be a file's name`)
  const { owner } = given
  let file: Brought | undefined
  let at = given
  try {
    const { folder, keywords, unless } = given
    if (folder !== undefined || keywords !== undefined) {
      withRights(owner.rights, () => refuseBeside(unless)) // before anything is made
      at = intoFolder(given)
    }
    if (keywords !== undefined) at = await withKeywords(at)
    const brought = bring(at, fileName(at), given.path)
    file = brought instanceof Promise ? await brought : brought
    const { fd } = file
    const directory = join(at.path, at.flags === undefined ? "new" : "cur")
    await durable({ fd, directory: () => withRights(owner.rights, () => openSync(directory, "r")) })
    return done(file.found ? `${at.path} has it already` : `delivered to ${at.path}`)
  } catch (error) {
    if (file !== undefined) takeBack(at, file.name)
    return outcomeOf(error, at.path)
  } finally {
    if (file !== undefined) closeSync(file.fd)
  }
}

/** With the letters of its keywords among its flags. Letters that cannot be had are no reason to keep a message out. */
async function withKeywords(delivery: MaildirDelivery): Promise<MaildirDelivery> {
  const { path, owner, flags: letters = "" } = delivery
  const keywords = (delivery.keywords ?? []).filter(isKeyword)
  if (keywords.length === 0) return delivery
  withRights(owner.rights, () => makeMaildir(path, owner))
  try {
    return { ...delivery, flags: letters + (await keywordLetters(path, owner, keywords)) }
  } catch {
    return { ...delivery, flags: letters }
  }
}

/** What IMAP servers of Maildir++ take for a folder: dots are its levels, and what is not ASCII is modified UTF-7. */
const folderName = /^[^\x00-\x1f./\x7f-\uffff]+(?:\.[^\x00-\x1f./\x7f-\uffff]+)*$/

/** The same delivery, into the folder that it names, if that is there or may be made. */
function intoFolder(delivery: MaildirDelivery): MaildirDelivery {
  const { folder, path, owner } = delivery
  if (folder === undefined || !folderName.test(folder.name)) return delivery
  const inside = join(path, `.${folder.name}`)
  return withRights(owner.rights, () => {
    const there = lstatSync(inside, { throwIfNoEntry: false })?.isDirectory() === true
    if (!there && !folder.make) return delivery
    if (!there) makeFolder(path, inside, owner)
    return { ...delivery, path: inside }
  })
}

function makeFolder(maildir: string, inside: string, owner: Owner): void {
  makeMaildir(maildir, owner)
  makeMaildir(inside, owner)
  closeSync(openSync(join(inside, "maildirfolder"), O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600))
}

type Brought = { readonly fd: number; readonly found: boolean; readonly name: string }

/** Writes under tmp and renames into new; the descriptor stays open. `whole` is the Maildir that the quota is of. */
function bring(delivery: MaildirDelivery, name: string, whole: string): Brought | Promise<Brought> {
  const { path, owner, body } = delivery
  if (!isInMemory(body)) return bringPieces(delivery, body, name, whole)
  const size = sizeOf(body)
  const last = lastName(name, size)
  return withRights(owner.rights, () => {
    refuseBeside(delivery.unless)
    const before = delivery.repeat ? openDelivered(path, last, size) : undefined
    if (before !== undefined) return { fd: before, found: true, name: last }
    const account = accountFor(whole, size, delivery.quota)
    const fresh = join(path, "tmp", name)
    const fd = createIn(path, fresh, owner)
    return finish(fd, fresh, () => {
      writeAll(fd, body)
      renameSync(fresh, join(path, placeFor(delivery, last)))
      account?.add(size)
      return { fd, found: false, name: last }
    })
  })
}

/** Where the message is to be entered, if a quota is kept. Throws when there is no room. */
function accountFor(maildir: string, octets: number, quota: string | undefined): Account | undefined {
  const room = roomFor(maildir, octets, quota, Date.now())
  if (room.kind === "full") throw new Refused(later("4.2.2", `${maildir}: ${room.says}`))
  return room.kind === "room" ? room.account : undefined
}

async function bringPieces(
  delivery: MaildirDelivery,
  pieces: AsyncIterable<Buffer>,
  name: string,
  whole: string,
): Promise<Brought> {
  const { path, owner, repeat, quota } = delivery
  const { rights } = owner
  const fresh = join(path, "tmp", name)
  const fd = withRights(rights, () => {
    refuseBeside(delivery.unless)
    return createIn(path, fresh, owner)
  })
  try {
    for await (const piece of pieces) writeAll(fd, [piece])
    return withRights(rights, () => {
      const { size } = fstatSync(fd)
      const last = lastName(name, size)
      const before = repeat ? openDelivered(path, last, size) : undefined
      if (before === undefined) {
        const account = accountFor(whole, size, quota)
        renameSync(fresh, join(path, placeFor(delivery, last)))
        account?.add(size)
        return { fd, found: false, name: last }
      }
      drop(fd, fresh)
      return { fd: before, found: true, name: last }
    })
  } catch (error) {
    withRights(rights, () => drop(fd, fresh))
    throw error
  }
}

function finish(fd: number, fresh: string, act: () => Brought): Brought {
  try {
    return act()
  } catch (error) {
    drop(fd, fresh)
    throw error
  }
}

function drop(fd: number, fresh: string): void {
  closeSync(fd)
  rmSync(fresh, { force: true })
}

/** Nothing is known of a file whose sync failed: it goes, and the next attempt writes it anew. */
function takeBack(delivery: MaildirDelivery, name: string): void {
  const { path, owner } = delivery
  try {
    withRights(owner.rights, () => rmSync(join(path, placeFor(delivery, name)), { force: true }))
  } catch {
    // It stays. The next attempt finds it there and syncs it again.
  }
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants
const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW

/** Makes the file, and what is missing on the way: a Maildir is made at its first delivery. Called with the owner's rights. */
function createIn(maildir: string, path: string, owner: Owner): number {
  try {
    return openSync(path, flags, 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EEXIST")
      rmSync(path) // a crash left it: no delivery is tried twice at once
    else if (code === "ENOENT") makeMaildir(maildir, owner)
    else throw error
    return openSync(path, flags, 0o600)
  }
}

function makeMaildir(path: string, owner: Owner): void {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) makeTop(path, owner)
  for (const part of ["tmp", "new", "cur"]) mkdirIfMissing(join(path, part))
}

// As root a Maildir under a directory of root (/var/mail/vhosts) is made by root and given to its owner. Without root all is
// ours, and what is missing above it is made as well.
function makeTop(path: string, owner: Owner): void {
  if (owner.rights === undefined) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return
  }
  // A home that its owner could make is made; one that is not mounted cannot be, and the mail waits for it.
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const { rights, asRoot } = directoryRights(dirname(path), owner)
  if (!asRoot) {
    withRights(rights, () => mkdirSync(path, { mode: 0o700 }))
    return
  }
  withRights(undefined, () => {
    mkdirSync(path, { mode: 0o700 })
    lchownSync(path, owner.uid, owner.gid) // nobody but root can have put another thing there
  })
}

function mkdirIfMissing(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
}

let host: string | undefined

// `time.unique.host` (maildir(5)); a host's `/` and `:` would have a meaning of their own.
function fileName({ date, delivery }: MaildirDelivery): string {
  host ??= hostname().replaceAll("/", String.raw`\057`).replaceAll(":", String.raw`\072`)
  return `${Math.floor(date / 1000)}.Q${delivery}.${host}`
}

/** Where readers find it: among the new ones, or with its flags among those that were seen (maildir(5)). */
function placeFor({ flags: letters }: MaildirDelivery, name: string): string {
  return letters === undefined ? join("new", name) : join("cur", `${name}:2,${letters}`)
}

/** With the size, as Maildir++ has it: who counts quotas or shows a list need not ask for it (Dovecot reads it too). */
function lastName(name: string, size: number): string {
  return `${name},S=${size}`
}

/** What an earlier attempt delivered, still in new or moved to cur (with flags) by a reader; opened, to be synced once more. */
function openDelivered(maildir: string, name: string, size: number): number | undefined {
  const places = [join(maildir, "new", name), ...movedTo(join(maildir, "cur"), name)]
  const place = places.find((path) => isWhole(path, size))
  return place === undefined ? undefined : openSync(place, O_RDONLY | O_NOFOLLOW)
}

function movedTo(cur: string, name: string): string[] {
  try {
    const entries = readdirSync(cur)
    return entries
      .filter((entry) => entry === name || entry.startsWith(`${name}:`))
      .map((entry) => join(cur, entry))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw error
  }
}

// A power cut between rename and sync can leave a name without all of its octets.
function isWhole(path: string, size: number): boolean {
  const file = lstatSync(path, { throwIfNoEntry: false })
  return file?.isFile() === true && file.size === size
}
