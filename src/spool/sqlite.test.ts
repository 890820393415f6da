import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { test } from "node:test"
import { headerSize, messageOf, octetsOf } from "../../test/kills/message.ts"
import type { Content } from "../mail/content.ts"
import { because } from "../mail/decision.ts"
import { openSpool } from "./sqlite.ts"
import type { Event, Pending, Spool } from "./spool.ts"

type Opened = {
  readonly spool: Spool
  readonly directory: string
  readonly log: string[]
  /** Closes what is open and opens it again, as the next start of the system would. */
  readonly restart: () => Promise<Spool>
}

/** Runs with a spool in a directory of its own. */
async function withSpool(act: (opened: Opened) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "waypost-spool-"))
  const log: string[] = []
  let spool = await open(directory, log)
  const restart = async () => {
    await spool.close()
    spool = await open(directory, log)
    return spool
  }
  try {
    await act({ spool, directory, log, restart })
  } finally {
    await spool.close()
    rmSync(directory, { recursive: true })
  }
}

async function open(directory: string, log: string[]): Promise<Spool> {
  const say = (line: string) => log.push(line)
  const opened = await openSpool({ directory, clock: Date.now, reserveBytes: 0, log: say })
  if (!opened.ok) assert.fail(opened.error)
  return opened.value
}

async function offer(spool: Spool, id: string, size: number, recipients = 1) {
  const octets = octetsOf(id, size)
  const incoming = spool.incoming(id, 0)
  for (let at = headerSize; at < size; at += 30_000) {
    await incoming.write(Buffer.from(octets.subarray(at, at + 30_000)))
  }
  const { entry, pending } = messageOf(id, size, recipients)
  return incoming.commit(entry, pending, octets.subarray(0, headerSize))
}

async function accept(spool: Spool, id: string, size = 2000, recipients = 1): Promise<Content> {
  const done = await offer(spool, id, size, recipients)
  if (!done.ok) assert.fail(done.error.why)
  return done.value.content
}

async function octetsIn(content: Content, start = 0): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of content.chunks(start)) {
    assert.ok(piece.length <= 65_536)
    pieces.push(Buffer.from(piece)) // the next one takes its place
  }
  return Buffer.concat(pieces)
}

async function contentOf(spool: Spool, id: string): Promise<Content> {
  const content = await spool.content(id)
  if (!content.ok) assert.fail(content.error)
  return content.value
}

const noted = Date.now()

const ids = (found: Awaited<ReturnType<Spool["list"]>>) => found.map(({ entry }) => entry.id)

test("what was accepted is there after the process has ended, octet for octet and with every reason", async () => {
  await withSpool(async ({ spool, directory, restart }) => {
    const sizes = [headerSize, 900, 10_240, 65_000, 64_512 + headerSize, 64_513 + headerSize, 300_000]
    for (const [n, size] of sizes.entries()) {
      const content = await accept(spool, `m${n}`, size, 2)
      assert.deepEqual(await octetsIn(content), octetsOf(`m${n}`, size), `${size} octets, just accepted`)
    }
    const again = await restart()
    for (const [n, size] of sizes.entries()) {
      const expected = messageOf(`m${n}`, size, 2)
      assert.deepEqual(await again.get(`m${n}`), expected)
      const content = await contentOf(again, `m${n}`)
      assert.deepEqual([content.size, content.headerSize], [size, headerSize])
      assert.deepEqual(await octetsIn(content), octetsOf(`m${n}`, size), `${size} octets, read back`)
    }
    assert.equal(readdirSync(join(directory, "bodies")).length, 3)
  })
})

