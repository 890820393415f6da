// TLS and AUTH on the wire: two whole systems that give each other mail over TLS, with logins; swaks and openssl as clients that are not
// ours; certificates made for the test by openssl.
import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { connect as connectTls, type TLSSocket } from "node:tls"
import { without } from "../kit/debian.ts"
import { freePort, handIn, run, type Session, System } from "../kit/system.ts"

const common = `
OSTYPE(\`linux')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`confSERVER_CERT', \`@DIR@/state/tls/cert.pem')dnl
define(\`confSERVER_KEY', \`@DIR@/state/tls/key.pem')dnl
FEATURE(\`access_db', \`hash -o @DIR@/access')dnl
FEATURE(\`authinfo', \`hash -o @DIR@/authinfo')dnl
`

const hubMc = `${common}
define(\`confDOMAIN_NAME', \`hub.example.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
DAEMON_OPTIONS(\`Name=MSA, Addr=127.0.0.1, Port=@MSA@, M=Ea')dnl
DAEMON_OPTIONS(\`Name=TLS, Addr=127.0.0.1, Port=SMTPS, M=s')dnl
FEATURE(\`sender_login', \`hash -o @DIR@/sender_login')dnl
define(\`confAUTH_MECHANISMS', \`EXTERNAL SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN')dnl
define(\`confCACERT', \`@DIR@/ca.pem')dnl
define(\`confSERVER_CERT_DIR', \`@DIR@/certs')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

/** Everything goes to the hub's submission door, which wants a login. */
const leafMc = `${common}
define(\`confDOMAIN_NAME', \`leaf.napier.ac.uk')dnl
define(\`confEXTENSIONS', \`REQUIRETLS')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h HUBPORT')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

let hub: System
let leaf: System
let smtps: number

/** An authority, a client's certificate of it, and one for a second name of the hub. */
const makeCertificates = `
set -e
cd "$1"; mkdir -p certs
q() { openssl "$@" 2>/dev/null; }
q req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj "/O=Napier University/CN=Test Authority"
for name in gor other; do
  q req -newkey rsa:2048 -nodes -keyout $name.key -out $name.csr -subj "/C=GB/CN=$name"
  q x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $name.pem -days 30
done
q req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout certs/hello.key -out certs/hello.pem -days 30 -subj "/CN=mail.hello.com" -addext "subjectAltName=DNS:mail.hello.com,DNS:*.hello.com"
`

before(async () => {
  smtps = await freePort()
  hub = await startHub()
  leaf = await System.start({
    mc: leafMc.replace("HUBPORT", String(hub.msa)),
    files: { authinfo: `AuthInfo:127.0.0.1 "U:gor" "P:secret of gor"\n`, access: "" },
    users: ["ann"],
  })
})

async function startHub(): Promise<System> {
  const first = await System.launch({ mc: "this is no configuration", users: ["gor", "bob"] })
  await first.end()
  const { directory } = first
  await run("sh", ["-c", makeCertificates, "sh", directory])
  const sasl = await first.command(
    "saslpasswd2",
    ["-p", "-c", "-u", "hub.example.org", "cram"],
    "secret of cram",
  )
  assert.equal(sasl.code, 0, sasl.stderr)
  const files = {
    access:
      "CERTISSUER:/O=Napier+20University/CN=Test+20Authority\tSUBJECT\nCERTSUBJECT:/C=GB/CN=gor\tRELAY\nConnect:127.0.0.1 OK\n",
    sender_login: "list@grussell.org\tgor, bob\n@leaf.napier.ac.uk\tgor\n",
    aliases: "sales: gor\n",
  }
  return System.start({ mc: hubMc.replace("SMTPS", String(smtps)), files, directory })
}

after(async () => {
  await leaf?.stop()
  await hub?.stop()
})

const ehlo = "EHLO pc236b.napier.ac.uk"

/** STARTTLS on a session with the hub, and the socket after it. */
async function secured(port: number, options: object = {}): Promise<Talk> {
  const plain = await hub.connect(port)
  await plain.reply()
  await plain.say(ehlo)
  assert.match(await plain.say("STARTTLS"), /^220 /)
  return Talk.over(plain, options)
}

/** A dialog within TLS. */
class Talk {
  readonly socket: TLSSocket
  #text = ""
  #wake: () => void = () => {}

  private constructor(socket: TLSSocket) {
    this.socket = socket
    socket.setEncoding("latin1").on("data", (piece) => {
      this.#text += String(piece)
      this.#wake()
    })
    socket.on("close", () => this.#wake())
    socket.on("error", () => this.#wake())
  }

  static async over(session: Session | undefined, options: object): Promise<Talk> {
    const socket = connectTls({
      rejectUnauthorized: false,
      ...(session === undefined ? {} : { socket: session.take() }),
      ...options,
    })
    await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject))
    return new Talk(socket)
  }

  async reply(): Promise<string> {
    for (;;) {
      const end = /^\d{3}(?: .*)?\r\n/m.exec(this.#text)
      if (end !== null) {
        const stop = end.index + end[0].length
        const reply = this.#text.slice(0, stop)
        this.#text = this.#text.slice(stop)
        return reply.trimEnd()
      }
      if (this.socket.destroyed) return "(closed)"
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  say(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`)
    return this.reply()
  }

  /** Some lines, and the first words of each reply. */
  async says(...lines: readonly string[]): Promise<string[]> {
    const codes: string[] = []
    for (const line of lines) codes.push((await this.say(line)).slice(0, 9))
    return codes
  }

  close(): void {
    this.socket.destroy()
  }
}

