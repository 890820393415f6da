// What judging signatures costs beside Postfix: `node bench/signatures.ts [SECONDS] [ROUNDS]`. Twenty kept sessions of a stranger send
// letters of 10 KiB with one signature (RSA), with two (RSA and Ed25519), or with two and a seal (RSA, which is two more to check); all three
// hold what they take, as durable as shipped: Waypost with SPF, DKIM, DMARC and ARC; Waypost without a line of it; Postfix without filters.
// They take turns. Needs root, and Postfix in its chroot (./waypost test makes it).
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { startNameserver } from "../test/kit/nameserver.ts"
import { withoutPeers } from "../test/kit/peers.ts"
import { startPostfix } from "../test/kit/postfix.ts"
import { System } from "../test/kit/system.ts"
import { cpuOf, threadsBelow } from "./cpu.ts"
import { fieldsOf, freshKeys, plainLetter, sealedLetter, signingOf, threadsWith } from "./signed-letter.ts"

type Task = { readonly port: number; readonly until: number; readonly letter: Uint8Array }
type Candidate = {
  readonly name: string
  readonly port: number
  readonly pid: number
  readonly letter: Uint8Array
}
type Turn = { readonly rate: number; readonly cpu: number }

const sessions = 20
const say = (line: string) => process.stdout.write(`${line}\n`)

const base = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`confDELIVERY_MODE', \`queueonly')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
`
const judging = "FEATURE(`spf')dnl\nFEATURE(`dkim_verify')dnl\nFEATURE(`dmarc')dnl\nFEATURE(`arc')dnl\n"
const mailers = "MAILER(`local')dnl\nMAILER(`smtp')dnl\n"

const postfixLines = `
myhostname = mail.hello.com
mydestination = grussell.org
local_recipient_maps =
smtpd_end_of_data_restrictions = check_client_access static:HOLD
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
`

async function measure(): Promise<void> {
  const seconds = Number(process.argv[2] ?? 8)
  const rounds = Number(process.argv[3] ?? 3)
  const missing = withoutPeers("postfix")
  if (missing !== false) throw new Error(missing)
  const { keys, published } = freshKeys()
  const threads = threadsWith(published)
  const letter = await sealedLetter(threads, keys)
  const rsa = keys.find(({ algorithm }) => algorithm === "rsa-sha256")
  if (rsa === undefined) throw new Error("no RSA key was made")
  const signedBy = async (these: typeof keys) =>
    Buffer.from((await fieldsOf(threads, signingOf(these), plainLetter)) + plainLetter)
  const [signedOnce, signedTwice] = [await signedBy([rsa]), await signedBy(keys)]
  await threads.close()
  const folder = mkdtempSync(join(tmpdir(), "signatures-bench-"))
  chmodSync(folder, 0o777)
  const nameserver = await startNameserver(zoneWith(published))
  const args = ["--resolver", nameserver.resolver]
  const on = await System.start({ mc: base + judging + mailers, users: ["gor"], args, env: watched(folder) })
  const off = await System.start({ mc: base + mailers, users: ["gor"], args })
  const postfix = await startPostfix(folder, postfixLines)
  try {
    const all = [
      { name: "all on", port: on.port, pid: on.pid, letter },
      { name: "all on, one signature", port: on.port, pid: on.pid, letter: signedOnce },
      { name: "all on, two signatures", port: on.port, pid: on.pid, letter: signedTwice },
      { name: "all off", port: off.port, pid: off.pid, letter },
      { name: "Postfix", port: postfix.port, pid: postfix.pid, letter },
    ]
    const turns = new Map<string, Turn[]>(all.map(({ name }) => [name, []]))
    for (let round = 0; round <= rounds; round++) {
      if (round === 1) writeFileSync(lateFile(folder), "")
      // Each round begins with another: what one leaves to be done is the next one's trouble.
      for (const candidate of [...all.slice(round % all.length), ...all.slice(0, round % all.length)]) {
        const turn = await oneTurn(candidate, seconds)
        const words = round === 0 ? "warming up" : `round ${round}`
        say(
          `${words}: ${candidate.name} ${turn.rate.toFixed(0)} messages/s, ${turn.cpu.toFixed(2)} ms CPU a message`,
        )
        if (round > 0) turns.get(candidate.name)?.push(turn)
      }
    }
    sumUp(turns, folder)
    say(`threads of all processes: all on ${threadsBelow(on.pid)}, all off ${threadsBelow(off.pid)}`)
  } finally {
    await Promise.all([on.stop(), off.stop(), postfix.stop(), nameserver.close()])
    rmSync(folder, { recursive: true, force: true })
  }
}

