// The process that the kill tests stop: it does everything a spool can do, once, and says each promise it was given as a line on
// standard output, synchronously, so that the line is out before the next step. node child.ts DIRECTORY
import { appendFileSync, readFileSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { Spool } from "../../src/spool/spool.ts"
import { openSpool } from "../../src/spool/sqlite.ts"
import { headerSize, messageOf, octetsOf } from "./message.ts"

const [directory = ""] = process.argv.slice(2)

function say(...words: string[]): void {
  writeSync(1, `${words.join(" ")}\n`)
}

async function open(): Promise<Spool> {
  const opened = await openSpool({
    directory,
    clock: Date.now,
    reserveBytes: 0,
    segmentOctets: 256 * 1024,
    log: (line) => writeSync(2, `${line}\n`),
  })
  if (!opened.ok) throw new Error(opened.error)
  return opened.value
}

let spool = await open()

async function accept(id: string, size: number, recipients = 1): Promise<void> {
  const octets = octetsOf(id, size)
  const incoming = spool.incoming(id, 0)
  for (let at = headerSize; at < octets.length; at += 40_000) {
    await incoming.write(octets.subarray(at, at + 40_000))
  }
  say("offered", id, String(size), String(recipients))
  const { entry, pending } = messageOf(id, size, recipients)
  const done = await incoming.commit(entry, pending, octets.subarray(0, headerSize))
  say(done.ok ? "acknowledged" : "refused", id)
}

async function record(id: string, done: readonly number[]): Promise<void> {
  say("served", id, ...done.map(String))
  const recorded = await spool.record({ id, done, update: [], add: [] })
  if (!recorded.ok) throw new Error(recorded.error)
  say("recorded", id, ...done.map(String))
}

/** The order is said before it is given and after it was obeyed. */
async function order(what: string, id: string, act: () => Promise<boolean>): Promise<void> {
  say("ordering", what, id)
  if (await act()) say("ordered", what, id)
}

await accept("small0", 900, 3)
await Promise.all(["small1", "small2", "small3", "small4"].map((id) => accept(id, 10_000)))
// More recipients than become rows at once.
for (let n = 0; n < 5; n++) await accept(`crowd${n}`, 700, 60)
await accept("large0", 300_000, 2)
await Promise.all(["large1", "large2"].map((id) => accept(id, 150_000)))

const gone = spool.incoming("aborted0", 0)
await gone.write(Buffer.alloc(100_000, "x"))
gone.abort()

spool.note([
  {
    at: Date.now(),
    id: "small0",
    what: "accepted",
    address: "ann@example.org",
    status: "2.0.0",
    detail: "",
    remote: undefined,
    reason: undefined,
  },
])
await spool.history("small0")

await record("small0", [1])
await record("small1", [0])
await record("large0", [0, 1])
await order("hold", "small2", () => spool.hold("small2", "by hand"))
await order("release", "small2", () => spool.release("small2"))
await order("retry", "small3", () => spool.retry("small3"))
await order("remove", "small4", () => spool.remove("small4"))
await order("remove", "large1", () => spool.remove("large1"))

say("damaging", "large2")
appendFileSync(join(directory, "bodies", "large2"), "one octet too many")
const damaged = await spool.content("large2")
if (damaged.ok) throw new Error("damaged octets were given out")

// Another process keeps the database locked: what comes is in the log, orders are obeyed when it is gone.
const other = new DatabaseSync(join(directory, "queue.db"))
other.exec("BEGIN IMMEDIATE")
await accept("locked0", 2000)
const waiting = [order("hold", "locked0", () => spool.hold("locked0", "by hand")), record("small2", [0])]
while (spool.room(1).ok) await new Promise((resolve) => setTimeout(resolve, 20))
other.exec("ROLLBACK")
other.close()
await Promise.all(waiting)
while (!spool.room(1).ok) await new Promise((resolve) => setTimeout(resolve, 20))
say("in order again")
await accept("small5", 500)

// Segments of the log become full. Octets stay where most of them are wanted; when few are, they move, and the segment is free.
for (let n = 0; n < 9; n++) await accept(`full${n}`, 60_000, 2)
await spool.count()
for (let n = 0; n < 9; n++) await record(`full${n}`, n === 4 ? [1] : [0, 1])
await spool.count()
await new Promise((resolve) => setTimeout(resolve, 500))

// More comes than is taken: the oldest becomes rows, the rest stays in the log alone, and is tried from there.
for (let n = 10; n < 40; n++) await accept(`flow${n}`, 60_000, 2)
await new Promise((resolve) => setTimeout(resolve, 200))
for (const { entry } of await spool.due(Date.now(), 1000)) {
  const content = await spool.content(entry.id)
  if (!content.ok && entry.id !== "large2") throw new Error(content.error)
}
for (const n of [10, 11, 38, 39]) await record(`flow${n}`, n % 2 === 0 ? [1] : [0, 1])
await accept("small6", 700)
await spool.close()

// The name of the database is changed: it is set aside, and all that is in it goes on in a new one.
const database = join(directory, "queue.db")
const octets = readFileSync(database)
octets.write("No", 0, "latin1")
writeFileSync(database, octets)
spool = await open()
await accept("small7", 500)
await spool.close()
say("closed")
