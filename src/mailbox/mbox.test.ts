import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import type { Body } from "./body.ts"
import type { MakeDurable } from "./durable.ts"
import { releaseDotLock, takeDotLock, unknownHolderMilliseconds } from "./dotlock.ts"
import { deliverToMbox, type MboxWorld } from "./mbox.ts"
import type { MailboxOutcome } from "./outcome.ts"
import { ourselves } from "./owner.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-mbox-"))
after(() => rmSync(directory, { recursive: true }))
const onlyPython =
  spawnSync("python3", ["-c", ""]).status === 0 ? {} : { skip: "no python3 here to be the other program" }

const durable: MakeDurable = () => Promise.resolve()
const patient: MboxWorld = { durable, lockWaitMilliseconds: 10_000 }
const impatient: MboxWorld = { durable, lockWaitMilliseconds: 120 }
const date = new Date(2008, 10, 15, 11, 12, 21).getTime()

async function deliver(path: string, body: Body, world = impatient): Promise<MailboxOutcome> {
  const [outcome] = await deliverAll(path, [body], world)
  assert.ok(outcome !== undefined)
  return outcome
}

function deliverAll(path: string, bodies: readonly Body[], world = impatient) {
  const messages = bodies.map((body) => ({ sender: "me@grussell.org", date, body }))
  return deliverToMbox({ path, owner: ourselves(), messages }, world)
}

const hello = [Buffer.from("Subject: hello\n\nwake up\n")]
const stored = "From me@grussell.org  Sat Nov 15 11:12:21 2008\nSubject: hello\n\nwake up\n\n"

/** A Python process that holds fcntl.lockf on the file until it is told to let go. */
async function pythonHolds(path: string) {
  const script = `import fcntl,sys
f = open(sys.argv[1], "r+b")
fcntl.lockf(f, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()`
  const child = spawn("python3", ["-c", script, path], { stdio: ["pipe", "pipe", "inherit"] })
  after(() => child.kill())
  await once(child.stdout, "data")
  return async () => {
    child.stdin.end()
    await once(child, "exit")
  }
}

test("messages stand one behind the other, each with its From_ line and an empty line", async () => {
  const path = join(directory, "two")
  assert.deepEqual(await deliver(path, hello), {
    outcome: "done",
    status: "2.0.0",
    text: `delivered to ${path}`,
  })
  await deliver(path, hello)
  assert.equal(readFileSync(path, "latin1"), stored + stored)
  assert.equal(existsSync(`${path}.lock`), false)
})

test("messages that come together share one lock and one sync; one that breaks off leaves the others whole", async () => {
  const path = join(directory, "together")
  let syncs = 0
  const counting: MakeDurable = async () => void syncs++
  const broken = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from("Subject: half\n\n")
    throw Object.assign(new Error("no space"), { code: "ENOSPC" })
  }
  const outcomes = await deliverAll(path, [hello, broken(), hello], { ...impatient, durable: counting })
  assert.deepEqual(
    outcomes.map(({ outcome, status }) => `${outcome} ${status}`),
    ["done 2.0.0", "later 4.3.1", "done 2.0.0"],
  )
  assert.equal(readFileSync(path, "latin1"), stored + stored)
  assert.equal(syncs, 1)
})

test("when their sync fails all of them are taken back, and what stood there stays", async () => {
  const path = join(directory, "unsynced")
  await deliver(path, hello)
  const failing: MakeDurable = () => Promise.reject(Object.assign(new Error("disk"), { code: "EIO" }))
  const outcomes = await deliverAll(path, [hello, hello], { ...impatient, durable: failing })
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    ["later", "later"],
  )
  assert.equal(readFileSync(path, "latin1"), stored)
})

test(
  "a delivery waits while Python's fcntl.lockf holds the mailbox, and goes on when it lets go",
  onlyPython,
  async () => {
    const path = join(directory, "theirs")
    writeFileSync(path, "", { mode: 0o600 })
    const release = await pythonHolds(path)
    assert.deepEqual(await deliver(path, hello), {
      outcome: "later",
      status: "4.2.0",
      text: `${path}: locked by another program`,
    })
    assert.equal(
      existsSync(`${path}.lock`),
      false,
      "mutt takes its locks in the other order: ours must not stay",
    )
    const waiting = deliver(path, hello, patient)
    await release()
    assert.equal((await waiting).outcome, "done")
    assert.equal(readFileSync(path, "latin1"), stored)
  },
)

