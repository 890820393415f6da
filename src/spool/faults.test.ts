// Disks that fail: syncs and writes that strace makes fail, the order of syncs, a file system that is full.
import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { headerSize, messageOf, octetsOf } from "../../test/kills/message.ts"
import { openSpool } from "./sqlite.ts"
import type { Spool } from "./spool.ts"

const offers = join(import.meta.dirname, "../../test/kills/offers.ts")
const canTrace =
  spawnSync("strace", ["-f", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=9999", "true"]).status ===
  0
const noTrace = canTrace ? false : "strace is missing or may not trace here"

type Ran = { readonly said: string; readonly trace: string; readonly log: string }

/** Runs the offers under strace with these options. */
async function traced(directory: string, options: readonly string[], args: readonly string[]): Promise<Ran> {
  const trace = join(directory, "trace")
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", offers, join(directory, "queue")]
  const child = spawn("strace", ["-f", "-qq", "-o", trace, ...options, ...node, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    // strace counts the calls of each thread by itself: with one thread for files, the first sync is the first one anywhere.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, UV_THREADPOOL_SIZE: "1" },
  })
  let said = ""
  let log = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text))
  const code = await new Promise((resolve) => child.on("close", resolve))
  assert.equal(code, 0, log)
  return { said, log, trace: readFileSync(trace, "utf8") }
}

