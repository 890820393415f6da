import assert from "node:assert/strict"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
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

/** The ids that a search finds, and how many pages it took. */
function found(history: History, words: readonly string[], decisions = false) {
  const ids: string[] = []
  let pages = 0
  for (let before: number | undefined; ; ) {
    const page = history.search({ words, decisions, before })
    pages++
    ids.push(...page.rows.map(({ id }) => id))
    if (page.before === undefined) return { ids, pages }
    before = page.before
  }
}

test("a search finds the events that have all its words, in any case, the newest first, page by page", () => {
  withFile((path) => {
    const history = new History(path, { ...limits, octets: 100_000_000 })
    history.add([{ id: "a", at: 1, words: "a ann@hello.com caf\u00e9", json: "{}" }], 1)
    history.add(events("flood", 2, 12_000), 2)
    history.add([{ id: "b", at: 3, words: "b ann@hello.com tea", json: "{}" }], 3)
    assert.deepEqual(found(history, ["ANN@hello.com"]).ids, ["b", "a"])
    assert.deepEqual(found(history, ["hello.com", "CAF\u00c9"]).ids, ["a"])
    assert.deepEqual(found(history, ["hello.com", "coffee"]).ids, [])
    assert.equal(found(history, ["ann"]).pages, 3)
    history.close()
  })
})

test("only events that hold what was decided by are found where only these are wanted", () => {
  withFile((path) => {
    const history = new History(path, limits)
    history.add(
      [
        { id: "delivered", at: 1, words: "", json: '{"detail":"\\"message\\":{"}' },
        { id: "accepted", at: 1, words: "", json: '{"message":{}}' },
        { id: "refused", at: 1, words: "", json: '{"asked":{}}' },
      ],
      1,
    )
    assert.deepEqual(found(history, [], true).ids, ["refused", "accepted"])
    history.close()
  })
})

test("timelines of version 1 are kept, and found by their text", () => {
  withFile((path) => {
    const old = new DatabaseSync(path)
    old.exec(`CREATE TABLE event (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
      CREATE INDEX eventId ON event (id); PRAGMA user_version = 1;
      INSERT INTO event (id, at, json) VALUES ('old', 1, '{"address":"Ann@hello.com"}')`)
    old.close()
    const history = new History(path, limits)
    history.add([{ id: "new", at: 2, words: "ann@hello.com", json: "{}" }], 2)
    assert.deepEqual(found(history, ["ann@hello.com"]).ids, ["new", "old"])
    assert.equal(history.find("old").length, 1)
    history.close()
  })
})

test("an empty history has nothing to be found", () => {
  withFile((path) => {
    const history = new History(path, limits)
    assert.deepEqual(found(history, ["ann"]), { ids: [], pages: 1 })
    history.close()
  })
})
