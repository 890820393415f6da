import assert from "node:assert/strict"
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { byDomain, type CountedRow, type SeenRow } from "../auth/dmarc-seen.ts"
import { DayCounts } from "./day-counts.ts"

const folder = mkdtempSync(join(tmpdir(), "day-counts-"))
after(() => rmSync(folder, { recursive: true }))

const day = "2026-11-24"

function row(source: string): SeenRow {
  return {
    source,
    disposition: "none",
    dkim: "pass",
    spf: "fail",
    reasons: [],
    headerFrom: "napier.ac.uk",
    envelopeFrom: "",
    signatures: [{ domain: "napier.ac.uk", selector: "nov", result: "pass" }],
    senders: [],
  }
}

const counted = (source: string, at = "napier.ac.uk", record = "v=DMARC1; p=none") =>
  [at, record, row(source)] as const

function open(name: string): DayCounts<CountedRow> {
  return new DayCounts(join(folder, name), "DMARC reports", assert.fail)
}

test("what was seen is summed up over writes and restarts, for each domain with its newest record", async () => {
  const first = open("kept")
  for (let n = 0; n < 3; n++) first.add(day, counted("192.0.2.7"))
  first.add("2026-11-23", counted("192.0.2.9"))
  await first.flush()
  first.add(day, counted("192.0.2.7"))
  first.add(day, counted("192.0.2.8", "hello.com"))
  first.add(day, counted("192.0.2.7", "napier.ac.uk", "v=DMARC1; p=reject"))
  await first.flush()
  const second = open("kept")
  assert.deepEqual(second.days(), ["2026-11-23", day])
  const { counts, lost } = await second.read(day)
  const domains = byDomain(counts)
  assert.equal(lost, 0)
  assert.deepEqual(
    domains.map(({ at, record, rows }) => [at, record, rows.map(({ source, count }) => [source, count])]),
    [
      [
        "napier.ac.uk",
        "v=DMARC1; p=reject",
        [
          ["192.0.2.7", 4],
          ["192.0.2.7", 1],
        ],
      ],
      ["hello.com", "v=DMARC1; p=none", [["192.0.2.8", 1]]],
    ],
  )
  assert.deepEqual(domains[0]?.rows[0], { ...row("192.0.2.7"), count: 4 })
})

test("half a line that a crash left harms neither what stands before it nor what is written after", async () => {
  const counts = open("torn")
  counts.add(day, counted("192.0.2.7"))
  await counts.flush()
  const file = join(folder, "torn", `${day}.counts`)
  appendFileSync(file, readFileSync(file, "utf8").trim().slice(0, 60))
  const after = open("torn")
  after.add(day, counted("192.0.2.7"))
  const domains = byDomain((await after.read(day)).counts)
  assert.deepEqual(
    domains.map(({ rows }) => rows.map(({ count }) => count)),
    [[2]],
  )
})

test("what cannot be written now is said, and written when it can be", async () => {
  const said: string[] = []
  const place = join(folder, "closed")
  writeFileSync(place, "a file where the folder should be")
  const counts = new DayCounts<CountedRow>(place, "DMARC reports", (line) => said.push(line))
  counts.add(day, counted("192.0.2.7"))
  await counts.flush()
  assert.match(said.join("\n"), /closed.*counts for DMARC reports wait/)
  rmSync(place)
  counts.add(day, counted("192.0.2.7"))
  const domains = byDomain((await counts.read(day)).counts)
  assert.equal(domains[0]?.rows[0]?.count, 2)
})

test("a flood of rows that are all different is bounded, and what was not kept is told", async () => {
  const counts = open("flood")
  for (let n = 0; n < 20_010; n++) counts.add(day, counted(`192.0.2.7/${n}`))
  counts.add(day, counted("192.0.2.7/1")) // known already
  const { counts: kept, lost } = await counts.read(day)
  const domains = byDomain(kept)
  assert.equal(domains[0]?.rows.length, 20_000)
  assert.equal(domains[0]?.rows.find(({ source }) => source === "192.0.2.7/1")?.count, 2)
  assert.equal(lost, 10)
})

test("who has his report is remembered, until the day is forgotten", async () => {
  const counts = open("sent")
  counts.add(day, counted("192.0.2.7"))
  await counts.flush()
  await counts.markSent(day, "napier.ac.uk")
  assert.ok(open("sent").sent(day).has("napier.ac.uk"))
  assert.ok(!open("sent").sent("2026-11-23").has("napier.ac.uk"))
  counts.forget(day)
  assert.deepEqual(counts.days(), [])
  assert.ok(!counts.sent(day).has("napier.ac.uk"))
})
