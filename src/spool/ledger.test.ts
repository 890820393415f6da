// The log in front of the database: what a power cut finds, how segments come and go, and where octets are meanwhile.
import assert from "node:assert/strict"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { test } from "node:test"
import { Worker } from "node:worker_threads"
import { headerSize, messageOf, octetsOf } from "../../test/kills/message.ts"
import type { ToWorker } from "./requests.ts"
import { openSpool } from "./sqlite.ts"
import type { Spool } from "./spool.ts"

const segmentOctets = 256 * 1024

type Place = { readonly spool: Spool; readonly directory: string; readonly log: string[] }

async function open(directory: string, log: string[] = [], settleEvery?: number): Promise<Spool> {
  const say = (line: string) => log.push(line)
  const opened = await openSpool({
    directory,
    clock: Date.now,
    reserveBytes: 0,
    segmentOctets,
    settleEvery,
    log: say,
  })
  if (!opened.ok) assert.fail(opened.error)
  return opened.value
}

async function withSpool(act: (place: Place) => Promise<void>, settleEvery?: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "waypost-ledger-"))
  const log: string[] = []
  const spool = await open(join(directory, "queue"), log, settleEvery)
  try {
    await act({ spool, directory, log })
  } finally {
    await spool.close()
    rmSync(directory, { recursive: true })
  }
}

async function accept(spool: Spool, id: string, size = 9000, recipients = 1): Promise<void> {
  const octets = octetsOf(id, size)
  const incoming = spool.incoming(id, 0)
  for (let at = headerSize; at < size; at += 30_000) await incoming.write(octets.subarray(at, at + 30_000))
  const { entry, pending } = messageOf(id, size, recipients)
  const done = await incoming.commit(entry, pending, octets.subarray(0, headerSize))
  if (!done.ok) assert.fail(done.error.why)
}

async function served(spool: Spool, id: string, done: readonly number[] = [0]): Promise<void> {
  assert.ok((await spool.record({ id, done, update: [], add: [] })).ok)
}

/** What another process finds that starts on what is on the disk now. */
async function afterPowerCut({ directory }: Place, look: (spool: Spool) => Promise<void>): Promise<void> {
  const copy = join(directory, "copy")
  cpSync(join(directory, "queue"), copy, { recursive: true, filter: (path) => !path.endsWith("lock") })
  const spool = await open(copy)
  try {
    await look(spool)
  } finally {
    await spool.close()
    rmSync(copy, { recursive: true })
  }
}

async function idsIn(spool: Spool): Promise<readonly string[]> {
  return (await spool.list({}, undefined, 1000)).map(({ entry }) => entry.id)
}

