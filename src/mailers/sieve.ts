// A user's Sieve script at the end of a delivery: the script decides in this process, and what it decided is done here, each action
// with the line that asked for it.
import type { DeliverRequest } from "../agent/protocol.ts"
import type { Content } from "../mail/content.ts"
import { inMemory } from "../mail/content.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { EnhancedCode } from "../mail/reply.ts"
import type { Result } from "../mail/result.ts"
import type { Account } from "../mail/world.ts"
import { shownSender } from "../mail/envelope.ts"
import { printPath } from "../mail/address.ts"
import type { Entry } from "../queue/entry.ts"
import type { RoutedPending } from "../queue/plan.ts"
import type { Script } from "../filters/sieve-compile.ts"
import { SieveMessage } from "../filters/sieve-message.ts"
import { runSieve } from "../filters/sieve-run.ts"
import type { Action, SieveAnswer, SieveAsk, SieveResult } from "../filters/sieve-state.ts"
import type { Ending, FinalWorld } from "./delivery.ts"
import { findScript, includedScript, scriptPath } from "./sieve-script.ts"
import { answerFor } from "./sieve-vacation.ts"

/** A letter that a script wants sent. */
export type SieveLetter = {
  /** "" for the null sender. */
  readonly sender: string
  readonly recipient: string
  readonly content: Content
  readonly reason: Reason
}

/** What scripts need of the mail system beside the mailbox. */
export type SieveServices = {
  /** Queues it; the value is its queue id. */
  readonly send: (letter: SieveLetter) => Promise<Result<string>>
  /** Whether this was seen within so many seconds; it is from now on. `last`: seeing it again makes it longer. */
  readonly seen: (key: string, seconds: number, last: boolean) => boolean
  /** Milliseconds since 1970. */
  readonly clock: () => number
}

export type SieveDelivery = {
  readonly entry: Entry
  readonly pending: RoutedPending
  readonly account: Account
  readonly content: Content
  /** Stores the message in a folder of the mailbox, undefined: in the mailbox itself. */
  readonly store: (store: {
    readonly mailbox: (usual: DeliverRequest["mailbox"]) => DeliverRequest["mailbox"]
    readonly content: Content
  }) => Promise<Ending>
}

/** Larger messages are looked at in their first part: a body test sees no more of them. */
const mostOctets = 4 * 1024 * 1024

/** What the user's script makes of the message; undefined when he has none. */
export async function deliverBySieve(
  delivery: SieveDelivery,
  world: FinalWorld & { readonly sieve: SieveServices },
): Promise<Ending | undefined> {
  const { account } = delivery
  const path = scriptPath(world.settings, account)
  if (path === undefined) return undefined
  const found = await findScript(world.agent, account, path)
  switch (found.found) {
    case "nothing":
      return undefined
    case "unavailable":
      return { outcome: "later", status: "4.3.0", text: found.why }
    case "unusable":
      return keptAnyway(await keep(delivery, delivery.content), found.why)
    case "script":
      return await byScript(found.script, delivery, world)
  }
}

function keep(delivery: SieveDelivery, content: Content): Promise<Ending> {
  return delivery.store({ mailbox: (usual) => usual, content })
}

/** RFC 5228 §2.10.6: a script that is wrong must not lose mail. */
function keptAnyway(ending: Ending, why: string): Ending {
  return { ...ending, steps: [because("sieve", `kept, for the script cannot be run: ${why}`)] }
}

async function byScript(
  script: Script,
  delivery: SieveDelivery,
  world: FinalWorld & { readonly sieve: SieveServices },
): Promise<Ending> {
  const bytes = await beginningOf(delivery.content)
  const message = new SieveMessage(bytes, delivery.content.size)
  const result = await runFor(script, message, delivery, world)
  const steps = result.told.map(({ at, says }) => because("sieve", says, at))
  if (result.failed !== undefined)
    steps.push(because("sieve", `kept, for the script went wrong: ${result.failed}`))
  const content = await changedContent(delivery.content, message)
  return await act(result.actions, { ...delivery, content }, world, steps)
}

async function beginningOf(content: Content): Promise<Buffer> {
  if (content.bytes !== undefined) return content.bytes
  const pieces: Buffer[] = []
  let octets = 0
  for await (const piece of content.chunks()) {
    pieces.push(Buffer.from(piece))
    octets += piece.length
    if (octets >= Math.max(mostOctets, content.headerSize)) break
  }
  return Buffer.concat(pieces)
}

/** With the header as addheader and deleteheader left it. */
async function changedContent(content: Content, message: SieveMessage): Promise<Content> {
  const header = message.changedHeader()
  if (header === undefined) return content
  const start = Buffer.concat([header, Buffer.from("\r\n")])
  if (content.bytes !== undefined)
    return inMemory(Buffer.concat([start, content.bytes.subarray(content.headerSize)]), start.length)
  return {
    size: content.size - content.headerSize + start.length,
    headerSize: start.length,
    bytes: undefined,
    async *chunks(from = 0) {
      if (from < start.length) yield start.subarray(from)
      yield* content.chunks(content.headerSize + Math.max(0, from - start.length))
    },
  }
}

