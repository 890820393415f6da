// A user's Sieve script at the end of a delivery: the script decides in this process, and what it decided is done here, each action
// with the line that asked for it.
import { inMemory, type Content } from "../mail/content.ts"
import { because } from "../mail/decision.ts"
import { shownSender } from "../mail/envelope.ts"
import { printPath } from "../mail/address.ts"
import type { Script } from "../filters/sieve-compile.ts"
import { SieveMessage } from "../filters/sieve-message.ts"
import { runSieve } from "../filters/sieve-run.ts"
import type { SieveAnswer, SieveAsk, SieveResult } from "../filters/sieve-state.ts"
import type { Ending } from "./delivery.ts"
import { act, folderOf } from "./sieve-actions.ts"
import { findScript, includedScript, scriptPath } from "./sieve-script.ts"
import type { SieveDelivery, SieveWorld } from "./sieve-world.ts"
import { identityOf } from "./delivery.ts"

/** Larger messages are looked at in their first part: a body test sees no more of them. */
const mostOctets = 4 * 1024 * 1024

/** What the user's script makes of the message; undefined when he has none. */
export async function deliverBySieve(
  delivery: SieveDelivery,
  world: SieveWorld,
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

function keep({ mailbox, store }: SieveDelivery, content: Content): Promise<Ending> {
  return store({ mailbox, content, marks: [] })
}

/** RFC 5228 §2.10.6: a script that is wrong must not lose mail. */
function keptAnyway(ending: Ending, why: string): Ending {
  return { ...ending, steps: [because("sieve", `kept, for the script cannot be run: ${why}`)] }
}

async function byScript(script: Script, delivery: SieveDelivery, world: SieveWorld): Promise<Ending> {
  const bytes = await beginningOf(delivery.content)
  const message = new SieveMessage(bytes, delivery.content.size)
  const result = await runFor(script, message, delivery, world)
  if ("outcome" in result) return result
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
  delivery: SieveDelivery,
  world: SieveWorld,
): Promise<SieveResult | Ending> {
  const { entry, pending } = delivery
  const now = world.sieve.clock()
  const steps = runSieve(script, {
    message,
    envelope: { from: shownSender(entry.envelope), to: printPath(pending.recipient.path) },
    now,
    zone: -new Date(now).getTimezoneOffset(),
    tellAll: false,
  })
  let next = steps.next()
  while (next.done !== true) {
    const answer = await answerTo(next.value, delivery, world)
    if ("outcome" in answer) return answer // cannot tell is never no: the message waits
    next = steps.next(answer)
  }
  return next.value
}

async function answerTo(
  ask: SieveAsk,
  delivery: SieveDelivery,
  world: SieveWorld,
): Promise<SieveAnswer | Ending> {
  const { account } = delivery
  switch (ask.ask) {
    case "script": {
      const found = await includedScript(world, account, ask)
      if (found.found === "unavailable") return { outcome: "later", status: "4.3.0", text: found.why }
      if (found.found === "script") return { answer: "script", script: found.script }
      return { answer: "nothing", why: found.found === "nothing" ? "no such script" : found.why }
    }
    case "duplicate": {
      const { handle, seconds, last } = ask
      const key = `duplicate ${account.name} ${handle}`
      return { answer: world.sieve.seen({ key, seconds, last, delivery: delivery.delivery }) ? "yes" : "no" }
    }
    case "mailbox":
      return await isThere(ask.name, delivery, world)
  }
}

/** RFC 5490 §3.1: whether mail can be put there without making it first. */
async function isThere(
  name: string,
  { account, mailbox: usual }: SieveDelivery,
  { agent, settings }: SieveWorld,
): Promise<SieveAnswer | Ending> {
  if (name.toUpperCase() === "INBOX") return { answer: "yes" }
  const mailbox = folderOf(name, usual, account, settings)
  if (mailbox === undefined) return { answer: "no" }
  const { answer } = await agent.ask({ verb: "folder", owner: identityOf(account), mailbox }, [])
  switch (answer.outcome) {
    case "done":
    case "nothing":
      return { answer: answer.outcome === "done" ? "yes" : "no" }
    case "later":
    case "failed":
      return { outcome: "later", status: "4.3.0", text: answer.text }
    case "text":
    case "unsafe":
      throw new Error(`the agent answered about a folder with "${answer.outcome}"`) // its bug or ours
  }
}
