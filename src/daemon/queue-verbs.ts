// What the commands may ask of the queue of a running system: to list it, to sum it up, to steer what is in it, to hand it out.
import { mainGroup } from "../config/queue-groups.ts"
import { printPath } from "../mail/address.ts"
import type { Clock } from "../mail/world.ts"
import type { Queued } from "../queue/entry.ts"
import { asDated } from "../queue/steady.ts"
import { readSelection, type Selection, selects } from "../queue/select.ts"
import { QueueShape, type Shape } from "../queue/summary.ts"
import type { Filter, Spool } from "../spool/spool.ts"
import type { Answer, Request } from "./control.ts"
import type { QueueGroups } from "./queue-groups.ts"

export type QueueVerbsWorld = {
  readonly spool: Pick<Spool, "list" | "get" | "content" | "shapes">
  readonly clock: Clock
  /** How far the machine's clock, which everybody reads, is ahead of it. */
  readonly ahead?: () => number
  /** Queue groups of the configuration in force; undefined: it has none. */
  readonly groups?: () => QueueGroups | undefined
}

export type ChangeWorld = QueueVerbsWorld & {
  /** Something may be due now. */
  readonly wake: () => void
}

const none = () => 0

/** How many queue entries are read in one short transaction. */
const page = 200
/** Messages that are changed at the same time: they share a commit. */
const together = 64

/**
 * Everything that is meant, page by page: a slow reader holds nothing up. With `limit` and `after` a part of it, and then the id
 * after which it goes on.
 */
export async function* queue(
  request: Request,
  { spool, ahead = none, groups }: QueueVerbsWorld,
): AsyncIterable<Answer> {
  const wanted = wantedBy(request, ahead(), groups?.())
  if (typeof wanted === "string") return yield notUnderstood(request, wanted)
  const { after, limit = Number.POSITIVE_INFINITY } = request
  let last: string | undefined
  let given = 0
  for await (const queued of found(wanted, spool, typeof after === "string" ? after : undefined)) {
    if (typeof limit === "number" && given >= limit) return yield { next: last }
    last = queued.entry.id
    given++
    yield { queued: asDated(queued, ahead()) }
  }
}

/** Recipients by destination and age. */
export async function* summary(
  request: Request,
  { spool, clock, ahead = none, groups }: QueueVerbsWorld,
): AsyncIterable<Answer> {
  const wanted = wantedBy(request, ahead(), groups?.())
  if (typeof wanted === "string") return yield notUnderstood(request, wanted)
  for (const shape of await shapesOf(wanted, clock(), spool)) yield { shape }
}

/** Counted in the database, unless addresses or words have to be looked at. */
async function shapesOf(
  wanted: Wanted,
  now: number,
  spool: Pick<Spool, "list" | "shapes">,
): Promise<readonly Shape[]> {
  const { ids, to, from, destination, ...rest } = wanted.filter
  const looked = [ids, to, from, destination].some((one) => one !== undefined)
  if (!looked && wanted.selection.limits.length === 0) return spool.shapes({ ...rest, now })
  const shape = new QueueShape(now)
  for await (const queued of found(wanted, spool)) shape.add(queued)
  return shape.shapes()
}

/**
 * Does it to every message that is meant, and says which; with `preview` only says which. `all` must be asked for: nothing given
 * changes nothing.
 */
export async function* change(
  request: Request,
  { spool, ahead = none, groups, wake }: ChangeWorld,
  act: (id: string) => Promise<boolean>,
): AsyncIterable<Answer> {
  const wanted = wantedBy(request, ahead(), groups?.())
  if (typeof wanted === "string") return yield notUnderstood(request, wanted)
  if (isEverything(wanted) && request["all"] !== true)
    return yield { error: `${request.verb}: name ids or a filter, or say --all`, code: 64 }
  if (request["preview"] === true) {
    return yield* preview(request, found(wanted, spool), ahead())
  }
  const meant: string[] = [] // all of them first: what is done changes what would be found
  for await (const { entry } of found(wanted, spool)) meant.push(entry.id)
  for (let n = 0; n < meant.length; n += together) {
    const some = meant.slice(n, n + together).map(async (id) => {
      const queued = await spool.get(id)
      return queued !== undefined && (await act(id)) ? [{ queued: asDated(queued, ahead()) }] : []
    })
    yield* (await Promise.all(some)).flat()
  }
  wake()
}