async function runFor(
  script: Script,
  message: SieveMessage,
  { entry, pending, account }: SieveDelivery,
  world: FinalWorld & { readonly sieve: SieveServices },
): Promise<SieveResult> {
  const now = world.sieve.clock()
  const steps = runSieve(script, {
    message,
    envelope: { from: shownSender(entry.envelope), to: printPath(pending.recipient.path) },
    now,
    zone: -new Date(now).getTimezoneOffset(),
    tellAll: false,
  })
  let next = steps.next()
  while (next.done !== true) next = steps.next(await answerTo(next.value, account, world))
  return next.value
}

async function answerTo(
  ask: SieveAsk,
  account: Account,
  world: FinalWorld & { readonly sieve: SieveServices },
): Promise<SieveAnswer> {
  switch (ask.ask) {
    case "script": {
      const found = await includedScript(world, account, ask)
      if (found.found === "script") return { answer: "script", script: found.script }
      return { answer: "nothing", why: found.found === "nothing" ? "no such script" : found.why }
    }
    case "duplicate": {
      const key = `duplicate ${account.name} ${ask.handle}`
      return { answer: world.sieve.seen(key, ask.seconds, ask.last) ? "yes" : "no" }
    }
    case "mailbox":
      return { answer: ask.name.toUpperCase() === "INBOX" || isFolder(ask.name) ? "yes" : "no" } // made when mail comes for it
  }
}

/** What a Maildir++ can have for a folder; `/` and `.` both part its levels. */
function isFolder(name: string): boolean {
  return /^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*$/.test(name)
}

/** Does what the script decided, in its order. What fails for now is tried again, all of it. */
async function act(
  actions: readonly Action[],
  delivery: SieveDelivery,
  world: FinalWorld & { readonly sieve: SieveServices },
  steps: Reason[],
): Promise<Ending> {
  const ended: Ending[] = []
  for (const action of actions) {
    const ending = await actOne(action, delivery, world)
    if (ending.outcome === "later") return { ...ending, steps }
    ended.push(ending)
  }
  const failed = ended.find(({ outcome }) => outcome === "failed")
  const stored = ended.find(({ outcome }) => outcome === "done")
  if (failed !== undefined && stored === undefined) return { ...failed, steps }
  const text = ended.map((one) => one.text).join(", ")
  return { outcome: "done", status: "2.0.0", text: text === "" ? "discarded" : text, steps }
}

async function actOne(
  action: Action,
  delivery: SieveDelivery,
  world: FinalWorld & { readonly sieve: SieveServices },
): Promise<Ending> {
  switch (action.kind) {
    case "store":
      return await store(action, delivery)
    case "discard":
      return done("discarded by the user's script")
    case "reject":
      // RFC 5429 §2.1: its sender hears of it by a report.
      return { outcome: "failed", status: "5.7.1", text: oneLine(action.reason) }
    case "redirect":
      return await send(
        {
          sender: shownSender(delivery.entry.envelope),
          recipient: action.address,
          content: delivery.content,
        },
        `redirected to ${action.address}`,
        because("sieve", `redirect to ${action.address}`, action.at),
        world,
      )
    case "vacation": {
      const answer = answerFor(action.vacation, delivery, world.sieve)
      if (answer.outcome !== "yes") return done(`no answer: ${answer.reason.says}`)
      const { recipient, content } = answer.value
      const reason = because("sieve", "vacation", action.at)
      return await send({ sender: "", recipient, content }, `answered ${recipient}`, reason, world)
    }
  }
}

function done(text: string): Ending {
  return { outcome: "done", status: "2.0.0", text }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().slice(0, 500)
}

async function send(
  letter: Omit<SieveLetter, "reason">,
  says: string,
  reason: Reason,
  { sieve }: { readonly sieve: SieveServices },
): Promise<Ending> {
  const sent = await sieve.send({ ...letter, reason })
  const status: EnhancedCode = "4.3.0"
  return sent.ok ? done(`${says} (${sent.value})`) : { outcome: "later", status, text: sent.error }
}

const letters: Readonly<Record<string, string>> = {
  "\\seen": "S",
  "\\answered": "R",
  "\\flagged": "F",
  "\\deleted": "T",
  "\\draft": "D",
}

async function store(action: Extract<Action, { kind: "store" }>, delivery: SieveDelivery): Promise<Ending> {
  const { folder, flags } = action
  const known = flags.flatMap((flag) => letters[flag.toLowerCase()] ?? [])
  const kept = known.length === 0 ? {} : { flags: [...new Set(known)].toSorted().join("") }
  if (folder !== undefined && !isFolder(folder))
    return await inbox(`"${folder}" cannot be a folder here: kept in the mailbox`)
  let isMaildir = true
  const ending = await delivery.store({
    content: delivery.content,
    mailbox: (usual) => {
      isMaildir = usual.format === "maildir"
      if (usual.format !== "maildir") return usual
      const name = folder?.replaceAll("/", ".")
      return { ...usual, ...kept, ...(name === undefined ? {} : { folder: { name, make: true } }) }
    },
  })
  if (ending.outcome !== "done" || isMaildir || folder === undefined) return ending
  return { ...ending, text: `${ending.text}: "${folder}" would be a folder only of FEATURE(maildir)` }

  async function inbox(says: string): Promise<Ending> {
    const ended = await keep(delivery, delivery.content)
    return ended.outcome === "done" ? { ...ended, text: says } : ended
  }
}
