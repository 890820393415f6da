import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { diffLines } from "./diff.ts"

const shown = (before: string, after: string) =>
  diffLines(before, after).map(({ kind, text }) => `${{ same: " ", removed: "-", added: "+" }[kind]}${text}`)

test("a line that changed is gone and come; the others stay, with their numbers", () => {
  assert.deepEqual(shown("a\nb\nc\n", "a\nB\nc\nd\n"), [" a", "-b", "+B", " c", "+d"])
  assert.deepEqual(diffLines("a\nb\n", "b\n"), [
    { kind: "removed", text: "a", before: 1 },
    { kind: "same", text: "b", before: 2, after: 1 },
  ])
  assert.deepEqual(shown("", "a\n"), ["+a"])
  assert.deepEqual(shown("a", "a\n"), [" a"])
})

test("without what came it is the old text, without what went the new one", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", "<script>"), { maxLength: 12 })
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before.join("\n"), after.join("\n"))
      const without = (kind: string) => lines.filter((one) => one.kind !== kind).map((one) => one.text)
      assert.deepEqual(without("added"), before)
      assert.deepEqual(without("removed"), after)
    }),
  )
})