test("a reader may begin anywhere in a message, in memory, in a row and in a file", async () => {
  await withSpool(async ({ spool }) => {
    for (const size of [5000, 200_000]) {
      const id = `m${size}`
      const accepted = await accept(spool, id, size)
      for (const content of [accepted, await contentOf(spool, id)]) {
        for (const start of [0, 1, headerSize - 1, headerSize, headerSize + 70_000, size - 1, size]) {
          assert.deepEqual(
            await octetsIn(content, start),
            octetsOf(id, size).subarray(start),
            `${size}@${start}`,
          )
        }
      }
    }
  })
})

test("trace fields longer than what is kept free for them still come first", async () => {
  await withSpool(async ({ spool }) => {
    const prefix = Buffer.from(`Authentication-Results: mx.test; ${"x".repeat(3000)}\r\n`)
    const incoming = spool.incoming("long", 10)
    await incoming.write(Buffer.from("Subject: SMTP\r\n\r\nHello gordon.\r\n"))
    const { entry, pending } = messageOf("long", 100, 1)
    const done = await incoming.commit(entry, pending, prefix)
    assert.ok(done.ok)
    const expected = Buffer.concat([prefix, Buffer.from("Subject: SMTP\r\n\r\nHello gordon.\r\n")])
    assert.deepEqual(await octetsIn(done.value.content), expected)
    assert.deepEqual(await octetsIn(await contentOf(spool, "long")), expected)
  })
})

test("the caller may use its buffer again for the next piece", async () => {
  await withSpool(async ({ spool }) => {
    const buffer = Buffer.alloc(50_000, "a")
    const incoming = spool.incoming("reused", 0)
    await incoming.write(buffer)
    buffer.fill("b")
    await incoming.write(buffer)
    buffer.fill("c")
    const { entry, pending } = messageOf("reused", 100_000, 1)
    const done = await incoming.commit(entry, pending, Buffer.alloc(0))
    assert.ok(done.ok)
    const expected = Buffer.concat([Buffer.alloc(50_000, "a"), Buffer.alloc(50_000, "b")])
    assert.deepEqual(await octetsIn(await contentOf(spool, "reused")), expected)
  })
})

test("an attempt's outcome strikes off those served and keeps the others; the message goes with its last recipient", async () => {
  await withSpool(async ({ spool, directory }) => {
    await accept(spool, "list", 100_000, 4)
    const [first, second] = messageOf("list", 100_000, 4).pending
    assert.ok(first !== undefined && second !== undefined)
    const status = {
      status: "4.4.1",
      text: "Connection timed out",
      remote: "mx.test [192.0.2.1]",
      at: 5,
    } as const
    const later = { ...second, attempts: 1, nextAttempt: 60_000, lastStatus: status }
    const route = { mailer: "local", host: "", user: "me" }
    const reason = because("aliases", "list: me, you")
    const expandedFrom = { address: "list@example.org", owner: "owner-list", user: undefined, reason }
    const child = { ...first, number: 1_000_000, route, expandedFrom }
    const done = await spool.record({ id: "list", done: [0, 3], update: [later], add: [child] })
    assert.ok(done.ok)
    const { pending } = (await spool.get("list")) ?? assert.fail("it is gone")
    assert.deepEqual(pending, [later, { ...first, number: 2, recipient: pending[1]?.recipient }, child])
    // The same outcome again, as after a crash: nothing changes.
    await spool.record({ id: "list", done: [0, 3], update: [later], add: [child] })
    assert.deepEqual(await spool.count(), { messages: 1, recipients: 3, octets: 100_000 })
    await spool.record({ id: "list", done: [1, 2, 1_000_000], update: [], add: [] })
    assert.equal(await spool.get("list"), undefined)
    assert.deepEqual(readdirSync(join(directory, "bodies")), [])
    assert.deepEqual(await spool.count(), { messages: 0, recipients: 0, octets: 0 })
    // Somebody removed it while it was delivered: nothing is left to record, and that is no error.
    assert.ok((await spool.record({ id: "list", done: [1], update: [], add: [] })).ok)
  })
})

