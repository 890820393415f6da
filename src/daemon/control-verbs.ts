// What the commands in bin/ may ask of a running system, verb by verb. Reading is for everybody on the machine, as mailq is;
// changing is for the owner of the system and root.
import { headerOf } from "../mail/content.ts"
import type { Clock } from "../mail/world.ts"
import { printReason } from "../routing/explain.ts"
import { asDated } from "../queue/steady.ts"
import type { Spool } from "../spool/spool.ts"
import type { HostMemory } from "../mailers/host-memory.ts"
import type { Answer, Asker, Request, Verb, Verbs } from "./control.ts"
import type { ClientQueue } from "./client-queue.ts"
import { clientVerbs } from "./client-verbs.ts"
import { consoleVerbs } from "./console-verbs.ts"
import { change, hand, queue, summary } from "./queue-verbs.ts"
import { steered } from "./life-events.ts"
import { trace } from "./trace-verbs.ts"
import type { Runner } from "./runner.ts"
import type { Statistics } from "./statistics.ts"
import type { Live } from "./live.ts"
import type { QueueGroups } from "./queue-groups.ts"
import { loginName } from "../host/login.ts"
import type { Followers } from "./followers.ts"
import { reportVerbs, type ReportsWorld } from "./report-verbs.ts"
import type { Watchers } from "./watchers.ts"
import { whatIf, type WhatIfWorld } from "./what-if-verb.ts"

export type ControlWorld = {
  readonly spool: Spool
  readonly runner: Pick<Runner, "idle" | "wake">
  readonly watchers: Watchers
  readonly followers: Followers
  readonly clock: Clock
  /** How far the machine's clock is ahead of it. */
  readonly ahead: () => number
  /** Queue groups of the configuration in force; undefined: it has none. */
  readonly groups: () => QueueGroups | undefined
  /** The way an address takes, as text lines and as an object. */
  readonly explain: (address: string, from: string | undefined, client: string | undefined) => Promise<Answer>
  readonly version: string
  /** Where mail comes in; the first is the one to talk to. */
  readonly listeners: () => readonly { readonly address: string | undefined; readonly port: number }[]
  readonly reload: () => void
  /** What is remembered of other hosts. */
  readonly hosts: HostMemory
  readonly statistics: Statistics
  /** The page for Prometheus. */
  readonly metrics: () => Promise<string>
  readonly clientQueue: ClientQueue
  readonly live: Live
  readonly whatIf: WhatIfWorld
  readonly reports: { readonly dmarc: ReportsWorld; readonly tls: ReportsWorld }
}

export function controlVerbs(world: ControlWorld): Verbs {
  const { spool, clock, ahead, runner, hosts } = world
  const queueWorld = { spool, clock, ahead, groups: world.groups }
  const wake = () => runner.wake()
  // Whoever says "now" knows better than we do whether a host lives again.
  const wakeAll = () => {
    hosts.askAgain()
    wake()
  }
  const wakes = { held: wake, removed: wake, released: wakeAll, retried: wakeAll }
  const changes = (
    what: "held" | "released" | "removed" | "retried",
    act: (id: string, request: Request) => Promise<boolean>,
  ) =>
    trusted((request, { uid }) =>
      change(request, { ...queueWorld, wake: wakes[what] }, async (id) => {
        const done = await act(id, request)
        if (done)
          spool.note([steered(what, id, { at: clock(), uid, why: text(request["because"]) ?? "by hand" })])
        return done
      }),
    )
  return new Map<string, Verb>([
    [
      "ready",
      () => once({ ok: true, version: world.version, pid: process.pid, listeners: world.listeners() }),
    ],
    ["idle", (request) => idle(request, world)],
    ["count", () => counted(world)],
    ["queue", (request) => queue(request, queueWorld)],
    ["summary", (request) => summary(request, queueWorld)],
    ["export", trusted((request) => hand(request, queueWorld))],
    ["show", (request) => show(request, world)],
    ["whatif", trusted((request, _asker, signal) => whatIf(request, world.whatIf, signal))],
    ["trace", trusted((request, _asker, signal) => trace(request, spool, signal))],
    ["explain", (request) => explain(request, world)],
    ["watch", (request, _asker, signal) => watch(request, world, signal)],
    ["follow", (request, asker, signal) => follow(request, asker, { world, signal })],
    ["hold", changes("held", (id, request) => spool.hold(id, text(request["because"]) ?? "by hand"))],
    ["release", changes("released", async (id) => (await spool.release(id)) && spool.retry(id))], // at once
    ["remove", changes("removed", (id) => spool.remove(id))],
    ["retry", changes("retried", (id) => spool.retry(id))],
    ...clientVerbs(world.clientQueue, trusted),
    ...reportVerbs("dmarc", world.reports.dmarc, trusted),
    ...reportVerbs("tls", world.reports.tls, trusted),
    ...consoleVerbs({ spool, live: world.live, sides: world.whatIf, explain: world.explain }, trusted),
    ["hosts", () => hostStatus(hosts)],
    ["statistics", () => once({ ok: true, ...world.statistics.counted() })],
    ["metrics", () => metrics(world)],
    ["forget statistics", trusted(() => once((world.statistics.clear(clock() + ahead()), { ok: true })))],
    ["forget", trusted(() => once((hosts.forget(), { ok: true })))],
    ["reload", trusted(() => once((world.reload(), { ok: true })))],
  ])
}