/** What is meant; with `told`, so many of it, and of all that is more the number. */
async function* preview(
  { told }: Request,
  meant: AsyncIterable<Queued>,
  ahead: number,
): AsyncIterable<Answer> {
  const most = typeof told === "number" ? told : Number.POSITIVE_INFINITY
  let count = 0
  for await (const queued of meant) if (count++ < most) yield { queued: asDated(queued, ahead) }
  if (count > most) yield { more: count - most }
}

/** A message's octets, in base64, piece by piece, after a line about it. */
export async function* hand(
  request: Request,
  { spool, ahead = none }: QueueVerbsWorld,
): AsyncIterable<Answer> {
  const { id } = request
  const queued = typeof id === "string" ? await spool.get(id) : undefined
  if (queued === undefined)
    return yield { error: `${String(id)}: no message of this id is in the queue`, code: 67 }
  const content = await spool.content(queued.entry.id)
  if (!content.ok) return yield { error: `${queued.entry.id}: ${content.error}`, code: 74 }
  const sender = printPath(queued.entry.envelope.reversePath)
  yield { id: queued.entry.id, sender, acceptedAt: queued.entry.acceptedAt + ahead() }
  for await (const piece of content.value.chunks()) yield { octets: piece.toString("base64") }
}

type Wanted = {
  readonly filter: Filter
  readonly selection: Selection
  /** Tells each recipient's queue group, where there are some. */
  readonly groups: QueueGroups | undefined
}

/** Times are asked for as the machine's clock has them. A text says why it cannot be done. */
function wantedBy(request: Request, ahead: number, groups: QueueGroups | undefined): Wanted | string {
  const { ids, to, from, destination, olderThan } = request
  const selection = readSelection(request["selection"])
  if (selection === undefined) return "the selection cannot be understood"
  for (const { field, part } of selection.limits)
    if (field === "group" && part !== mainGroup && groups?.knows(part) !== true)
      return `no queue group is called ${part}`
  const filter = {
    ...hintsOf(selection),
    ...(Array.isArray(ids) ? { ids: ids.map(String) } : {}),
    ...(typeof to === "string" ? { to } : {}),
    ...(typeof from === "string" ? { from } : {}),
    ...(typeof destination === "string" ? { destination } : {}),
    ...(typeof olderThan === "number" ? { olderThan: olderThan - ahead } : {}),
    ...(selection.held === "any" ? {} : { held: selection.held }),
  }
  return { filter, selection, groups }
}

const hinted = { sender: "from", recipient: "to", reason: "reason" } as const

/** What the database can leave out by itself: a field with one part that must be there. */
function hintsOf({ limits }: Selection): Filter {
  return Object.fromEntries(
    limits.flatMap(({ field, part, not }) =>
      field === "id" ||
      field === "group" ||
      not ||
      limits.some((other) => other.field === field && other.part !== part)
        ? []
        : [[hinted[field], part]],
    ),
  )
}

/** What is held, or what is not, is no narrower than that. */
function isEverything({ filter, selection }: Wanted): boolean {
  return Object.keys(filter).every((key) => key === "held") && selection.limits.length === 0
}

function notUnderstood({ verb }: Request, why: string): Answer {
  return { error: `${verb}: ${why}`, code: 64 }
}

async function* found(
  { filter, selection, groups }: Wanted,
  spool: Pick<Spool, "list">,
  afterId?: string,
): AsyncIterable<Queued> {
  let after = afterId
  for (;;) {
    const some = await spool.list(filter, after, page)
    for (const stored of some) {
      const queued = groups === undefined ? stored : await groups.named(stored)
      if (selects(selection, queued)) yield queued
    }
    after = some.at(-1)?.entry.id
    if (some.length < page) return
  }
}
