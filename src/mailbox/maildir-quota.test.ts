import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { deliverToMaildir } from "./maildir.ts"
import { parseQuota } from "./maildir-quota.ts"
import { ourselves } from "./owner.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-quota-"))
after(() => rmSync(directory, { recursive: true }))

let count = 0

/** A message of 100 octets. */
function deliver(path: string, more: { quota?: string; pieces?: boolean } = {}) {
  const octets = Buffer.from(`Subject: hello\n\n${"x".repeat(83)}\n`)
  const { quota, pieces = false } = more
  const delivery = {
    path,
    owner: ourselves(),
    delivery: `mAFBCL${String(count++).padStart(8, "0")}.0`,
    date: 1_226_747_541_000,
    repeat: false,
    body: pieces ? byPiece(octets) : [octets],
    ...(quota === undefined ? {} : { quota }),
  }
  return deliverToMaildir(delivery, { durable: () => Promise.resolve() })
}

async function* byPiece(octets: Buffer): AsyncGenerator<Buffer> {
  yield octets.subarray(0, 50)
  yield octets.subarray(50)
}

function maildir(name: string, account?: string): string {
  const path = join(directory, name)
  for (const part of ["tmp", "new", "cur"]) mkdirSync(join(path, part), { recursive: true })
  if (account !== undefined) writeFileSync(join(path, "maildirsize"), account)
  return path
}

const account = (path: string) => readFileSync(join(path, "maildirsize"), "latin1")
const old = (path: string) => utimesSync(join(path, "maildirsize"), 1_226_747_541, 1_226_747_541)

for (const [text, quota] of [
  ["10485760S,1000C", { octets: 10_485_760, messages: 1000 }],
  ["1000C,5S", { octets: 5, messages: 1000 }],
  ["10S", { octets: 10, messages: undefined }],
  ["0S,0C", { octets: undefined, messages: undefined }],
  ["", undefined],
  ["10", undefined],
  ["-10S", undefined],
  ["10S;2C", undefined],
] as const) {
  test(`"${text}" is ${quota === undefined ? "no quota" : "a quota"}`, () =>
    assert.deepEqual(parseQuota(text), quota))
}

test("a Maildir without maildirsize has no quota, and gets none", async () => {
  const path = maildir("without")
  assert.equal((await deliver(path)).outcome, "done")
  assert.equal(readdirSync(path).includes("maildirsize"), false)
})

for (const pieces of [false, true]) {
  test(`each delivery ${pieces ? "by piece" : "at once"} is entered, and what has no room waits`, async () => {
    const path = maildir(`entered-${pieces}`, "250S\n0 0\n")
    assert.equal((await deliver(path, { pieces })).outcome, "done")
    assert.equal((await deliver(path, { pieces })).outcome, "done")
    assert.equal(account(path), "250S\n0 0\n100 1\n100 1\n")
    assert.deepEqual(await deliver(path, { pieces }), {
      outcome: "later",
      status: "4.2.2",
      text: `${path}: the mailbox is full (its quota is 250S)`,
    })
    assert.equal(readdirSync(join(path, "new")).length, 2)
    assert.deepEqual(readdirSync(join(path, "tmp")), [])
  })
}

test("a number of messages is a quota too", async () => {
  const path = maildir("number", "1C\n")
  assert.equal((await deliver(path)).outcome, "done")
  assert.equal((await deliver(path)).status, "4.2.2")
})

test("a Maildir that seems full is counted anew after a quarter of an hour: its reader may have deleted", async () => {
  const path = maildir("deleted", "250S\n200 2\n")
  assert.equal((await deliver(path)).outcome, "later")
  old(path)
  assert.equal((await deliver(path)).outcome, "done")
  assert.equal(account(path), "250S\n0 0\n100 1\n")
})

test("folders count, trash does not, and a name that says its size is believed", async () => {
  const path = maildir("counted")
  for (const folder of [".work", ".Trash"]) mkdirSync(join(path, folder, "cur"), { recursive: true })
  writeFileSync(join(path, ".work", "cur", "1.a.host,S=500:2,S"), "")
  writeFileSync(join(path, ".Trash", "cur", "2.a.host,S=700:2,"), "")
  writeFileSync(join(path, "cur", "3.a.host:2,ST"), "deleted")
  writeFileSync(join(path, "cur", "4.a.host:2,S"), "four octets")
  assert.equal((await deliver(path, { quota: "10000S" })).outcome, "done")
  assert.equal(account(path), "10000S\n511 2\n100 1\n")
})

test("the configuration's quota goes before the account's, which is then made anew", async () => {
  const path = maildir("configured", "50S\n0 0\n")
  assert.equal((await deliver(path, { quota: "1000S" })).outcome, "done")
  assert.equal(account(path), "1000S\n0 0\n100 1\n")
})

test("an account that has grown long is made anew", async () => {
  const path = maildir("long", `1000S\n${"1 0\n".repeat(1500)}`)
  assert.equal((await deliver(path)).outcome, "done")
  assert.equal(account(path), "1000S\n0 0\n100 1\n")
})

for (const [says, make] of [
  ["a FIFO", (path: string) => void spawnSync("mkfifo", [path])],
  ["a symbolic link", (path: string) => symlinkSync("/etc/hostname", path)],
  ["a directory", (path: string) => mkdirSync(path)],
  ["nonsense", (path: string) => writeFileSync(path, "all you can eat\n")],
] as const) {
  test(`${says} as maildirsize is no quota and stops nothing`, async () => {
    const path = maildir(`trick ${says}`)
    make(join(path, "maildirsize"))
    assert.equal((await deliver(path)).outcome, "done")
  })
}
