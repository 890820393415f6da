// A queue full of mail for a host that never answers and for one that is dead: mail for a host that lives is not delayed.
import assert from "node:assert/strict"
import { mkdtempSync, chmodSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { openSpool } from "../../src/spool/sqlite.ts"
import { type Nameserver, startNameserver } from "../kit/nameserver.ts"
import { queuedFor } from "../kit/queued.ts"
import { type Sink, startSink } from "../kit/sink.ts"
import { freePort, handIn, System } from "../kit/system.ts"

const mc = (port: number) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`mailertable', \`text @DIR@/mailertable')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const mailertable = ["slow", "dead", "live"]
  .map((name, n) => `${name}.example.org\tesmtp:[127.0.0.${n + 3}]\n`)
  .join("")

/** More than are ever in hand at once, for each of the two. */
const waiting = 2000

let directory: string
let nameserver: Nameserver
let silent: Server
const guests = new Set<Socket>()
let live: Sink
let system: System

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "waypost-fair-"))
  chmodSync(directory, 0o755)
  nameserver = await startNameserver({})
  const port = await freePort("127.0.0.5")
  live = await startSink({ address: "127.0.0.5", port })
  silent = createServer((socket) => {
    guests.add(socket)
    socket.on("error", () => socket.destroy())
  })
  await new Promise<void>((resolve) => silent.listen(port, "127.0.0.3", resolve))
  await fill(join(directory, "state", "queue"))
  system = await System.start({
    directory,
    mc: mc(port),
    files: { mailertable },
    args: ["--resolver", nameserver.resolver],
  })
})

after(async () => {
  silent.close()
  for (const socket of guests) socket.destroy() // a stop waits for deliveries in hand
  await system.stop()
  await live.close()
  await nameserver.close()
  rmSync(directory, { recursive: true, force: true })
})

async function fill(queue: string): Promise<void> {
  const opened = await openSpool({ directory: queue, clock: Date.now, log: () => {} })
  assert.ok(opened.ok, opened.ok ? "" : opened.error)
  const octets = Buffer.from("Subject: lunch\r\n\r\nHello gordon.\r\n")
  const one = async (n: number) => {
    const id = `6AO7Ag${String(n).padStart(8, "0")}`
    const to = [`r${n}@${n % 2 === 0 ? "slow" : "dead"}.example.org`]
    const { entry, pending } = queuedFor({ id, to, acceptedAt: Date.now() })
    const incoming = opened.value.incoming(id, octets.length)
    await incoming.write(octets)
    assert.ok((await incoming.commit({ ...entry, size: octets.length }, pending, Buffer.alloc(0))).ok)
  }
  await Promise.all(Array.from({ length: 2 * waiting }, (_, n) => one(n)))
  await opened.value.close()
}

test("mail for a host that lives passes thousands that are due at a dead and a silent one", async () => {
  await system.said(/to=<?r\d+@dead\.example\.org>?.*stat=Deferred/)
  const longest: number[] = []
  for (let n = 1; n <= 5; n++) {
    const from = "g.russell@napier.ac.uk"
    const reply = await handIn(system, {
      from,
      to: ["you@live.example.org"],
      text: "Subject: now\n\nHello.\n",
    })
    assert.match(reply, /^250 /)
    const began = performance.now()
    await live.until(n)
    longest.push(performance.now() - began)
  }
  assert.ok(Math.max(...longest) < 5000, longest.join(" "))
  const left = JSON.parse((await system.waypost("queue", "summary", "--json")).stdout.split("\n")[0] ?? "{}")
  assert.equal(left.total, waiting) // nobody was served instead
})