function zoneWith(published: ReadonlyMap<string, string>) {
  return {
    ...Object.fromEntries([...published].map(([name, text]) => [name, { TXT: [text] }])),
    "napier.ac.uk": { TXT: ["v=spf1 ip4:127.0.0.7 -all"], MX: [[10, "mail.napier.ac.uk"]] },
    "_dmarc.napier.ac.uk": { TXT: ["v=DMARC1; p=reject"] },
    "mail.napier.ac.uk": { A: ["127.0.0.7"] },
    "7.0.0.127.in-addr.arpa": { PTR: "mail.napier.ac.uk" },
  } as const
}

function sumUp(turns: ReadonlyMap<string, readonly Turn[]>, folder: string): void {
  const mean = (name: string, of: keyof Turn) => {
    const list = turns.get(name) ?? []
    return list.reduce((sum, turn) => sum + turn[of], 0) / list.length
  }
  const ratio = (of: keyof Turn, name: string, other: string) => (mean(name, of) / mean(other, of)).toFixed(2)
  for (const name of ["all on", "all on, one signature", "all on, two signatures", "all off"])
    say(`${name} ÷ Postfix: rate ${ratio("rate", name, "Postfix")}, CPU ${ratio("cpu", name, "Postfix")}`)
  const [judged, plain] = [mean("all on", "cpu"), mean("all off", "cpu")]
  say(
    `all on ${judged.toFixed(2)} ms CPU a message, all off ${plain.toFixed(2)}: judging costs ${(judged - plain).toFixed(2)}`,
  )
  const late = readFileSync(lateFile(folder), "utf8")
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map(Number)
  const most = late.toSorted((a, b) => b - a)
  say(
    `event loop with all on: at most ${most[0]} ms late, in ${late.length} seconds; over 50 ms in ${late.filter((ms) => ms > 50).length}`,
  )
}

const lateFile = (folder: string) => join(folder, "late")

/** The mail process tells each second how late its event loop was at most, from within, without a line for it in src. */
function watched(folder: string): Readonly<Record<string, string>> {
  const file = join(folder, "watch.mjs")
  writeFileSync(
    file,
    `import { appendFileSync } from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { isMainThread } from "node:worker_threads"
if (isMainThread && process.argv.at(2) === "process" && process.argv.at(3) === "mail") {
  const delay = monitorEventLoopDelay({ resolution: 2 })
  delay.enable()
  setInterval(() => { try { appendFileSync(${JSON.stringify(lateFile(folder))}, (delay.max / 1e6).toFixed(1) + "\\n") } catch {} delay.reset() }, 1000).unref()
}
`,
  )
  writeFileSync(lateFile(folder), "")
  chmodSync(lateFile(folder), 0o666)
  return { NODE_OPTIONS: `--import=${file}` }
}

async function oneTurn({ port, pid, letter }: Candidate, seconds: number): Promise<Turn> {
  const before = cpuOf(pid)
  const started = performance.now()
  const task: Task = { port, until: Date.now() + seconds * 1000, letter }
  const sent = await new Promise<number>((resolve, reject) => {
    const worker = new Worker(new URL("./signatures.ts", import.meta.url), { workerData: task })
    worker.once("message", resolve).once("error", reject)
  })
  const rate = (sent * 1000) / (performance.now() - started)
  return { rate, cpu: (cpuOf(pid) - before) / sent }
}

/** Kept sessions, a letter after the other. */
async function sendUntil({ port, until, letter }: Task): Promise<number> {
  const octets = Buffer.concat([letter, Buffer.from(".\r\n")])
  const counts = await Promise.all(Array.from({ length: sessions }, () => oneSession(port, until, octets)))
  return counts.reduce((sum, one) => sum + one, 0)
}

const envelope = "MAIL FROM:<gordon@napier.ac.uk>\r\nRCPT TO:<gor@grussell.org>\r\nDATA\r\n"

function oneSession(port: number, until: number, octets: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.7" })
    socket.setNoDelay(true).setEncoding("latin1").on("error", reject)
    let heard = ""
    let sent = 0
    let state: "greeting" | "hello" | "envelope" | "content" = "greeting"
    const next = () => {
      state = Date.now() < until ? "envelope" : "content"
      if (state === "envelope") return void socket.write(envelope)
      socket.destroy()
      resolve(sent)
    }
    const wants = { greeting: [1, "2"], hello: [1, "2"], envelope: [3, "3"], content: [1, "2"] } as const
    socket.on("data", (piece) => {
      heard += String(piece)
      const ends = heard.match(/^\d{3}(?: .*)?\r\n/gm) ?? []
      const [count, digit] = wants[state]
      if (ends.length < count) return
      if (!ends.at(-1)?.startsWith(digit)) return reject(new Error(`it said ${heard}`))
      heard = ""
      switch (state) {
        case "greeting":
          state = "hello"
          return void socket.write("EHLO mail.napier.ac.uk\r\n")
        case "hello":
          return next()
        case "envelope":
          state = "content"
          return void socket.write(octets)
        case "content":
          sent++
          return next()
      }
    })
  })
}

const port = parentPort
if (isMainThread || port === null) await measure()
else port.postMessage(await sendUntil(workerData as Task), []) // what oneTurn() gave it
