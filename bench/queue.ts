// A system with many messages waiting beside one with none: `node bench/queue.ts [MESSAGES]`. Prints how soon it greets after a
// restart, how soon mailq prints its first line and `waypost queue summary` ends, what it holds in memory, and what an accepted
// message costs, in pairs taken in turns. Then as many messages are due at a host that is dead and one that never answers, and mail
// for a host that lives is timed beside them.
import { spawn, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openSpool } from "../src/spool/sqlite.ts"
import { queuedFor } from "../test/kit/queued.ts"
import { type Sink, startSink } from "../test/kit/sink.ts"
import { freePort, handIn, Session } from "../test/kit/system.ts"
import { cpuOf, memoryOf, type Running, startWaypost } from "./running.ts"

const root = join(import.meta.dirname, "..")
const count = Number(process.argv[2] ?? 100_000)
const folder = mkdtempSync(join(tmpdir(), "waypost-queue-"))

const mc = (port: number, more = "") => `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
${more}DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=${port}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

/** Messages, each to the destination that `to` names for it. */
async function fill(state: string, to: (n: number) => string, nextAttempt: number): Promise<void> {
  const opened = await openSpool({ directory: join(state, "queue"), clock: Date.now, log: () => {} })
  if (!opened.ok) throw new Error(opened.error)
  const spool = opened.value
  const body = Buffer.from("Subject: lunch\r\n\r\nHello gordon.\r\n")
  const one = async (n: number) => {
    const id = `6AO7Ag${String(n).padStart(9, "0")}`
    const { entry, pending } = queuedFor({
      id,
      from: "ann@example.org",
      to: [to(n)],
      acceptedAt: Date.now() - (n % 7_200_000),
    })
    const incoming = spool.incoming(id, body.length)
    await incoming.write(body)
    const waiting = pending.map((each) => ({ ...each, attempts: 1, nextAttempt }))
    const done = await incoming.commit({ ...entry, size: body.length }, waiting, Buffer.alloc(0))
    if (!done.ok) throw new Error(done.error.why)
  }
  for (let n = 0; n < count; n += 500)
    await Promise.all(Array.from({ length: Math.min(500, count - n) }, async (_, i) => await one(n + i)))
  await spool.close()
}

async function start(name: string, more = ""): Promise<Running> {
  const state = join(folder, name)
  mkdirSync(state, { recursive: true })
  const port = await freePort()
  writeFileSync(join(folder, `${name}.mc`), mc(port, more))
  const running = await startWaypost(join(folder, `${name}.mc`), state, port)
  tell(`${name}: greets after a start`, running.greetedAfter)
  return running
}

function tell(what: string, milliseconds: number): void {
  process.stdout.write(`${milliseconds.toFixed(0).padStart(7)} ms  ${what}\n`)
}

async function firstLine({ state }: Running, command: string, ...args: readonly string[]): Promise<number> {
  const began = performance.now()
  const child = spawn(join(root, "bin", command), [...args, "--state", state], {
    stdio: ["ignore", "pipe", "ignore"],
  })
  await new Promise((resolve) => child.stdout.once("data", resolve))
  const took = performance.now() - began
  child.stdout.destroy()
  child.kill()
  return took
}

function whole({ state }: Running, command: string, ...args: readonly string[]): number {
  const began = performance.now()
  spawnSync(join(root, "bin", command), [...args, "--state", state], { stdio: "ignore" })
  return performance.now() - began
}

/** How the commands answer over a full queue, and what of it is the start of a command. */
async function commands(full: Running): Promise<void> {
  for (let round = 1; round <= 3; round++) {
    tell(`round ${round}: the command's own start (mailq --help)`, whole(full, "mailq", "--help"))
    tell(`round ${round}: mailq, its first line`, await firstLine(full, "mailq"))
    tell(`round ${round}: waypost queue summary, all of it`, whole(full, "waypost", "queue", "summary"))
  }
}

