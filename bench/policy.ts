// What policy costs: `node bench/policy.ts [SECONDS]`. SPF with answers that are cached, and a running system that refuses
// recipients by a DNS list (warm cache, kept sessions) while a good client's mail is timed.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { checkHost } from "../src/auth/spf.ts"
import { resolverFrom } from "../src/host/dns.ts"
import { startNameserver, type Zone } from "../test/kit/nameserver.ts"

const seconds = Number(process.argv[2] ?? 10)
/** Commands sent at once, as PIPELINING allows. */
const batch = 25
const sessions = 20
const wanted = 5000
const project = join(import.meta.dirname, "..")
const say = (line: string) => process.stdout.write(`${line}\n`)

const ttl = 3600
const zone: Zone = {
  "example.org": {
    TXT: ["v=spf1 include:spf.example.net mx a:mail.example.org ip4:192.0.2.0/24 -all"],
    MX: [[10, "mx.example.org"]],
    ttl,
  },
  "spf.example.net": {
    TXT: ["v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.0/24 include:more.example.net ~all"],
    ttl,
  },
  "more.example.net": { TXT: ["v=spf1 ip6:2001:db8::/32 ~all"], ttl },
  "mx.example.org": { A: ["192.0.2.10"], ttl },
  "mail.example.org": { A: ["192.0.2.11"], ttl },
  "good.test": { A: ["127.0.0.9"], MX: [[10, "good.test"]], ttl },
  "9.0.0.127.in-addr.arpa": { PTR: "good.test", ttl },
  "66.0.0.127.bl.test": { A: ["127.0.0.2"], TXT: ["see https://bl.test/66"], ttl },
  "spam.test": { A: ["127.0.0.66"], MX: [[10, "spam.test"]], ttl },
  "66.0.0.127.in-addr.arpa": { PTR: "spam.test", ttl },
}

const nameserver = await startNameserver(zone)
await spf()
await refusals()
await nameserver.close()

/** CPU of one check, six records deep, all of them cached. */
async function spf(): Promise<void> {
  const dns = resolverFrom({ resolvConf: "", resolver: nameserver.resolver })
  if (!dns.ok) throw new Error(dns.error)
  const question = {
    address: "192.0.2.77",
    localPart: "ann",
    domain: "example.org",
    helo: "h.example.org",
    receiver: "r",
  }
  const world = { dns: dns.value, clock: Date.now }
  for (let n = 0; n < 2000; n++) await checkHost(question, world)
  const rounds = 20_000
  const before = process.cpuUsage()
  for (let n = 0; n < rounds; n++) await checkHost(question, world)
  const used = process.cpuUsage(before)
  const { result, terms } = await checkHost(question, world)
  const each = (used.user + used.system) / rounds / 1000
  say(`SPF, ${result} after ${terms} terms, cached: ${each.toFixed(4)} ms CPU a check`)
}

/** One system, twenty kept sessions of a listed client, one good client. */
async function refusals(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "waypost-policy-"))
  const port = 20_000 + (process.pid % 20_000)
  const mc = join(folder, "sendmail.mc")
  writeFileSync(
    mc,
    `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mx.test')dnl
define(\`confPRIVACY_FLAGS', \`')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=${port}')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`delay_checks')dnl
FEATURE(\`dnsbl', \`bl.test')dnl
FEATURE(\`maildir', \`${folder}/mail/%u')dnl
LOCAL_DOMAIN(\`mx.test')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
  )
  const state = join(folder, "state")
  const server = spawn(
    join(project, "waypost"),
    ["start", "--config", mc, "--state", state, "--resolver", nameserver.resolver],
    { stdio: "ignore", env: { ...process.env, WAYPOST_STATE: state } },
  )
  try {
    await ready(port)
    await measure(port, `at ${wanted} a second`, (batch * sessions * 1000) / wanted)
    await measure(port, "as fast as they can", 0)
  } finally {
    server.kill()
    await once(server, "exit")
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Listed clients that guess, each batch begun `every` so many milliseconds, and a good one among them. */
async function measure(port: number, how: string, every: number): Promise<void> {
  const spammers = await Promise.all(
    Array.from({ length: sessions }, () => begin(port, "127.0.0.66", "spam.test")),
  )
  const good = await begin(port, "127.0.0.9", "good.test")
  const from = performance.now()
  const until = from + seconds * 1000
  const times: number[] = []
  const [counts] = await Promise.all([
    Promise.all(spammers.map((one, n) => guess(one, until, { every, from: from + (n * every) / sessions }))),
    honest(good, until, times),
  ])
  const refused = counts.reduce((sum, count) => sum + count, 0)
  times.sort((a, b) => a - b)
  const at = (share: number) =>
    (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1)
  const rate = Math.round((refused / (performance.now() - from)) * 1000)
  say(
    `refused by a DNS list, ${how}: ${rate} RCPTs a second over ${sessions} kept sessions; a good client's RCPT meanwhile: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${at(1)} ms`,
  )
}

async function ready(port: number): Promise<void> {
  for (let n = 0; n < 100; n++) {
    const socket = connect(port, "127.0.0.1")
    const open = await once(socket, "connect").then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error("the system did not start")
}

async function begin(port: number, localAddress: string, name: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", localAddress })
  socket.setNoDelay(true)
  await once(socket, "data")
  await ask(socket, `EHLO ${name}\r\n`, 1, /^250 /m)
  await ask(socket, `MAIL FROM:<x@${name}>\r\n`, 1)
  return socket
}

/** Sends, and waits for so many last lines of replies. */
async function ask(socket: Socket, text: string, replies: number, last = /^\d{3} /gm): Promise<string> {
  let said = ""
  socket.write(text)
  while ((said.match(new RegExp(last.source, "gm")) ?? []).length < replies) {
    const [chunk] = (await once(socket, "data")) as [Buffer]
    said += chunk.toString("latin1")
  }
  return said
}

type Pace = { readonly every: number; readonly from: number }

async function guess(socket: Socket, until: number, { every, from }: Pace): Promise<number> {
  const text = "RCPT TO:<ann@mx.test>\r\n".repeat(batch)
  let refused = 0
  for (let n = 0; performance.now() < until; n++) {
    const wait = from + n * every - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const said = await ask(socket, text, batch)
    refused += (said.match(/^550 /gm) ?? []).length
  }
  socket.destroy()
  return refused
}

async function honest(socket: Socket, until: number, times: number[]): Promise<void> {
  while (performance.now() < until) {
    const from = performance.now()
    await ask(socket, "RCPT TO:<postmaster>\r\n", 1)
    times.push(performance.now() - from)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  socket.destroy()
}
