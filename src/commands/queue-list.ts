// A queue listed: in sendmail's form, or an object a line. It is read page by page from the running system and printed as it
// comes, so that a long queue costs no memory on either side.
import { layoutOf } from "../daemon/layout.ts"
import { printAngled } from "../mail/address.ts"
import { printQueueTime } from "../message/date.ts"
import type { Pending, Queued } from "../queue/entry.ts"
import { type Answer, Control, type Request } from "./control-client.ts"
import { exits, type Io, print } from "./io.ts"

export type Listing = {
  readonly json: boolean
  readonly verbose: boolean
  /** What the queue is called in the heading. */
  readonly directory: string
  /** Gives the messages. */
  readonly request: Request
  /** The verb that counts them. */
  readonly count: "count" | "client count"
}

/** Prints it; the result is the exit code. */
export async function listQueue(state: string, listing: Listing, io: Io): Promise<number> {
  const control = await Control.open(state, io)
  try {
    await printAll(lines(control, listing), io)
    return exits.ok
  } catch (error) {
    if (isClosedPipe(error)) return exits.ok // mailq | head
    throw error
  } finally {
    control.close()
  }
}

async function printAll(listing: AsyncIterable<string>, io: Io): Promise<void> {
  if (io.alone === undefined) {
    const { pipeline } = await import("node:stream/promises")
    return await pipeline(listing, io.stdout, { end: false })
  }
  for await (const line of listing) io.alone.print(line)
}

/** How many messages wait there (sendmail -bP), in sendmail's words. */
export async function countQueue(state: string, queue: "client" | "main", io: Io): Promise<number> {
  const layout = layoutOf(state)
  const [directory, verb] =
    queue === "client" ? ([layout.clientQueue, "client count"] as const) : ([layout.queue, "count"] as const)
  const control = await Control.open(state)
  try {
    print(io, `${directory}: entries=${await countOf(control, verb)}\n`)
    return exits.ok
  } finally {
    control.close()
  }
}

async function countOf(control: Control, verb: Listing["count"]): Promise<number> {
  let messages = 0
  for await (const answer of control.ask({ verb })) {
    if (typeof answer["messages"] === "number") messages = answer["messages"]
  }
  return messages
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE"
}

/** The whole listing, a piece for each message. */
async function* lines(control: Control, listing: Listing): AsyncGenerator<string> {
  const { json, verbose, request } = listing
  let printed = 0
  const top = json ? "" : await heading(control, listing)
  for await (const answer of control.ask(request)) {
    const queued = queuedOf(answer)
    if (printed++ === 0 && !json) yield top
    if (json) yield `${JSON.stringify(asObject(queued))}\n`
    else yield verbose ? verboseEntry(queued) : shortEntry(queued)
  }
  if (json) return
  if (printed === 0) yield `${listing.directory} is empty\n`
  yield `\t\tTotal requests: ${printed}\n`
}

/** What the control socket gave: it is our own daemon of our own version, so one look at the shape is enough. */
export function queuedOf(answer: Answer): Queued {
  const queued = answer["queued"]
  if (typeof queued !== "object" || queued === null || !("entry" in queued) || !("pending" in queued)) {
    throw new Error(`not a queue entry: ${JSON.stringify(answer).slice(0, 200)}`)
  }
  return queued as Queued
}

/** How many there are is asked beforehand: a long queue is printed as it comes. */
async function heading(control: Control, { verbose, directory, count }: Listing): Promise<string> {
  const messages = await countOf(control, count)
  const columns = verbose
    ? "-----Q-ID----- --Size-- -Priority- ---Q-Time--- --------Sender/Recipient--------"
    : "-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------"
  return `\t\t${directory} (${messages} request${messages === 1 ? "" : "s"})\n${columns}\n`
}

