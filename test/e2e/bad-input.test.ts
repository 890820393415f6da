// What a server meets on an open port, and what a person types wrongly: each has its reply or its one line, no client disturbs
// another, and the system is there afterwards.
import assert from "node:assert/strict"
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, afterEach, before, test } from "node:test"
import { freePort, project, run, System, type Session } from "../kit/system.ts"

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`confMAX_MESSAGE_SIZE', \`20000')dnl
define(\`confMAX_RCPTS_PER_MESSAGE', \`5')dnl
define(\`confTO_COMMAND', \`2s')dnl
define(\`confTO_DATABLOCK', \`2s')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

let system: System

before(async () => {
  const members = Array.from({ length: 10 }, (_, n) => `r${n} : gor\n`).join("")
  system = await System.start({ mc, files: { aliases: members }, users: ["gor"] })
})

after(async () => {
  await system.stop()
})

// Whatever a test did, the next client is served, and nothing of it is a bug to the log.
afterEach(async () => {
  assert.match(await accept("for everybody", "Hello.\r\n"), /^250 2\.0\.0 /)
  assert.doesNotMatch(system.stderr, /^\s+at /m)
})

async function greeted(): Promise<Session> {
  const session = await system.connect()
  assert.match(await session.reply(), /^220 grussell\.org ESMTP/)
  assert.match(await session.say("EHLO pc236b.napier.ac.uk"), /^250 HELP$/m)
  return session
}

/** A session in which a message is about to come. */
async function inData(): Promise<Session> {
  const session = await greeted()
  await session.say("MAIL FROM:<g.russell@napier.ac.uk>")
  assert.match(await session.say("RCPT TO:<gor@grussell.org>"), /^250 /)
  assert.match(await session.say("DATA"), /^354 /)
  return session
}

async function accept(subject: string, body: string): Promise<string> {
  const session = await inData()
  const reply = await session.say(`Subject: ${subject}\r\n\r\n${body}.`)
  session.close()
  return reply
}

async function mailbox(): Promise<string> {
  await system.idle()
  return readFileSync(join(system.directory, "mail", "gor"), "latin1")
}

/** A command line after EHLO, and what is said to it. */
const lines: readonly (readonly [string, string, RegExp])[] = [
  ["an unknown command", "FROB x", /^500 5\.5\.1 Command unrecognized: "FROB x"$/],
  ["an empty line", "", /^500 5\.5\.1 Command unrecognized: ""$/],
  ["a line with NUL", "MAIL FROM:<a\0b@napier.ac.uk>", /^500 5\.5\.2 Control character in command line$/],
  [
    "a line with 8-bit octets that are no UTF-8",
    "VRFY gor\xe9\xff",
    /^500 5\.5\.2 .*neither ASCII nor UTF-8$/,
  ],
  ["a line of 5,000 octets", `NOOP ${"x".repeat(5000)}`, /^500 5\.5\.2 Command line too long$/],
  ["a line of a million octets", "x".repeat(1_000_000), /^500 5\.5\.2 Command line too long$/],
  ["an address without its end", "MAIL FROM:<g.russell@napier.ac.uk", /^553 5\.0\.0 .*Unbalanced '<'$/],
  ["an address that is none", "MAIL FROM:<<>>>>", /^5\d\d 5\./],
  ["an address longer than any", `MAIL FROM:<${"a".repeat(900)}@napier.ac.uk>`, /^553 5\.1\.[37] /],
  ["a domain longer than any", `MAIL FROM:<a@${"a.".repeat(400)}uk>`, /^553 5\.1\.[378] |^501 5\.1\./],
  [
    "a parameter nobody knows",
    "MAIL FROM:<a@napier.ac.uk> FROB=1",
    /^555 5\.5\.4 FROB parameter unrecognized$/,
  ],
  [
    "a size that is no number",
    "MAIL FROM:<a@napier.ac.uk> SIZE=many",
    /^501 5\.5\.2 Bad argument "many" to SIZE$/,
  ],
  ["a size beyond the limit", "MAIL FROM:<a@napier.ac.uk> SIZE=20001", /^552 5\.2\.3 .*\(20000\)$/],
  ["a size beyond all numbers", `MAIL FROM:<a@napier.ac.uk> SIZE=${"9".repeat(20)}`, /^552 5\.2\.3 /],
  ["RCPT before MAIL", "RCPT TO:<gor@grussell.org>", /^503 5\.0\.0 Need MAIL before RCPT$/],
  ["DATA before MAIL", "DATA", /^503 5\.0\.0 Need MAIL command$/],
  ["the request of a browser in mid-session", "GET / HTTP/1.1", /^(?:500 5\.5\.1|421 4\.7\.0) /],
]
for (const [what, line, answer] of lines) {
  test(`${what} is answered ${answer.source}`, async () => {
    const session = await greeted()
    assert.match(await session.say(line), answer)
    session.close()
  })
}

test("after a line that was too long the session goes on with the next one", async () => {
  const session = await greeted()
  assert.match(await session.say("x".repeat(9000)), /^500 /)
  assert.match(await session.say("NOOP"), /^250 /)
  session.close()
})

test("a browser that takes us for a web server is sent away at once", async () => {
  const session = await system.connect()
  assert.match(await session.reply(), /^220 /)
  session.write("POST / HTTP/1.1\r\nHost: grussell.org\r\n\r\nMAIL FROM:<x@hello.com>\r\n")
  assert.match(await session.reply(), /^421 4\.7\.0 /)
  assert.equal(await session.reply(), "(closed)")
})

test("who sends only unknown commands is let go after 25 of them", async () => {
  const session = await greeted()
  let last = ""
  let count = 0
  while (last !== "(closed)" && count < 100) {
    last = await session.say("FROB")
    if (last.startsWith("421")) break
    count++
  }
  assert.match(last, /^421 4\.7\.0 grussell\.org Too many bad commands; closing connection$/)
  assert.equal(count, 25)
  assert.equal(await session.reply(), "(closed)")
})

test("half a megabyte of random octets gets replies of three digits, and an end", async () => {
  const session = await system.connect()
  let seed = 2711
  const garbage = Buffer.from(
    Array.from({ length: 512 * 1024 }, () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16),
  )
  session.write(garbage)
  session.halfClose()
  for (let reply = await session.reply(); reply !== "(closed)"; reply = await session.reply())
    assert.match(reply, /^[245]\d\d /)
})

test("a message larger than the limit is read to its end and refused, without declaring its size or with", async () => {
  const before = await mailbox()
  assert.match(
    await accept("too large", `${"x".repeat(70)}\r\n`.repeat(400)),
    /^552 5\.2\.3 Message exceeds maximum fixed size \(20000\)$/,
  )
  assert.match(
    await accept("far too large", `${"x".repeat(70)}\r\n`.repeat(100_000)),
    /^552 5\.2\.3 Message exceeds maximum fixed size \(20000\)$/,
  )
  assert.equal(await mailbox(), before)
})

test("a line of 15,000 octets in a message is mail like any other", async () => {
  assert.match(await accept("a long line", `${"y".repeat(15_000)}\r\n`), /^250 2\.0\.0 /)
  assert.ok((await mailbox()).includes("y".repeat(15_000)))
})

test("8-bit octets in a message arrive as they were sent; NUL is not let in", async () => {
  assert.match(await accept("8-bit", "these \xe9\xff\x80 stay\r\n"), /^250 2\.0\.0 /)
  assert.ok((await mailbox()).includes("\nthese \xe9\xff\x80 stay\n"))
  assert.match(await accept("nul", "this \0 does not\r\n"), /^554 5\.6\.0 NUL octet not allowed$/)
})

test("a lone LF does not end a message, and is not let in", async () => {
  const session = await inData()
  session.write("Subject: smuggled\r\n\r\nHello.\n.\r\nMAIL FROM:<x@hello.com>\r\n")
  assert.match(await session.reply(), /^421 4\.5\.0 Bare linefeed \(LF\) not allowed$/)
  assert.equal(await session.reply(), "(closed)")
  assert.doesNotMatch(await mailbox(), /Subject: smuggled/)
})

test("the recipients beyond the limit are told to come later, the others get their mail", async () => {
  const session = await greeted()
  await session.say("MAIL FROM:<g.russell@napier.ac.uk>")
  for (let n = 0; n < 5; n++) assert.match(await session.say(`RCPT TO:<r${n}@grussell.org>`), /^250 2\.1\.5 /)
  for (let n = 5; n < 8; n++)
    assert.match(await session.say(`RCPT TO:<r${n}@grussell.org>`), /^452 4\.5\.3 Too many recipients$/)
  await session.say("DATA")
  assert.match(await session.say("Subject: to five\r\n\r\nHello.\r\n."), /^250 2\.0\.0 /)
  session.close()
  assert.match(await mailbox(), /\nSubject: to five\n/)
})

test("a client that is silent is let go when Timeout.command has passed, with 421", async () => {
  const session = await greeted()
  const began = performance.now()
  assert.match(await session.reply(), /^421 4\.4\.1 grussell\.org Lost input channel from /)
  assert.equal(await session.reply(), "(closed)")
  const seconds = (performance.now() - began) / 1000
  assert.ok(seconds > 1.5 && seconds < 6, `after ${seconds.toFixed(1)} s`)
})

test("a client that falls silent within its message is let go, and nothing of the message is kept", async () => {
  const session = await inData()
  session.write("Subject: never ended\r\n\r\nHello")
  assert.match(await session.reply(), /^421 4\.4\.1 /)
  assert.doesNotMatch(await mailbox(), /never ended/)
})

test("a client that closes its side within its message leaves nothing behind", async () => {
  const session = await inData()
  session.write("Subject: half closed\r\n\r\nHello.\r\n")
  session.halfClose()
  assert.match(await session.reply(), /^421 4\.4\.1 /)
  assert.doesNotMatch(await mailbox(), /half closed/)
})

test("a hundred clients that say nothing keep nobody waiting", async () => {
  const idle = await Promise.all(Array.from({ length: 100 }, () => system.connect()))
  const began = performance.now()
  assert.match(await accept("past the silent ones", "Hello.\r\n"), /^250 /)
  assert.ok(performance.now() - began < 2000)
  for (const session of idle) session.close()
})

const waypost = (...args: string[]) => run(join(project, "bin", "waypost"), args)

function isOneLine({ code, stderr }: { code: number | null; stderr: string }, pattern: RegExp): void {
  assert.notEqual(code, 0)
  assert.match(stderr, pattern)
  assert.equal(stderr.trimEnd().split("\n").length, 1, stderr)
}

test("a start whose state directory cannot be written says which, in one line", async () => {
  const closed = join(system.directory, "closed")
  mkdirSync(closed)
  // Root may write wherever the file system lets anybody write.
  if (process.getuid?.() === 0)
    isOneLine(
      await waypost("start", "--state", "/proc/waypost"),
      /^waypost: \/proc\/waypost: nothing can be made there/,
    )
  else {
    chmodSync(closed, 0o500)
    isOneLine(
      await waypost("start", "--state", join(closed, "state")),
      /closed\/state: no right to write there/,
    )
  }
})

test("a configuration that is a directory, or no text, is told with its name and nothing is started", async () => {
  const state = join(system.directory, "other")
  const directory = await waypost("start", "--state", state, "--config", system.directory)
  isOneLine(directory, /: that is a directory$/m)
  const binary = join(system.directory, "binary.mc")
  writeFileSync(binary, Buffer.from(Array.from({ length: 2000 }, (_, n) => (n * 7919) & 255)))
  const read = await waypost("start", "--state", state, "--config", binary)
  assert.equal(read.code, 78)
  assert.match(read.stderr, /binary\.mc/)
  assert.doesNotMatch(read.stderr, /^\s+at /m)
})

test("what only the mail process finds wrong ends the start, too, with its line", async () => {
  const state = join(system.directory, "refused")
  const file = join(system.directory, "filter.mc")
  const port = await freePort()
  writeFileSync(
    file,
    `OSTYPE(\`linux')dnl\nINPUT_MAIL_FILTER(\`x', \`S=foo:1')dnl\nDAEMON_OPTIONS(\`Addr=127.0.0.1, Port=${port}')dnl\nFEATURE(\`no_default_msa')dnl\nMAILER(\`local')dnl\n`,
  )
  const { code, stderr } = await waypost("start", "--state", state, "--config", file, "--no-console")
  assert.equal(code, 75)
  assert.match(stderr, /milter x: S=foo:1 is none of .*filter\.mc:2\)/)
})

test("who is not root and may not read the configuration is told so in one line", async (t) => {
  if (process.getuid?.() === 0) {
    t.skip("root may read every file")
    return
  }
  const config = join(system.directory, "secret.mc")
  writeFileSync(config, "")
  chmodSync(config, 0)
  isOneLine(
    await waypost("start", "--state", join(system.directory, "other"), "--config", config),
    /secret\.mc: permission denied/,
  )
})
