import assert from "node:assert/strict"
import { test } from "node:test"
import { Notes } from "./notes.ts"
import type { EventRow } from "./requests.ts"
import type { Event } from "./spool.ts"

function event(id: string): Event {
  const words = { address: "me", status: "5.7.1", detail: "Relaying denied" }
  return { at: 0, id, what: "refused", ...words, remote: undefined, reason: undefined }
}

function gathering() {
  const kept: EventRow[] = []
  const log: string[] = []
  const notes = new Notes((line) => log.push(line))
  notes.connect({ note: (rows) => kept.push(...rows) })
  return { notes, kept, log }
}

test("events travel together, and are there as soon as somebody asks", () => {
  const { notes, kept } = gathering()
  notes.add([event("a"), event("b")])
  assert.equal(kept.length, 0)
  notes.flush()
  assert.deepEqual(
    kept.map(({ id }) => id),
    ["a", "b"],
  )
})

test("a flood of refused sessions is dropped and counted, and what comes after it is kept again", () => {
  const { notes, kept, log } = gathering()
  for (let n = 0; n < 50_000; n++) notes.add([event(`s${n}`)])
  notes.flush()
  assert.equal(kept.length, 20_000)
  notes.kept(20_000)
  assert.deepEqual(log, ["30000 events were not kept in the timelines: more came than could be written"])
  notes.add([event("after")])
  notes.flush()
  assert.equal(kept.at(-1)?.id, "after")
})