async function inDirectory(act: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "waypost-faults-"))
  try {
    const fresh = await open(join(directory, "queue"))
    await fresh.close() // the tables are there: what fails is mail
    await act(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

async function open(directory: string, log: string[] = [], reserveBytes = 0): Promise<Spool> {
  const say = (line: string) => log.push(line)
  const opened = await openSpool({ directory, clock: Date.now, reserveBytes, log: say })
  if (!opened.ok) assert.fail(opened.error)
  return opened.value
}

function idsOf(said: string, word: string): string[] {
  return [...said.matchAll(new RegExp(`^${word} (\\w+)`, "gm"))].map((match) => match[1] ?? "")
}

/** What was acknowledged is there and whole; what was refused is not. */
async function checkPromises(directory: string, said: string, size: number): Promise<void> {
  const spool = await open(join(directory, "queue"))
  try {
    const found = (await spool.list({}, undefined, 1000)).map(({ entry }) => entry.id)
    assert.deepEqual(found, idsOf(said, "acknowledged"))
    for (const id of found) {
      const content = await spool.content(id)
      if (!content.ok) assert.fail(content.error)
      const pieces: Buffer[] = []
      for await (const piece of content.value.chunks()) pieces.push(Buffer.from(piece))
      assert.deepEqual(Buffer.concat(pieces), octetsOf(id, size))
    }
    const files = size > 65_536 ? found : []
    assert.deepEqual(readdirSync(join(directory, "queue", "bodies")).toSorted(), files)
  } finally {
    await spool.close()
  }
}

const segment = (n: number) => join("log", String(n).padStart(10, "0"))

const faults = [
  {
    what: "a write into the log fails",
    size: 2000,
    inject: "pwrite64:error=EIO:when=3",
    paths: [segment(1)],
    word: "broken",
  },
  {
    what: "writes into two logs fail in turn",
    size: 9000,
    inject: "pwrite64:error=EIO:when=3..4",
    paths: [segment(1), segment(2)],
    word: "broken",
  },
  {
    what: "the log finds no space",
    size: 9000,
    inject: "pwrite64:error=ENOSPC:when=2",
    paths: [segment(1)],
    word: "full",
  },
  {
    what: "no new log can be made for a while",
    size: 2000,
    inject: "pwrite64:error=ENOSPC:when=1",
    paths: [join("log", "spare")],
    word: "full",
  },
  {
    what: "the sync of a large body fails",
    size: 200_000,
    inject: "fdatasync:error=EIO:when=1",
    paths: [join("bodies", "m0000")],
    word: "broken",
  },
] as const

for (const { what, size, inject, paths, word } of faults) {
  test(`when ${what}, that message is refused, nothing refused is kept, and the next ones flow`, {
    skip: noTrace,
  }, async () => {
    await inDirectory(async (directory) => {
      const call = inject.slice(0, inject.indexOf(":"))
      const only = paths.flatMap((path) => ["-P", join(directory, "queue", path)])
      const ran = await traced(
        directory,
        [...only, "-e", `trace=${call}`, "-e", `inject=${inject}`],
        ["8", String(size)],
      )
      assert.match(ran.trace, /INJECTED/)
      const refused = [...ran.said.matchAll(/^refused (\w+) (\w+)$/gm)]
      assert.ok(refused.length > 0, ran.said)
      for (const match of refused) assert.equal(match[2], word)
      assert.ok(ran.said.trimEnd().endsWith("acknowledged m0007"), ran.said)
      await checkPromises(directory, ran.said, size)
    })
  })
}

test("when what the log holds cannot become rows, it is still in the log, and the next start finds it", {
  skip: noTrace,
}, async () => {
  await inDirectory(async (directory) => {
    const only = ["-P", join(directory, "queue", "queue.db-wal")]
    const inject = ["-e", "trace=pwrite64", "-e", "inject=pwrite64:error=EIO"]
    const ran = await traced(directory, [...only, ...inject], ["4", "9000"])
    assert.match(ran.trace, /INJECTED/)
    assert.equal(idsOf(ran.said, "acknowledged").length, 4)
    await checkPromises(directory, ran.said, 9000)
  })
})

test("when a checkpoint fails, the WAL still has everything", { skip: noTrace }, async () => {
  await inDirectory(async (directory) => {
    const only = ["-P", join(directory, "queue", "queue.db")]
    const inject = ["-e", "trace=fsync", "-e", "inject=fsync:error=EIO"]
    const ran = await traced(directory, [...only, ...inject], ["4", "9000"])
    assert.match(ran.trace, /INJECTED/)
    assert.match(ran.log, /WAL could not be written into its database: disk I\/O error/)
    assert.equal(idsOf(ran.said, "acknowledged").length, 4)
    await checkPromises(directory, ran.said, 9000)
  })
})

test("a disk that cannot be written past the page cache in our blocks is written as ever", {
  skip: noTrace,
}, async () => {
  await inDirectory(async (directory) => {
    const only = ["-P", join(directory, "queue", "log", "spare")]
    const inject = ["-e", "trace=openat,pwrite64", "-e", "inject=pwrite64:error=EINVAL:when=1"]
    const ran = await traced(directory, [...only, ...inject], ["4", "9000"])
    assert.match(ran.trace, /O_TRUNC\|O_DIRECT[^]+EINVAL[^]+INJECTED[^]+O_TRUNC(?!\|O_DIRECT)/)
    assert.equal(idsOf(ran.said, "acknowledged").length, 4)
    await checkPromises(directory, ran.said, 9000)
  })
})

const calls = ["-e", "trace=openat,pwrite64,fsync,fdatasync,write", "-y", "-s", "12"]

test("at one client, a message costs one write of the log, durable when it is over, before it is acknowledged", {
  skip: noTrace,
}, async () => {
  await inDirectory(async (directory) => {
    const { trace } = await traced(directory, calls, ["6", "5000"])
    assert.match(trace, /log\/spare", O_RDWR\|O_DSYNC/) // and renamed when its first block is written
    const events = eventsOf(trace)
    const begun = events.indexOf("offered", events.indexOf("acknowledged"))
    const one = ["offered", "pwrite64 log/0000000001", "acknowledged"]
    assert.deepEqual(events.slice(begun, begun + 15), Array.from({ length: 5 }, () => one).flat())
  })
})

test("a log is durable with its name, and a large message has its file and its folder, before the record, before the reply", {
  skip: noTrace,
}, async () => {
  await inDirectory(async (directory) => {
    const { trace } = await traced(directory, calls, ["2", "200000"])
    const all = eventsOf(trace)
    const zeros = all.indexOf("fsync log/spare")
    const events = all.filter(
      (event, n) => !/^pwrite64 (?!log\/)/.test(event) && (n > zeros || !event.startsWith("pwrite64 ")),
    )
    const body = (id: string) => [`fdatasync bodies/${id}`, "fsync bodies"]
    const record = ["pwrite64 log/0000000001", "acknowledged"]
    assert.deepEqual(events.slice(0, 12), [
      "offered",
      ...body("m0000"),
      "fsync log/spare",
      "pwrite64 log/spare", // its number and key, by O_DSYNC
      "fsync log",
      ...record,
      "offered",
      ...body("m0001"),
      record[0],
    ])
  })
})

/** Writes and syncs of the spool, and the words the process said, in order; a call that another thread interrupted counts when it ends. */
function eventsOf(trace: string): string[] {
  const begun = new Map<string, string>()
  return trace.split("\n").flatMap((line) => {
    const said = /write\(1[^"]*"(offered|acknowledged)/.exec(line)?.[1]
    if (said !== undefined) return [said]
    const thread = /^\d+/.exec(line)?.[0] ?? ""
    const call = /\b(fsync|fdatasync|pwrite64)\(\d+<[^>]*\/queue\/([^>]*)>/.exec(line)
    const event = call === null ? undefined : `${call[1]} ${call[2]}`
    if (event !== undefined && line.includes("<unfinished")) begun.set(thread, event)
    else if (event !== undefined) return [event]
    const ended = /<\.\.\. (?:fsync|fdatasync|pwrite64) resumed/.test(line) ? begun.get(thread) : undefined
    return ended === undefined ? [] : [ended]
  })
}

/** A spool on a small file system of its own, when we may make one. */
async function onSmallDisk(
  context: TestContext,
  reserveBytes: number,
  act: (spool: Spool, disk: string) => Promise<void>,
): Promise<void> {
  const disk = mkdtempSync(join(tmpdir(), "waypost-disk-"))
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]).status === 0
  if (!mounted) {
    rmSync(disk, { recursive: true })
    return context.skip("only root may mount a small file system")
  }
  const spool = await open(join(disk, "queue"), [], reserveBytes)
  try {
    await act(spool, disk)
  } finally {
    rmSync(join(disk, "ballast"), { force: true })
    await spool.close()
    await until("nobody looks at it any more", () => spawnSync("umount", [disk]).status === 0)
    rmSync(disk, { recursive: true })
  }
}

async function offer(spool: Spool, id: string, size: number) {
  const octets = octetsOf(id, size)
  const incoming = spool.incoming(id, 0)
  for (let at = headerSize; at < size; at += 50_000) await incoming.write(octets.subarray(at, at + 50_000))
  const { entry, pending } = messageOf(id, size, 1)
  return incoming.commit(entry, pending, octets.subarray(0, headerSize))
}

/** Takes all the space there is, whoever else takes some meanwhile: a file of the log may be in the making. */
function fill(disk: string): void {
  const ballast = openSync(join(disk, "ballast"), "w")
  try {
    for (const octets = Buffer.alloc(4096); ; ) writeSync(ballast, octets)
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC")
  } finally {
    closeSync(ballast)
  }
}

/** Resolves when the condition holds; a second between two looks is the spool's own. */
async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 5000
  while (!condition()) {
    assert.ok(performance.now() < end, `${what}: not within 5 s`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

test("a full disk: 4xx for what comes, nothing lost of what is there, outcomes kept, and mail flows again by itself", async (context) => {
  await onSmallDisk(context, 0, async (spool, disk) => {
    assert.ok((await offer(spool, "before", 10_000)).ok)
    assert.ok((await offer(spool, "beforelarge", 200_000)).ok)
    fill(disk)
    const large = await offer(spool, "fulllarge", 200_000)
    assert.ok(!large.ok)
    assert.equal(large.error.full, true, large.error.why)
    // The log has its space already: what comes before somebody looks at the room is taken until it is full.
    const taken: string[] = []
    for (let n = 10; ; n++) {
      const done = await offer(spool, `full${n}`, 50_000)
      if (done.ok) taken.push(`full${n}`)
      else assert.equal(done.error.full, true, done.error.why)
      if (!done.ok) break
      assert.ok(n < 99, "it is never full")
    }
    assert.equal(spool.room(10_000).ok, false)
    const recording = spool.record({ id: "before", done: [0], update: [], add: [] })
    unlinkSync(join(disk, "ballast"))
    await until("room", () => spool.room(10_000).ok)
    assert.ok((await offer(spool, "after", 10_000)).ok)
    assert.ok((await recording).ok)
    const ids = (await spool.list({}, undefined, 100)).map(({ entry }) => entry.id)
    assert.deepEqual(ids, ["after", "beforelarge", ...taken])
    assert.ok((await spool.content("beforelarge")).ok)
    assert.deepEqual(readdirSync(join(disk, "queue", "bodies")), ["beforelarge"])
  })
})

test("a full disk: what is on its way from the log to the database is due when there is space, and not forgotten meanwhile", async (context) => {
  await onSmallDisk(context, 0, async (spool, disk) => {
    const ids = Array.from({ length: 20 }, (_, n) => `waits${n}`)
    for (const id of ids) assert.ok((await offer(spool, id, 20_000)).ok)
    fill(disk)
    // Whoever asks about the queue has the log become rows, for which there is no room.
    await assert.rejects(spool.count(), /full/)
    const due = spool.due(Date.now() + 1e9, 100)
    const next = spool.nextDue(0)
    const early = await Promise.race([due, new Promise((resolve) => setTimeout(resolve, 1500, "not yet"))])
    unlinkSync(join(disk, "ballast"))
    assert.equal(early, "not yet")
    assert.equal((await due).length, ids.length)
    await next
    await until("room", () => spool.room(10_000).ok)
    assert.ok((await offer(spool, "after", 10_000)).ok)
  })
})

test("room is refused while there is a reserve left, so that the disk never gets full by mail", async (context) => {
  await onSmallDisk(context, 2_000_000, async (spool, disk) => {
    let accepted = 0
    while (spool.room(50_000).ok && accepted < 500) {
      assert.ok((await offer(spool, `m${accepted}`, 50_000)).ok)
      accepted++
    }
    assert.ok(accepted > 5 && accepted < 120, `${accepted} accepted`)
    const { bavail, bsize } = statfsSync(disk)
    assert.ok(bavail * bsize > 1_000_000, `${bavail * bsize} octets left`)
  })
})
