// What TLS costs beside Postfix: `node bench/tls.ts [SECONDS] [ROUNDS]`. Each session is new: connect, STARTTLS with TLS 1.3 and no
// ticket, one message of 10 KiB, QUIT. Both hold what they take (no delivery), have a P-256 key and are as durable as shipped. The
// two take turns in one run. Needs root, and Postfix in its chroot (./waypost test makes it).
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect as connectTls } from "node:tls"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { withoutPeers } from "../test/kit/peers.ts"
import { startPostfix } from "../test/kit/postfix.ts"
import { System } from "../test/kit/system.ts"
import { cpuOf } from "./cpu.ts"

type Task = { readonly port: number; readonly until: number; readonly sessions: number }

const say = (line: string) => process.stdout.write(`${line}\n`)
const text = `${"x".repeat(78)}\r\n`.repeat(128)
const message = `Subject: bench\r\n\r\n${text}.\r\n`

async function measure(): Promise<void> {
  const seconds = Number(process.argv[2] ?? 8)
  const rounds = Number(process.argv[3] ?? 3)
  const missing = withoutPeers("postfix")
  if (missing !== false) throw new Error(missing)
  const folder = mkdtempSync(join(tmpdir(), "tls-bench-"))
  chmodSync(folder, 0o755)
  const postfix = await startPostfix(folder, postfixLines)
  const system = await System.start({ mc, users: ["gor"] })
  const rates = { waypost: [] as number[], postfix: [] as number[] }
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const [name, port, pid] of [
        ["waypost", system.port, system.pid],
        ["postfix", postfix.port, postfix.pid],
      ] as const) {
        const before = cpuOf(pid)
        const started = performance.now()
        const sent = await load(port, seconds)
        const rate = (sent * 1000) / (performance.now() - started)
        const cpu = (cpuOf(pid) - before) / sent
        const words = round === 0 ? "warming up" : `round ${round}`
        say(
          `${words}: ${name} ${rate.toFixed(0)} sessions/s, ${cpu.toFixed(2)} ms CPU a session (${sent} messages)`,
        )
        if (round > 0) rates[name].push(rate)
      }
    }
    const sum = (all: readonly number[]) => all.reduce((one, other) => one + other, 0)
    say(`waypost / postfix: ${(sum(rates.waypost) / sum(rates.postfix)).toFixed(2)}`)
  } finally {
    await system.stop()
    await postfix.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`confDELIVERY_MODE', \`queueonly')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`confSERVER_CERT', \`@DIR@/state/tls/cert.pem')dnl
define(\`confSERVER_KEY', \`@DIR@/state/tls/key.pem')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const postfixLines = `
myhostname = mail.hello.com
mydestination = grussell.org
local_recipient_maps =
smtpd_tls_security_level = may
smtpd_tls_ask_ccert = yes
smtpd_end_of_data_restrictions = check_client_access static:HOLD
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
`

/** Two threads of ten sessions each. */
async function load(port: number, seconds: number): Promise<number> {
  const task: Task = { port, until: Date.now() + seconds * 1000, sessions: 10 }
  const threads = [0, 1].map(
    () =>
      new Promise<number>((resolve, reject) => {
        const worker = new Worker(new URL("./tls.ts", import.meta.url), { workerData: task })
        worker.once("message", (count: number) => resolve(count)).once("error", reject)
      }),
  )
  return (await Promise.all(threads)).reduce((sum, one) => sum + one, 0)
}

async function sendUntil({ port, until, sessions }: Task): Promise<number> {
  const counts = Array.from({ length: sessions }, async () => {
    let count = 0
    while (Date.now() < until) {
      await oneSession(port)
      count++
    }
    return count
  })
  return (await Promise.all(counts)).reduce((sum, one) => sum + one, 0)
}

const steps = [
  "EHLO pc236b.napier.ac.uk\r\n",
  "MAIL FROM:<ann@example.org>\r\nRCPT TO:<gor@grussell.org>\r\nDATA\r\n",
  message,
  "QUIT\r\n",
] as const
/** How many replies each step has, and with what digit. */
const expected = [
  [1, "2"],
  [3, "3"],
  [1, "2"],
  [1, "2"],
] as const

function oneSession(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const plain = connect(port, "127.0.0.1")
    plain.setNoDelay(true).setEncoding("latin1")
    plain.on("error", reject)
    let heard = ""
    let said = 0
    plain.on("data", (piece) => {
      heard += String(piece)
      if (!/^\d{3}(?: .*)?\r\n$/m.test(heard) || !heard.endsWith("\r\n")) return
      if (said === 0) plain.write("EHLO pc236b.napier.ac.uk\r\n")
      else if (said === 1) plain.write("STARTTLS\r\n")
      else {
        plain.removeAllListeners("data")
        within(plain, resolve, reject)
      }
      said++
      heard = ""
    })
  })
}

function within(plain: ReturnType<typeof connect>, resolve: () => void, reject: (why: Error) => void): void {
  const socket = connectTls({ socket: plain, rejectUnauthorized: false, minVersion: "TLSv1.3" })
  socket.setEncoding("latin1")
  let step = 0
  let heard = ""
  const next = () => socket.write(steps[step] ?? "")
  socket.on("secureConnect", next).on("error", reject)
  socket.on("data", (piece) => {
    heard += String(piece)
    const [count = 1, digit = "2"] = expected[step] ?? []
    const ends = heard.match(/^\d{3}(?: .*)?\r\n/gm) ?? []
    if (ends.length < count) return
    if (!ends.at(-1)?.startsWith(digit)) return reject(new Error(`it said ${heard}`))
    heard = ""
    step++
    if (step < steps.length) return next()
    socket.destroy()
    resolve()
  })
}

const port = parentPort
if (isMainThread || port === null) await measure()
else port.postMessage(await sendUntil(workerData as Task), []) // what load() gave it
