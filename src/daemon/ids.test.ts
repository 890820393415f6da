import assert from "node:assert/strict"
import { test } from "node:test"
import { makeIds } from "./ids.ts"

test("an id has sendmail's form and carries the second it was made in", () => {
  const newId = makeIds(() => Date.UTC(2026, 10, 24, 7, 10, 42), 1234)
  assert.equal(newId(), "6AO7Ag00001234")
  assert.equal(newId(), "6AO7Ag01001234")
})

test("ids stay different through 10,000 in one second and a clock that steps back", () => {
  let now = Date.UTC(2026, 10, 24)
  const newId = makeIds(() => now, 999_999)
  const seen = new Set<string>()
  for (let i = 0; i < 10_000; i++) {
    if (i === 5000) now -= 3600_000
    const id = newId()
    assert.match(id, /^[0-9A-Za-x]{14}$/)
    seen.add(id)
  }
  assert.equal(seen.size, 10_000)
})
