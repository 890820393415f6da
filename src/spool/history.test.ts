import assert from "node:assert/strict"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { History, type HistoryLimits, openHistory } from "./history.ts"

const day = 86_400_000
const limits: HistoryLimits = { octets: 1_000_000, milliseconds: 7 * day }

function withFile(act: (path: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "waypost-history-"))
  try {
    act(join(directory, "history.db"))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const events = (id: string, at: number, count: number, json = "{}") =>
  Array.from({ length: count }, () => ({ id, at, json }))

test("the oldest events make room when the timelines have grown to their size", () => {
  withFile((path) => {
    const history = new History(path, limits)
    for (let n = 0; n < 30; n++) history.add(events(`m${n}`, 1000 + n, 1000, "x".repeat(200)), 2000)
    assert.equal(history.find("m0").length, 0)
    assert.equal(history.find("m29").length, 1000)
    history.close()
  })
})

test("events older than their time go, newer ones stay", () => {
  withFile((path) => {
    const history = new History(path, limits)
    history.add(events("old", 0, 10), 0)
    history.add(events("new", 8 * day, 1000), 8 * day)
    assert.equal(history.find("old").length, 0)
    assert.equal(history.find("new").length, 1000)
    history.close()
  })
})

test("timelines that are damaged are put beside, and new ones begun", () => {
  withFile((path) => {
    writeFileSync(path, "this was a database once ".repeat(400))
    const log: string[] = []
    const history = openHistory(path, limits, (line) => log.push(line))
    history.add(events("a", 1, 1), 1)
    assert.equal(history.find("a").length, 1)
    history.close()
    assert.ok(existsSync(`${path}.damaged`))
    assert.match(log.join("\n"), /file is not a database.*it is kept as .*\.damaged/)
  })
})
