import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { journeysFile, writeJourneys } from "./journeys.ts"

test("docs/journeys.md says what explain says (node test/journeys.ts writes it anew)", async () => {
  assert.equal(readFileSync(journeysFile, "utf8"), await writeJourneys())
})