test("while we write, Python's fcntl.lockf and a dot lock are refused", onlyPython, async () => {
  const path = join(directory, "ours")
  const begun = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const slow = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from("Subject: hello\n\n")
    begun.resolve()
    await goOn.promise
    yield Buffer.from("wake up\n")
  }
  const delivery = deliver(path, slow())
  await begun.promise
  const script = `import fcntl,sys
f = open(sys.argv[1], "r+b")
try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError: sys.exit(7)`
  assert.equal(spawnSync("python3", ["-c", script, path]).status, 7)
  assert.equal(takeDotLock(path, Date.now()), undefined)
  goOn.resolve()
  assert.equal((await delivery).outcome, "done")
  assert.equal(spawnSync("python3", ["-c", script, path]).status, 0)
  assert.equal(readFileSync(path, "latin1"), stored)
})

test("a dot lock of a living program is waited for", async () => {
  const path = join(directory, "dotted")
  writeFileSync(`${path}.lock`, `${process.pid}\n`) // liblockfile's form
  assert.equal((await deliver(path, hello)).outcome, "later")
  const waiting = deliver(path, hello, patient)
  rmSync(`${path}.lock`)
  assert.equal((await waiting).outcome, "done")
})

const boot = existsSync("/proc/sys/kernel/random/boot_id")
  ? readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()
  : ""
const dead = spawnSync("true").pid

const locks: readonly (readonly [string, string, number, boolean])[] = [
  ["of a dead program of this boot is stale at once", `${dead}\n${boot}\n`, 0, true],
  ["of a living program of this boot is never stale", `${process.pid}\n${boot}\n`, 3_600_000, false],
  [
    "of an earlier program with the pid of a living one is stale at once",
    `${process.pid}\n${boot}\n1\n`,
    0,
    true,
  ],
  ["of a dead program without a boot is not stale while it is young", `${dead}\n`, 9000, false],
  ["of a dead program without a boot is stale after ten seconds", `${dead}\n`, 11_000, true],
  ["of a living program without a boot is never stale", `${process.pid}\n`, 3_600_000, false],
  [
    "of this host's last boot is stale after ten seconds, though its pid lives",
    `${process.pid}\nffff-eeee\n1\n${hostname()}\n`,
    11_000,
    true,
  ],
  [
    "of this host's last boot is not stale while it is young",
    `${process.pid}\nffff-eeee\n1\n${hostname()}\n`,
    9000,
    false,
  ],
  [
    "of another host is not stale while it is young",
    `${dead}\nffff-eeee\n1\nmail.hello.com\n`,
    100_000,
    false,
  ],
  ["of another boot counts as unknown: not stale while it is young", `${dead}\nffff-eeee\n`, 1000, false],
  [
    "of another boot counts as unknown: stale after five minutes",
    `${dead}\nffff-eeee\n`,
    unknownHolderMilliseconds + 1000,
    true,
  ],
  ["with nothing in it is not stale while it is young", "", 100_000, false],
  ["with nothing in it is stale after five minutes", "", unknownHolderMilliseconds + 1000, true],
  ["with procmail's 0 in it is stale after five minutes", "0", unknownHolderMilliseconds + 1000, true],
]
for (const [says, text, age, stale] of locks) {
  test(`a dot lock ${says}`, () => {
    const path = join(directory, "stale")
    writeFileSync(`${path}.lock`, text)
    const at = (Date.now() - age) / 1000
    utimesSync(`${path}.lock`, at, at)
    const lock = takeDotLock(path, Date.now())
    assert.equal(lock !== undefined, stale)
    if (lock !== undefined) releaseDotLock(lock)
    rmSync(`${path}.lock`, { force: true })
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith("stale")),
      [],
    )
  })
}

test("a lock that another took after breaking ours is not given back", () => {
  const path = join(directory, "broken")
  const lock = takeDotLock(path, Date.now())
  assert.ok(lock)
  writeFileSync(`${path}.new`, "1\n")
  renameSync(`${path}.new`, `${path}.lock`)
  releaseDotLock(lock)
  assert.equal(readFileSync(`${path}.lock`, "latin1"), "1\n")
})

test("our own lock, as long as we live, is not stale to another of us", () => {
  const path = join(directory, "ours")
  const lock = takeDotLock(path, Date.now())
  assert.ok(lock)
  assert.match(
    readFileSync(lock.path, "latin1"),
    new RegExp(`^${process.pid}\n${boot}\n\\d*\n${hostname()}\n$`),
  )
  assert.equal(takeDotLock(path, Date.now() + 3_600_000), undefined)
  releaseDotLock(lock)
})

test("of many who want a dot lock one gets it", () => {
  const path = join(directory, "many")
  const locks = Array.from({ length: 10 }, () => takeDotLock(path, Date.now()))
  assert.equal(locks.filter((lock) => lock !== undefined).length, 1)
})

