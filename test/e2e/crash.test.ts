// kill -9 at random instants under load: whatever was answered with 250 is delivered, what never ended is not, and the next start
// is quick. SIGTERM under load loses nothing either. What dies alone is started again.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort, handIn, type Session, System } from "../kit/system.ts"

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`maildir', \`@DIR@/mail/%u')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

/** What clients were promised: by the number that each message carries. */
class Ledger {
  readonly sent = new Map<number, string>()
  /** The end of the message was sent, so that it may be there. */
  readonly ended = new Set<number>()
  readonly accepted = new Set<number>()
  #number = 0

  next(): { readonly number: number; readonly body: string } {
    const number = ++this.#number
    const body = `${`${number} Hello gordon. `.repeat(20)}\r\n`.repeat(1 + ((number * 37) % 300)) // some beyond 64 KiB
    this.sent.set(number, body)
    return { number, body }
  }
}

/** Sends until the system dies, or `stop` fires. */
async function client(system: System, ledger: Ledger, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const session = await system.connect().catch(() => undefined)
    if (session === undefined) return
    await conversation(session, ledger, stop)
    session.close()
  }
}

async function conversation(session: Session, ledger: Ledger, stop: AbortSignal): Promise<void> {
  if (!(await session.reply()).startsWith("220")) return
  await session.say("EHLO pc236b.napier.ac.uk")
  while (!stop.aborted) {
    const { number, body } = ledger.next()
    session.write("MAIL FROM:<g.russell@napier.ac.uk>\r\nRCPT TO:<gor@grussell.org>\r\nDATA\r\n")
    for (let n = 0; n < 2; n++) if (!(await session.reply()).startsWith("250")) return
    if (!(await session.reply()).startsWith("354")) return
    session.write(`Subject: ${number}\r\n\r\n${body}`)
    await new Promise((resolve) => setImmediate(resolve)) // so that a kill can come in between
    ledger.ended.add(number)
    const reply = await session.say(".")
    if (!reply.startsWith("250")) return
    ledger.accepted.add(number)
  }
}

function load(system: System, ledger: Ledger, stop: AbortSignal): Promise<unknown> {
  return Promise.all(Array.from({ length: 4 }, () => client(system, ledger, stop)))
}

/** The kernel's list of a process's descendants. */
function descendants(pid: number): number[] {
  const children = readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1")
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid ? [Number(name)] : []
    } catch {
      return [] // it ended meanwhile
    }
  })
  return children.flatMap((child) => [child, ...descendants(child)])
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // it ended meanwhile
    }
  }
}

/** Resolves when none of them is there any more. */
async function gone(pids: readonly number[], seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000
  const isThere = (pid: number) => {
    try {
      return process.kill(pid, 0) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"))
    } catch {
      return false
    }
  }
  while (pids.some(isThere)) {
    assert.ok(performance.now() < end, `${pids.filter(isThere).join(", ")} still run after ${seconds} s`)
    await sleep(20) // another process's end is no event of ours
  }
}

/** Compares what was promised and what is in the mailbox. */
function judge(system: System, ledger: Ledger): void {
  const folder = join(system.directory, "mail", "gor", "new")
  const found = new Set<number>()
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), "latin1")
    const number = Number(/^Subject: (\d+)$/m.exec(text)?.[1])
    assert.ok(ledger.ended.has(number), `message ${number} was delivered although its end was never sent`)
    const body = text.slice(text.indexOf("\n\n") + 2)
    assert.equal(
      body,
      ledger.sent.get(number)?.replaceAll("\r\n", "\n"),
      `message ${number} is not as it was sent`,
    )
    assert.ok(!found.has(number), `message ${number} was delivered twice`)
    found.add(number)
  }
  const lost = [...ledger.accepted].filter((number) => !found.has(number))
  assert.deepEqual(lost, [], `${lost.length} of ${ledger.accepted.size} accepted messages are lost`)
}

/** Resolves when so many more were accepted: on a busy machine the first ones take their time. */
async function flowing(ledger: Ledger, more: number): Promise<void> {
  const enough = ledger.accepted.size + more
  for (const end = performance.now() + 20_000; ledger.accepted.size < enough && performance.now() < end; )
    await sleep(5)
}

async function restarted(system: System, config = mc): Promise<System> {
  const began = performance.now()
  const next = await System.start({
    mc: config,
    directory: system.directory,
    ports: { mta: system.port, msa: system.msa },
  })
  const seconds = (performance.now() - began) / 1000
  assert.ok(seconds < 5, `ready again after ${seconds.toFixed(1)} s`)
  return next
}

test("kill -9 of everything under load, six times: nothing accepted is lost, doubled or changed, and each start is quick", async (t) => {
  const ledger = new Ledger()
  let system = await System.start({ mc, users: ["gor"] })
  const instants = [40, 300, 90, 700, 500, 150]
  for (const instant of instants) {
    const stop = new AbortController()
    const busy = load(system, ledger, stop.signal)
    await flowing(ledger, 4)
    await sleep(instant + Math.random() * 100)
    const all = [system.pid, ...descendants(system.pid)]
    kill(all)
    await gone(all, 5)
    stop.abort()
    await busy
    system = await restarted(system)
  }
  await system.idle()
  t.diagnostic(`${instants.length} kills, ${ledger.accepted.size} accepted of ${ledger.sent.size} sent`)
  assert.ok(ledger.accepted.size > 20, `only ${ledger.accepted.size} were accepted: nothing is proven`)
  judge(system, ledger)
  await system.stop()
})

test("kill -9 with mbox mailboxes: nothing accepted is lost or cut, and no lock that was left holds mail up", async (t) => {
  const mbox = mc.replace(
    "FEATURE(`maildir', `@DIR@/mail/%u')",
    "define(`confLOCAL_MAILBOX_DIR', `@DIR@/mail')",
  )
  const ledger = new Ledger()
  let system = await System.start({ mc: mbox, users: ["gor"] })
  for (const instant of [100, 400, 200]) {
    const stop = new AbortController()
    const busy = load(system, ledger, stop.signal)
    await flowing(ledger, 8)
    await sleep(instant + Math.random() * 100)
    const all = [system.pid, ...descendants(system.pid)]
    kill(all)
    await gone(all, 5)
    stop.abort()
    await busy
    system = await restarted(system, mbox)
  }
  const began = performance.now()
  await system.idle()
  while (!(await system.command("mailq", [])).stdout.includes("is empty")) {
    assert.ok(performance.now() - began < 20_000, "mail still waits after 20 s")
    await sleep(200) // the next attempt is the schedule's
  }
  const box = readFileSync(join(system.directory, "mail", "gor"), "latin1")
  t.diagnostic(`3 kills, ${ledger.accepted.size} accepted`)
  assert.ok(ledger.accepted.size > 20)
  const whole = new Set(
    box
      .split(/^From g\.russell@napier\.ac\.uk .*\n/m)
      .map((text) => text.slice(text.indexOf("\nSubject: ") + 1)),
  )
  const lost = [...ledger.accepted].filter(
    (number) => !whole.has(`Subject: ${number}\n\n${ledger.sent.get(number)?.replaceAll("\r\n", "\n")}\n`),
  )
  assert.deepEqual(lost, [])
  await system.stop()
})

