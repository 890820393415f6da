// Looking through the timelines for a running system's commands: page by page, so that no commit waits for a search.
import { printReason } from "../routing/explain.ts"
import type { Event, EventSearch, Spool } from "../spool/spool.ts"
import type { Answer, Request } from "./control.ts"

export type Timelines = Pick<Spool, "events" | "history">

/** Timelines that a search shows when nobody says how many. */
const usual = 20

/** Every event of a search, the newest first. */
export async function* eventPages(
  { events }: Pick<Spool, "events">,
  search: EventSearch,
  signal?: AbortSignal,
): AsyncIterable<Event> {
  const gone = () => signal?.aborted === true
  for (let before: number | undefined; !gone(); ) {
    const page = await events(before === undefined ? search : { ...search, before })
    yield* page.events
    if (page.before === undefined) return
    before = page.before
  }
}

/** `trace`: the timelines of the messages and sessions that have an event with all these words, the newest first. */
export async function* trace(request: Request, spool: Timelines, signal: AbortSignal): AsyncIterable<Answer> {
  const { words, limit = usual } = request
  if (!isWords(words) || words.length === 0) return yield { error: "trace: which words?", code: 64 }
  if (typeof limit !== "number" || !(limit > 0))
    return yield { error: "trace: the limit is no number", code: 64 }
  const timelines = { events: (search: EventSearch) => spool.events(search) }
  const seen = new Set<string>()
  for await (const { id } of eventPages(timelines, { words }, signal)) {
    if (seen.has(id)) continue
    if (seen.size >= limit) return yield { more: true }
    seen.add(id)
    yield { id, events: (await spool.history(id)).map(told) }
  }
}

function told(event: Event): object {
  return { ...event, reasons: event.reason === undefined ? [] : printReason(event.reason) }
}

function isWords(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((word) => typeof word === "string" && word !== "")
}
