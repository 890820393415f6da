// A machine whose clock is set by a year, under a running mail system with a full queue, and before it starts. libfaketime moves the
// clock that programs see; the one that counts since boot goes on, as it does when somebody types `date`.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { clockEnv, noClock as skip, reboot, setClock } from "../kit/clock.ts"
import { freePort, handIn, Session, System } from "../kit/system.ts"
import { type Sink, startSink } from "../kit/sink.ts"

const waiting = 60
const year = "365d"

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.napier.ac.uk')dnl
LOCAL_DOMAIN(\`napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
define(\`confTO_QUEUEWARN', \`4h')dnl
define(\`confTO_QUEUERETURN', \`5d')dnl
define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h @FAR@')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

let system: System
let far: number
let held: Session

before(async () => {
  if (skip !== false) return
  far = await freePort()
  const first = await System.start({
    mc: mc.replace("@FAR@", String(far)),
    files: { aliases: "postmaster: g.russell\n" },
    users: ["g.russell"],
  })
  await first.end()
  const { directory } = first
  const ports = { mta: first.port, msa: first.msa }
  const env = clockEnv(directory, "+0")
  system = await System.start({ directory, ports, mc: mc.replace("@FAR@", String(far)), env })
  await accept(waiting, "you@hello.com")
  await system.idle()
  held = await system.connect()
  await held.reply()
  assert.match(await held.say("EHLO pc236b.napier.ac.uk"), /^250/)
})

after(async () => {
  held?.close()
  await system?.stop()
})

async function accept(count: number, to: string): Promise<void> {
  const text = "Subject: SMTP\n\nHello gordon.\n"
  for (let n = 0; n < count; n++) {
    const reply = await handIn(system, { from: "g.russell@napier.ac.uk", to: [to], text })
    assert.match(reply, /^250 2\.0\.0 /)
  }
}

const attempts = () => system.stderr.split("\n").filter((line) => line.includes("stat=Deferred")).length
const bounces = () => system.stderr.split("\n").filter((line) => /: DSN:|stat=Service/.test(line)).length

async function inQueue(): Promise<
  { id: string; acceptedAt: string; recipients: { nextAttempt?: string }[] }[]
> {
  const { stdout } = await system.waypost("queue", "list", "--json")
  return stdout
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
}

/** A client comes and goes: the mail system looks at its clock. */
async function visit(): Promise<void> {
  const session = await system.connect()
  assert.match(await session.reply(), /^220 /)
  assert.match(await session.say("QUIT"), /^221 /)
}

for (const [set, says] of [
  [`+${year}`, /the clock was set forward by 365 days: mail that waits keeps its age/],
  [`-${year}`, /the clock was set back by 730 days: mail that waits keeps its age/],
] as const) {
  test(`a clock set to ${set} under a full queue: nothing expires, nothing storms, nobody hangs`, {
    skip,
  }, async () => {
    const tried = attempts()
    setClock(system.directory, set)
    await visit()
    await system.said(says)
    await system.idle()
    assert.equal(attempts(), tried, "nothing became due for it")
    assert.equal((await inQueue()).length, waiting)

    const [first] = await inQueue()
    const age =
      Date.now() + (set.startsWith("+") ? 1 : -1) * 365 * 86_400_000 - Date.parse(first?.acceptedAt ?? "")
    assert.ok(age > -5000 && age < 600_000, `mailq shows its age by today's clock: ${age} ms`)

    await system.waypost("queue", "retry", first?.id ?? "", "--yes")
    await system.idle()
    assert.equal(attempts(), tried + 1)
    assert.equal(bounces(), 0)
    assert.equal((await inQueue()).length, waiting, "an attempt that fails now is not the last one")

    assert.match(await held.say("NOOP"), /^250 /)
    await accept(1, "g.russell@napier.ac.uk")
    await system.idle()
    assert.equal((await inQueue()).length, waiting, "new mail is delivered")
  })
}

test("set right again, the clock and the queue agree", { skip }, async () => {
  const tried = attempts()
  setClock(system.directory, "+0")
  await visit()
  await system.said(/the clock was set forward by 365 days: it agrees with the queue again/)
  await system.idle()
  assert.equal(attempts(), tried)
})

test("a restart in the same boot knows how long it was, whatever the clock says by then", {
  skip,
}, async () => {
  held.close()
  await system.end()
  system = await restart(`+${year}`)
  await system.said(/the clock was set forward by 365 days/)
  await system.idle()
  assert.equal(attempts(), 0)
  assert.equal((await inQueue()).length, waiting)
  await system.end()
})

/** Starts it again, as after a boot when `boot` names another one. */
function restart(offset: string, boot?: string): Promise<System> {
  const { directory, port: mta, msa } = system
  if (boot !== undefined) reboot(directory, boot)
  return System.start({
    directory,
    ports: { mta, msa },
    mc: mc.replace("@FAR@", String(far)),
    env: clockEnv(directory, offset),
  })
}

for (const [offset, says] of [
  [
    `-${year}`,
    /the clock says 20\S+, 365 days before the newest there is in the queue: .* set the clock right/,
  ],
  [
    `+${year}`,
    /the clock says 20\S+, 365 days after the newest there is in the queue: if it is wrong, set it right/,
  ],
] as const) {
  test(`a boot with a clock at ${offset}: said at once, nothing expires, and all is well when it is set right`, {
    skip,
  }, async () => {
    system = await restart(offset, "another boot")
    await system.said(says)
    await system.idle()
    assert.equal((await inQueue()).length, waiting)
    const tried = attempts()
    setClock(system.directory, "+0")
    await visit()
    await system.said(/by 365 days: it agrees with the queue again/)
    await system.idle()
    assert.ok(attempts() - tried <= waiting, "each is tried once at most")
    assert.equal(bounces(), 0)
    assert.equal((await inQueue()).length, waiting)
    await system.end()
  })
}

test("after all that the whole queue is delivered, once", { skip }, async () => {
  const sink: Sink = await startSink({ port: far })
  system = await restart("+0")
  await system.waypost("queue", "retry", "--all", "--yes")
  await system.idle()
  assert.equal(sink.received(), waiting)
  assert.equal((await inQueue()).length, 0)
  await sink.close()
})
