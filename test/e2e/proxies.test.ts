// Proxies in front of a whole system: PROXY at a door that expects it, XCLIENT and XFORWARD from addresses that are trusted, and nothing
// of it from anybody else.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { Session, System } from "../kit/system.ts"

let system: System

before(async () => {
  system = await System.start({
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@, Proxy=yes')dnl
DAEMON_OPTIONS(\`Name=FILTER, Addr=127.0.0.1, Port=@MSA@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
define(\`confTRUSTED_PROXIES', \`127.0.0.0/30')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
    args: ["--resolver", "127.0.0.1:9"],
  })
})

after(() => system.stop())

const relaying = [
  "EHLO pc236b.napier.ac.uk",
  "MAIL FROM:<gor@napier.ac.uk>",
  "RCPT TO:<x@example.org>",
] as const

async function dialog(session: Session, lines: readonly string[]): Promise<string> {
  let reply = ""
  for (const line of lines) reply = await session.say(line)
  return reply
}

test("PROXY: the client is whom the proxy names, and is judged as it is", async () => {
  const session = await system.connect()
  session.write("PROXY TCP4 192.0.2.7 127.0.0.1 49374 25\r\n")
  assert.match(await session.reply(), /^220 /)
  assert.match(
    await session.say("EHLO pc236b.napier.ac.uk"),
    /^250-grussell\.org Hello \[192\.0\.2\.7\], pleased/,
  )
  assert.match(await dialog(session, relaying.slice(1)), /^(?:550 5\.7\.1|450 4\.4\.0) .*Relaying/)
  session.close()
})

test("PROXY: a trusted proxy that says none is let go", async () => {
  const session = await system.connect()
  session.write("EHLO x\r\n")
  assert.equal(await session.reply(), "(closed)")
})

test("XCLIENT: the session begins anew as the client's; XFORWARD is taken; neither is inside a transaction's way", async () => {
  const session = await system.connect(system.msa)
  await session.reply()
  const offered = await session.say("EHLO filter.grussell.org")
  assert.match(offered, /^250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN\r$/m)
  assert.match(await session.say("XFORWARD NAME=spike.napier.ac.uk ADDR=192.0.2.9"), /^250 /)
  assert.match(await session.say("XCLIENT BAD=1"), /^501 /)
  assert.match(await session.say("XCLIENT NAME=pc236b.napier.ac.uk ADDR=192.0.2.7 PORT=1234"), /^220 /)
  assert.match(await session.say("EHLO pc236b.napier.ac.uk"), /Hello pc236b\.napier\.ac\.uk \[192\.0\.2\.7\]/)
  assert.match(await dialog(session, relaying.slice(1)), /^550 5\.7\.1 .*Relaying denied/)
  session.close()
  await system.said(
    /XCLIENT from \S* ?\[127\.0\.0\.1\]: the client is pc236b\.napier\.ac\.uk \[192\.0\.2\.7\]/,
  )
})

test("XFORWARD: who the mail came from is in the log, and nobody is judged by it", async () => {
  const session = await system.connect(system.msa)
  await session.reply()
  await session.say("EHLO filter.grussell.org")
  const words = "NAME=spike.napier.ac.uk ADDR=192.0.2.9 PORT=4711 PROTO=ESMTP HELO=laptop+40x SOURCE=REMOTE"
  assert.match(await session.say(`XFORWARD ${words} IDENT=[UNAVAILABLE]`), /^250 /)
  await system.said(
    /XFORWARD from \S* ?\[127\.0\.0\.1\]: name=spike\.napier\.ac\.uk, addr=192\.0\.2\.9, port=4711, proto=ESMTP, helo=laptop@x, source=REMOTE, ident=\?/,
  )
  assert.match(await dialog(session, relaying.slice(1)), /^250 2\.1\.5 /) // the filter relays, whoever sent it
  for (const bad of ["XFORWARD", "XFORWARD NAME=", "XFORWARD NAME=a+4", "XFORWARD COLOUR=red"])
    assert.match(await session.say(bad), /^50[13] /, bad)
  session.close()
})

test("XCLIENT with a LOGIN lets it relay", async () => {
  const session = await system.connect(system.msa)
  await session.reply()
  assert.match(await session.say("XCLIENT ADDR=192.0.2.7 LOGIN=gor"), /^220 /)
  assert.match(await dialog(session, relaying), /^250 2\.1\.5 /)
  session.close()
})

test("from an address that is not trusted none of it is known, and PROXY is an unknown command", async () => {
  for (const port of [system.port, system.msa]) {
    const session = await Session.open(port, "127.0.0.1", "127.0.0.9")
    await session.reply()
    assert.doesNotMatch(await session.say("EHLO x.test"), /XCLIENT|XFORWARD/)
    assert.match(await session.say("XCLIENT ADDR=127.0.0.1"), /^500 5\.5\.1 /)
    assert.match(await session.say("XFORWARD ADDR=127.0.0.1"), /^500 5\.5\.1 /)
    assert.match(await session.say("PROXY TCP4 127.0.0.1 127.0.0.1 1 25"), /^500 5\.5\.1 /)
    session.close()
  }
})
