import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import * as fc from "fast-check"
import { type Cdb, cdbHash, cdbInMemory, cdbRecords, findInCdb, openCdb } from "./cdb.ts"
import { addToCdb, finishCdb, newCdb } from "./cdb-write.ts"

type Record = readonly [key: string, value: string, line: number]

function build(records: readonly Record[]): Buffer {
  const maker = newCdb()
  for (const [key, value, line] of records) addToCdb(maker, key, value, line, "utf8")
  const made = finishCdb(maker)
  assert.ok(made.ok)
  return Buffer.concat(made.value)
}

function opened(file: Buffer): Cdb {
  const cdb = cdbInMemory(file)
  assert.ok(cdb.ok, cdb.ok ? "" : cdb.error)
  return cdb.value
}

function find(cdb: Cdb, key: string): readonly [string, number] | undefined {
  const found = findInCdb(cdb, Buffer.from(key))
  return found === undefined ? undefined : [found.value.toString(), found.line]
}

test("what was put in is found, with the line it stood on; what was not is not", () => {
  const cdb = opened(
    build([
      ["to:example.org", "RELAY", 12],
      ["é", "ü", 3],
      ["", "empty", 4],
      ["novalue", "", 5],
    ]),
  )
  assert.deepEqual(find(cdb, "to:example.org"), ["RELAY", 12])
  assert.deepEqual(find(cdb, "é"), ["ü", 3])
  assert.deepEqual(find(cdb, ""), ["empty", 4])
  assert.deepEqual(find(cdb, "novalue"), ["", 5])
  assert.equal(find(cdb, "to:example.com"), undefined)
})

test("an empty table answers nothing", () => {
  assert.equal(find(opened(build([])), "x"), undefined)
  assert.deepEqual([...cdbRecords(opened(build([])))], [])
})

test("a key that was added twice answers with the first", () => {
  const cdb = opened(
    build([
      ["a", "one", 1],
      ["a", "two", 2],
    ]),
  )
  assert.deepEqual(find(cdb, "a"), ["one", 1])
  assert.deepEqual(
    [...cdbRecords(cdb)].map(({ value }) => value.toString()),
    ["one", "two"],
  )
})

test("any set of records is read back, in order, in memory and by position", () => {
  const records = fc.uniqueArray(fc.tuple(fc.string({ unit: "binary" }), fc.string(), fc.nat(1_000_000)), {
    selector: ([key]) => Buffer.from(key).toString("hex"),
    maxLength: 60,
  })
  fc.assert(
    fc.property(records, (all) => {
      const file = build(all)
      const byPosition = openCdb((at, length) => Buffer.from(file.subarray(at, at + length)), file.length)
      assert.ok(byPosition.ok)
      for (const cdb of [opened(file), byPosition.value]) {
        for (const [key, value, line] of all) {
          const found = findInCdb(cdb, Buffer.from(key))
          assert.deepEqual(
            [found?.value.toString("hex"), found?.line],
            [Buffer.from(value).toString("hex"), line],
          )
        }
        assert.equal([...cdbRecords(cdb)].length, all.length)
      }
    }),
    { numRuns: 60 },
  )
})

test("a damaged file is refused or faults, never answers with another key's value", () => {
  const file = build([
    ["a", "one", 1],
    ["b", "two", 2],
    ["c", "three", 3],
  ])
  assert.equal(cdbInMemory(file.subarray(0, 2000)).ok, false)
  assert.equal(cdbInMemory(file.subarray(0, 2060)).ok, false)
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.nat(255), (at, octet) => {
      const damaged = Buffer.from(file)
      damaged[at] = octet
      const cdb = cdbInMemory(damaged)
      if (!cdb.ok) return
      try {
        assert.equal(findInCdb(cdb.value, Buffer.from("nobody")), undefined)
      } catch (error) {
        assert.ok(error instanceof RangeError)
      }
    }),
  )
})

test("the hash is that of the cdb specification", () => {
  assert.equal(cdbHash(Buffer.from("")), 5381)
  assert.equal(cdbHash(Buffer.from("one")), (((((5381 * 33) ^ 111) * 33) ^ 110) * 33) ^ 101)
})

const tool = spawnSync("cdb", ["-h"], { encoding: "utf8" })
const noTool = tool.error === undefined ? false : "the cdb tool of tinycdb is not installed"

test("tinycdb reads our files, and we read its", { skip: noTool }, () => {
  const folder = mkdtempSync(join(tmpdir(), "cdb-"))
  try {
    const ours = join(folder, "ours.cdb")
    const records = Array.from(
      { length: 3000 },
      (_, n): Record => [`user${n}@example.org`, `value ${n}`, n + 1],
    )
    writeFileSync(ours, build(records))
    assert.equal(
      spawnSync("cdb", ["-q", ours, "user2999@example.org"], { encoding: "utf8" }).stdout,
      "value 2999",
    )
    const dump = spawnSync("cdb", ["-d", ours], { encoding: "utf8", maxBuffer: 1e8 })
    assert.equal(dump.status, 0, dump.stderr)
    assert.equal(dump.stdout.split("\n").filter((line) => line.startsWith("+")).length, 3000)
    assert.match(spawnSync("cdb", ["-s", ours], { encoding: "utf8" }).stdout, /number of records: 3000/)
    const theirs = join(folder, "theirs.cdb")
    spawnSync("cdb", ["-c", "-m", theirs], { input: "alpha one\nbeta two words\n" })
    const cdb = opened(readFileSync(theirs))
    assert.deepEqual(find(cdb, "beta"), ["two words", 0])
    assert.deepEqual(find(cdb, "alpha"), ["one", 0])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
