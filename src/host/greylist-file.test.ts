import assert from "node:assert/strict"
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { type GreylistFile, openGreylist } from "./greylist-file.ts"

const folder = mkdtempSync(join(tmpdir(), "greylist-"))
after(() => rmSync(folder, { recursive: true }))
const now = Date.UTC(2026, 10, 24)
const day = 86_400_000

function open(name: string, at = now): GreylistFile {
  const opened = openGreylist(join(folder, name), () => at, assert.fail)
  assert.ok(opened.ok)
  return opened.value
}

test("what was remembered is there after a restart, the last word of a key counts, and a broken end is no harm", () => {
  const first = open("kept")
  first.set("192.0.2.0/24 ann@example.org bob@mx.test", { first: now, last: now, passed: false })
  first.set("192.0.2.0/24 ann@example.org bob@mx.test", { first: now, last: now + 5, passed: true })
  first.set("odd\nkey", { first: now, last: now, passed: false })
  first.close()
  appendFileSync(join(folder, "kept"), `${now} ${now} - half a li`)
  const second = open("kept")
  const tried = second.get("192.0.2.0/24 ann@example.org bob@mx.test")
  assert.deepEqual(tried, { first: now, last: now + 5, passed: true })
  assert.equal(second.get("half a li"), undefined)
  second.close()
  assert.equal(statSync(join(folder, "kept")).mode & 0o777, 0o600)
})

test("a file of many old lines is tidied when it is opened", () => {
  const first = open("long")
  for (let n = 0; n < 3000; n++) first.set("one key", { first: now, last: now + n, passed: false })
  first.set("very old", { first: 0, last: now - 100 * day, passed: true })
  first.close()
  open("long").close()
  assert.equal(readFileSync(join(folder, "long"), "utf8"), `${now} ${now + 2999} - one key\n`)
})

test("a folder that is not there is told in one line", () => {
  const opened = openGreylist(join(folder, "gone", "greylist"), () => now, assert.fail)
  assert.ok(!opened.ok)
  assert.match(opened.error, /greylist: .*ENOENT/)
})
