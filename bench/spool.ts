// How much an acceptance costs in the spool alone: CLIENTS producers, each waiting for its commit, then everything recorded as
// delivered. node bench/spool.ts [CLIENTS] [SECONDS] [OCTETS] [DIRECTORY]
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { because } from "../src/mail/decision.ts"
import type { Entry, Pending } from "../src/queue/entry.ts"
import { openSpool } from "../src/spool/sqlite.ts"
import type { Event } from "../src/spool/spool.ts"

const [clients = 20, seconds = 3, octets = 10_240] = process.argv.slice(2, 5).map(Number)
const directory = mkdtempSync(join(process.argv[5] ?? tmpdir(), "waypost-bench-"))
const withEvents = process.env["EVENTS"] === "1"
const opened = await openSpool({
  directory,
  clock: Date.now,
  log: (line) => process.stderr.write(`${line}\n`),
})
if (!opened.ok) throw new Error(opened.error)
const spool = opened.value

const at = { file: "/etc/mail/access", line: 12, column: 1 }
const reason = because("access", 'To:example.org says "RELAY"', at, [because("local?", "not in class w")])
const domain = { kind: "name", ascii: "example.org", unicode: "example.org" } as const
const path = { localPart: "ann", domain }
const chunk = Buffer.alloc(octets, "Hello gordon.\r\n")
const prefix = Buffer.from(
  `Received: from client.test (client.test [192.0.2.7])\r\n\tby mx.test with ESMTP\r\n`,
)

function message(id: string): { entry: Entry; pending: readonly Pending[] } {
  const envelope = {
    reversePath: path,
    body: "7bit",
    smtputf8: false,
    ret: undefined,
    envid: undefined,
  } as const
  const client = { address: "192.0.2.7", port: 40_000, name: "client.test" }
  const arrival = {
    session: id,
    protocol: "ESMTP",
    client,
    helo: "client.test",
    authenticated: undefined,
  } as const
  const entry: Entry = {
    id,
    envelope,
    arrival: { ...arrival, door: "MTA", submission: false, tls: undefined },
    acceptedAt: Date.now(),
    size: octets + prefix.length,
    headerSize: 300,
    summary: { messageId: `<${id}@client.test>`, subject: "A message of the bench", from: "ann@example.org" },
    held: undefined,
  }
  const recipient = { path, original: undefined, notify: [], admitted: reason }
  const rest = {
    route: undefined,
    expandedFrom: undefined,
    attempts: 0,
    nextAttempt: 0,
    lastStatus: undefined,
  }
  return { entry, pending: [{ number: 0, recipient, ...rest, warned: false }] }
}

function event(id: string): Event {
  const words = { address: "ann@example.org", status: "2.1.5", detail: "Recipient ok", remote: undefined }
  return { at: Date.now(), id, what: "accepted", ...words, reason }
}

let count = 0
const ids: string[] = []
const waits: number[] = []

async function produce(end: number): Promise<void> {
  while (performance.now() < end) {
    const begun = performance.now()
    const id = `6AO7Ag${String(count++).padStart(8, "0")}`
    const incoming = spool.incoming(id, octets)
    await incoming.write(chunk)
    const { entry, pending } = message(id)
    const done = await incoming.commit(entry, pending, prefix)
    if (!done.ok) throw new Error(done.error.why)
    if (withEvents) spool.note([event(id)])
    ids.push(id)
    waits.push(performance.now() - begun)
  }
}

async function record(): Promise<void> {
  for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
    const done = await spool.record({ id, done: [0], update: [], add: [] })
    if (!done.ok) throw new Error(done.error)
  }
}

async function measure(what: string, work: () => Promise<unknown>): Promise<void> {
  const cpu = process.cpuUsage()
  const main = performance.eventLoopUtilization()
  const begun = performance.now()
  const before = ids.length
  await work()
  const elapsed = performance.now() - begun
  const messages = Math.abs(ids.length - before)
  const { user, system } = process.cpuUsage(cpu)
  const busy = (performance.eventLoopUtilization(main).active * 1000) / messages
  process.stdout.write(
    `${what}: ${messages} messages, ${Math.round((messages / elapsed) * 1000)}/s, CPU ${((user + system) / messages).toFixed(1)} µs each (user ${(user / messages).toFixed(1)}), main thread ${busy.toFixed(1)} µs\n`,
  )
}

const workers = Array.from({ length: clients })
await measure(`warm ×${clients}`, () => Promise.all(workers.map(() => produce(performance.now() + 500))))
waits.length = 0
const end = performance.now() + seconds * 1000
await measure(`accept ×${clients}`, () => Promise.all(workers.map(() => produce(end))))
waits.sort((a, b) => a - b)
const quantile = (q: number) => (waits[Math.floor((waits.length - 1) * q)] ?? 0).toFixed(2)
process.stdout.write(`wait: p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, most ${quantile(1)} ms\n`)
await measure(`record ×${clients}`, () => Promise.all(workers.map(record)))
process.stdout.write(
  `left: ${JSON.stringify(await spool.count())}, memory ${Math.round(process.memoryUsage().rss / 1048576)} MiB\n`,
)
await spool.close()
rmSync(directory, { recursive: true })