/** For the owner of the system and root. */
function trusted(verb: Verb): Verb {
  return (request, asker: Asker, signal) =>
    asker.trusted
      ? verb(request, asker, signal)
      : once({ error: `${request.verb}: only root and the owner of this mail system may do that`, code: 77 })
}

async function* once(answer: Answer): AsyncIterable<Answer> {
  yield answer
}

async function* idle(request: Request, { runner }: ControlWorld): AsyncIterable<Answer> {
  const seconds = typeof request["timeout"] === "number" ? request["timeout"] : 20
  const { promise, resolve } = Promise.withResolvers<"busy">()
  const timer = setTimeout(() => resolve("busy"), seconds * 1000)
  const end = await Promise.race([runner.idle().then(() => "idle" as const), promise])
  clearTimeout(timer)
  yield end === "idle" ? { ok: true } : { error: `still busy after ${seconds} s`, code: 75 }
}

async function* counted({ spool }: ControlWorld): AsyncIterable<Answer> {
  yield { ok: true, ...(await spool.count()) }
}

async function* metrics(world: ControlWorld): AsyncIterable<Answer> {
  yield { text: await world.metrics() }
}

/** One line for each host that is remembered. */
async function* hostStatus(hosts: ControlWorld["hosts"]): AsyncIterable<Answer> {
  for (const host of hosts.list()) yield { host }
}

async function* show(request: Request, { spool, ahead }: ControlWorld): AsyncIterable<Answer> {
  const id = text(request["id"]) ?? ""
  const found = await spool.get(id)
  const queued = found === undefined ? undefined : asDated(found, ahead())
  const events = (await spool.history(id)).map((event) => ({
    ...event,
    reasons: event.reason === undefined ? [] : printReason(event.reason),
  }))
  if (queued === undefined && events.length === 0) {
    yield { error: `${id}: no message or session of this id is in the queue or in the history`, code: 67 }
    return
  }
  const content = queued === undefined ? undefined : await spool.content(id)
  const remembered = events.find((event) => event.message !== undefined)?.message
  const headerText =
    content?.ok === true ? (await headerOf(content.value)).toString("latin1") : remembered?.header
  yield { queued, remembered, headerText, damaged: content?.ok === false ? content.error : undefined, events }
}

async function* explain(request: Request, world: ControlWorld): AsyncIterable<Answer> {
  const address = text(request["address"])
  if (address === undefined) yield { error: "explain: which address?", code: 64 }
  else yield world.explain(address, text(request["from"]), text(request["client"]))
}

async function* watch(
  request: Request,
  { watchers }: ControlWorld,
  signal: AbortSignal,
): AsyncIterable<Answer> {
  for await (const { reply, reason } of watchers.watch(text(request["client"]) ?? "", signal)) {
    yield { reply, reasons: reason === undefined ? [] : printReason(reason) }
  }
}

/** For whoever handed the message in, and for root. */
async function* follow(
  request: Request,
  asker: Asker,
  { world: { followers }, signal }: { readonly world: ControlWorld; readonly signal: AbortSignal },
): AsyncIterable<Answer> {
  const id = text(request["id"]) ?? ""
  if (!asker.trusted && followers.loginOf(id) !== (await loginName(asker.uid))) return
  for await (const line of followers.follow(id, signal)) yield { line }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined
}
