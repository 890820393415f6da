// SIGTERM while other hosts have something in hand: who answers is heard out, who is silent is not waited for, nothing is lost and
// nothing sent twice.
import assert from "node:assert/strict"
import { createSocket } from "node:dgram"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, test } from "node:test"
import { type Sink, type SinkRule, startSink } from "../kit/sink.ts"
import { freePort, handIn, type Session, System } from "../kit/system.ts"

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.napier.ac.uk')dnl
LOCAL_DOMAIN(\`napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`mailertable', \`text @DIR@/mailertable')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h @FAR@')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`
const mailertable = "grussell.org\tesmtp:[127.0.0.3]\nhello.com\tesmtp:[127.0.0.4]\n"
const aliases = `postmaster: g.russell\nslow: "|sleep 100"\n`

/** Well below the 20 s that a host may take to answer, and enough for a busy machine. */
const soon = 10_000

let system: System
let far: number
const sinks: Sink[] = []

afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close()
  await system.stop()
})

async function start(...args: readonly string[]): Promise<void> {
  far = await freePort("127.0.0.3")
  const files = { mailertable, aliases }
  system = await System.start({ mc: mc.replace("@FAR@", String(far)), files, users: ["g.russell"], args })
}

async function host(address: string, ...rules: readonly SinkRule[]): Promise<Sink> {
  const sink = await startSink({ address, port: far, rules })
  sinks.push(sink)
  return sink
}

async function heard(sink: Sink, command: RegExp): Promise<void> {
  while (!sink.commands.some((line) => command.test(line)))
    await new Promise((resolve) => setTimeout(resolve, 5))
}

async function accept(...to: readonly string[]): Promise<void> {
  const reply = await handIn(system, {
    from: "g.russell@napier.ac.uk",
    to,
    text: "Subject: SMTP\n\nHello.\n",
  })
  assert.match(reply, /^250 2\.0\.0 /)
}

/** Ends it; how many milliseconds that took. */
async function ended(): Promise<number> {
  const began = performance.now()
  assert.equal(await system.end(), 0)
  return performance.now() - began
}

/** Starts it on what was left. */
async function again(more = ""): Promise<void> {
  const { directory, port: mta, msa } = system
  const config = mc.replace("@FAR@", String(far)).replace("MAILER(", `${more}MAILER(`)
  system = await System.start({ directory, ports: { mta, msa }, mc: config })
}

const queueIsEmpty = async () => /is empty/.test((await system.command("mailq", [])).stdout)

for (const [when, on] of [
  ["greets nobody", /^connect/],
  ["says nothing to EHLO", /^EHLO/],
  ["says nothing to RCPT", /^RCPT/],
  ["says nothing to DATA", /^DATA/],
] as const) {
  test(`a host that ${when} is left at once, and has its mail at the next start without a wait`, async () => {
    await start()
    const host1 = await host("127.0.0.3", { on, act: { end: "silence" }, times: 1 })
    await accept("me@grussell.org")
    await heard(host1, on)
    assert.ok((await ended()) < soon)
    assert.match(system.stderr, /to=<me@grussell\.org>, .*dsn=4\.3\.2, stat=Deferred: Shutting down/)
    await again()
    await host1.until(1)
    await system.idle()
    assert.equal(host1.received(), 1)
    assert.ok(await queueIsEmpty())
  })
}

test("a host that has the whole message is heard out, so that nobody gets it twice", async () => {
  await start()
  const host1 = await host("127.0.0.3", { on: /^\./, act: { reply: "250 2.0.0 taken", after: 3000 } })
  await accept("me@grussell.org")
  await heard(host1, /^\./)
  const milliseconds = await ended()
  assert.ok(milliseconds > 1500 && milliseconds < soon + 3000, `${milliseconds} ms`)
  assert.match(system.stderr, /to=<me@grussell\.org>, .*stat=Sent/)
  await again()
  await system.idle()
  assert.ok(await queueIsEmpty())
  assert.equal(host1.received(), 1)
})

test("of two hosts one took the message and one is silent: only the other is asked again, and the receipt comes once", async () => {
  await start()
  const took = await host("127.0.0.3")
  const silent = await host("127.0.0.4", { on: /^MAIL/, act: { end: "silence" }, times: 1 })
  const session: Session = await system.connect()
  await session.reply()
  await session.say("EHLO pc236b.napier.ac.uk")
  await session.say("MAIL FROM:<g.russell@napier.ac.uk>")
  for (const to of ["me@grussell.org", "ann@hello.com"]) await session.say(`RCPT TO:<${to}> NOTIFY=SUCCESS`)
  await session.say("DATA")
  assert.match(await session.say("Subject: SMTP\r\n\r\nHello.\r\n."), /^250/)
  session.close()
  await took.until(1)
  await heard(silent, /^MAIL/)
  assert.ok((await ended()) < soon)
  await again()
  await silent.until(1)
  await system.idle()
  assert.deepEqual([took.received(), silent.received()], [1, 1])
  assert.ok(await queueIsEmpty())
})

test("a name server that says nothing does not hold a stop up", async () => {
  const nameserver = createSocket("udp4")
  const asked = new Promise((resolve) => nameserver.once("message", resolve))
  await new Promise<void>((resolve) => nameserver.bind(0, "127.0.0.1", resolve))
  await start("--resolver", `127.0.0.1:${nameserver.address().port}`)
  await accept("me@example.org")
  await asked
  assert.ok((await ended()) < soon)
  nameserver.close()
  await again()
})

test("a client that is silent in the middle of a message does not hold a stop up, and is told so between two", async () => {
  await start()
  const [silent, resting] = [await system.connect(), await system.connect()]
  for (const session of [silent, resting]) {
    await session.reply()
    await session.say("EHLO pc236b.napier.ac.uk")
  }
  await silent.say("MAIL FROM:<g.russell@napier.ac.uk>")
  await silent.say("RCPT TO:<g.russell@napier.ac.uk>")
  assert.match(await silent.say("DATA"), /^354/)
  silent.write("Subject: half\r\n")
  const milliseconds = ended()
  assert.match(await resting.reply(), /^421 4\.3\.2 /)
  assert.ok((await milliseconds) < soon)
  silent.close()
  await again()
  assert.ok(await queueIsEmpty())
})

test("a program that is still reading is ended after its time, and its message waits", async () => {
  await start()
  await accept("slow@napier.ac.uk")
  await new Promise((resolve) => setTimeout(resolve, 1000)) // the program starts
  const milliseconds = await ended()
  assert.ok(milliseconds < 28_000, `${milliseconds} ms`)
  const box = join(system.directory, "mail", "g.russell")
  assert.equal(existsSync(box) ? readFileSync(box, "utf8") : "", "", "no report: it has not failed")
  await again("define(`confDELIVERY_MODE', `queueonly')dnl\n")
  assert.ok(!(await queueIsEmpty()))
})