const plainGor = `AUTH PLAIN ${Buffer.from("\0gor\0secret of gor").toString("base64")}`

test("mail goes from host to host over TLS, with a login, and each Received field says so", async () => {
  const said = await handIn(leaf, {
    from: "ann@leaf.napier.ac.uk",
    to: ["gor@grussell.org"],
    text: "Subject: over TLS\n\nhello\n",
  })
  assert.match(said, /^250 /)
  await leaf.idle()
  await hub.idle()
  assert.match(
    leaf.stderr,
    /STARTTLS=client, relay=127\.0\.0\.1 \[127\.0\.0\.1\], version=TLSv1\.3, verify=FAIL, reason=\S+, cipher=TLS_/,
  )
  assert.match(leaf.stderr, /AUTH=client, relay=127\.0\.0\.1 \[127\.0\.0\.1\], mech=SCRAM-SHA-256/)
  await hub.said(/AUTH=server, relay=\S+ \[127\.0\.0\.1\], authid=gor, mech=SCRAM-SHA-256, bits=0/)
  const mailbox = readFileSync(join(hub.directory, "mail", "gor"), "utf8")
  assert.match(
    mailbox,
    /^Received: from leaf\.napier\.ac\.uk \(localhost \[127\.0\.0\.1\]\)\n\t\(authenticated bits=0\)\n\tby hub\.example\.org \(.*\) with ESMTPSA id \S+\n\t\(version=TLSv1\.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO\)\n\tfor <gor@grussell\.org>; /m,
  )
})

test("a sender that is not the login's own is refused by FEATURE(sender_login), an alias or a line of the table is his", async () => {
  const talk = await secured(hub.port)
  assert.deepEqual(await talk.says(ehlo, plainGor), ["250-hub.e", "235 2.0.0"])
  assert.equal(
    await talk.say("MAIL FROM:<bob@grussell.org>"),
    "553 5.7.1 <bob@grussell.org>... Sender address is not one of gor",
  )
  for (const own of ["gor@grussell.org", "gor+x@grussell.org", "sales@grussell.org", "list@grussell.org"])
    assert.deepEqual(await talk.says(`MAIL FROM:<${own}>`, "RSET"), ["250 2.1.0", "250 2.0.0"], own)
  talk.close()
})

test("a submission door takes nothing from who has not logged in; passwords are said within TLS only", async () => {
  const session = await hub.connect(hub.msa)
  await session.reply()
  assert.match(await session.say(ehlo), /^250-AUTH SCRAM-SHA-256 CRAM-MD5\r$/m)
  assert.equal(await session.say("MAIL FROM:<gor@grussell.org>"), "530 5.7.0 Authentication required")
  assert.match(await session.say(plainGor), /^538 5\.7\.11 /)
  session.close()
  const talk = await secured(hub.msa)
  assert.match(await talk.say(ehlo), /^250-AUTH SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN\r$/m)
  assert.equal(await talk.say("AUTH LOGIN"), "334 VXNlcm5hbWU6")
  assert.equal(await talk.say(Buffer.from("gor").toString("base64")), "334 UGFzc3dvcmQ6")
  assert.equal(await talk.say(Buffer.from("secret of gor").toString("base64")), "235 2.0.0 OK Authenticated")
  assert.deepEqual(await talk.says("MAIL FROM:<gor@grussell.org>", "RCPT TO:<x@example.org>"), [
    "250 2.1.0",
    "250 2.1.5",
  ])
  talk.close()
})

