import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { loadIndex, saveIndex } from "./index-cache.ts"

type Row = { readonly key: string; readonly subject: string }

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "waypost-index-"))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, "mail", "box.index")
}

const same = (row: Row): Row => row

/** More than a piece of reading and of writing, with letters of more octets than one. */
const rows = Array.from({ length: 4321 }, (_, n) => ({
  key: `m${n}`,
  subject: `grüße ${"…".repeat(n % 300)}\n${n}`,
}))

test("what was kept of a mailbox is found again, row by row", (t) => {
  const path = place(t)
  saveIndex(path, "/var/mail/me", "mark 1", rows)
  assert.deepEqual(loadIndex(path, "/var/mail/me", same), { mark: "mark 1", rows })
  const keys = loadIndex(path, "/var/mail/me", ({ key }: Row) => key)
  assert.equal(keys?.rows.at(-1), "m4320")
  assert.deepEqual(readdirSync(join(path, "..")), ["box.index"], "nothing else is left behind")
})

test("an empty mailbox has an index too", (t) => {
  const path = place(t)
  saveIndex(path, "/var/mail/me", "none", [])
  assert.deepEqual(loadIndex(path, "/var/mail/me", same), { mark: "none", rows: [] })
})

test("another mailbox's index is none", (t) => {
  const path = place(t)
  saveIndex(path, "/var/mail/me", "mark 1", rows)
  assert.equal(loadIndex(path, "/var/mail/jim", same), undefined)
})

const damages: readonly (readonly [string, (path: string, size: number) => void])[] = [
  ["that is not there", (path) => rmSync(path)],
  ["that is empty", (path) => truncateSync(path, 0)],
  ["cut off within a row", (path, size) => truncateSync(path, size - 5)],
  [
    "cut off behind a row",
    (path) => writeFileSync(path, `${readFileSync(path, "utf8").split("\n").slice(0, -2).join("\n")}\n`),
  ],
  [
    "with other octets in it",
    (path) => writeFileSync(path, readFileSync(path, "utf8").replace('"m77"', "m77")),
  ],
  [
    "of an earlier version",
    (path) =>
      writeFileSync(path, JSON.stringify({ version: 1, mailbox: "/var/mail/me", mark: "mark 1", rows: [] })),
  ],
  ["that is another thing altogether", (path) => writeFileSync(path, "From me\n\n")],
]

for (const [what, damage] of damages) {
  test(`an index ${what} is none: the mailbox is read`, (t) => {
    const path = place(t)
    saveIndex(path, "/var/mail/me", "mark 1", rows)
    damage(path, readFileSync(path).length)
    assert.equal(loadIndex(path, "/var/mail/me", same), undefined)
  })
}

test("an index that cannot be written is no harm", (t) => {
  const path = place(t)
  writeFileSync(join(path, "../..", "mail"), "a file stands where the folder would be")
  saveIndex(path, "/var/mail/me", "mark 1", rows)
  assert.equal(loadIndex(path, "/var/mail/me", same), undefined)
})
