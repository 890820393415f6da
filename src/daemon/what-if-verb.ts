// `whatif` over the control socket: reads what was decided from the timelines, asks both configurations, and tells what differs, one
// object each, then a summary. A few questions at a time, so that mail goes on.
import { setImmediate as turn } from "node:timers/promises"
import { feature, type Settings } from "../config/settings.ts"
import type { Clock, Accounts, Dns, ReadUserFile } from "../mail/world.ts"
import type { RoutingWorld } from "../routing/world.ts"
import type { EventSearch, Spool } from "../spool/spool.ts"
import type { Answer, Request } from "./control.ts"
import { eventPages } from "./trace-verbs.ts"
import { compareSides } from "./what-if.ts"
import { printQuestion, Questions } from "./what-if-record.ts"
import { settingsOf, type WhatIf } from "./what-if-settings.ts"
import { dnsOnce, makeSide, type Side, type Sides } from "./what-if-side.ts"

export type WhatIfWorld = {
  readonly spool: Pick<Spool, "events">
  /** In force. */
  readonly settings: () => Settings
  readonly srs: () => RoutingWorld["srs"]
  readonly dns: Dns
  readonly accounts: Accounts
  readonly readUserFile: ReadUserFile
  readonly clock: Clock
  readonly state: string
  readonly asRoot: boolean
}

/** Decisions that are looked at when nobody says how many: the newest. */
const usual = 5000
/** Questions under way at once: one that waits for DNS holds up none that does not. */
const atOnce = 16

/** What the configuration that was asked about cannot be used for: `waypost whatif` ends with 2. */
const unusable = 2

export async function* whatIf(
  request: Request,
  world: WhatIfWorld,
  signal: AbortSignal,
): AsyncIterable<Answer> {
  const wanted = wantedBy(request)
  const { last = usual } = request
  if (wanted === undefined || typeof last !== "number" || !(last > 0))
    return yield { error: "whatif: name a configuration or a table", code: unusable }
  const settings = settingsOf(wanted, {
    settings: world.settings(),
    state: world.state,
    asRoot: world.asRoot,
  })
  if (!settings.ok) return yield { error: settings.error, code: unusable }
  const { dns, asked } = dnsOnce(world.dns)
  const parts = { ...world, dns, srs: world.srs() }
  const now = makeSide(world.settings(), parts)
  const instead = makeSide(settings.value, parts)
  if (!now.ok || !instead.ok) {
    if (now.ok) now.value.close()
    if (instead.ok) instead.value.close()
    return yield { error: now.ok ? (instead.ok ? "" : instead.error) : now.error, code: unusable }
  }
  try {
    const sides = { now: now.value, instead: instead.value }
    yield* compared(await questionsOf(world, sides, last, signal), sides, asked, signal)
  } finally {
    now.value.close()
    instead.value.close()
  }
}

async function questionsOf(
  { spool }: WhatIfWorld,
  { now, instead }: Sides,
  last: number,
  signal: AbortSignal,
): Promise<Questions> {
  const rules = now.settings.localRules.length + instead.settings.localRules.length
  const questions = new Questions(rules > 0)
  const timelines = { events: (search: EventSearch) => spool.events(search) }
  for await (const event of eventPages(timelines, { words: [], decisions: true }, signal)) {
    questions.add(event)
    if (questions.read >= last) break
  }
  return questions
}

async function* compared(
  questions: Questions,
  sides: Sides,
  asked: () => number,
  signal: AbortSignal,
): AsyncIterable<Answer> {
  const all = questions.all
  let changed = 0
  let moved = 0
  for (let n = 0; n < all.length && !signal.aborted; n += atOnce) {
    const batch = all.slice(n, n + atOnce)
    const found = await Promise.all(batch.map((question) => compareSides(question, sides)))
    for (const one of found) {
      if (one.moved) moved++
      if (!one.differ) continue
      changed++
      const { now, instead, question } = one
      const { header: _, ...shown } = question
      yield { changed: { question: shown, now, instead, text: printQuestion(question) } }
    }
    await turn() // sessions and deliveries first
  }
  yield {
    summary: {
      decisions: questions.read,
      since: questions.since,
      questions: all.length,
      changed,
      moved,
      dnsQuestions: asked(),
      notices: noticesOf(sides.now, sides.instead),
    },
  }
}

function noticesOf(now: Side, instead: Side): readonly string[] {
  const greylist = [now, instead].some(({ settings }) => feature(settings, "greylist") !== undefined)
  const known = greylist ? ["FEATURE(greylist): every client is taken for one that came again"] : []
  return [...new Set([...known, ...instead.notices])]
}

function wantedBy({ config, text, maps = {}, files }: Request): WhatIf | undefined {
  if (config !== undefined && typeof config !== "string") return undefined
  if (text !== undefined && (typeof text !== "string" || config === undefined)) return undefined
  const [named, instead] = [pathsOf(maps), files === undefined ? undefined : pathsOf(files)]
  if (named === undefined || (files !== undefined && instead === undefined)) return undefined
  if (config === undefined && instead === undefined && Object.keys(named).length === 0) return undefined
  return { config, text, maps: named, ...(instead === undefined ? {} : { files: instead }) }
}

/** Names, each with the path that stands for it. */
export function pathsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined
  const paths: Record<string, string> = {}
  for (const [name, path] of Object.entries(value)) {
    if (typeof path !== "string") return undefined
    paths[name] = path
  }
  return paths
}