test("no trick with the mailbox's file is fallen for", async () => {
  const victim = join(directory, "victim")
  writeFileSync(victim, "the victim's", { mode: 0o600 })
  symlinkSync(victim, join(directory, "symlink"))
  linkSync(victim, join(directory, "hardlink"))
  spawnSync("mkfifo", [join(directory, "fifo")])
  const refusals: readonly (readonly [string, string])[] = [
    ["symlink", "irregular file"],
    ["hardlink", "too many links"],
    ["fifo", "irregular file"],
  ]
  for (const [name, why] of refusals) {
    const path = join(directory, name)
    assert.deepEqual(await deliver(path, hello), {
      outcome: "failed",
      status: "5.2.0",
      text: `${path}: ${why}`,
    })
    assert.equal(existsSync(`${path}.lock`), false)
  }
  assert.equal(readFileSync(victim, "latin1"), "the victim's")
})

test("a mailbox of another user is not written", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("only root can make another user's file")
  const path = join(directory, "anothers")
  writeFileSync(path, "")
  spawnSync("chown", ["12345", path])
  const { outcome, text } = await deliver(path, hello)
  assert.deepEqual(
    { outcome, text },
    { outcome: "failed", text: `${path}: wrong ownership (uid 12345, not 0)` },
  )
})

test("what another program left without an end does not swallow our From_ line", async () => {
  for (const [left, between] of [
    ["From x\n\nhalf", "\n\n"],
    ["From x\n\nline\n", "\n"],
    ["From x\n\nline\n\n", ""],
    ["\n", "\n"],
  ] as const) {
    const path = join(directory, "left")
    writeFileSync(path, left, { mode: 0o600 })
    await deliver(path, hello)
    assert.equal(readFileSync(path, "latin1"), left + between + stored)
  }
})

test("a message that could not be written or synced whole is taken back", async () => {
  const path = join(directory, "whole")
  await deliver(path, hello)
  const breaking = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.alloc(100_000, "x\n")
    throw Object.assign(new Error("no space"), { code: "ENOSPC" })
  }
  const full = { outcome: "later", status: "4.3.1", text: `${path}: no space left on device` }
  assert.deepEqual(await deliver(path, breaking()), full)
  assert.equal(readFileSync(path, "latin1"), stored)
  const failing: MakeDurable = () => Promise.reject(Object.assign(new Error("disk"), { code: "EIO" }))
  const { outcome } = await deliver(path, hello, { ...impatient, durable: failing })
  assert.equal(outcome, "later")
  assert.equal(readFileSync(path, "latin1"), stored)
})

test("on a full disk the mailbox stays as it was", async (t) => {
  const small = mkdtempSync(join(tmpdir(), "waypost-full-"))
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small])
  if (mounted.status !== 0) return t.skip("a small file system cannot be mounted here")
  try {
    const path = join(small, "box")
    await deliver(path, hello)
    const { outcome, status } = await deliver(path, [Buffer.alloc(100_000, "x\n")])
    assert.deepEqual({ outcome, status }, { outcome: "later", status: "4.3.1" })
    assert.equal(readFileSync(path, "latin1"), stored)
  } finally {
    spawnSync("umount", [small])
    rmSync(small, { recursive: true })
  }
})

test(
  "a file put in the mailbox's place while we waited is the one that gets the mail",
  onlyPython,
  async () => {
    const path = join(directory, "replaced")
    writeFileSync(path, "", { mode: 0o600 })
    const release = await pythonHolds(path)
    const waiting = deliver(path, hello, patient)
    await sleep(60) // it has tried once
    writeFileSync(`${path}.new`, "", { mode: 0o600 })
    renameSync(`${path}.new`, path)
    await release()
    assert.equal((await waiting).outcome, "done")
    assert.equal(readFileSync(path, "latin1"), stored)
  },
)

test("a mailbox in a directory that is not there is tried again", async () => {
  const path = join(directory, "nowhere", "box")
  const answer = { outcome: "later", status: "4.2.0", text: `${path}: no such directory` }
  assert.deepEqual(await deliver(path, hello), answer)
})

test(
  "an mbox that Python's mailbox module writes and we append to is read whole by it",
  onlyPython,
  async () => {
    const path = join(directory, "python")
    const write = `import mailbox,sys
b = mailbox.mbox(sys.argv[1]); b.lock(); b.add("Subject: one\\n\\nFrom python\\n"); b.flush(); b.unlock(); b.close()`
    spawnSync("python3", ["-c", write, path])
    await deliver(path, [Buffer.from("Subject: two\n\nFrom us\n\nFrom here\n")])
    const read = `import mailbox,sys
for m in mailbox.mbox(sys.argv[1]): print(m["Subject"], len(m.get_payload()))`
    assert.equal(spawnSync("python3", ["-c", read, path], { encoding: "utf8" }).stdout, "one 13\ntwo 21\n")
    assert.equal(statSync(path).mode & 0o111, 0)
    appendFileSync(path, "")
  },
)
