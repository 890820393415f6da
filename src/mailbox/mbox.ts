// Delivery at the end of an mbox file: locked, From_ line, quoted, empty line, on disk before anyone is told. What could not be
// written whole is taken back.
import { ftruncateSync, openSync, readSync } from "node:fs"
import { dirname } from "node:path"
import { withRights } from "../host/posix.ts"
import { type Body, isInMemory, writeAll } from "./body.ts"
import type { MakeDurable } from "./durable.ts"
import { FromQuoter, fromLine, type Place, quoteFrom } from "./from-line.ts"
import { checkMailbox, type LockedFile, type LockTarget, openLocked } from "./mbox-lock.ts"
import { done, type MailboxOutcome, outcomeOf } from "./outcome.ts"
import { directoryRights, type Owner } from "./owner.ts"

export type MboxDelivery = {
  readonly path: string
  readonly owner: Owner
  /** The reverse-path without brackets; empty or MAILER-DAEMON for the null one. */
  readonly sender: string
  readonly date: number
  readonly body: Body
}

export type MboxWorld = {
  readonly durable: MakeDurable
  /** How long to wait for a lock that another program holds. */
  readonly lockWaitMilliseconds: number
}

/** Delivers into a user's mailbox, made with mode 0600 when there is none. */
export async function deliverToMbox(delivery: MboxDelivery, world: MboxWorld): Promise<MailboxOutcome> {
  const { path, owner } = delivery
  const waitMilliseconds = world.lockWaitMilliseconds
  try {
    const place = directoryRights(dirname(path), owner)
    const check = checkMailbox(owner)
    const target = { path, owner, place, dotLock: "needed", check, waitMilliseconds } as const
    return await appendTo(delivery, "mailbox", target, world)
  } catch (error) {
    return outcomeOf(error, path)
  }
}

/** The appending itself, for mailboxes and for files of aliases; what the file must be like is the target's to say. Throws what went wrong. */
export async function appendTo(
  delivery: MboxDelivery,
  place: Place,
  target: LockTarget,
  world: MboxWorld,
): Promise<MailboxOutcome> {
  const file = await openLocked(target)
  try {
    await write(file, delivery, place)
    await makeDurable(file, delivery, world)
    return done(`delivered to ${delivery.path}`)
  } finally {
    file.close()
  }
}

/** On disk, or taken back: a mailbox must not keep what the sender will send again. */
async function makeDurable(file: LockedFile, { path, owner }: MboxDelivery, world: MboxWorld): Promise<void> {
  try {
    // A file that was made just now is on disk when its directory is.
    await world.durable({
      fd: file.fd,
      directory: file.size === 0 ? () => openDirectory(path, owner) : undefined,
    })
  } catch (error) {
    takeBack(file)
    throw error
  }
}

function openDirectory(path: string, { rights }: Owner): number {
  return withRights(rights, () => openSync(dirname(path), "r"))
}

async function write(file: LockedFile, delivery: MboxDelivery, place: Place): Promise<void> {
  const start = [...separator(file), fromLine(delivery.sender, delivery.date, place)]
  const { body } = delivery
  try {
    if (isInMemory(body)) writeAll(file.fd, [...start, ...quoteFrom(body)])
    else await writePieces(file.fd, start, body)
  } catch (error) {
    takeBack(file)
    throw error
  }
}

async function writePieces(fd: number, start: readonly Buffer[], body: AsyncIterable<Buffer>): Promise<void> {
  const quoter = new FromQuoter()
  writeAll(fd, start)
  for await (const piece of body) writeAll(fd, quoter.push(piece))
  writeAll(fd, quoter.end())
}

function takeBack({ fd, size }: LockedFile): void {
  ftruncateSync(fd, size)
}

/** What another program left unfinished must not swallow our From_ line: an empty line comes before it. */
function separator({ fd, size }: LockedFile): Buffer[] {
  if (size === 0) return []
  const end = Buffer.alloc(2)
  readSync(fd, end, 0, 2, Math.max(0, size - 2))
  if (size === 1) return [Buffer.from(end[0] === newline ? "\n" : "\n\n")]
  if (end[1] !== newline) return [Buffer.from("\n\n")]
  return end[0] === newline ? [] : [Buffer.from("\n")]
}

const newline = 0x0a
