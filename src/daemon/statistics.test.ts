import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { Statistics } from "./statistics.ts"

const folder = mkdtempSync(join(tmpdir(), "statistics-"))
after(() => rmSync(folder, { recursive: true }))

test("what was counted is there after a restart, and since when", () => {
  const file = join(folder, "kept")
  const first = new Statistics(file, 1000)
  first.add("local", { to: 1, octetsTo: 700 })
  first.add("local", { to: 1, octetsTo: 300 })
  first.add("esmtp", { from: 1, octetsFrom: 5000, rejected: 2 })
  first.close()
  const second = new Statistics(file, 2000)
  const { since, mailers } = second.counted()
  assert.equal(since, 1000)
  assert.deepEqual([mailers["local"]?.to, mailers["local"]?.octetsTo], [2, 1000])
  assert.deepEqual([mailers["esmtp"]?.from, mailers["esmtp"]?.rejected, mailers["esmtp"]?.to], [1, 2, 0])
  second.clear(3000)
  second.close()
  const third = new Statistics(file, 4000)
  assert.deepEqual(third.counted(), { since: 3000, mailers: {} })
  third.close()
})

for (const [name, text] of [
  ["junk", "{"],
  ["numbers that are none", '{"since":1,"mailers":{"local":{"to":"many"}}}'],
  ["something else", "[]"],
] as const) {
  test(`a file of ${name} begins the count anew`, () => {
    const file = join(folder, "junk")
    writeFileSync(file, text)
    const statistics = new Statistics(file, 5000)
    assert.deepEqual(statistics.counted(), { since: 5000, mailers: {} })
    statistics.close()
  })
}