function shortEntry({ entry, pending }: Queued): string {
  const size = String(entry.size - entry.headerSize).padStart(8)
  const head = `${entry.id}${flagOf(entry)}${size} ${printQueueTime(entry.acceptedAt)} ${sender(entry)}\n`
  const recipients = pending.map((one) => `\t\t\t\t\t ${shown(one.recipient, entry)}\n`)
  return head + lastWords({ entry, pending }, 60) + recipients.join("")
}

/** Weight of a recipient in sendmail's priority (the option RecipientFactor). */
const recipientFactor = 30_000

function verboseEntry({ entry, pending }: Queued): string {
  const size = String(entry.size - entry.headerSize).padStart(8)
  const priority = String(entry.size + recipientFactor * pending.length).padStart(10)
  const time = printQueueTime(entry.acceptedAt).slice(4)
  const head = `${entry.id}${flagOf(entry)}${size} ${priority} ${time} ${sender(entry)}\n`
  return (
    head + lastWords({ entry, pending }, 1000) + pending.map((one) => verboseRecipient(one, entry)).join("")
  )
}

/** sendmail's -v has the last words under each recipient, in brackets, behind fewer tabs than an address. */
function verboseRecipient(
  { recipient, lastStatus, attempts, nextAttempt, expandedFrom, group }: Pending,
  entry: Queued["entry"],
): string {
  const origin = expandedFrom === undefined ? "" : `\t\t(from ${expandedFrom.address})\n`
  const words = lastStatus === undefined ? "" : `\t\t(${lastStatus.status}: ${lastStatus.text})\n`
  const tries = attempts === 0 ? "" : `\t\t(${attempts} tried, next ${printQueueTime(nextAttempt)})\n`
  const of = group === undefined ? "" : `\t\t(queue group ${group})\n`
  return `\t\t\t\t\t\t${shown(recipient, entry)}\n${origin}${words}${tries}${of}`
}

/** `?` stands behind the id of a message that is held, as sendmail marks what is quarantined. */
function flagOf({ held }: Queued["entry"]): string {
  return held === undefined ? " " : "?"
}

function sender({ envelope }: Queued["entry"]): string {
  return envelope.typedSender ?? printAngled(envelope.reversePath)
}

/** In mail of this host's own queue (-Am, -Ac) what was typed without a domain is shown so. */
function shown({ typed, path }: Pending["recipient"], { envelope }: Queued["entry"]): string {
  return envelope.typedSender !== undefined && typed !== undefined ? typed : printAngled(path)
}

/** The last words about any of its recipients, in brackets under the sender; nothing when it was not tried yet. */
function lastWords({ entry, pending }: Queued, most: number): string {
  const { held } = entry
  const last = pending
    .flatMap(({ lastStatus }) => lastStatus ?? [])
    .reduce<Pending["lastStatus"]>(
      (newest, one) => (newest === undefined || one.at > newest.at ? one : newest),
      undefined,
    )
  if (held !== undefined) return `      QUARANTINE: ${held.reason.slice(0, most)}\n`
  return last === undefined ? "" : `                 (${`Deferred: ${last.text}`.slice(0, most)})\n`
}

/** The names that --json gives; they stay as they are. The console gives the same. */
export function asObject({ entry, pending }: Queued) {
  return {
    id: entry.id,
    size: entry.size,
    acceptedAt: new Date(entry.acceptedAt).toISOString(),
    sender: printAngled(entry.envelope.reversePath).slice(1, -1),
    ...entry.summary,
    held: entry.held?.reason ?? (false as const),
    recipients: pending.map(({ recipient, lastStatus, attempts, nextAttempt, expandedFrom, group }) => ({
      address: printAngled(recipient.path).slice(1, -1),
      from: expandedFrom?.address,
      attempts,
      nextAttempt: nextAttempt === 0 ? undefined : new Date(nextAttempt).toISOString(),
      status: lastStatus?.status,
      text: lastStatus?.text,
      remote: lastStatus?.remote,
      queueGroup: group,
    })),
  }
}
