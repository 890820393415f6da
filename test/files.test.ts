import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type TestContext, test } from "node:test"
import { runFiles } from "./files.ts"

/** What the runner finds in one file of such tests, and what it says. */
async function found(t: TestContext, tests: string) {
  const folder = mkdtempSync(join(tmpdir(), "waypost-runner-"))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, "these.test.mjs")
  writeFileSync(file, `import { describe, test } from "node:test"\n${tests}`)
  const said: string[] = []
  const counts = await runFiles([file], false, (line) => said.push(line))
  return { counts, said: said.join("\n") }
}

test("of a file that tells more than a socket holds, each test is counted", async (t) => {
  const many = `for (let n = 0; n < 3000; n++) test("a test whose name is about as long as ours are, number " + n, () => {})`
  const { counts } = await found(t, many)
  assert.deepEqual(counts, { passed: 3000, failed: 0, skipped: 0 })
})

test("a failure is told however much was told before it", async (t) => {
  const { counts, said } = await found(
    t,
    `for (let n = 0; n < 3000; n++) test("number " + n, () => {})
     test("the last", () => { throw new Error("as it should") })`,
  )
  assert.deepEqual(counts, { passed: 3000, failed: 1, skipped: 0 })
  assert.match(said, /FAILED: the last\n.*these\.test\.mjs:3\n(?:.*\n)*.*as it should/)
})

for (const [what, tests] of [
  ["whose process ends well in the middle", `test("one", () => {})\ntest("two", () => process.exit(0))`],
  ["without a test", ""],
] as const) {
  test(`a file ${what} has failed`, async (t) => {
    const { counts, said } = await found(t, tests)
    assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0 })
    assert.match(
      said,
      /FAILED: .*these\.test\.mjs\n {2}its process ended before it had told of all its tests/,
    )
  })
}

test("a file that cannot be read as code is one failure", async (t) => {
  const { counts, said } = await found(t, "test(")
  assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0 })
  assert.match(said, /SyntaxError/)
})

test("what a test notes is shown", async (t) => {
  const { said } = await found(
    t,
    `test("one", (t) => { t.diagnostic("opendkim 2.11"); t.diagnostic("a list:\\n1") })`,
  )
  assert.equal(said, "  opendkim 2.11\n  a list:\n  1")
})

test("what a test leaves open does not keep the run, and suites are not counted", async (t) => {
  const { counts, said } = await found(
    t,
    `describe("two", () => {
       test("one", () => { setInterval(() => {}, 1000) })
       test("other", { skip: "for a reason" }, () => {})
     })`,
  )
  assert.deepEqual(counts, { passed: 1, failed: 0, skipped: 1 })
  assert.match(said, /skipped: other \(.*\): for a reason/)
})