async function octetsIn(spool: Spool, id: string): Promise<Buffer> {
  const content = await spool.content(id)
  if (!content.ok) assert.fail(content.error)
  const pieces: Buffer[] = []
  for await (const piece of content.value.chunks()) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

function rowsIn(directory: string): number {
  const database = new DatabaseSync(join(directory, "queue", "queue.db"), { readOnly: true })
  const row = database.prepare("SELECT count(*) AS entries FROM entry").get()
  database.close()
  return Number(row?.["entries"])
}

const segments = (directory: string) =>
  readdirSync(join(directory, "queue", "log")).filter((name) => name !== "spare")

test("a power cut finds what was acknowledged, whole, without those who were served, as deferred as it was", async () => {
  await withSpool(async (place) => {
    const { spool, directory } = place
    await accept(spool, "waits", 9000, 3)
    await accept(spool, "large", 200_000, 2)
    await accept(spool, "gone")
    await served(spool, "gone")
    await served(spool, "waits", [1])
    const [first] = messageOf("waits", 9000, 3).pending
    assert.ok(first !== undefined)
    const later = { ...first, attempts: 1, nextAttempt: 99_000 }
    const child = { ...first, number: 1_000_000 }
    assert.ok((await spool.record({ id: "waits", done: [], update: [later], add: [child] })).ok)
    assert.equal(rowsIn(directory), 0, "nobody asked: the database has heard of nothing")
    for (let times = 0; times < 2; times++) {
      await afterPowerCut(place, async (found) => {
        assert.deepEqual(await idsIn(found), ["large", "waits"])
        assert.deepEqual(await octetsIn(found, "waits"), octetsOf("waits", 9000))
        assert.deepEqual(await octetsIn(found, "large"), octetsOf("large", 200_000))
        const { pending } = (await found.get("waits")) ?? assert.fail("it is gone")
        assert.deepEqual(
          pending.map(({ number, nextAttempt }) => [number, nextAttempt]),
          [
            [0, 99_000],
            [2, 0],
            [1_000_000, 0],
          ],
        )
      })
      await idsIn(spool) // and the same when all of it has become rows
      assert.equal(rowsIn(directory), 2)
    }
    await served(spool, "large", [0, 1])
    await afterPowerCut(place, async (found) => assert.deepEqual(await idsIn(found), ["waits"]))
  })
})

test("what has waited its time becomes rows, what came since stays in the log, and a power cut finds both once", async () => {
  await withSpool(async (place) => {
    const { spool, directory } = place
    await accept(spool, "old")
    await new Promise((resolve) => setTimeout(resolve, 250))
    const names = Array.from({ length: 20 }, (_, n) => `m${10 + n}`)
    await Promise.all(names.map((id) => accept(spool, id)))
    for (const end = performance.now() + 5000; rowsIn(directory) === 0; ) {
      assert.ok(performance.now() < end, "nothing was settled")
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.equal(rowsIn(directory), 1)
    await afterPowerCut(place, async (found) => assert.deepEqual(await idsIn(found), [...names, "old"]))
    await served(spool, "old")
    await served(spool, "m10")
    const left = names.slice(1)
    await afterPowerCut(place, async (found) => assert.deepEqual(await idsIn(found), left))
  }, 200)
})

test("what comes faster than it goes is tried from the log; the oldest becomes rows when the log would grow too long", async () => {
  await withSpool(async (place) => {
    const { spool, directory } = place
    const names = Array.from({ length: 250 }, (_, n) => `m${100 + n}`)
    for (const id of names) await accept(spool, id)
    const rows = rowsIn(directory)
    assert.ok(rows > 0 && rows < 200, `${rows} have rows`)
    const due = await spool.due(Date.now(), 1000)
    assert.deepEqual(due.map(({ entry }) => entry.id).toSorted(), names)
    assert.deepEqual(due.at(-1), (await spool.get("m349")) ?? assert.fail("it is gone"))
    for (const id of ["m100", "m349"]) assert.deepEqual(await octetsIn(spool, id), octetsOf(id, 9000))
    assert.equal(rowsIn(directory), rows, "to be tried, nothing needs a row")
    await afterPowerCut(place, async (found) => assert.deepEqual(await idsIn(found), names))
    for (const id of ["m100", "m101", "m348", "m349"]) await served(spool, id)
    const left = names.slice(2, -2)
    await afterPowerCut(place, async (found) => {
      assert.deepEqual(await idsIn(found), left)
      for (const id of ["m102", "m347"]) assert.deepEqual(await octetsIn(found, id), octetsOf(id, 9000))
    })
    assert.deepEqual(await idsIn(spool), left)
  })
})

test("however many are settled, a turn hands over few of them, and who asks sees them all", async (context) => {
  await withSpool(async (place) => {
    const { spool } = place
    const names = Array.from({ length: 400 }, (_, n) => `m${100 + n}`)
    await Promise.all(names.map((id) => accept(spool, id, 500)))
    const { mock } = context.mock.method(Worker.prototype, "postMessage")
    const counted = spool.count()
    const removed = spool.remove("m499")
    await Promise.all(["m100", "m498"].map((id) => served(spool, id)))
    assert.ok((await counted).messages >= 397)
    assert.ok(await removed)
    const told = mock.calls.flatMap((call) => rowsToldIn(call.arguments[0]))
    assert.ok(Math.max(...told) <= 100, told.join(" "))
    assert.ok(told.reduce((sum, rows) => sum + rows, 0) >= 398, told.join(" "))
    const left = names.slice(1, -2)
    assert.deepEqual(await idsIn(spool), left)
    await afterPowerCut(place, async (found) => assert.deepEqual(await idsIn(found), left))
  })
})

/** How many messages the database's thread was told of by each change of what it was told. */
function rowsToldIn(told: unknown): readonly number[] {
  const { changes = [] } = told as Partial<ToWorker & { kind: "changes" }>
  return changes.map((change) => (change.kind === "settle" ? change.rows.length : 0))
}

test("log and database share what is asked for, and each knows what is due later", async () => {
  await withSpool(async ({ spool }) => {
    const names = (letter: string) => Array.from({ length: 30 }, (_, n) => `${letter}${10 + n}`)
    for (const id of names("a")) await accept(spool, id)
    await idsIn(spool) // these have rows now
    for (const id of names("b")) await accept(spool, id)
    const found = (await spool.due(Date.now(), 20)).map(({ entry }) => entry.id)
    assert.deepEqual(found, [...names("a").slice(0, 10), ...names("b").slice(0, 10)])
    const inHand = [...names("a"), ...names("b").slice(5)]
    assert.deepEqual(
      (await spool.due(Date.now(), 20, inHand)).map(({ entry }) => entry.id),
      names("b").slice(0, 5),
    )
    const [one] = messageOf("a10", 9000, 1).pending
    assert.ok(one !== undefined)
    const later = async (id: string, nextAttempt: number) =>
      await spool.record({ id, done: [], update: [{ ...one, nextAttempt }], add: [] })
    await later("a10", 7000)
    await later("b10", 5000)
    assert.deepEqual([await spool.nextDue(4000), await spool.nextDue(6000)], [5000, 7000])
    assert.equal(await spool.nextDue(7000), undefined)
    assert.deepEqual(await spool.due(6000, 1, inHand), [
      (await spool.get("b10")) ?? assert.fail("it is gone"),
    ])
  })
})

test("mail that is delivered at once needs two or three files of the log and no row, however much comes", async () => {
  await withSpool(async ({ spool, directory }) => {
    for (let n = 0; n < 120; n++) {
      await accept(spool, `m${n}`)
      await served(spool, `m${n}`)
    }
    assert.ok(segments(directory).length <= 3, segments(directory).join(" "))
    assert.ok(Number(segments(directory).at(-1)) > 3, "several were begun")
    assert.equal(rowsIn(directory), 0)
  })
})

test("where most of a segment waits, the octets stay in it; it goes when little of it is wanted", async () => {
  await withSpool(async (place) => {
    const { spool, directory } = place
    const names = Array.from({ length: 50 }, (_, n) => `m${10 + n}`)
    for (const id of names) await accept(spool, id)
    assert.deepEqual(await idsIn(spool), names)
    for (const id of names) assert.deepEqual(await octetsIn(spool, id), octetsOf(id, 9000))
    assert.ok(segments(directory).length >= 2)
    await afterPowerCut(place, async (found) => {
      for (const id of names) assert.deepEqual(await octetsIn(found, id), octetsOf(id, 9000))
    })
    for (const id of names.slice(0, -20)) await served(spool, id)
    for (const id of names.slice(-19)) await spool.remove(id)
    const end = performance.now() + 5000
    // One is being written, and one may be kept to be the next.
    while (segments(directory).length > 2) {
      assert.ok(performance.now() < end, `still there: ${segments(directory).join(" ")}`)
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    assert.deepEqual(await idsIn(spool), ["m40"])
    assert.deepEqual(await octetsIn(spool, "m40"), octetsOf("m40", 9000))
  })
})

for (const settled of [false, true]) {
  const where = settled ? "of a message with rows" : "of a message that the log alone has"
  test(`octets ${where} that changed in a segment are never given out: they are set aside and said`, async () => {
    await withSpool(async ({ spool, directory }) => {
      for (let n = 10; n < 20; n++) await accept(spool, `m${n}`)
      if (settled) await idsIn(spool)
      const path = join(directory, "queue", "log", segments(directory)[0] ?? "")
      const octets = readFileSync(path)
      octets.write("That", octets.indexOf("This is m15."))
      writeFileSync(path, octets)
      const content = await spool.content("m15")
      assert.deepEqual(content, {
        ok: false,
        error: "m15: the checksum of its octets is wrong; what is left of it is in damaged/m15",
      })
      assert.match(readFileSync(join(directory, "queue", "damaged", "m15"), "latin1"), /That is m15/)
      assert.deepEqual(await octetsIn(spool, "m16"), octetsOf("m16", 9000))
    })
  })
}

test("a record of the log that cannot be read costs that message alone, and is said", async () => {
  await withSpool(async (place) => {
    const { spool, directory } = place
    for (let n = 10; n < 14; n++) await accept(spool, `m${n}`)
    const path = join(directory, "queue", "log", "0000000001")
    const octets = readFileSync(path)
    octets.write("That", octets.indexOf("This is m11."))
    writeFileSync(path, octets)
    const log: string[] = []
    const copy = join(directory, "copy")
    cpSync(join(directory, "queue"), copy, { recursive: true, filter: (one) => !one.endsWith("lock") })
    const found = await open(copy, log)
    assert.deepEqual(await idsIn(found), ["m10", "m12", "m13"])
    const name = "1.16384.log"
    assert.deepEqual(log, [
      `octets 16384 to 28672 of log/1 are no records, as a power cut or a damaged disk leaves them: they are in damaged/${name}`,
    ])
    assert.match(readFileSync(join(copy, "damaged", name), "latin1"), /That is m11/)
    await found.close()
  })
})
