import assert from "node:assert/strict"
import { test } from "node:test"
import { queuedFor } from "../../test/kit/queued.ts"
import { ages, QueueShape, total } from "./summary.ts"

const now = Date.UTC(2026, 10, 24, 12, 0, 0)
const minutesAgo = (minutes: number) => now - minutes * 60_000

test("recipients are counted by destination and age, the fullest destination first", () => {
  const shape = new QueueShape(now)
  shape.add(queuedFor({ to: ["a@Example.org", "b@example.org"], acceptedAt: minutesAgo(7) }))
  shape.add(queuedFor({ to: ["c@example.org"], acceptedAt: minutesAgo(3000) }))
  shape.add(queuedFor({ to: ["you@napier.ac.uk"], acceptedAt: minutesAgo(0) }))
  const shapes = shape.shapes()
  assert.deepEqual(
    shapes.map(({ destination, counts }) => [destination, total(counts)]),
    [
      ["example.org", 3],
      ["napier.ac.uk", 1],
    ],
  )
  const [example, napier] = shapes
  assert.equal(example?.counts.length, ages.length + 1)
  assert.equal(example?.counts[1], 2)
  assert.equal(example?.counts.at(-1), 1)
  assert.equal(napier?.counts[0], 1)
})

test("what is routed already counts for where it goes, a name of this host for here", () => {
  const shape = new QueueShape(now)
  shape.add(queuedFor({ to: ["you@napier.ac.uk"], host: "Relay.hello.com", acceptedAt: now }))
  shape.add(queuedFor({ to: ["postmaster"], acceptedAt: now }))
  assert.deepEqual(
    shape.shapes().map(({ destination }) => destination),
    ["(local)", "relay.hello.com"],
  )
})

test("an empty queue has no shape", () => {
  assert.deepEqual(new QueueShape(now).shapes(), [])
})
