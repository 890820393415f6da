// The dry runs of users' rules: what would happen, with file and line, and nothing done.
import assert from "node:assert/strict"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { run as procmail } from "./procmail-tool.ts"
import { run as sieve } from "./sieve.ts"

const base = mkdtempSync(join(tmpdir(), "waypost-filters-"))
after(() => rmSync(base, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(base, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

const message = file(
  "mail",
  "Return-Path: <ann@example.org>\nFrom: ann@example.org\nSubject: hello\n\nbody\n",
)

test("procmail run: each condition and action with its line, no program run and nothing written", async () => {
  const rc = file(
    "rc",
    `MAILDIR=${base}\n:0\n* ^Subject:.*nothing\nno\n\n:0 fw\n* ? touch ${base}/touched\n| cat\n\n:0:\nlists\n`,
  )
  const io = memoryIo()
  assert.equal(await procmail(["run", rc, message], io), 0)
  assert.deepEqual(io.written.stdout.trimEnd().split("\n"), [
    `${rc}:3     no   * ^Subject:.*nothing`,
    `${rc}:2   recipe does not match`,
    `${rc}:7     yes  * ? touch ${base}/touched`,
    `${rc}:6   recipe matches`,
    `${rc}:6     →    filtered through cat`,
    `${rc}:10  recipe matches`,
    `${rc}:10    →    stored in lists`,
    "the message would be delivered; exit code 0",
  ])
  assert.match(io.written.stderr, /not run: touch,/)
  assert.ok(!existsSync(join(base, "touched")))
  assert.ok(!existsSync(join(base, "lists")))
})

test("procmail convert: the script on standard output; what it cannot do on standard error, and 1", async () => {
  const rc = file("rc2", ":0:\n* ^Subject:.*hello\nhello\n:0\n| program\n")
  const io = memoryIo()
  assert.equal(await procmail(["convert", rc], io), 1)
  assert.match(
    io.written.stdout,
    /^require \["fileinto"\];\nif header :contains "subject" "hello" \{\n {2}fileinto "hello";\n {2}stop;\n\}\n/,
  )
  assert.match(io.written.stderr, /rc2:4: "\| program": Sieve runs no program/)
})

test("sieve check: a caret beneath the mistake, and 65", async () => {
  const script = file("bad.sieve", "keep;\nif foo { keep; }\n")
  const io = memoryIo()
  assert.equal(await sieve(["check", script], io), 65)
  assert.equal(io.written.stderr, `${script}:2:4: there is no test "foo"\n  if foo { keep; }\n     ^\n`)
  assert.equal(await sieve(["check", file("good.sieve", "keep;")], memoryIo()), 0)
})

test("sieve run: rule by rule, and what would become of the message", async () => {
  const script = file(
    "run.sieve",
    'require "fileinto";\nif header :is "subject" "other" {\n  discard;\n} elsif envelope :is "from" "x" {\n}\n',
  )
  const bad = memoryIo()
  assert.equal(await sieve(["run", script, message], bad), 65)
  const good = file(
    "good2.sieve",
    'require "fileinto";\nif header :is "subject" "other" {\n  discard;\n}\nfileinto "lists";\n',
  )
  const io = memoryIo()
  assert.equal(await sieve(["run", good, message], io), 0)
  assert.deepEqual(io.written.stdout.trimEnd().split("\n"), [
    `${good}:2  no   if`,
    `${good}:5  →    fileinto "lists"`,
    "the message would be:",
    '  stored in the folder "lists"',
  ])
})

test("what is not there is said in a line", async () => {
  await assert.rejects(sieve(["run", join(base, "none"), message], memoryIo()), /no such file/)
  assert.equal(await procmail(["nonsense"], memoryIo()), 64)
})
