import assert from "node:assert/strict"
import { test } from "node:test"
import { queuedFor } from "../../test/kit/queued.ts"
import { type Limit, readSelection, type Selection, selects } from "./select.ts"

const lunch = queuedFor({
  id: "6AO7AgXX000001",
  from: "me@grussell.org",
  to: ["You@Napier.ac.uk", "gordon@hello.com"],
})
const held = queuedFor({
  id: "6AO7AgXX000002",
  from: "null",
  to: ["me@grussell.org"],
  held: "looks like Spam",
})
const late = queuedFor({
  id: "6AO7AgXX000003",
  from: "me@hello.com",
  to: ["x@example.org"],
  said: "Connection refused",
})

const limit = (text: string): Limit => {
  const [, not = "", field = "", part = ""] = /^(!?)(\w+)=(.*)$/.exec(text) ?? []
  return { not: not === "!", field: field as Limit["field"], part }
}

const cases: readonly (readonly [string, Selection["held"], readonly string[]])[] = [
  ["", "any", ["1", "2", "3"]],
  ["", "no", ["1", "3"]],
  ["", "only", ["2"]],
  ["recipient=napier", "any", ["1"]],
  ["!recipient=napier", "any", ["2", "3"]],
  ["recipient=NAPIER", "any", ["1"]],
  ["recipient=napier recipient=example", "any", ["1", "3"]],
  ["sender=me@ recipient=example", "any", ["3"]],
  ["sender=nobody", "any", []],
  ["id=xx000001", "any", []],
  ["id=XX000001", "any", ["1"]],
  ["id=XX000001 id=XX000003", "any", ["1", "3"]],
  ["reason=spam", "only", ["2"]],
  ["!reason=spam", "only", []],
  ["reason=refused", "any", ["3"]],
]

for (const [limits, which, expected] of cases) {
  test(`"${limits}" with held ${which} means ${expected.join(" ") || "nothing"}`, () => {
    const selection = { limits: limits.split(" ").filter(Boolean).map(limit), held: which }
    const found = [lunch, held, late].filter((one) => selects(selection, one))
    assert.deepEqual(
      found.map(({ entry }) => entry.id.slice(-1)),
      expected,
    )
    assert.deepEqual(readSelection(JSON.parse(JSON.stringify(selection))), selection)
  })
}

test("what is no selection is refused, and nothing given means everything", () => {
  assert.deepEqual(readSelection(undefined), { limits: [], held: "any" })
  const wrong: readonly unknown[] = [
    null,
    "all",
    {},
    { limits: [], held: "some" },
    { limits: [{ field: "size", part: "1", not: false }], held: "any" },
    { limits: [{ field: "id", part: 1, not: false }], held: "any" },
    { limits: [{ field: "id", part: "1" }], held: "any" },
    { limits: "id", held: "any" },
  ]
  for (const one of wrong) assert.equal(readSelection(one), undefined, JSON.stringify(one))
})

test("a queue group is meant by its whole name; what is in none is in the main one", () => {
  const slow = {
    ...lunch,
    pending: lunch.pending.map((one, n) => (n === 0 ? { ...one, group: "slow" } : one)),
  }
  const meant = (text: string) => selects({ limits: [limit(text)], held: "any" }, slow)
  assert.deepEqual(["group=slow", "group=slo", "group=mqueue", "!group=slow"].map(meant), [
    true,
    false,
    true,
    false,
  ])
})