test("due: the longest overdue first, each message once, none that waits or is held", async () => {
  await withSpool(async ({ spool }) => {
    const waits = async (id: string, times: readonly number[]) => {
      await accept(spool, id, 500, times.length)
      const { pending } = messageOf(id, 500, times.length)
      const update = times.flatMap((nextAttempt, n) => {
        const one = pending[n]
        return one === undefined ? [] : [{ ...one, nextAttempt }]
      })
      await spool.record({ id, done: [], update, add: [] })
    }
    await waits("late", [300, 9000])
    await waits("early", [200, 250])
    await waits("future", [5000])
    await waits("held", [100])
    assert.equal(await spool.hold("held", "by hand"), true)
    assert.deepEqual(ids(await spool.due(1000, 10)), ["early", "late"])
    assert.deepEqual(ids(await spool.due(1000, 1)), ["early"])
    assert.deepEqual(ids(await spool.due(100, 10)), [])
    assert.deepEqual(ids(await spool.due(1000, 1, ["early"])), ["late"], "what is in hand is left out")
    assert.equal(await spool.nextDue(0), 200)
    assert.equal(await spool.nextDue(250), 300)
    const { pending } = (await spool.get("future")) ?? assert.fail("it is gone")
    assert.equal(pending[0]?.nextAttempt, 5000)
    assert.equal(await spool.retry("future"), true)
    assert.deepEqual(ids(await spool.due(1000, 10)), ["future", "early", "late"])
    assert.equal((await spool.due(1000, 1))[0]?.pending[0]?.nextAttempt, 0)
    assert.equal(await spool.retry("held"), false)
    assert.equal(await spool.release("held"), true)
    assert.equal(await spool.release("held"), false)
    assert.equal(await spool.hold("nobody", "by hand"), false)
    assert.deepEqual(ids(await spool.due(1000, 10)), ["future", "held", "early", "late"])
  })
})

test("a message that is held says why, and what is recorded meanwhile does not wake it", async () => {
  await withSpool(async ({ spool }) => {
    await accept(spool, "held", 500, 2)
    await spool.hold("held", "bait")
    assert.deepEqual((await spool.get("held"))?.entry.held, { reason: "bait", at: undefined })
    const [one] = messageOf("held", 500, 2).pending
    assert.ok(one !== undefined)
    await spool.record({ id: "held", done: [1], update: [one], add: [] })
    assert.deepEqual(await spool.due(1e15, 10), [])
    assert.equal(await spool.nextDue(0), undefined)
  })
})

test("a message accepted in quarantine rests from the beginning, with the line that put it there", async () => {
  await withSpool(async ({ spool }) => {
    const { entry, pending } = messageOf("quarantine", 500, 1)
    const held = { reason: "looks odd", at: { file: "/etc/mail/access", line: 9, column: 1 } }
    const incoming = spool.incoming("quarantine", 0)
    await incoming.write(Buffer.from("x"))
    assert.ok((await incoming.commit({ ...entry, held }, pending, Buffer.alloc(0))).ok)
    assert.deepEqual((await spool.get("quarantine"))?.entry.held, held)
    assert.deepEqual(await spool.due(1e15, 10), [])
  })
})

test("list: pages in order of id, by parts of addresses in any case, by age, by id", async () => {
  await withSpool(async ({ spool }) => {
    const names = Array.from({ length: 600 }, (_, n) => `m${String(n).padStart(4, "0")}`)
    await Promise.all(names.map((id) => accept(spool, id, 200)))
    await accept(spool, "z0", 200, 3)
    assert.deepEqual(ids(await spool.list({}, undefined, 3)), ["m0000", "m0001", "m0002"])
    assert.deepEqual(ids(await spool.list({}, "m0597", 100)), ["m0598", "m0599", "z0"])
    assert.deepEqual(ids(await spool.list({}, undefined, 1000)), [...names, "z0"])
    assert.deepEqual(ids(await spool.list({ to: "USER2@" }, undefined, 10)), ["z0"])
    assert.deepEqual(ids(await spool.list({ from: "nobody" }, undefined, 10)), [])
    assert.equal((await spool.list({ from: "Ann@Example" }, undefined, 1000)).length, 601)
    const accepted = messageOf("x", 200, 1).entry.acceptedAt
    assert.equal((await spool.list({ olderThan: accepted }, undefined, 1000)).length, 0)
    assert.equal((await spool.list({ olderThan: accepted + 1 }, undefined, 1000)).length, 601)
    assert.deepEqual(ids(await spool.list({ ids: ["z0", "m0003", "nobody"] }, undefined, 10)), [
      "m0003",
      "z0",
    ])
    assert.deepEqual(ids(await spool.list({ ids: ["z0", "m0003"] }, "m0003", 10)), ["z0"])
  })
})