test("the same words are said of a login that is not there and of a password that is not right, and the session ends after five", async () => {
  const talk = await secured(hub.msa)
  await talk.say(ehlo)
  const replies = new Set<string>()
  for (const login of ["gor", "nobody", "cram", "gor"])
    replies.add(await talk.say(`AUTH PLAIN ${Buffer.from(`\0${login}\0guess`).toString("base64")}`))
  assert.deepEqual([...replies], ["535 5.7.0 authentication failed"])
  assert.match(await talk.say(`AUTH PLAIN ${Buffer.from("\0gor\0x").toString("base64")}`), /^421 4\.7\.0 /)
  talk.close()
})

test("implicit TLS: the greeting comes within TLS; SNI chooses the certificate, another name gets the first one", async () => {
  for (const [name, subject] of [
    ["mail.hello.com", "CN=mail.hello.com"],
    ["shop.hello.com", "CN=mail.hello.com"],
    ["deep.shop.hello.com", "CN=hub.example.org"],
    ["hub.example.org", "CN=hub.example.org"],
  ] as const) {
    const talk = await Talk.over(undefined, { port: smtps, host: "127.0.0.1", servername: name })
    assert.match(await talk.reply(), /^220 hub\.example\.org ESMTP /)
    assert.doesNotMatch(await talk.say(ehlo), /STARTTLS/)
    assert.equal(talk.socket.getPeerX509Certificate()?.subject, subject, name)
    talk.close()
  }
})

test("a client's certificate lets it relay when access trusts it, and EXTERNAL makes it a login", async () => {
  const shown = (name: string) => ({
    cert: readFileSync(join(hub.directory, `${name}.pem`)),
    key: readFileSync(join(hub.directory, `${name}.key`)),
  })
  const talk = await secured(hub.port, shown("gor"))
  assert.match(await talk.say(ehlo), /^250-AUTH EXTERNAL SCRAM-SHA-256/m)
  assert.equal(await talk.say("AUTH EXTERNAL ="), "235 2.0.0 OK Authenticated")
  talk.close()
  await hub.said(/authid=gor, mech=EXTERNAL/)
  await hub.said(/STARTTLS=server, relay=\S+ \[127\.0\.0\.1\], version=TLSv1\.3, verify=OK/)
})

test("what is typed in clear text behind STARTTLS is never executed", async () => {
  const plain = await hub.connect()
  await plain.reply()
  await plain.say(ehlo)
  plain.write("STARTTLS\r\nMAIL FROM:<injected@example.org>\r\nNOOP\r\n")
  assert.match(await plain.reply(), /^220 /)
  const talk = await Talk.over(plain, {})
  assert.match(await talk.say("RCPT TO:<gor@grussell.org>"), /^503 5\.0\.0 Need MAIL/)
  talk.close()
})

test("REQUIRETLS is offered within TLS alone, and mail that asks for it comes back where the next host is not known to keep it", async () => {
  const plain = await leaf.connect()
  await plain.reply()
  assert.doesNotMatch(await plain.say(ehlo), /REQUIRETLS/)
  assert.match(await plain.say("MAIL FROM:<ann@leaf.napier.ac.uk> REQUIRETLS"), /^530 5\.7\.4 /)
  assert.match(await plain.say("STARTTLS"), /^220 /)
  const talk = await Talk.over(plain, {})
  assert.match(await talk.say(ehlo), /^250-REQUIRETLS\r$/m)
  const lines = ["MAIL FROM:<ann@leaf.napier.ac.uk> REQUIRETLS", "RCPT TO:<gor@grussell.org>", "DATA"]
  assert.deepEqual(await talk.says(...lines), ["250 2.1.0", "250 2.1.5", "354 End d"])
  assert.match(await talk.say("Subject: secret\r\n\r\nhush\r\n."), /^250 /)
  talk.close()
  await leaf.idle()
  assert.match(leaf.stderr, /dsn=5\.7\.30, stat=/)
  const report = readFileSync(join(leaf.directory, "mail", "ann"), "utf8")
  assert.match(report, /^Status: 5\.7\.30$/m)
})