test("SIGTERM under load: it ends in order with 0, and nothing accepted is lost", async (t) => {
  const ledger = new Ledger()
  let system = await System.start({ mc, users: ["gor"] })
  for (let round = 0; round < 2; round++) {
    const stop = new AbortController()
    const busy = load(system, ledger, stop.signal)
    await flowing(ledger, 12)
    await sleep(400)
    const began = performance.now()
    assert.equal(await system.end(), 0)
    assert.ok(performance.now() - began < 15_000)
    stop.abort()
    await busy
    system = await restarted(system)
  }
  await system.idle()
  t.diagnostic(`2 ends, ${ledger.accepted.size} accepted`)
  assert.ok(ledger.accepted.size > 20)
  judge(system, ledger)
  await system.stop()
})

const letter = { from: "g.russell@napier.ac.uk", to: ["gor@grussell.org"], text: "Subject: 1\n\nHello.\n" }

/** The process of the system with this role. */
function processOf(system: System, role: "mail" | "agent"): number {
  const found = descendants(system.pid).find((pid) => {
    const words = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0")
    return words.includes("process") && words.includes(role)
  })
  return found ?? assert.fail(`no ${role} process`)
}

test("a mail process that dies is started again, and serves on the same port", async () => {
  const system = await System.start({ mc, users: ["gor"] })
  kill([processOf(system, "mail")])
  await system.said(/the mail process ended \(SIGKILL\); starting it again/)
  let reply = ""
  while (!reply.startsWith("250")) reply = await handIn(system, letter).catch(() => "")
  await system.idle()
  assert.equal(readdirSync(join(system.directory, "mail", "gor", "new")).length, 1)
  assert.equal(await system.end(), 0)
  await system.stop()
})