test("counts made by an earlier run and by this one agree, whatever comes and goes while they are counted", async () => {
  await withSpool(async ({ spool, restart }) => {
    await Promise.all(Array.from({ length: 300 }, (_, n) => accept(spool, `old${n}`, 1000, 2)))
    const again = await restart()
    await again.remove("old7")
    await again.record({ id: "old8", done: [0], update: [], add: [] })
    const counting = again.count()
    await accept(again, "new", 500)
    assert.deepEqual(await again.count(), { messages: 300, recipients: 598, octets: 299_500 })
    await counting
    await again.remove("old9")
    assert.deepEqual(await again.count(), { messages: 299, recipients: 596, octets: 298_500 })
  })
})

test("ten thousand recipients are struck off batch by batch", async () => {
  await withSpool(async ({ spool }) => {
    await accept(spool, "big", 2000, 10_000)
    for (let from = 0; from < 10_000; from += 100) {
      const done = Array.from({ length: 100 }, (_, n) => from + n)
      assert.ok((await spool.record({ id: "big", done, update: [], add: [] })).ok)
    }
    assert.equal(await spool.get("big"), undefined)
  })
})

test("an expansion made again after a crash replaces what it finds, and each member is counted once", async () => {
  await withSpool(async ({ spool }) => {
    await accept(spool, "list", 2000, 1)
    const [parent] = (await spool.get("list"))?.pending ?? []
    assert.ok(parent !== undefined)
    const members = (first: number, count: number) =>
      Array.from({ length: count }, (_, n) => ({ ...parent, number: 1_000_000 + first + n }))
    const expanded = async (add: readonly Pending[]) =>
      await spool.record({ id: "list", done: [0], update: [], add })
    assert.ok((await expanded(members(0, 30))).ok)
    assert.ok((await expanded(members(10, 40))).ok)
    assert.equal((await spool.count()).recipients, 50)
    const numbers = (await spool.get("list"))?.pending.map(({ number }) => number - 1_000_000)
    assert.deepEqual(
      numbers,
      Array.from({ length: 50 }, (_, n) => n),
    )
    const done = [0, 1, 2, 7, 9, 8].map((n) => 1_000_000 + n)
    assert.ok((await spool.record({ id: "list", done, update: [], add: [] })).ok)
    assert.equal((await spool.count()).recipients, 44)
    assert.equal((await spool.get("list"))?.pending.length, 44)
  })
})

test("a message that is thrown away leaves nothing, and so does one offered twice", async () => {
  await withSpool(async ({ spool, directory }) => {
    for (const size of [100, 200_000]) {
      const incoming = spool.incoming(`gone${size}`, 0)
      await incoming.write(Buffer.alloc(size))
      incoming.abort()
    }
    await accept(spool, "twice", 100)
    const second = await offer(spool, "twice", 200)
    assert.ok(!second.ok)
    assert.equal(second.error.full, false)
    assert.match(second.error.why, /twice: there is a message of this id/)
    assert.deepEqual(await octetsIn(await contentOf(spool, "twice")), octetsOf("twice", 100))
    assert.deepEqual(ids(await spool.list({}, undefined, 10)), ["twice"])
    assert.deepEqual(readdirSync(join(directory, "bodies")), [])
  })
})

