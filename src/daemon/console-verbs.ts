// What the console asks of the running system beyond what commands ask: to look on, to find the newest, to rehearse a session, to
// compare two configurations on addresses that somebody names. All of it is for the owner of the system and root.
import { isIP } from "node:net"
import { explainAddress, type Explained } from "../routing/explain-address.ts"
import { printReason } from "../routing/explain.ts"
import type { Event, EventSearch, Spool } from "../spool/spool.ts"
import type { Answer, Request, Verb } from "./control.ts"
import type { Live } from "./live.ts"
import { rehearse, rewrittenFields, treeOf } from "./rehearsal.ts"
import { eventPages } from "./trace-verbs.ts"
import { pathsOf, type WhatIfWorld } from "./what-if-verb.ts"
import { settingsOf } from "./what-if-settings.ts"
import { dnsOnce, makeSide, type Side } from "./what-if-side.ts"

export type ConsoleWorld = {
  readonly spool: Pick<Spool, "events" | "history">
  readonly live: Live
  readonly sides: WhatIfWorld
  /** As `waypost explain` has it: with what is done beyond routing. */
  readonly explain: (address: string, from: string | undefined, client: string | undefined) => Promise<Answer>
}

/** Mailers whose rewriting is told of one message. */
const mostMailers = 4

type Trusted = (verb: Verb) => Verb

/** The verbs, by name. */
export function consoleVerbs(world: ConsoleWorld, trusted: Trusted): readonly (readonly [string, Verb])[] {
  return [
    ["live", trusted((_request, _asker, signal) => live(world, signal))],
    ["recent", trusted((request, _asker, signal) => recent(request, world, signal))],
    ["rehearse", trusted((request) => rehearsed(request, world))],
    ["compare", trusted((request) => compare(request, world))],
  ]
}

/** Every event as it happens, without its header; the first line says that looking on has begun. */
async function* live({ live: hub }: ConsoleWorld, signal: AbortSignal): AsyncIterable<Answer> {
  const events = hub.follow(signal)
  yield { following: true }
  for await (const { at, id, what, address, status, detail, message } of events) {
    const entry = message?.entry
    const sender = entry?.envelope.reversePath
    yield {
      event: { at, id, what, address, status, detail },
      ...(entry === undefined ? {} : { subject: entry.summary.subject, sender }),
    }
  }
}

/** The newest timelines whose events have all these words; no words: the newest of all. */
async function* recent(
  request: Request,
  { spool }: ConsoleWorld,
  signal: AbortSignal,
): AsyncIterable<Answer> {
  const words = stringsOf(request["words"])
  const limit = request["limit"]
  if (words === undefined || typeof limit !== "number" || !(limit > 0))
    return yield { error: "recent: words and a limit are needed", code: 64 }
  const seen = new Set<string>()
  const pages = { events: (search: EventSearch) => spool.events(search) }
  for await (const { id } of eventPages(pages, { words }, signal)) {
    if (seen.has(id)) continue
    if (seen.size >= limit) return yield { more: true }
    seen.add(id)
    yield { id, events: (await spool.history(id)).map(told) }
  }
}

function told(event: Event): object {
  return { ...event, reasons: event.reason === undefined ? [] : printReason(event.reason) }
}

/** A session, a message, or addresses alone, under the settings in force. */
async function* rehearsed(request: Request, { sides, explain: wayOf }: ConsoleWorld): AsyncIterable<Answer> {
  const to = stringsOf(request["to"])
  const client = text(request["client"])
  if (to === undefined || (client !== undefined && isIP(client) === 0))
    return yield { error: "rehearse: recipients are needed, and a client is an IP address", code: 64 }
  const made = makeSide(sides.settings(), { ...sides, srs: sides.srs() })
  if (!made.ok) return yield { error: made.error, code: 75 }
  const side = made.value
  const from = text(request["from"])
  const header = text(request["header"])
  const mailers = new Set<string>()
  try {
    for (const typed of to) {
      const explained = await wayOf(typed, from, client)
      for (const mailer of mailersIn(explained)) mailers.add(mailer)
      yield { explained: { ...explained, tree: await treeOf(typed, side.routing) } }
    }
    if (client === undefined || from === undefined) return
    const octets = header === undefined ? undefined : Buffer.from(header, "latin1")
    const size = typeof request["size"] === "number" ? request["size"] : (octets?.length ?? 0)
    const play = { client, helo: text(request["helo"]), from, to, header: octets, size }
    for (const step of await rehearse(play, side.gate())) yield { step }
    if (octets !== undefined)
      for (const mailer of mailersThatRewrite(mailers))
        for (const field of await rewrittenFields(octets, mailer, side.routing)) yield { field }
  } finally {
    side.close()
  }
}

function mailersIn({ deliverable }: Answer): readonly string[] {
  if (!Array.isArray(deliverable)) return []
  return deliverable.flatMap((end: { readonly mailer?: unknown }) =>
    typeof end.mailer === "string" ? [end.mailer] : [],
  )
}

/** Files and programs get the message as mailboxes do; a message that goes nowhere is told as it would leave. */
function mailersThatRewrite(mailers: ReadonlySet<string>): readonly string[] {
  const leaving = [...mailers].filter((mailer) => !mailer.startsWith("*") && mailer !== "prog")
  return leaving.length === 0 ? ["esmtp"] : leaving.slice(0, mostMailers)
}

type Typed = {
  readonly typed: string
  readonly from: string | undefined
  readonly client: string | undefined
}

function explain(question: Typed, side: Side): Promise<Explained> {
  return explainAddress(question, { routing: side.routing, gate: side.gate() })
}

/** Addresses under the settings in force and under others: what is decided otherwise. */
async function* compare(request: Request, { sides }: ConsoleWorld): AsyncIterable<Answer> {
  const addresses = stringsOf(request["addresses"])
  const maps = pathsOf(request["maps"] ?? {})
  const files = pathsOf(request["files"] ?? {})
  if (addresses === undefined || maps === undefined || files === undefined)
    return yield { error: "compare: addresses and texts are needed", code: 64 }
  const base = { settings: sides.settings(), state: sides.state, asRoot: sides.asRoot }
  const wish = { config: text(request["config"]), text: text(request["text"]), maps }
  const settings = settingsOf(Object.keys(files).length === 0 ? wish : { ...wish, files }, base)
  if (!settings.ok) return yield { error: settings.error, code: 65 }
  const parts = { ...sides, dns: dnsOnce(sides.dns).dns, srs: sides.srs() }
  const now = makeSide(base.settings, parts)
  if (!now.ok) return yield { error: now.error, code: 75 }
  const then = makeSide(settings.value, parts)
  try {
    if (!then.ok) return yield { error: then.error, code: 65 }
    for (const address of addresses) yield await compared(address, now.value, then.value)
  } finally {
    now.value.close()
    if (then.ok) then.value.close()
  }
}

async function compared(address: string, now: Side, then: Side): Promise<Answer> {
  const question = { typed: address, from: undefined, client: undefined }
  const [before, after] = [await explain(question, now), await explain(question, then)]
  return {
    address,
    before: waysOf(before),
    after: waysOf(after),
    beforeReasons: before.lines,
    afterReasons: after.lines,
  }
}

/** Where it goes, in one line. */
function waysOf({ deliverable, failed }: Explained): string {
  const ways = deliverable.map(({ mailer, host, user }) =>
    [mailer, host, user].filter((part) => part !== "").join(" "),
  )
  return [...ways, ...failed.map(({ reply }) => `refused: ${reply}`)].toSorted().join(", ")
}

function stringsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined
}