test("keys are agreed that no quantum computer finds, with who can; with others as ever", async () => {
  for (const [groups, agreed] of [
    ["X25519MLKEM768:X25519", "X25519MLKEM768"],
    ["X25519:P-256", "X25519"],
    ["P-256", "prime256v1"],
  ] as const) {
    const talk = await secured(hub.port, { ecdhCurve: groups, minVersion: "TLSv1.3" })
    const about = talk.socket.getEphemeralKeyInfo()
    assert.equal(about !== null && "name" in about ? about.name : undefined, agreed)
    talk.close()
  }
})

const tls12 = { maxVersion: "TLSv1.2" } as const

test("TLS 1.2 is spoken, with a cipher of forward secrecy; 1.1 is not", async () => {
  const talk = await secured(hub.port, tls12)
  assert.match(talk.socket.getCipher().name, /^ECDHE-ECDSA-AES256-GCM-SHA384$/)
  talk.close()
  await assert.rejects(
    secured(hub.port, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }),
  )
})

test("new certificates are there after a reload, and sessions that are open live on", async () => {
  const old = await secured(hub.port)
  const made = await run("sh", [
    "-c",
    `cd "$1" && openssl req -x509 -newkey rsa:2048 -nodes -keyout state/tls/key.pem -out state/tls/cert.pem -days 9 -subj /CN=renewed.example.org 2>/dev/null`,
    "sh",
    hub.directory,
  ])
  assert.equal(made.code, 0)
  await hub.reconfigure(readFileSync(join(hub.directory, "sendmail.mc"), "utf8"))
  assert.match(hub.stderr, /cert\.pem: the certificate ends /)
  const fresh = await secured(hub.port)
  assert.equal(fresh.socket.getPeerX509Certificate()?.subject, "CN=renewed.example.org")
  assert.match(await old.say("NOOP"), /^250 /)
  old.close()
  fresh.close()
})

for (const mechanism of ["PLAIN", "LOGIN", "CRAM-MD5"]) {
  test(`swaks hands in a message over TLS with AUTH ${mechanism}`, { skip: without("swaks") }, async () => {
    const who = mechanism === "CRAM-MD5" ? "cram" : "gor"
    const { code, stdout } = await run("swaks", [
      ...["--server", `127.0.0.1:${hub.msa}`, "-tls", "--auth", mechanism, "--auth-user", who],
      ...["--auth-password", `secret of ${who}`, "--from", `${who === "gor" ? "gor@grussell.org" : "<>"}`],
      ...["--to", "bob@grussell.org", "--ehlo", "pc236b.napier.ac.uk"],
    ])
    assert.equal(code, 0, stdout)
  })
}

test("openssl s_client begins TLS on both doors and is told of no error", {
  skip: without("openssl"),
}, async () => {
  for (const words of [
    ["-starttls", "smtp", "-connect", `127.0.0.1:${hub.port}`],
    ["-connect", `127.0.0.1:${smtps}`],
  ]) {
    const { code, stdout } = await run("openssl", ["s_client", "-brief", ...words], "QUIT\r\n")
    assert.equal(code, 0, stdout)
  }
})

test("implicit TLS as a client: nothing is said in clear text, the login and the message go within", async () => {
  const mc = readFileSync(join(leaf.directory, "sendmail.mc"), "utf8")
  await leaf.reconfigure(mc.replace(`TCP $h ${hub.msa}`, `TCP $h ${smtps} tls`))
  const before = leaf.stderr.length
  const said = await handIn(leaf, {
    from: "ann@leaf.napier.ac.uk",
    to: ["bob@grussell.org"],
    text: "Subject: 465\n\nhello\n",
  })
  assert.match(said, /^250 /)
  await leaf.idle()
  const log = leaf.stderr.slice(before)
  assert.match(log, /STARTTLS=client, relay=127\.0\.0\.1 \[127\.0\.0\.1\], version=TLSv1\.3/)
  assert.match(log, /dsn=2\.0\.0, stat=Sent/)
  await leaf.reconfigure(mc)
})

test("TLS_Srv and TLS_Clt: what access asks of a line is kept by both sides", async () => {
  writeFileSync(join(leaf.directory, "access"), "TLS_Srv:127.0.0.1\tPERM+VERIFY:112\n")
  await leaf.reconfigure(readFileSync(join(leaf.directory, "sendmail.mc"), "utf8"))
  const said = await handIn(leaf, {
    from: "ann@leaf.napier.ac.uk",
    to: ["gor@grussell.org"],
    text: "Subject: to a server that nobody vouches for\n\nhello\n",
  })
  assert.match(said, /^250 /)
  await leaf.idle()
  assert.match(leaf.stderr, /dsn=5\.7\.0, stat=.*authentication failed/)
})