test("an id that could be a path is refused before it becomes one", async () => {
  await withSpool(async ({ spool }) => {
    assert.throws(() => spool.incoming("../../etc/passwd", 0), /no queue id/)
    assert.equal((await spool.content("../queue")).ok, false)
  })
})

test("a second Waypost on the same directory is refused and told who was first", async () => {
  await withSpool(async ({ directory }) => {
    const second = await openSpool({ directory, clock: Date.now, log: () => {} })
    assert.deepEqual(second, {
      ok: false,
      error: `another Waypost (pid ${process.pid}) is using ${directory}`,
    })
  })
})

test("a spool of a newer version is refused and left as it is", async () => {
  await withSpool(async ({ spool, directory }) => {
    await spool.close()
    const database = new DatabaseSync(join(directory, "queue.db"))
    database.exec("PRAGMA user_version = 99")
    database.close()
    const opened = await openSpool({ directory, clock: Date.now, log: () => {} })
    assert.ok(!opened.ok)
    assert.match(opened.error, /queue\.db was written by a newer Waypost \(schema 99, this one knows 4\)/)
  })
})

test("a directory that cannot be written is one line", async () => {
  await withSpool(async ({ directory }) => {
    const file = join(directory, "a-file")
    writeFileSync(file, "")
    const where = await openSpool({ directory: file, clock: Date.now, log: () => {} })
    assert.ok(!where.ok)
    assert.match(where.error, /a-file: EEXIST|ENOTDIR/)
  })
})

/** Changes a row of queue.db behind the spool's back. */
function meddle(directory: string, sql: string): void {
  const database = new DatabaseSync(join(directory, "queue.db"))
  database.exec(sql)
  database.close()
}

test("octets that changed on the disk are never given out: they are set aside and said", async () => {
  await withSpool(async ({ spool, directory }) => {
    await accept(spool, "row", 2000)
    await accept(spool, "file", 100_000)
    await accept(spool, "lost", 100_000)
    await accept(spool, "short", 100_000)
    assert.equal((await spool.count()).messages, 4) // whoever asks makes rows of what is in the log
    meddle(
      directory,
      "UPDATE body SET octets = CAST(replace(CAST(octets AS TEXT), 'This', 'That') AS BLOB) WHERE seq = 1",
    )
    const path = join(directory, "bodies", "file")
    const octets = readFileSync(path)
    octets[70_000] = (octets[70_000] ?? 0) ^ 1
    writeFileSync(path, octets)
    rmSync(join(directory, "bodies", "lost"))
    truncateSync(join(directory, "bodies", "short"), 50_000)
    const cases = [
      ["row", /^row: the checksum of its octets is wrong; what is left of it is in damaged\/row$/],
      ["file", /^file: the checksum of its file is wrong; it was moved to damaged\/file$/],
      ["lost", /^lost: its file is missing$/],
      ["short", /^short: its file has 50000 octets where \d+ were written; it was moved to damaged\/short$/],
      ["nobody", /^nobody: no such message$/],
    ] as const
    for (const [id, words] of cases) {
      const content = await spool.content(id)
      assert.ok(!content.ok)
      assert.match(content.error, words)
    }
    assert.deepEqual(readdirSync(join(directory, "damaged")).toSorted(), ["file", "row", "short"])
    assert.equal(readFileSync(join(directory, "damaged", "row"), "utf8").includes("That is row"), true)
    assert.equal(await spool.remove("row"), true)
    assert.deepEqual(readdirSync(join(directory, "damaged")).toSorted(), ["file", "row", "short"])
  })
})

