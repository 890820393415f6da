import assert from "node:assert/strict"
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { parseAdmins, parseTokens, printAdmins, printTokens, Watched, writeList } from "./lists.ts"
import { readSamples, sumOf } from "./samples.ts"
import { hashed } from "./sessions.ts"
import { timeoutOf } from "./wait.ts"

test("lines that are no administrator and no token let nobody in", () => {
  const admins = [
    { name: "gordon", secret: "GEZDGNBV" },
    { name: "jim", secret: "" },
  ]
  assert.deepEqual(parseAdmins(printAdmins(admins)), admins)
  assert.deepEqual(parseAdmins("gordon\nGordon:\n:ABC\n../x:\ngordon:lower\n"), [])
  const token = {
    name: "ci",
    hash: hashed("x"),
    rights: "read" as const,
    createdAt: "2026-11-24T13:00:00.000Z",
  }
  assert.deepEqual(parseTokens(printTokens([token])), [token])
  assert.deepEqual(parseTokens(`ci:abc:read:x\nci:${hashed("x")}:all:x\n`), [])
})

test("a list is for its owner's eyes, and a change is seen at once", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "waypost-lists-"))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, "admins")
  const watched = new Watched(file, parseAdmins)
  assert.deepEqual(watched.content, [])
  assert.ok(writeList(file, "gordon:\n", undefined).ok)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(watched.content, [{ name: "gordon", secret: "" }])
  writeFileSync(file, "")
  assert.deepEqual(watched.content, [])
})

test("metrics are read back, whatever stands in their labels", () => {
  const samples = readSamples(
    '# HELP x y\nx_total{door="MTA",why="a \\"b\\"\\nc"} 3\nx_total{door="MSA"} 4\ny 1.5\n',
  )
  assert.deepEqual(samples[0], { name: "x_total", labels: { door: "MTA", why: 'a "b"\nc' }, value: 3 })
  assert.equal(sumOf(samples, "x_total", {}), 7)
  assert.equal(sumOf(samples, "x_total", { door: "MSA" }), 4)
  assert.equal(sumOf(samples, "y", {}), 1.5)
})

test("a time to wait is 30s, 500ms, 2m or seconds, and never longer than ten minutes", () => {
  assert.deepEqual(["30s", "500ms", "2m", "5", "11m", "1h", "-1", ""].map(timeoutOf), [
    30_000,
    500,
    120_000,
    5000,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})
