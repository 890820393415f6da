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
import { done, failed, type MailboxOutcome, outcomeOf } from "./outcome.ts"
import { directoryRights, type Owner } from "./owner.ts"

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
  readonly body: Body
}

export type MaildirWorld = { readonly durable: MakeDurable }

/** Delivers; a Maildir that is missing is made, 0700, as its owner. */
export async function deliverToMaildir(
  delivery: MaildirDelivery,
  { durable }: MaildirWorld,
): Promise<MailboxOutcome> {
  if (!/^[\w.-]{1,120}$/.test(delivery.delivery))
    return failed("5.3.5", `"${delivery.delivery}" cannot be a file's name`)
  const { path, owner } = delivery
  const name = fileName(delivery)
  let file: Brought | undefined
  try {
    file = await bring(delivery, name)
    const { fd } = file
    await durable({ fd, directory: () => withRights(owner.rights, () => openSync(join(path, "new"), "r")) })
    return done(file.found ? `${path} has it already` : `delivered to ${path}`)
  } catch (error) {
    if (file !== undefined) takeBack(delivery, name)
    return outcomeOf(error, path)
  } finally {
    if (file !== undefined) closeSync(file.fd)
  }
}

type Brought = { readonly fd: number; readonly found: boolean }

/** Writes under tmp and renames into new; the descriptor stays open. */
function bring(delivery: MaildirDelivery, name: string): Brought | Promise<Brought> {
  const { path, owner, body } = delivery
  if (!isInMemory(body)) return bringPieces(delivery, body, name)
  return withRights(owner.rights, () => {
    const before = delivery.repeat ? openDelivered(path, name, sizeOf(body)) : undefined
    if (before !== undefined) return { fd: before, found: true }
    const fresh = join(path, "tmp", name)
    const fd = createIn(path, fresh, owner)
    return finish(fd, fresh, () => {
      writeAll(fd, body)
      renameSync(fresh, join(path, "new", name))
      return { fd, found: false }
    })
  })
}

async function bringPieces(
  { path, owner, repeat }: MaildirDelivery,
  pieces: AsyncIterable<Buffer>,
  name: string,
): Promise<Brought> {
  const { rights } = owner
  const fresh = join(path, "tmp", name)
  const fd = withRights(rights, () => createIn(path, fresh, owner))
  try {
    for await (const piece of pieces) writeAll(fd, [piece])
    return withRights(rights, () => {
      const before = repeat ? openDelivered(path, name, fstatSync(fd).size) : undefined
      if (before === undefined) {
        renameSync(fresh, join(path, "new", name))
        return { fd, found: false }
      }
      drop(fd, fresh)
      return { fd: before, found: true }
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
function takeBack({ path, owner }: MaildirDelivery, name: string): void {
  try {
    withRights(owner.rights, () => rmSync(join(path, "new", name), { force: true }))
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
