// The queue for the console: a page of it, and what is done to a selection, with a preview.
import { ageInSeconds } from "../commands/queue-filter.ts"
import { asObject, queuedOf } from "../commands/queue-list.ts"
import type { Limit } from "../queue/select.ts"
import type { QueueChanged, QueueFilter, QueueLine, QueuePage, QueueVerb } from "./api-queue.ts"
import { type Ask, first, Refused } from "./asking.ts"
import { idOf } from "./input.ts"

/** Messages of a change that are told by name. */
const mostTold = 100

export type PageAsked = Omit<QueueFilter, "ids"> & {
  readonly cursor: string | undefined
  readonly limit: number
}

/** A page in the order of acceptance. */
export async function queuePage(ask: Ask, { cursor, limit, ...filter }: PageAsked): Promise<QueuePage> {
  const request = {
    verb: "queue",
    ...wantedBy(filter),
    limit,
    ...(cursor === undefined ? {} : { after: idOf(cursor) }),
  }
  const messages: QueueLine[] = []
  let next: string | undefined
  for await (const answer of ask(request)) {
    if (typeof answer["next"] === "string") next = answer["next"]
    else messages.push(asObject(queuedOf(answer)))
  }
  const { messages: total } = await first(ask({ verb: "count" }))
  return {
    messages,
    ...(next === undefined ? {} : { cursor: next }),
    total: typeof total === "number" ? total : messages.length,
  }
}

export type ChangeAsked = QueueFilter & {
  readonly preview: boolean
  readonly all: boolean
  readonly because: string | undefined
}

/** Shows what is meant, or does it. */
export async function changeQueue(ask: Ask, verb: QueueVerb, asked: ChangeAsked): Promise<QueueChanged> {
  const { preview, all, because, ...filter } = asked
  if (preview && all && Object.keys(filter).length === 0) return everything(ask)
  const messages: QueueLine[] = []
  let count = 0
  const request = {
    verb,
    ...wantedBy(filter),
    ...(all || filter.state === "held" ? { all: true } : {}),
    ...(preview ? { preview: true, told: mostTold } : {}),
    because: because ?? "by hand, in the console",
  }
  for await (const answer of ask(request)) {
    const { more } = answer
    count += typeof more === "number" ? more : 1
    if (more === undefined && messages.length < mostTold) messages.push(asObject(queuedOf(answer)))
  }
  return { count, messages, done: !preview }
}

/** All that waits is counted already: nothing has to be read for that but the first ones. */
async function everything(ask: Ask): Promise<QueueChanged> {
  const { messages, total } = await queuePage(ask, { cursor: undefined, limit: mostTold })
  return { count: total, messages, done: false }
}

/** A filter as the control socket has it. */
export function wantedBy({ ids, to, from, destination, reason, older, state = "any" }: QueueFilter) {
  const seconds = older === undefined ? undefined : ageInSeconds(older)
  if (older !== undefined && seconds === undefined)
    throw new Refused(400, "older is an age", "45s, 30m, 4h, 2d, 1w")
  const limits: readonly Limit[] = reason === undefined ? [] : [{ field: "reason", part: reason, not: false }]
  return {
    ...(ids === undefined ? {} : { ids: ids.map(idOf) }),
    ...(to === undefined ? {} : { to }),
    ...(from === undefined ? {} : { from }),
    ...(destination === undefined ? {} : { destination }),
    ...(seconds === undefined ? {} : { olderThan: Date.now() - seconds * 1000 }),
    selection: { limits, held: state === "any" ? "any" : state === "held" ? "only" : "no" },
  }
}
