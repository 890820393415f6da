import assert from "node:assert/strict"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { keywordLetters } from "./keywords.ts"
import { ourselves } from "./owner.ts"

const base = mkdtempSync(join(tmpdir(), "waypost-keywords-"))
after(() => rmSync(base, { recursive: true }))
let count = 0

function maildir(list?: string): string {
  const path = join(base, String(count++))
  mkdirSync(path)
  if (list !== undefined) writeFileSync(join(path, "dovecot-keywords"), list)
  return path
}

const letters = (path: string, ...keywords: readonly string[]) =>
  keywordLetters(path, ourselves(), keywords, 100)
const list = (path: string) => readFileSync(join(path, "dovecot-keywords"), "utf8")

test("the first keywords of a Maildir are a and b, and stand in dovecot-keywords", async () => {
  const path = maildir()
  assert.equal(await letters(path, "$Work", "NonJunk"), "ab")
  assert.equal(list(path), "0 $Work\n1 NonJunk\n")
  assert.deepEqual(readdirSync(path), ["dovecot-keywords"]) // no lock stays
})

test("a keyword that Dovecot has numbered keeps its letter, whatever its case", async () => {
  const path = maildir("0 $Forwarded\n3 $work\n")
  assert.equal(await letters(path, "$WORK", "$forwarded"), "ad")
  assert.equal(await letters(path, "new", "$work"), "de")
  assert.equal(list(path), "0 $Forwarded\n3 $work\n4 new\n")
})

test("what is no keyword of IMAP has no letter, and no file is made for it", async () => {
  const path = maildir()
  assert.equal(await letters(path, String.raw`\Seen`, "two words", "a]", "ü", ""), "")
  assert.equal(existsSync(join(path, "dovecot-keywords")), false)
})

test("the twenty-seventh keyword has no letter; the others keep theirs", async () => {
  const path = maildir(Array.from({ length: 26 }, (_, n) => `${n} k${n}\n`).join(""))
  assert.equal(await letters(path, "k25", "one-more"), "z")
})

test("while Dovecot holds its lock nothing is changed; known keywords have their letters all the same", async () => {
  const path = maildir("0 known\n")
  const lock = join(path, "dovecot-uidlist.lock")
  writeFileSync(lock, "")
  assert.equal(await letters(path, "known", "new"), "a")
  assert.equal(list(path), "0 known\n")
  utimesSync(lock, 1, 1) // a holder that went away long ago
  assert.equal(await letters(path, "known", "new"), "ab")
})

test("deliveries at once give one letter to each keyword", async () => {
  const path = maildir()
  const many = await Promise.all(
    Array.from({ length: 20 }, (_, n) => keywordLetters(path, ourselves(), [`k${n % 10}`])),
  )
  assert.deepEqual(many.slice(0, 10), many.slice(10))
  assert.equal(new Set(many).size, 10)
})
