// The console over a long queue: `node bench/console.ts [MESSAGES]`. Prints how soon its API answers with so many waiting, and what the
// idle system with its console holds in memory.
import { readdirSync, readFileSync } from "node:fs"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openSpool } from "../src/spool/sqlite.ts"
import { ConsoleUser } from "../test/kit/console.ts"
import { queuedFor } from "../test/kit/queued.ts"
import { System } from "../test/kit/system.ts"

const count = Number(process.argv[2] ?? 100_000)

const mc = `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
FEATURE(\`no_default_msa')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

/** Messages to a thousand destinations that are not due for hours. */
async function fill(directory: string): Promise<void> {
  const opened = await openSpool({ directory, clock: Date.now, log: () => {} })
  if (!opened.ok) throw new Error(opened.error)
  const spool = opened.value
  const body = Buffer.from("Subject: lunch\r\n\r\nHello gordon.\r\n")
  const one = async (n: number) => {
    const id = `6AO7Ag${String(n).padStart(9, "0")}`
    const to = [`you@host${n % 1000}.example.org`]
    const { entry, pending } = queuedFor({ id, to, acceptedAt: Date.now() - (n % 86_400_000) })
    const incoming = spool.incoming(id, body.length)
    await incoming.write(body)
    const nextAttempt = Date.now() + 6 * 3_600_000
    const waiting = pending.map((each) => ({ ...each, attempts: 1, nextAttempt }))
    const done = await incoming.commit({ ...entry, size: body.length }, waiting, Buffer.alloc(0))
    if (!done.ok) throw new Error(done.error.why)
  }
  for (let n = 0; n < count; n += 500)
    await Promise.all(Array.from({ length: Math.min(500, count - n) }, (_, i) => one(n + i)))
  await spool.close()
}

function parentOf(pid: string): string | undefined {
  try {
    return /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
  } catch {
    return undefined // it ended meanwhile
  }
}

/** MiB of the system's processes, what they share counted once (PSS). */
function memoryOf(pid: number): string {
  const family = readdirSync("/proc").filter((one) => one === String(pid) || parentOf(one) === String(pid))
  const kib = family.map((one) =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, "utf8"))?.[1]),
  )
  return `${(kib.reduce((sum, one) => sum + one, 0) / 1024).toFixed(0)} MiB in ${family.length} processes`
}

async function timed(what: string, ask: () => Promise<{ readonly status: number }>): Promise<void> {
  const began = performance.now()
  const { status } = await ask()
  process.stdout.write(`${(performance.now() - began).toFixed(0).padStart(7)} ms  ${status} ${what}\n`)
}

const directory = mkdtempSync(join(tmpdir(), "waypost-console-"))
await fill(join(directory, "state", "queue"))
const system = await System.start({ mc, console: true, directory })
await system.said(/console: http/)
const user = await ConsoleUser.enter(system)
process.stdout.write(`${count} messages wait; the system holds ${memoryOf(system.pid)}\n`)
for (const path of [
  "/api/queue",
  "/api/queue?limit=500",
  "/api/queue?to=host777.example.org",
  "/api/queue?reason=never",
  "/api/queue?state=held",
  "/api/now",
  "/api/now",
  "/api/messages",
  "/api/messages?q=nothing",
])
  await timed(`GET ${path}`, () => user.get(path))
await timed("POST /api/queue/hold of everything, preview", () =>
  user.send("POST", "/api/queue/hold", { all: true, preview: true }),
)
process.stdout.write(`after that it holds ${memoryOf(system.pid)}\n`)
await system.stop()
