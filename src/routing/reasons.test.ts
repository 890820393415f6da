import assert from "node:assert/strict"
import { test } from "node:test"
import type { LookupTable } from "../maps/table.ts"
import { byEntry, changedByEntry } from "./reasons.ts"

const aliases: LookupTable = { name: "aliases", via: undefined, lookup: () => ({ found: "nothing" }) }
const at = { file: "/etc/mail/aliases", line: 7, column: 1 }

test("the reason of a list of thousands cites its line and does not repeat its members, for each of them keeps it", () => {
  const value = Array.from({ length: 10_000 }, (_, n) => `r${n}@example.org`).join(", ")
  for (const reason of [byEntry, changedByEntry]) {
    const { says, at: origin } = reason(aliases, { key: "staff", value, at })
    assert.match(says, /^"staff" says "r0@example\.org, r1@example\.org, .*…"$/)
    assert.ok(says.length < 400, `${says.length} letters`)
    assert.deepEqual(origin, at)
  }
})

test("a value of usual length is said whole", () => {
  assert.equal(byEntry(aliases, { key: "staff", value: "gor, ann", at }).says, '"staff" says "gor, ann"')
})
