// mailq: what waits and why, in sendmail's form or as JSON. The queue is read page by page from the running system and
// printed as it comes, so that a long queue costs no memory on either side.
import { pipeline } from "node:stream/promises"
import { printAngled } from "../mail/address.ts"
import { layoutOf } from "../daemon/layout.ts"
import { printQueueTime } from "../message/date.ts"
import type { Pending, Queued } from "../queue/entry.ts"
import { type Answer, Control } from "./control-client.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage = `Usage: mailq [-v] [-qI[ID]] [-qR[RECIPIENT]] [-qS[SENDER]] [--json] [--state DIR]
Lists what waits in the queue, each message with the last words of who put it off.

  -v           with priority, and with attempts, the time of the next one and the last words for every recipient
  -qIPART      only messages whose id has this part; likewise -qR for a recipient, -qS for the sender
  -Ac          the queue of mail that waits for a running system; Waypost keeps none
  --json       one object a line
  --state DIR  the state directory (else $WAYPOST_STATE, ./var of the checkout, /var/lib/waypost)
`

type Wish = {
  verbose: boolean
  json: boolean
  clientQueue: boolean
  state: string | undefined
  /** Parts that id, recipient and sender must have. */
  readonly parts: Map<string, string>
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes("--help")) {
    io.stdout.write(usage)
    return exits.ok
  }
  const wish = readWish(argv)
  if (typeof wish === "string") return refuse(io, `mailq: ${wish}; see mailq --help`, exits.usage)
  if (wish.clientQueue) {
    io.stdout.write("/var/spool/mqueue-client is empty\n\t\tTotal requests: 0\n")
    return exits.ok
  }
  const state = runningState(wish.state, io)
  const control = await Control.open(state)
  try {
    await pipeline(lines(control, wish, layoutOf(state).queue), io.stdout, { end: false })
    return exits.ok
  } catch (error) {
    if (isClosedPipe(error)) return exits.ok // mailq | head
    throw error
  } finally {
    control.close()
  }
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE"
}

function readWish(argv: readonly string[]): Wish | string {
  const wish: Wish = { verbose: false, json: false, clientQueue: false, state: undefined, parts: new Map() }
  for (let n = 0; n < argv.length; n++) {
    const argument = argv[n] ?? ""
    const part = /^-q([IRS])(.*)$/s.exec(argument)
    if (argument === "-v") wish.verbose = true
    else if (argument === "--json") wish.json = true
    else if (argument === "-Ac") wish.clientQueue = true
    else if (argument === "--state") wish.state = argv[++n] ?? ""
    else if (argument.startsWith("--state=")) wish.state = argument.slice("--state=".length)
    else if (part !== null) wish.parts.set(part[1] ?? "", part[2] ?? "")
    else if (argument !== "-Am") return `unknown option or argument ${argument}`
  }
  return wish.state === "" ? "--state needs DIR" : wish
}

/** The whole listing, a piece for each message. */
async function* lines(control: Control, wish: Wish, directory: string): AsyncGenerator<string> {
  let printed = 0
  if (!wish.json) yield await heading(control, wish, directory)
  for await (const answer of control.ask({ verb: "queue", ...filterOf(wish) })) {
    const queued = queuedOf(answer)
    if (!queued.entry.id.includes(wish.parts.get("I") ?? "")) continue
    printed++
    if (wish.json) yield `${JSON.stringify(asObject(queued))}\n`
    else yield wish.verbose ? verboseEntry(queued) : shortEntry(queued)
  }
  if (!wish.json) yield `\t\tTotal requests: ${printed}\n`
}

function filterOf({ parts }: Wish): object {
  const to = parts.get("R")
  const from = parts.get("S")
  return { ...(to === undefined ? {} : { to }), ...(from === undefined ? {} : { from }) }
}

/** What the control socket gave: it is our own daemon of our own version, so one look at the shape is enough. */
export function queuedOf(answer: Answer): Queued {
  const queued = answer["queued"]
  if (typeof queued !== "object" || queued === null || !("entry" in queued) || !("pending" in queued)) {
    throw new Error(`not a queue entry: ${JSON.stringify(answer).slice(0, 200)}`)
  }
  return queued as Queued
}

async function heading(control: Control, { verbose }: Wish, directory: string): Promise<string> {
  let messages = 0
  for await (const answer of control.ask({ verb: "count" })) {
    if (typeof answer["messages"] === "number") messages = answer["messages"]
  }
  if (messages === 0) return `${directory} is empty\n`
  const columns = verbose
    ? "-----Q-ID----- --Size-- -Priority- ---Q-Time--- --------Sender/Recipient--------"
    : "-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------"
  return `\t\t${directory} (${messages} request${messages === 1 ? "" : "s"})\n${columns}\n`
}

function shortEntry({ entry, pending }: Queued): string {
  const size = String(entry.size - entry.headerSize).padStart(8)
  const head = `${entry.id}${flagOf(entry)}${size} ${printQueueTime(entry.acceptedAt)} ${sender(entry)}\n`
  const recipients = pending.map((one) => `\t\t\t\t\t ${printAngled(one.recipient.path)}\n`)
  return head + lastWords({ entry, pending }, 60) + recipients.join("")
}

/** Weight of a recipient in sendmail's priority (the option RecipientFactor). */
const recipientFactor = 30_000

function verboseEntry({ entry, pending }: Queued): string {
  const size = String(entry.size - entry.headerSize).padStart(8)
  const priority = String(entry.size + recipientFactor * pending.length).padStart(10)
  const time = printQueueTime(entry.acceptedAt).slice(4)
  const head = `${entry.id}${flagOf(entry)}${size} ${priority} ${time} ${sender(entry)}\n`
  return head + lastWords({ entry, pending }, 1000) + pending.map(verboseRecipient).join("")
}

function verboseRecipient({ recipient, lastStatus, attempts, nextAttempt, expandedFrom }: Pending): string {
  const indent = "\t\t\t\t\t\t"
  const origin = expandedFrom === undefined ? "" : `${indent}  (from ${expandedFrom.address})\n`
  const words = lastStatus === undefined ? "" : `${indent}  (${lastStatus.status}: ${lastStatus.text})\n`
  const tries = attempts === 0 ? "" : `${indent}  (${attempts} tried, next ${printQueueTime(nextAttempt)})\n`
  return `${indent}${printAngled(recipient.path)}\n${origin}${words}${tries}`
}

/** `?` stands behind the id of a message that is held, as sendmail marks what is quarantined. */
function flagOf({ held }: Queued["entry"]): string {
  return held === undefined ? " " : "?"
}

function sender({ envelope }: Queued["entry"]): string {
  return printAngled(envelope.reversePath)
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
  const words =
    held !== undefined ? `held: ${held.reason}` : last === undefined ? "" : `Deferred: ${last.text}`
  return words === "" ? "" : `                 (${words.slice(0, most)})\n`
}

/** The names that --json gives; they stay as they are. */
function asObject({ entry, pending }: Queued): object {
  return {
    id: entry.id,
    size: entry.size,
    acceptedAt: new Date(entry.acceptedAt).toISOString(),
    sender: printAngled(entry.envelope.reversePath).slice(1, -1),
    ...entry.summary,
    held: entry.held?.reason ?? false,
    recipients: pending.map(({ recipient, lastStatus, attempts, nextAttempt, expandedFrom }) => ({
      address: printAngled(recipient.path).slice(1, -1),
      from: expandedFrom?.address,
      attempts,
      nextAttempt: nextAttempt === 0 ? undefined : new Date(nextAttempt).toISOString(),
      status: lastStatus?.status,
      text: lastStatus?.text,
      remote: lastStatus?.remote,
    })),
  }
}