async function accept(running: Running, messages: number): Promise<number> {
  const before = cpuOf(running)
  const text = `From: ann@example.org\nSubject: x\n\n${"A line of text.\n".repeat(300)}`
  const system = { connect: async () => await Session.open(running.port) }
  for (let n = 0; n < messages; n += 10)
    await Promise.all(
      Array.from(
        { length: 10 },
        async () => await handIn(system, { from: "ann@example.org", to: ["root@grussell.org"], text }),
      ),
    )
  return (cpuOf(running) - before) / messages
}

/** What waiting mail costs those that come. */
async function beside(): Promise<void> {
  const began = performance.now()
  await fill(join(folder, "full"), (n) => `you@host${n % 1000}.example.org`, Date.now() + 6 * 3_600_000)
  tell(`filled with ${count}`, performance.now() - began)
  const [empty, full] = [await start("empty"), await start("full")]
  try {
    await commands(full)
    await accept(empty, 300)
    await accept(full, 300)
    const pairs: number[] = []
    for (let round = 0; round < 8; round++) {
      const first = round % 2 === 0 ? empty : full
      const one = await accept(first, 300)
      const other = await accept(first === empty ? full : empty, 300)
      const [none, many] = first === empty ? [one, other] : [other, one]
      pairs.push(many / none)
      process.stdout.write(
        `${none.toFixed(2)} ms CPU a message with none waiting, ${many.toFixed(2)} with ${count}: ${(many / none).toFixed(2)} ×\n`,
      )
    }
    pairs.sort((a, b) => a - b)
    process.stdout.write(`median of the pairs: ${(((pairs[3] ?? 0) + (pairs[4] ?? 0)) / 2).toFixed(2)} ×\n`)
    process.stdout.write(
      `${memoryOf(empty).toFixed(0)} MiB with none waiting, ${memoryOf(full).toFixed(0)} with ${count}\n`,
    )
  } finally {
    await Promise.all([empty.stop(), full.stop()])
  }
}

/** Takes connections and never says a word. */
async function silentHost(port: number): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => socket.destroy()))
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.3", resolve))
  return server
}

/** Mail for a host that lives, while half of the queue is due at a dead one and half at a silent one. */
async function fair(): Promise<void> {
  const live = await startSink({ address: "127.0.0.5", port: await freePort("127.0.0.5") })
  const silent = await silentHost(live.port)
  const table = join(folder, "mailertable")
  const hosts = { slow: 3, dead: 4, live: 5 }
  const lines = Object.entries(hosts).map(([name, n]) => `${name}.test\tesmtp:[127.0.0.${n}]\n`)
  writeFileSync(table, lines.join(""))
  await fill(join(folder, "fair"), (n) => `you@${n % 2 === 0 ? "dead" : "slow"}.test`, 0)
  const more = `FEATURE(\`mailertable', \`text ${table}')dnl\ndefine(\`ESMTP_MAILER_ARGS', \`TCP $h ${live.port}')dnl\n`
  const running = await start("fair", more)
  try {
    await timeLive(running, live)
  } finally {
    await running.stop()
    silent.close()
    await live.close()
  }
}

/** One message a tenth of a second for the host that lives: from its 250 to its arrival there. */
async function timeLive(running: Running, live: Sink): Promise<void> {
  const times: number[] = []
  const system = { connect: async () => await Session.open(running.port) }
  const text = "From: ann@example.org\nSubject: x\n\nHello gordon.\n"
  for (let n = 1; n <= 100; n++) {
    const said = await handIn(system, { from: "ann@example.org", to: ["you@live.test"], text })
    if (!said.startsWith("250")) throw new Error(said)
    const began = performance.now()
    await live.until(n)
    times.push(performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  times.sort((a, b) => a - b)
  tell(
    `mail for a live host beside ${count} for a dead and a silent one: median of ${times.length}`,
    times[50] ?? 0,
  )
  tell("the longest", times.at(-1) ?? 0)
}

try {
  await beside()
  await fair()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
