// Delivery at the end of an mbox file: locked, From_ line, quoted, empty line, on disk before anyone is told. What could not be
// written whole is taken back. Several messages share one lock and one sync.
import { fstatSync, ftruncateSync, openSync, readSync } from "node:fs"
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
  readonly messages: readonly MboxMessage[]
}

export type MboxMessage = {
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

/** Delivers into a user's mailbox, made with mode 0600 when there is none; each message has its outcome, in their order. */
export async function deliverToMbox(
  delivery: MboxDelivery,
  world: MboxWorld,
): Promise<readonly MailboxOutcome[]> {
  const { path, owner, messages } = delivery
  const waitMilliseconds = world.lockWaitMilliseconds
  try {
    const place = directoryRights(dirname(path), owner)
    const check = checkMailbox(owner)
    const target = { path, owner, place, dotLock: "needed", check, waitMilliseconds } as const
    return await appendTo(delivery, "mailbox", target, world)
  } catch (error) {
    return forAll(messages, outcomeOf(error, path))
  }
}

/** What became of all of them alike. */
export function forAll(messages: readonly MboxMessage[], outcome: MailboxOutcome): readonly MailboxOutcome[] {
  return messages.map(() => outcome)
}

/** The appending itself, for mailboxes and for files of aliases; what the file must be like is the target's to say. Throws what went wrong. */
export async function appendTo(
  delivery: MboxDelivery,
  place: Place,
  target: LockTarget,
  world: MboxWorld,
): Promise<readonly MailboxOutcome[]> {
  const { path, messages } = delivery
  const file = await openLocked(target)
  try {
    const outcomes: MailboxOutcome[] = []
    for (const message of messages) outcomes.push(await appendOne(file, message, place, path))
    if (outcomes.some(({ outcome }) => outcome === "done")) await makeDurable(file, delivery, world)
    return outcomes
  } finally {
    file.close()
  }
}

/** At the end of what stands there by now; a message that finds no room leaves the others what they are. */
async function appendOne(
  file: LockedFile,
  message: MboxMessage,
  place: Place,
  path: string,
): Promise<MailboxOutcome> {
  const { size } = fstatSync(file.fd)
  try {
    await write(file.fd, size, message, place)
    return done(`delivered to ${path}`)
  } catch (error) {
    ftruncateSync(file.fd, size)
    return outcomeOf(error, path)
  }
}

/** On disk, or taken back: a mailbox must not keep what the sender will send again. */
async function makeDurable(file: LockedFile, { path, owner }: MboxDelivery, world: MboxWorld): Promise<void> {
  try {
    // A file that was made just now is on disk when its directory is.
    await world.durable({
      fd: file.fd,
      directory: file.size === 0 ? () => openDirectory(path, owner) : undefined,
      locked: true,
    })
  } catch (error) {
    ftruncateSync(file.fd, file.size)
    throw error
  }
}

function openDirectory(path: string, { rights }: Owner): number {
  return withRights(rights, () => openSync(dirname(path), "r"))
}

async function write(
  fd: number,
  size: number,
  { sender, date, body }: MboxMessage,
  place: Place,
): Promise<void> {
  const start = [...separator(fd, size), fromLine(sender, date, place)]
  if (isInMemory(body)) writeAll(fd, [...start, ...quoteFrom(body)])
  else await writePieces(fd, start, body)
}

async function writePieces(fd: number, start: readonly Buffer[], body: AsyncIterable<Buffer>): Promise<void> {
  const quoter = new FromQuoter()
  writeAll(fd, start)
  for await (const piece of body) writeAll(fd, quoter.push(piece))
  writeAll(fd, quoter.end())
}

/** What another program left unfinished must not swallow our From_ line: an empty line comes before it. */
function separator(fd: number, size: number): Buffer[] {
  if (size === 0) return []
  const end = Buffer.alloc(2)
  readSync(fd, end, 0, 2, Math.max(0, size - 2))
  if (size === 1) return [Buffer.from(end[0] === newline ? "\n" : "\n\n")]
  if (end[1] !== newline) return [Buffer.from("\n\n")]
  return end[0] === newline ? [] : [Buffer.from("\n")]
}

const newline = 0x0a
