// What the commands in bin/ may ask of a running system, verb by verb. Reading is for everybody on the machine, as mailq is;
// changing is for the owner of the system and root.
import type { Content } from "../mail/content.ts"
import type { Clock } from "../mail/world.ts"
import type { Queued } from "../queue/entry.ts"
import { printReason } from "../routing/explain.ts"
import type { Filter, Spool } from "../spool/spool.ts"
import type { Answer, Asker, Request, Verb, Verbs } from "./control.ts"
import type { Runner } from "./runner.ts"
import type { Watchers } from "./watchers.ts"

export type ControlWorld = {
  readonly spool: Spool
  readonly runner: Pick<Runner, "idle" | "wake">
  readonly watchers: Watchers
  readonly clock: Clock
  /** The way an address takes, as text lines and as an object. */
  readonly explain: (address: string, from: string | undefined, client: string | undefined) => Promise<Answer>
  readonly version: string
  /** Where mail comes in; the first is the one to talk to. */
  readonly listeners: () => readonly { readonly address: string | undefined; readonly port: number }[]
  readonly reload: () => void
}

/** How many queue entries are read in one short transaction. */
const page = 200

export function controlVerbs(world: ControlWorld): Verbs {
  return new Map<string, Verb>([
    [
      "ready",
      () => once({ ok: true, version: world.version, pid: process.pid, listeners: world.listeners() }),
    ],
    ["idle", (request) => idle(request, world)],
    ["count", () => counted(world)],
    ["queue", (request) => queue(request, world)],
    ["show", (request) => show(request, world)],
    ["explain", (request) => explain(request, world)],
    ["watch", (request, _asker, signal) => watch(request, world, signal)],
    [
      "hold",
      trusted((request) =>
        change(request, world, (id) => world.spool.hold(id, text(request["reason"]) ?? "by hand")),
      ),
    ],
    ["release", trusted((request) => change(request, world, (id) => world.spool.release(id)))],
    ["remove", trusted((request) => change(request, world, (id) => world.spool.remove(id)))],
    ["retry", trusted((request) => change(request, world, (id) => world.spool.retry(id)))],
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

async function* queue(request: Request, world: ControlWorld): AsyncIterable<Answer> {
  for await (const queued of pages(filterOf(request), world.spool)) yield { queued }
}

async function* pages(filter: Filter, spool: Spool): AsyncIterable<Queued> {
  let after: string | undefined
  for (;;) {
    const some = await spool.list(filter, after, page)
    yield* some
    after = some.at(-1)?.entry.id
    if (some.length < page) return
  }
}

async function* show(request: Request, { spool }: ControlWorld): AsyncIterable<Answer> {
  const id = text(request["id"]) ?? ""
  const queued = await spool.get(id)
  const events = (await spool.history(id)).map((event) => ({
    ...event,
    reasons: event.reason === undefined ? [] : printReason(event.reason),
  }))
  if (queued === undefined && events.length === 0) {
    yield { error: `${id}: no message or session of this id is in the queue or in the history`, code: 67 }
    return
  }
  const content = queued === undefined ? undefined : await spool.content(id)
  const headerText = content?.ok === true ? await headerOf(content.value) : undefined
  yield { queued, headerText, damaged: content?.ok === false ? content.error : undefined, events }
}

async function headerOf(content: Content): Promise<string> {
  const pieces: Buffer[] = []
  let octets = 0
  for await (const piece of content.chunks()) {
    pieces.push(piece)
    octets += piece.length
    if (octets >= content.headerSize) break
  }
  return Buffer.concat(pieces).subarray(0, content.headerSize).toString("latin1")
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

/** Does it to every message the filter finds, and says which. `all` must be asked for: an empty filter changes nothing. */
async function* change(
  request: Request,
  world: ControlWorld,
  act: (id: string) => Promise<boolean>,
): AsyncIterable<Answer> {
  const filter = filterOf(request)
  if (Object.keys(filter).length === 0 && request["all"] !== true) {
    yield { error: `${request.verb}: name ids or a filter, or say --all`, code: 64 }
    return
  }
  const found: Queued[] = []
  for await (const queued of pages(filter, world.spool)) found.push(queued)
  for (const queued of found) {
    if (request["preview"] === true || (await act(queued.entry.id))) yield { queued }
  }
  if (request["preview"] !== true) world.runner.wake()
}

function filterOf(request: Request): Filter {
  const { ids, to, from, olderThan } = request
  return {
    ...(Array.isArray(ids) ? { ids: ids.map(String) } : {}),
    ...(typeof to === "string" ? { to } : {}),
    ...(typeof from === "string" ? { from } : {}),
    ...(typeof olderThan === "number" ? { olderThan } : {}),
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined
}
