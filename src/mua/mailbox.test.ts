// Mailboxes as readers see them: an mbox and a Maildir that others deliver into, rewrite and read at the same time.
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { whereIs } from "../../test/kit/debian.ts"
import { deliverToMbox } from "../mailbox/mbox.ts"
import { ourselves } from "../mailbox/owner.ts"
import type { Mailbox } from "./mailbox.ts"
import { openMailbox } from "./open.ts"

function home(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "waypost-mua-"))
  const before = { cache: process.env["XDG_CACHE_HOME"], state: process.env["XDG_STATE_HOME"] }
  process.env["XDG_CACHE_HOME"] = join(folder, "cache")
  process.env["XDG_STATE_HOME"] = join(folder, "state")
  t.after(() => {
    for (const [name, value] of [
      ["XDG_CACHE_HOME", before.cache],
      ["XDG_STATE_HOME", before.state],
    ] as const) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    rmSync(folder, { recursive: true })
  })
  return folder
}

const message = (n: number, more = "") =>
  `From ann@example.org  Tue Nov 24 07:10:${String(n % 60).padStart(2, "0")} 2026\nFrom: Ann <ann@example.org>\nTo: me@grussell.org\nSubject: letter ${n}\nMessage-ID: <${n}@example.org>\n${more}\nThis is letter ${n}.\n>From here on.\n\n`

const subjects = ({ messages }: Mailbox) => messages.map(({ summary }) => summary.subject)
const keyOf = ({ messages }: Mailbox, subject: string) =>
  messages.find(({ summary }) => summary.subject === subject)?.key ?? assert.fail(`no ${subject}`)
const seen = (mailbox: Mailbox, subject: string) => {
  const found = mailbox.messages.find(({ summary }) => summary.subject === subject) ?? assert.fail(subject)
  return new Map([[found.key, { ...found.flags, seen: true, recent: false }]])
}
const none: ReadonlySet<string> = new Set()

test("an mbox tells sender, subject, time and marks of each message", async (t) => {
  const path = join(home(t), "me")
  writeFileSync(path, `${message(1)}${message(2, "Status: RO\nX-Status: AF\n")}`)
  const mailbox = await openMailbox(path)
  assert.deepEqual(subjects(mailbox), ["letter 1", "letter 2"])
  const [one, two] = mailbox.messages
  assert.deepEqual(one?.summary.from, { name: "Ann", address: "ann@example.org" })
  assert.equal(new Date(one?.received ?? 0).getFullYear(), 2026)
  assert.deepEqual([one?.flags.recent, one?.flags.seen], [true, false])
  assert.deepEqual(
    [two?.flags.recent, two?.flags.seen, two?.flags.answered, two?.flags.flagged],
    [false, true, true, true],
  )
  const octets = await mailbox.read(one?.key ?? "")
  assert.match(octets?.toString() ?? "", /^From: Ann[^]*\n\nThis is letter 1\.\n>From here on\.\n$/)
})

test("a line of text that begins with From is no new message", async (t) => {
  const path = join(home(t), "me")
  writeFileSync(path, message(1).replace(">From here on.", "From here on, all is well."))
  assert.equal((await openMailbox(path)).messages.length, 1)
})

test("marks and removals are written, and everything else stays octet by octet", async (t) => {
  const path = join(home(t), "me")
  writeFileSync(path, [1, 2, 3].map((n) => message(n)).join(""))
  const mailbox = await openMailbox(path)
  await mailbox.write({ flags: seen(mailbox, "letter 2"), removed: new Set([keyOf(mailbox, "letter 1")]) })
  assert.equal(readFileSync(path, "utf8"), `${message(2, "Status: RO\n")}${message(3)}`)
  assert.deepEqual(subjects(mailbox), ["letter 2", "letter 3"])
})

