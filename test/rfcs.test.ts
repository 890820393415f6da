import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { rfcsFile, writeRfcs } from "./rfcs.ts"

test("docs/rfcs.md has every standard that a line cites (node test/rfcs.ts writes it anew)", () => {
  assert.equal(readFileSync(rfcsFile, "utf8"), writeRfcs())
})
