import assert from "node:assert/strict"
import { test } from "node:test"
import type { Event, EventSearch } from "../spool/spool.ts"
import { eventPages, trace } from "./trace-verbs.ts"

const event = (id: string, at: number): Event => ({
  id,
  at,
  what: "refused",
  address: "ann@hello.com",
  status: "550 5.7.1 Access denied",
  detail: "check_mail",
  remote: "[192.0.2.7]",
  reason: undefined,
})

/** Timelines whose search has these pages. */
function timelines(pages: readonly (readonly Event[])[]) {
  const asked: (number | undefined)[] = []
  return {
    asked,
    async events({ before = 0 }: EventSearch) {
      asked.push(before)
      return { events: pages[before] ?? [], before: before + 1 < pages.length ? before + 1 : undefined }
    },
    history: async (id: string) => [event(id, 1), event(id, 2)],
  }
}

async function all<T>(found: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = []
  for await (const one of found) list.push(one)
  return list
}

const signal = new AbortController().signal

test("pages are read to the end, empty ones among them", async () => {
  const spool = timelines([[event("a", 9)], [], [event("b", 3)]])
  const found = await all(eventPages(spool, { words: ["ann"] }))
  assert.deepEqual(
    found.map(({ id }) => id),
    ["a", "b"],
  )
  assert.deepEqual(spool.asked, [0, 1, 2])
})

test("nobody who has hung up is searched for", async () => {
  const gone = new AbortController()
  gone.abort()
  const spool = timelines([[event("a", 9)]])
  assert.deepEqual(await all(eventPages(spool, { words: [] }, gone.signal)), [])
  assert.deepEqual(spool.asked, [])
})

test("each timeline is told once and whole; that there are more than were asked for is said", async () => {
  const spool = timelines([[event("c", 9), event("c", 8), event("b", 7)], [event("a", 1)]])
  const answers = await all(trace({ verb: "trace", words: ["ann"], limit: 2 }, spool, signal))
  assert.deepEqual(
    answers.map(({ id, events, more }) => (more === true ? "more" : [id, (events as Event[]).length])),
    [["c", 2], ["b", 2], "more"],
  )
})

test("a search without words, or with a limit that is none, is a mistake of the asker", async () => {
  for (const request of [{ words: [] }, { words: "ann" }, { words: [""] }, { words: ["a"], limit: -1 }]) {
    const [answer] = await all(trace({ verb: "trace", ...request }, timelines([]), signal))
    assert.equal(answer?.["code"], 64)
  }
})