test("mail that is delivered while the mailbox is open is seen at the next look, and kept by the next writing", async (t) => {
  const path = join(home(t), "me")
  writeFileSync(path, message(1))
  const mailbox = await openMailbox(path)
  const world = { durable: async () => {}, lockWaitMilliseconds: 1000 }
  const body = [Buffer.from("Subject: fresh\n\nHello\n")]
  const messages = [{ sender: "bob@hello.com", date: Date.now(), body }]
  const [outcome] = await deliverToMbox({ path, owner: ourselves(), messages }, world)
  assert.match(outcome?.text ?? "", /delivered/)
  await mailbox.write({ flags: new Map(), removed: new Set([keyOf(mailbox, "letter 1")]) })
  assert.deepEqual(subjects(mailbox), ["fresh"])
})

test("two readers of one mbox undo nothing of each other", async (t) => {
  const path = join(home(t), "me")
  writeFileSync(path, [1, 2, 3].map((n) => message(n)).join(""))
  const one = await openMailbox(path)
  const two = await openMailbox(path)
  await one.write({ flags: seen(one, "letter 3"), removed: new Set([keyOf(one, "letter 1")]) })
  await two.write({ flags: seen(two, "letter 2"), removed: none })
  assert.equal(readFileSync(path, "utf8"), `${message(2, "Status: RO\n")}${message(3, "Status: RO\n")}`)
  assert.deepEqual((await one.look()).went, [])
  assert.ok(one.messages.every(({ flags }) => flags.seen))
})

test("opening again reads only what is new, and says the same", async (t) => {
  const path = join(home(t), "me")
  writeFileSync(path, [1, 2, 3].map((n) => message(n)).join(""))
  const first = await openMailbox(path)
  await first.close()
  const listed = (mailbox: Mailbox) => JSON.stringify(mailbox.messages.map(({ key: _key, ...row }) => row))
  assert.deepEqual(listed(await openMailbox(path)), listed(first))
  appendFileSync(path, message(4))
  assert.deepEqual(subjects(await openMailbox(path)), ["letter 1", "letter 2", "letter 3", "letter 4"])
  writeFileSync(path, message(9))
  assert.deepEqual(subjects(await openMailbox(path)), ["letter 9"])
})

const canKill = whereIs("strace") === undefined ? "needs strace" : false

test("a reader that is killed anywhere while it writes loses nothing, and what was delivered since stays", {
  skip: canKill,
}, async (t) => {
  const folder = home(t)
  const path = join(folder, "me")
  // Removing makes the mailbox shorter, marking makes it longer: both ways are cut off at each step.
  for (const change of ["remove", "mark"] as const) {
    let steps = 0
    for (const call of ["pwrite64", "ftruncate", "fsync", "rename", "unlink"]) {
      for (let step = 1; step < 40; step++) {
        writeFileSync(path, [1, 2, 3].map((n) => message(n)).join(""))
        if (!killedAt(call, step, path, change)) break
        steps++
        rmSync(`${path}.lock`, { force: true })
        appendFileSync(path, message(7))
        const found = subjects(await openMailbox(path))
        const before = ["letter 1", "letter 2", "letter 3", "letter 7"]
        const after = change === "remove" ? before.slice(1) : before
        const where = `${change}, ${call} ${step}: ${found.join()}`
        assert.ok(found.join() === after.join() || found.join() === before.join(), where)
        assert.equal(readFileSync(path, "utf8").match(/This is letter \d/g)?.length, found.length, where)
        assert.ok(!readFileSync(path).includes(0), `no NUL is left: ${where}`)
      }
    }
    assert.ok(steps > 12, `killed at ${steps} steps`)
    t.diagnostic(`${change}: killed at ${steps} steps`)
  }
})

