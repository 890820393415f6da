// A system with many messages waiting beside one with none: `node bench/queue.ts [MESSAGES]`. Prints how soon it greets after a restart,
// how soon mailq prints its first line and `waypost queue summary` ends, what it holds in memory, and what an accepted message costs,
// in pairs taken in turns.
import { spawn, spawnSync, type ChildProcess } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openSpool } from "../src/spool/sqlite.ts"
import { handIn, Session } from "../test/kit/system.ts"
import { queuedFor } from "../test/kit/queued.ts"

const root = join(import.meta.dirname, "..")
const count = Number(process.argv[2] ?? 100_000)
const folder = mkdtempSync(join(tmpdir(), "waypost-queue-"))

const mc = (port: number) => `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`no_default_msa')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=${port}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

/** Messages to a thousand destinations that are not due for hours. */
async function fill(state: string): Promise<void> {
  const opened = await openSpool({ directory: join(state, "queue"), clock: Date.now, log: () => {} })
  if (!opened.ok) throw new Error(opened.error)
  const spool = opened.value
  const body = Buffer.from("Subject: lunch\r\n\r\nHello gordon.\r\n")
  const later = Date.now() + 6 * 3_600_000
  const one = async (n: number) => {
    const id = `6AO7Ag${String(n).padStart(9, "0")}`
    const { entry, pending } = queuedFor({
      id,
      to: [`you@host${n % 1000}.example.org`],
      acceptedAt: Date.now() - (n % 86_400_000),
    })
    const incoming = spool.incoming(id, body.length)
    await incoming.write(body)
    const waiting = pending.map((each) => ({ ...each, attempts: 1, nextAttempt: later }))
    const done = await incoming.commit({ ...entry, size: body.length }, waiting, Buffer.alloc(0))
    if (!done.ok) throw new Error(done.error.why)
  }
  for (let n = 0; n < count; n += 500)
    await Promise.all(Array.from({ length: Math.min(500, count - n) }, async (_, i) => await one(n + i)))
  await spool.close()
}

type Running = { readonly state: string; readonly port: number; readonly child: ChildProcess }

async function start(name: string, port: number): Promise<Running> {
  const state = join(folder, name)
  writeFileSync(join(folder, `${name}.mc`), mc(port))
  const began = performance.now()
  const child = spawn(
    join(root, "bin/waypost"),
    ["start", "--state", state, "--config", join(folder, `${name}.mc`), "--no-console"],
    { stdio: "ignore" },
  )
  while (!(await greets(port))) await new Promise((resolve) => setTimeout(resolve, 10))
  tell(`${name}: greets after a start`, performance.now() - began)
  return { state, port, child }
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("error", () => resolve(false))
    socket.once("data", () => {
      socket.destroy()
      resolve(true)
    })
  })
}

function tell(what: string, milliseconds: number): void {
  process.stdout.write(`${milliseconds.toFixed(0).padStart(7)} ms  ${what}\n`)
}

function processesOf({ child }: Running): number[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  const parentOf = (pid: number) => {
    try {
      return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
    } catch {
      return undefined // it ended meanwhile
    }
  }
  const family = new Set([child.pid ?? 0])
  for (let grown = true; grown; ) {
    const before = family.size
    for (const pid of all) if (family.has(parentOf(pid) ?? -1)) family.add(pid)
    grown = family.size > before
  }
  return [...family]
}

function memoryOf(running: Running): number {
  return (
    processesOf(running).reduce(
      (sum, pid) =>
        sum + Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0),
      0,
    ) / 1024
  )
}

/** CPU of all its processes in milliseconds (proc(5): utime and stime in ticks of 10 ms). */
function cpuOf(running: Running): number {
  return processesOf(running).reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")
    return sum + (Number(fields[11]) + Number(fields[12])) * 10
  }, 0)
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

try {
  for (const name of ["empty", "full"]) mkdirSync(join(folder, name), { recursive: true })
  const began = performance.now()
  await fill(join(folder, "full"))
  tell(`filled with ${count}`, performance.now() - began)
  const empty = await start("empty", 25_251)
  const full = await start("full", 25_252)
  try {
    tell("mailq --version: the command's own start", whole(full, "mailq", "--version"))
    tell("mailq: the first line", await firstLine(full, "mailq"))
    tell("waypost queue summary", whole(full, "waypost", "queue", "summary"))
    for (let round = 0; round < 5; round++) {
      const [none, many] = [await accept(empty, 300), await accept(full, 300)]
      process.stdout.write(
        `${none.toFixed(2)} ms CPU a message with none waiting, ${many.toFixed(2)} with ${count}: ${(many / none).toFixed(2)} ×\n`,
      )
    }
    process.stdout.write(
      `${memoryOf(empty).toFixed(0)} MiB with none waiting, ${memoryOf(full).toFixed(0)} with ${count}\n`,
    )
  } finally {
    for (const { child } of [empty, full]) child.kill("SIGTERM")
    await Promise.all(
      [empty, full].map(async ({ child }) => await new Promise((resolve) => child.once("exit", resolve))),
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
