// Reports of RFC 3461 to 3464, 6522 and 6533, and DELIVERBY (RFC 2852), as senders get them: what they asked for goes in over SMTP,
// what they are told is read in their mailboxes. Warnings after their time are in retry.test.ts.
import assert from "node:assert/strict"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { after, before, beforeEach, test } from "node:test"
import { type Sink, startSink } from "../kit/sink.ts"
import { freePort, type Session, System } from "../kit/system.ts"

const mc = (far: number) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.napier.ac.uk')dnl
LOCAL_DOMAIN(\`napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
define(\`confEXTENSIONS', \`SMTPUTF8')dnl
define(\`confDOUBLE_BOUNCE_ADDRESS', \`jim')dnl
define(\`confCOPY_ERRORS_TO', \`watcher')dnl
define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h ${far}')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`
const aliases = `postmaster: root
MAILER-DAEMON: postmaster
root: g.russell
staff: andrew, nobody-here
owner-staff: sue
both: andrew, ann
`

let system: System
let sink: Sink

before(async () => {
  const far = await freePort()
  const users = ["g.russell", "andrew", "ann", "jim", "sue", "watcher"]
  system = await System.start({ mc: mc(far), files: { aliases }, users })
  sink = await startSink({
    port: far,
    extensions: ["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE", "ENHANCEDSTATUSCODES"],
    rules: [
      { on: /^RCPT TO:<no@/i, act: "550 5.1.1 No such user here" },
      { on: /^RCPT TO:<later@/i, act: "451 4.3.0 not now" },
    ],
  })
})

after(async () => {
  await sink.close()
  await system.stop()
})

const boxOf = (user: string) => join(system.directory, "mail", user)

beforeEach(() => {
  for (const user of ["g.russell", "andrew", "ann", "jim", "sue", "watcher"])
    rmSync(boxOf(user), { force: true })
})

const mailOf = (user: string) => (existsSync(boxOf(user)) ? readFileSync(boxOf(user), "utf8") : "")

/** Hands a message in with these parameters, and waits until all is done that can be done now. */
async function send(mail: string, ...rcpts: readonly string[]): Promise<void> {
  const session: Session = await system.connect()
  await session.reply()
  assert.match(await session.say("EHLO localhost"), /^250/)
  for (const line of [`MAIL FROM:${mail}`, ...rcpts.map((one) => `RCPT TO:${one}`)])
    assert.match(await session.say(line), /^250/, line)
  assert.match(await session.say("DATA"), /^354/)
  assert.match(
    await session.say("Subject: lunch\r\nMessage-Id: <1@hello.com>\r\n\r\nThe whole of it.\r\n."),
    /^250/,
  )
  session.close()
  await system.idle()
}

test("NOTIFY=SUCCESS: a message that was delivered here is told as delivered", async () => {
  await send("<g.russell@napier.ac.uk>", "<andrew@napier.ac.uk> NOTIFY=SUCCESS")
  const told = mailOf("g.russell")
  assert.match(told, /^Subject: Return receipt$/m)
  assert.match(told, /^Action: delivered/m)
  assert.match(told, /^Final-Recipient: rfc822; andrew@napier\.ac\.uk$/m)
})

test("NOTIFY=SUCCESS: a message that a host without DSN took is told as relayed", async () => {
  await send("<g.russell@napier.ac.uk>", "<you@hello.com> NOTIFY=SUCCESS")
  assert.match(mailOf("g.russell"), /^Action: relayed/m)
})

test("NOTIFY=SUCCESS through an alias: each of those it led to is told under the address that was written", async () => {
  await send("<g.russell@napier.ac.uk>", "<both@napier.ac.uk> NOTIFY=SUCCESS")
  const told = mailOf("g.russell")
  assert.equal(told.match(/^Action: (?:delivered|expanded)/gm)?.length, 2)
  assert.match(told, /^Final-Recipient: rfc822; both@napier\.ac\.uk$/m)
})

test("NOTIFY=FAILURE and no NOTIFY: a refusal is told, in the words of who refused, with what to do", async () => {
  for (const asked of ["", " NOTIFY=FAILURE"]) {
    rmSync(boxOf("g.russell"), { force: true })
    await send("<g.russell@napier.ac.uk>", `<no@hello.com>${asked}`)
    const told = mailOf("g.russell")
    assert.match(told, /said: 550 5\.1\.1 No such user here\n.*Check the spelling of the address/)
    assert.match(told, /^Action: failed\nStatus: 5\.1\.1$/m)
    assert.match(told, /^Diagnostic-Code: smtp; 550 5\.1\.1 No such user here$/m)
  }
})

test("NOTIFY=NEVER, and NOTIFY=SUCCESS of one that fails: nobody is told", async () => {
  await send("<g.russell@napier.ac.uk>", "<no@hello.com> NOTIFY=NEVER")
  await send("<g.russell@napier.ac.uk>", "<no@hello.com> NOTIFY=SUCCESS")
  assert.equal(mailOf("g.russell"), "")
})

test("RET=FULL sends the whole message back, RET=HDRS its header", async () => {
  await send("<g.russell@napier.ac.uk> RET=FULL", "<no@hello.com>")
  assert.match(mailOf("g.russell"), /^Content-Type: message\/rfc822$[^]*^The whole of it\.$/m)
  rmSync(boxOf("g.russell"))
  await send("<g.russell@napier.ac.uk> RET=HDRS", "<no@hello.com>")
  const told = mailOf("g.russell")
  assert.match(told, /^Content-Type: text\/rfc822-headers$[^]*^Subject: lunch$/m)
  assert.doesNotMatch(told, /The whole of it/)
})

test("ENVID and ORCPT come back as they were said, xtext undone", async () => {
  await send("<g.russell@napier.ac.uk> ENVID=QQ+2B314", "<no@hello.com> ORCPT=rfc822;bob+2Bme@example.org")
  const told = mailOf("g.russell")
  assert.match(told, /^Original-Envelope-Id: QQ\+314$/m)
  assert.match(told, /^Original-Recipient: rfc822;\s?bob\+me@example\.org$/m)
})

test("an international message is reported as RFC 6533 asks: global types, addresses in UTF-8", async () => {
  const utf8 = (text: string) => Buffer.from(text).toString("latin1")
  await send(
    "<g.russell@napier.ac.uk> SMTPUTF8 RET=HDRS",
    utf8("<no@hello.com> ORCPT=utf-8;dörte@example.org"),
  )
  const told = mailOf("g.russell")
  assert.match(told, /^Content-Type: message\/global-delivery-status$/m)
  assert.match(told, /^Content-Type: message\/global-headers$/m)
  assert.match(told, /^Original-Recipient: utf-8;\s?dörte@example\.org$/m)
  assert.match(told, /^Final-Recipient: utf-8; no@hello\.com$/m)
})

test("a failure without a sender goes to confDOUBLE_BOUNCE_ADDRESS, and is never a loop", async () => {
  await send("<>", "<no@hello.com>")
  assert.match(mailOf("jim"), /^Subject: Postmaster notify: see transcript for details$/m)
  assert.equal(mailOf("jim").match(/^From /gm)?.length, 1)
  assert.equal(mailOf("g.russell"), "")
})

test("confCOPY_ERRORS_TO has each failure too, and no receipt", async () => {
  await send("<g.russell@napier.ac.uk>", "<no@hello.com>", "<andrew@napier.ac.uk> NOTIFY=SUCCESS")
  assert.equal(mailOf("watcher").match(/^From /gm)?.length, 1)
  assert.match(mailOf("watcher"), /^Action: failed$/m)
})

test("errors of a list go to its owner, not to who wrote to it", async () => {
  await send("<g.russell@napier.ac.uk>", "<staff@napier.ac.uk>")
  assert.match(mailOf("sue"), /nobody-here/)
  assert.equal(mailOf("g.russell"), "")
  assert.match(mailOf("andrew"), /The whole of it/)
})

test("BY=…;RT: passed on to a host without DELIVERBY, it fails there at once, as R asks", async () => {
  await send("<g.russell@napier.ac.uk> BY=120;R", "<you@hello.com>")
  assert.match(mailOf("g.russell"), /^Action: failed$/m)
})

test("BY=…;N and T: it goes on, and the sender is told that nobody keeps his time from there on", async () => {
  await send("<g.russell@napier.ac.uk> BY=120;NT", "<you@hello.com>")
  assert.match(mailOf("g.russell"), /^Action: relayed/m)
})

test("BY=3;N: when the time is over and it still waits, the sender is told once", async () => {
  await send("<g.russell@napier.ac.uk> BY=2;N", "<later@hello.com>")
  assert.equal(mailOf("g.russell"), "")
  await new Promise((resolve) => setTimeout(resolve, 2100)) // the time of the sender is what is tested
  for (let times = 0; times < 2; times++) {
    await system.command("sendmail", ["-q"])
    await system.idle()
  }
  assert.equal(mailOf("g.russell").match(/^Action: delayed$/gm)?.length, 1)
})