test("a mail process that cannot have its queue at once is started again until it can", async () => {
  const system = await System.start({ mc, users: ["gor"] })
  // Somebody else has the queue's lock as soon as the kernel gives it back.
  const wait =
    "import fcntl, sys; held = open(sys.argv[1], 'r+'); fcntl.lockf(held, fcntl.LOCK_EX); print(1); sys.stdout.flush(); sys.stdin.read()"
  const other = spawn("python3", ["-c", wait, join(system.state, "queue", "lock")])
  const locked = once(other.stdout, "data")
  while (!readFileSync("/proc/locks", "latin1").includes(` ${other.pid} `)) await sleep(20)
  kill([processOf(system, "mail")])
  await locked
  await system.said(
    /another Waypost \(pid \d+\) is using .*queue\n[^]*the mail process ended \(exit 75\); starting it again/,
  )
  const session = await system.connect()
  assert.match(await session.reply(), /^421 4\.3\.2 /, "who comes meanwhile is not left without an answer")
  other.stdin.end()
  let reply = ""
  while (!reply.startsWith("250")) {
    reply = await handIn(system, letter).catch(() => "")
    await sleep(50)
  }
  assert.equal(await system.end(), 0)
  await system.stop()
})

test("a delivery agent that dies is started again, and mail is delivered within seconds", async () => {
  const system = await System.start({ mc, users: ["gor"] })
  kill([processOf(system, "agent")])
  await system.said(/the delivery agent ended \(SIGKILL\); starting it again/)
  assert.match(await handIn(system, letter), /^250 /)
  await system.said(/to=<gor@grussell\.org>, .*stat=Sent/)
  assert.equal(readdirSync(join(system.directory, "mail", "gor", "new")).length, 1)
  await system.stop()
})

test("when the supervisor dies, the others end by themselves, and a new start has the state for itself", async () => {
  const system = await System.start({ mc, users: ["gor"] })
  assert.match(await handIn(system, letter), /^250 /)
  const children = descendants(system.pid)
  assert.ok(children.length >= 2)
  kill([system.pid])
  await gone(children, 10)
  const again = await restarted(system)
  // The agent may have died before the delivery: then it waits for some seconds, and is not lost.
  assert.equal((await again.waypost("queue", "retry", "--all", "--yes")).code, 0)
  await again.idle()
  assert.equal(readdirSync(join(again.directory, "mail", "gor", "new")).length, 1)
  await again.stop()
})

test("a second daemon on the same state refuses while the first one works on", async () => {
  const system = await System.start({ mc, users: ["gor"] })
  const second = await System.launch({
    mc,
    directory: system.directory,
    ports: { mta: await freePort(), msa: system.msa },
  })
  assert.equal(await second.ended, 75)
  assert.match(
    second.stderr,
    new RegExp(`another Waypost \\(pid ${system.pid}\\) is running on ${system.state}`),
  )
  assert.match(await handIn(system, letter), /^250 /)
  await system.stop()
})