/** Whether the reader was killed: false when it had fewer such system calls than that. */
function killedAt(call: string, step: number, path: string, change: "remove" | "mark"): boolean {
  const script = `
    const { openMailbox } = await import(${JSON.stringify(join(import.meta.dirname, "open.ts"))})
    const mailbox = await openMailbox(${JSON.stringify(path)})
    const [one] = mailbox.messages
    const flags = new Map([[one.key, { ...one.flags, seen: true, recent: false }]])
    await mailbox.write(${change === "remove" ? "{ flags: new Map(), removed: new Set([one.key]) }" : "{ flags, removed: new Set() }"})`
  const strace = [
    "-f",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    `trace=${call}`,
    "-e",
    `inject=${call}:signal=KILL:when=${step}`,
  ]
  const node = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    "--input-type=module",
    "-e",
    script,
  ]
  const ended = spawnSync("strace", [...strace, ...node], {
    encoding: "utf8",
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  })
  if (ended.status !== 0 && ended.signal === null && ended.status !== 137) assert.fail(ended.stderr)
  return ended.signal === "SIGKILL" || ended.status === 137
}

test("a journal for a mailbox that has become another is put aside, and the user is told where", async (t) => {
  const folder = home(t)
  const path = join(folder, "me")
  writeFileSync(path, [1, 2, 3].map((n) => message(n)).join(""))
  if (canKill !== false || !killedAt("fsync", 4, path, "remove")) return t.skip("needs strace")
  rmSync(`${path}.lock`, { force: true })
  renameSync(path, `${path}.old`)
  writeFileSync(path, message(8))
  await assert.rejects(openMailbox(path), /has been replaced since; what was to be written is kept in/)
  assert.deepEqual(subjects(await openMailbox(path)), ["letter 8"])
})

function maildir(t: TestContext): string {
  const path = join(home(t), "Maildir")
  for (const part of ["tmp", "new", "cur"]) mkdirSync(join(path, part), { recursive: true })
  const text = (n: number) => message(n).slice(message(n).indexOf("\n") + 1)
  writeFileSync(join(path, "new/1795500000.Q1.grussell"), text(1))
  writeFileSync(join(path, "cur/1795500001.Q2.grussell:2,FS"), text(2))
  return path
}

test("a Maildir tells the same, from its file names", async (t) => {
  const mailbox = await openMailbox(maildir(t))
  assert.deepEqual(subjects(mailbox), ["letter 1", "letter 2"])
  assert.deepEqual(
    mailbox.messages.map(({ flags, received }) => [flags.recent, flags.seen, flags.flagged, received]),
    [
      [true, false, false, 1_795_500_000_000],
      [false, true, true, 1_795_500_001_000],
    ],
  )
})

test("a Maildir's marks are renamings, and Dovecot's keywords stay", async (t) => {
  const path = maildir(t)
  renameSync(join(path, "cur/1795500001.Q2.grussell:2,FS"), join(path, "cur/1795500001.Q2.grussell:2,FSab"))
  const mailbox = await openMailbox(path)
  const two = mailbox.messages[1] ?? assert.fail()
  await mailbox.write({
    flags: new Map([
      ...seen(mailbox, "letter 1"),
      [two.key, { ...two.flags, answered: true, flagged: false }],
    ]),
    removed: none,
  })
  assert.deepEqual(readdirSync(join(path, "new")), [])
  assert.deepEqual(readdirSync(join(path, "cur")).toSorted(), [
    "1795500000.Q1.grussell:2,S",
    "1795500001.Q2.grussell:2,RSab",
  ])
})

test("a Maildir's message that another reader renamed is still found, one that he removed is gone", async (t) => {
  const path = maildir(t)
  const mailbox = await openMailbox(path)
  const [one, two] = mailbox.messages.map(({ key }) => key)
  renameSync(join(path, "new/1795500000.Q1.grussell"), join(path, "cur/1795500000.Q1.grussell:2,S"))
  assert.match((await mailbox.read(one ?? ""))?.toString() ?? "", /letter 1/)
  rmSync(join(path, "cur/1795500001.Q2.grussell:2,FS"))
  assert.equal(await mailbox.read(two ?? ""), undefined)
  assert.deepEqual(subjects(mailbox), ["letter 1"])
})

test("what is neither an mbox nor a Maildir is refused in a sentence", async (t) => {
  const folder = join(home(t), "plain")
  mkdirSync(folder)
  await assert.rejects(openMailbox(folder), /neither an mbox file nor a Maildir/)
  assert.ok(existsSync(folder))
})
