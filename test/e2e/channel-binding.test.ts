// SCRAM-SHA-256-PLUS on the wire (RFC 5802, RFC 9266): GNU SASL's client, whose TLS is GnuTLS, logs in at ours, bound to the connection; our
// own client logs in at our own server; and who stands between two connections logs in nowhere.
import assert from "node:assert/strict"
import { once } from "node:events"
import { after, before, test } from "node:test"
import { connect } from "node:net"
import { connect as connectTls, type TLSSocket } from "node:tls"
import { chooseExchange, type Credentials } from "../../src/auth/sasl-client.ts"
import { without } from "../kit/debian.ts"
import { handIn, run, System } from "../kit/system.ts"

const common = `
OSTYPE(\`linux')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`confSERVER_CERT', \`@DIR@/state/tls/cert.pem')dnl
define(\`confSERVER_KEY', \`@DIR@/state/tls/key.pem')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
`
const mailers = "MAILER(`local')dnl\nMAILER(`smtp')dnl\n"

let hub: System
let leaf: System

before(async () => {
  hub = await System.start({
    mc: `${common}define(\`confDOMAIN_NAME', \`hub.example.org')dnl\nLOCAL_DOMAIN(\`grussell.org')dnl\n${mailers}`,
    users: ["gor"],
  })
  leaf = await System.start({
    mc: `${common}
define(\`confDOMAIN_NAME', \`leaf.napier.ac.uk')dnl
FEATURE(\`authinfo', \`hash -o @DIR@/authinfo')dnl
define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h ${hub.port}')dnl
${mailers}`,
    files: { authinfo: `AuthInfo:127.0.0.1 "U:gor" "P:secret of gor"\n` },
  })
})

after(async () => {
  await leaf?.stop()
  await hub?.stop()
})

/** A session within TLS, and its greeting. */
async function secured(options: object = {}): Promise<{ readonly socket: TLSSocket; readonly ehlo: string }> {
  const plain = connect(hub.port, "127.0.0.1").setEncoding("latin1")
  await once(plain, "data")
  plain.write("EHLO pc236b.napier.ac.uk\r\n")
  await once(plain, "data")
  plain.write("STARTTLS\r\n")
  await once(plain, "data")
  plain.removeAllListeners("data")
  const socket = connectTls({ socket: plain, rejectUnauthorized: false, ...options })
  await once(socket, "secureConnect")
  return { socket, ehlo: await say(socket, "EHLO pc236b.napier.ac.uk") }
}

async function say(socket: TLSSocket, line: string): Promise<string> {
  socket.write(`${line}\r\n`)
  let text = ""
  while (!/^\d{3}(?: .*)?\r\n/m.test(text)) text += String((await once(socket, "data"))[0])
  return text
}

const gor: Credentials = {
  authorization: "gor",
  login: "gor",
  password: "secret of gor",
  realm: undefined,
  mechanisms: ["SCRAM-SHA-256-PLUS"],
}

/** Logs in over this connection with a proof for that channel; the last reply's code. */
async function logIn(socket: TLSSocket, channel: Buffer): Promise<string> {
  const exchange = chooseExchange(gor, {
    offered: ["SCRAM-SHA-256-PLUS"],
    allowed: [],
    secure: true,
    certified: false,
    channel,
    nonce: "a nonce of this test".replaceAll(" ", ""),
  })
  assert.ok(typeof exchange === "object")
  const encoded = (text: string) => Buffer.from(text).toString("base64")
  let reply = await say(socket, `AUTH ${exchange.mechanism} ${encoded(exchange.initial ?? "")}`)
  while (reply.startsWith("334")) {
    const said = exchange.respond(Buffer.from(reply.slice(4), "base64").toString("utf8"))
    assert.ok("say" in said)
    reply = await say(socket, encoded(said.say))
  }
  return reply.slice(0, 9)
}

const exported = (socket: TLSSocket) =>
  socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0))

test("-PLUS is offered within TLS 1.3, and not with TLS 1.2, nor in clear text", async () => {
  const { socket, ehlo } = await secured()
  assert.match(ehlo, /^250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN\r$/m)
  socket.destroy()
  const older = await secured({ maxVersion: "TLSv1.2" })
  assert.match(older.ehlo, /^250-AUTH SCRAM-SHA-256 PLAIN LOGIN\r$/m)
  assert.match(await say(older.socket, "AUTH SCRAM-SHA-256-PLUS"), /^5/)
  older.socket.destroy()
  const clear = await hub.connect()
  await clear.reply()
  assert.match(await clear.say("EHLO pc236b.napier.ac.uk"), /^250-AUTH SCRAM-SHA-256\r$/m)
  clear.close()
})

test("a proof is good for its own connection alone: who hands it on to another is refused", async () => {
  const own = await secured()
  assert.equal(await logIn(own.socket, exported(own.socket)), "235 2.0.0")
  own.socket.destroy()
  const [victim, attacker] = [await secured(), await secured()]
  assert.equal(await logIn(attacker.socket, exported(victim.socket)), "535 5.7.0")
  victim.socket.destroy()
  attacker.socket.destroy()
})

test("our own client chooses it", async () => {
  const said = await handIn(leaf, {
    from: "gor@grussell.org",
    to: ["gor@grussell.org"],
    text: "Subject: bound\n\nhello\n",
  })
  assert.match(said, /^250 /)
  await leaf.idle()
  assert.match(leaf.stderr, /AUTH=client, relay=\S+ \[127\.0\.0\.1\], mech=SCRAM-SHA-256-PLUS\n/)
  await hub.said(/AUTH=server, relay=\S+ \[127\.0\.0\.1\], authid=gor, mech=SCRAM-SHA-256-PLUS, bits=0/)
})

test("GNU SASL's client logs in by it, and not with another password", {
  skip: without("gsasl"),
}, async () => {
  const { stdout: version } = await run("gsasl", ["--version"])
  process.stdout.write(`# ${version.split("\n")[0]}\n`)
  for (const [password, right] of [
    ["secret of gor", true],
    ["secret of bob", false],
  ] as const) {
    const words = [
      "--smtp",
      "--starttls",
      "--x509-ca-file=",
      "--no-client-first",
      "--mechanism=SCRAM-SHA-256-PLUS",
    ]
    const login = ["--authentication-id=gor", `--password=${password}`, `--connect=127.0.0.1:${hub.port}`]
    const { code, stdout, stderr } = await run("gsasl", [...words, ...login], "")
    assert.equal(/^235 2\.0\.0/m.test(stdout + stderr), right, stdout + stderr)
    assert.equal(code === 0, right, stdout + stderr)
  }
})
