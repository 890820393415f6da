// Trust between hosts in a whole running system: SPF, SRS, greylisting and DNS lists, with a real name server, strangers on addresses
// of the loopback, and a scripted server as the rest of the world.
import assert from "node:assert/strict"
import { existsSync, readFileSync, statSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { type Nameserver, startNameserver } from "../kit/nameserver.ts"
import { type Sink, startSink } from "../kit/sink.ts"
import { freePort, System } from "../kit/system.ts"

const zone = {
  "example.org": { MX: [[10, "mail.example.org"]], TXT: ["v=spf1 ip4:127.0.0.66 -all"] },
  "mail.example.org": { A: ["127.0.0.3"] },
  "hello.com": { MX: [[10, "mail.example.org"]] },
  "9.0.0.127.bl.test": { A: ["127.0.0.2"], TXT: ["see https://bl.test/?127.0.0.9"] },
} as const

let nameserver: Nameserver
let system: System
let sink: Sink

before(async () => {
  nameserver = await startNameserver(zone)
  const port = await freePort("127.0.0.3")
  sink = await startSink({ address: "127.0.0.3", port })
  system = await System.start({
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`spf')dnl
FEATURE(\`srs', \`days=7')dnl
FEATURE(\`greylist', \`delay=1s')dnl
FEATURE(\`dnsbl', \`bl.test')dnl
define(\`SMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
    files: { aliases: "gordon: gor@hello.com\n" },
    users: ["me"],
    args: ["--resolver", nameserver.resolver],
  })
})

after(async () => {
  await system.stop()
  await sink.close()
  await nameserver.close()
})

/** A client on this address of the loopback: says a line, hears the reply. */
class Stranger {
  readonly #socket: Socket
  #heard = ""

  constructor(address: string) {
    this.#socket = connect({ port: system.port, host: "127.0.0.1", localAddress: address })
    this.#socket.setEncoding("latin1").on("data", (text: string) => {
      this.#heard += text
    })
  }

  async reply(): Promise<string> {
    for (;;) {
      const end = /^\d{3}(?: .*)?\r\n/m.exec(this.#heard)
      if (end !== null) {
        const said = this.#heard.slice(0, end.index + end[0].length)
        this.#heard = this.#heard.slice(said.length)
        return said.trimEnd()
      }
      await new Promise((resolve) => this.#socket.once("data", resolve))
    }
  }

  say(line: string): Promise<string> {
    this.#socket.write(`${line}\r\n`)
    return this.reply()
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** A session that has come to RCPT; tried again for as long as it is greylisted. */
async function rcpt(stranger: Stranger, from: string, to: string): Promise<readonly string[]> {
  const heard: string[] = []
  for (let tries = 0; tries < 50; tries++) {
    const mail = await stranger.say(`MAIL FROM:<${from}>`)
    if (!mail.startsWith("250")) return [...heard, mail]
    const said = await stranger.say(`RCPT TO:<${to}>`)
    heard.push(said)
    if (!said.includes("Greylisted")) return heard
    await stranger.say("RSET")
    await new Promise((resolve) => setTimeout(resolve, 100)) // what is tested is that time passes
  }
  return heard
}

async function send(stranger: Stranger, from: string, to: string): Promise<string> {
  await rcpt(stranger, from, to)
  await stranger.say("DATA")
  return await stranger.say(
    "Authentication-Results: grussell.org; spf=pass\r\nSubject: SMTP\r\n\r\nHello gordon.\r\n.",
  )
}

async function hello(address: string): Promise<Stranger> {
  const stranger = new Stranger(address)
  assert.match(await stranger.reply(), /^220 /)
  assert.match(await stranger.say("EHLO mail.example.org"), /^250-/)
  return stranger
}

test("a stranger is put off once, comes again, and its mail tells what SPF said of it", async () => {
  const stranger = await hello("127.0.0.66")
  const [first = "", ...later] = await rcpt(stranger, "ann@example.org", "me@grussell.org")
  assert.match(first, /^451 4\.7\.1 Greylisted, please try again in 1 seconds$/)
  assert.match(later.at(-1) ?? "", /^250 2\.1\.5 /)
  await stranger.say("RSET")
  assert.match(await send(stranger, "ann@example.org", "me@grussell.org"), /^250 2\.0\.0 /)
  await system.said(/to=<me@grussell\.org>, .*stat=Sent/)
  const box = readFileSync(join(system.directory, "mail", "me"), "latin1")
  assert.match(
    box,
    /^Authentication-Results: grussell\.org;\n\tspf=pass .* smtp\.mailfrom=ann@example\.org\nReceived-SPF: pass /m,
  )
  assert.equal(box.match(/^Authentication-Results:/gm)?.length, 1)
  assert.ok(existsSync(join(system.state, "queue", "greylist")))
  stranger.close()
})

test("an address that the domain does not let send is refused, and the log says why", async () => {
  const stranger = await hello("127.0.0.77")
  assert.match(await stranger.say("MAIL FROM:<ann@example.org>"), /^550 5\.7\.23 .*SPF fail/)
  await system.said(/ruleset=check_mail, .*reject=550 5\.7\.23 .*-all/)
  stranger.close()
})

test("forwarded mail leaves with a sender of ours, and what comes back to it goes to the first sender", async () => {
  const stranger = await hello("127.0.0.66")
  assert.match(await send(stranger, "ann@example.org", "gordon@grussell.org"), /^250 2\.0\.0 /)
  await system.said(/to=<?gor@hello\.com>?, .*stat=Sent/)
  const [forwarded] = sink.transactions
  const sender = /^<(SRS0=\w{8}=\w\w=example\.org=ann@grussell\.org)>/i.exec(forwarded?.mail ?? "")?.[1]
  assert.ok(sender !== undefined, forwarded?.mail ?? "nothing came")
  assert.equal(statSync(join(system.state, "queue", "srs-secret")).mode & 0o777, 0o600)

  const refuser = await hello("127.0.0.3")
  assert.match(await send(refuser, "", sender), /^250 2\.0\.0 /)
  await system.said(/to=<SRS0=.*stat=Sent/)
  assert.match(sink.transactions.at(-1)?.rcpt[0] ?? "", /<ann@example\.org>/i)
  const forged = sender.replace("=ann@", "=bob@")
  assert.match((await rcpt(refuser, "", forged)).at(-1) ?? "", /^550 5\.1\.6 /)
  stranger.close()
  refuser.close()
})

test("a listed client is greeted, told why at each command, and may leave", async () => {
  const stranger = await hello("127.0.0.9")
  assert.equal(
    await stranger.say("MAIL FROM:<ann@example.org>"),
    "550 5.7.1 Rejected: 127.0.0.9 listed at bl.test: see https://bl.test/?127.0.0.9",
  )
  assert.match(await stranger.say("QUIT"), /^221 /)
  stranger.close()
})
