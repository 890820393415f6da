// Doing what a script decided, in its order, each action with the line that asked for it. What fails for now is tried again later;
// what was done by then is not done twice.
import type { DeliverRequest } from "../agent/protocol.ts"
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import { maildirFolder, mboxFolder } from "../filters/folder-name.ts"
import type { Action } from "../filters/sieve-state.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { Account } from "../mail/world.ts"
import { mailboxPath } from "../mailbox/place.ts"
import type { Ending } from "./delivery.ts"
import { maildirFlags, mboxFields } from "./sieve-flags.ts"
import { answerFor } from "./sieve-vacation.ts"
import type { SieveDelivery, SieveLetter, SieveWorld } from "./sieve-world.ts"

/** Does all of it; the ending is that of the message for this recipient. */
export async function act(
  actions: readonly Action[],
  delivery: SieveDelivery,
  world: SieveWorld,
  steps: readonly Reason[],
): Promise<Ending> {
  const ended: Ending[] = []
  for (const action of actions) {
    const ending = await actOnce(action, delivery, world)
    if (ending.outcome === "later") return { ...ending, steps }
    ended.push(ending)
  }
  const failed = ended.find(({ outcome }) => outcome === "failed")
  const stored = ended.find(({ outcome }) => outcome === "done")
  if (failed !== undefined && stored === undefined) return { ...failed, steps }
  const text = ended.map((one) => one.text).join(", ")
  return { outcome: "done", status: "2.0.0", text: text === "" ? "discarded" : text, steps }
}

/** A Maildir finds its own file again; all else is remembered. */
async function actOnce(action: Action, delivery: SieveDelivery, world: SieveWorld): Promise<Ending> {
  const name = leavesNoName(action, delivery) ? nameOf(action) : undefined
  if (name === undefined) return await actOne(action, delivery, world)
  const key = `${delivery.delivery} ${name}`
  if (delivery.repeat && world.sieve.isDone(key)) return done(`${name}: done by an earlier attempt`)
  const ending = await actOne(action, delivery, world)
  if (ending.outcome === "done") world.sieve.setDone(key)
  return ending
}

function leavesNoName({ kind }: Action, { mailbox }: SieveDelivery): boolean {
  return kind === "redirect" || kind === "vacation" || (kind === "store" && mailbox.format === "mbox")
}

function nameOf(action: Action): string {
  if (action.kind === "store") return `stored in ${action.folder ?? "the mailbox"}`
  return action.kind === "redirect" ? `redirected to ${action.address}` : action.kind
}

async function actOne(action: Action, delivery: SieveDelivery, world: SieveWorld): Promise<Ending> {
  switch (action.kind) {
    case "store":
      return await store(action, delivery, world.settings)
    case "discard":
      return done("discarded by the user's script")
    case "reject":
      // RFC 5429 §2.1: its sender hears of it by a report.
      return { outcome: "failed", status: "5.7.1", text: oneLine(action.reason) }
    case "redirect":
      return await redirect(action, delivery, world)
    case "vacation":
      return await answer(action, delivery, world)
  }
}

function done(text: string): Ending {
  return { outcome: "done", status: "2.0.0", text }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().slice(0, 500)
}

async function redirect(
  { address, at }: Extract<Action, { kind: "redirect" }>,
  { entry, content }: SieveDelivery,
  { sieve }: SieveWorld,
): Promise<Ending> {
  const { reversePath: sender, body, smtputf8, requireTls } = entry.envelope
  // RFC 8689 §6: what must not travel in the clear must not do so behind a redirect either.
  const terms = { body, smtputf8, ...(requireTls === undefined ? {} : { requireTls }) }
  const reason = because("sieve", `redirect to ${address}`, at)
  return await send({ sender, recipient: address, terms, content, reason }, `redirected to ${address}`, sieve)
}

async function answer(
  { vacation, at }: Extract<Action, { kind: "vacation" }>,
  delivery: SieveDelivery,
  { sieve }: SieveWorld,
): Promise<Ending> {
  const due = await answerFor(vacation, delivery, sieve)
  if (due.outcome !== "yes") return done(`no answer: ${due.reason.says}`)
  const { recipient, content } = due.value
  const smtputf8 = /[^\x00-\x7f]/.test(recipient)
  const { requireTls } = delivery.entry.envelope
  const terms = { body: "8bitmime", smtputf8, ...(requireTls === undefined ? {} : { requireTls }) } as const
  const letter = {
    sender: "null",
    recipient,
    terms,
    content,
    reason: because("sieve", "vacation", at),
  } as const
  return await send(letter, `answered ${recipient}`, sieve)
}

async function send(
  letter: SieveLetter,
  says: string,
  { send: queue }: SieveWorld["sieve"],
): Promise<Ending> {
  const sent = await queue(letter)
  if (sent.ok) return done(`${says} (${sent.value})`)
  return { outcome: "later", status: "4.3.0", text: sent.error }
}

async function store(
  { folder, flags }: Extract<Action, { kind: "store" }>,
  delivery: SieveDelivery,
  settings: Settings,
): Promise<Ending> {
  if (folder === undefined) return await storeIn(delivery, delivery.mailbox, flags)
  const mailbox = folderOf(folder, delivery.mailbox, delivery.account, settings)
  if (mailbox === undefined)
    return await inMailbox(delivery, flags, `"${folder}" cannot be a folder here: kept in the mailbox`)
  const ending = await storeIn(delivery, mailbox, flags)
  // RFC 5228 §2.10.6: a folder that cannot take it must not lose it.
  return ending.outcome === "failed"
    ? await inMailbox(delivery, flags, `${ending.text}: kept in the mailbox`)
    : ending
}

/** The folder as the agent is asked for it; undefined when no folder can be called so. */
export function folderOf(
  name: string,
  usual: DeliverRequest["mailbox"],
  account: Account,
  settings: Settings,
): DeliverRequest["mailbox"] | undefined {
  if (usual.format === "maildir") {
    const inside = maildirFolder(name)
    return inside === undefined ? undefined : { ...usual, folder: { name: inside, make: true } }
  }
  const file = mboxFolder(name)
  const directory = mailboxPath(option(settings, "LocalFolderDirectory"), account)
  return file === undefined ? undefined : { ...usual, folder: { directory, name: file } }
}

function storeIn(
  { content, store: bring }: SieveDelivery,
  mailbox: DeliverRequest["mailbox"],
  flags: readonly string[],
): Promise<Ending> {
  return mailbox.format === "maildir"
    ? bring({ content, mailbox: { ...mailbox, ...maildirFlags(flags) }, marks: [] })
    : bring({ content, mailbox, marks: mboxFields(flags) })
}

async function inMailbox(delivery: SieveDelivery, flags: readonly string[], says: string): Promise<Ending> {
  const ended = await storeIn(delivery, delivery.mailbox, flags)
  return ended.outcome === "done" ? { ...ended, text: says } : ended
}