test("an entry or a recipient that changed on the disk is set aside and not tried, and mail beside it flows", async () => {
  await withSpool(async ({ spool, directory, log }) => {
    await accept(spool, "one")
    await accept(spool, "two")
    await accept(spool, "three")
    assert.equal((await spool.count()).messages, 3)
    meddle(directory, "UPDATE entry SET json = replace(json, 'ann', 'eve') WHERE id = 'one'")
    meddle(directory, "UPDATE pending SET json = replace(json, 'user0', 'user9') WHERE seq = 2")
    assert.deepEqual(ids(await spool.due(Date.now(), 10)), ["three"])
    assert.deepEqual(ids(await spool.due(Date.now(), 10)), ["three"])
    assert.deepEqual(readdirSync(join(directory, "damaged")).toSorted(), ["one.entry", "two.entry"])
    assert.deepEqual(log, [
      "one: its entry is damaged; what is left of it is in damaged/one.entry, and it is not tried",
      "two: its entry is damaged; what is left of it is in damaged/two.entry, and it is not tried",
    ])
    assert.equal(await spool.remove("one"), true)
  })
})

function event(id: string, what: Event["what"], detail: string): Event {
  const at = { file: "/etc/mail/aliases", line: 4, column: 1 }
  const reason = because("aliases", "me: ann", at, [because("local?", "in class w")])
  return { id, what, at: noted, address: "me", status: "2.0.0", detail, remote: undefined, reason }
}

test("a timeline has a message's events in their order, at once when asked, and after a restart", async () => {
  await withSpool(async ({ spool, restart }) => {
    const events = [
      event("a", "accepted", "one"),
      event("a", "deferred", "two"),
      event("a", "delivered", "three"),
    ]
    spool.note([...events.slice(0, 2), event("b", "refused", "other")])
    spool.note(events.slice(2))
    assert.deepEqual(await spool.history("a"), events)
    assert.deepEqual(await spool.history("nobody"), [])
    const again = await restart()
    assert.deepEqual(await again.history("a"), events)
  })
})

test("memory is given back while mail goes on", async () => {
  await withSpool(async ({ spool }) => {
    const trimmed = spool.trimMemory()
    await accept(spool, "meanwhile")
    await trimmed
    assert.ok((await spool.get("meanwhile")) !== undefined)
  })
})

test("closing waits for what was asked, and refuses nothing that was promised", async () => {
  await withSpool(async ({ spool, restart }) => {
    const offers = Array.from({ length: 50 }, (_, n) => offer(spool, `m${n}`, 5000))
    await new Promise((resolve) => setImmediate(resolve))
    await spool.close()
    const acknowledged = (await Promise.all(offers)).filter((done) => done.ok).length
    const again = await restart()
    assert.equal((await again.count()).messages, acknowledged)
    assert.equal(acknowledged, 50)
  })
})

test("a spool of version 1, full, is brought up to date: nothing is lost, and each recipient finds its lane", async () => {
  await withSpool(async ({ spool, directory }) => {
    await Promise.all(["a1", "a2", "a3"].map((id) => accept(spool, id, 300, 2)))
    await spool.close()
    const database = new DatabaseSync(join(directory, "queue.db"))
    database.exec(`
      DROP INDEX entrySegment; ALTER TABLE entry DROP COLUMN segment; ALTER TABLE entry DROP COLUMN place; DROP TABLE log;
      DROP INDEX pendingLane; DROP INDEX pendingNext; ALTER TABLE pending DROP COLUMN lane;
      CREATE INDEX pendingDue ON pending (due) WHERE due IS NOT NULL; DROP TABLE clock; PRAGMA user_version = 1`)
    database.close()
    const again = await open(directory, [])
    assert.deepEqual(ids(await again.due(Date.now(), 10)), ["a1", "a2", "a3"])
    await again.close()
    const after = new DatabaseSync(join(directory, "queue.db"))
    const [row] = after.prepare("SELECT count(*) AS none FROM pending WHERE lane = 0").all()
    assert.equal(row?.["none"], 0)
    after.close()
  })
})
