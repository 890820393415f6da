// What is asked of encrypted ways, on the wire between two whole systems that know each other by an authority of the test: REQUIRETLS
// there and back, relaying by a client's certificate, revocation, TLS_Clt, TLS_Rcpt, and what a server says behind its STARTTLS reply.
import assert from "node:assert/strict"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { connect as connectTls, TLSSocket } from "node:tls"
import { type Nameserver, startNameserver } from "../kit/nameserver.ts"
import { freePort, handIn, run, Session, System } from "../kit/system.ts"

const makeCertificates = `
set -e
cd "$1"
q() { openssl "$@" 2>/dev/null; }
key() { q req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr -subj "/C=GB/CN=$1"; }
q req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj "/O=Napier University/CN=Test Authority"
for name in hub.example.org leaf.napier.ac.uk gor other revoked; do
  key $name
  printf 'subjectAltName=DNS:%s\\n' $name >$name.ext
  q x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $name.pem -days 30 -extfile $name.ext
done
printf '[ca]\\ndefault_ca=x\\n[x]\\ndatabase=index.txt\\ncrlnumber=number\\ndefault_md=sha256\\ndefault_crl_days=30\\n' >ca.cnf
: >index.txt; echo 01 >number
q ca -config ca.cnf -keyfile ca.key -cert ca.pem -revoke revoked.pem
q ca -config ca.cnf -keyfile ca.key -cert ca.pem -gencrl -out crl.pem
chmod 644 *.key
`

const mcFor = (name: string, theirs: number, more: string) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`${name}')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`access_db', \`hash -o @DIR@/access')dnl
FEATURE(\`mailertable', \`hash -o @DIR@/mailertable')dnl
define(\`confEXTENSIONS', \`REQUIRETLS')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`confCACERT', \`CERTS/ca.pem')dnl
define(\`confSERVER_CERT', \`CERTS/${name}.pem')dnl
define(\`confSERVER_KEY', \`CERTS/${name}.key')dnl
define(\`confCLIENT_CERT', \`CERTS/${name}.pem')dnl
define(\`confCLIENT_KEY', \`CERTS/${name}.key')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${theirs}')dnl
${more}
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

let certs: string
let names: Nameserver
let hub: System
let leaf: System
let talker: Talker

before(async () => {
  certs = mkdtempSync(join(tmpdir(), "certs-"))
  const made = await run("sh", ["-c", `chmod 755 "$1"; ${makeCertificates}`, "sh", certs])
  assert.equal(made.code, 0, made.stderr)
  const here = { A: ["127.0.0.1"] }
  names = await startNameserver({
    "hub.example.org": here,
    "leaf.napier.ac.uk": here,
    "grussell.org": { MX: [[10, "hub.example.org"]] },
  })
  talker = await Talker.start()
  const ports = {
    hub: { mta: await freePort(), msa: await freePort() },
    leaf: { mta: await freePort(), msa: await freePort() },
  }
  const args = ["--resolver", names.resolver]
  const dead = "dead.example.org\terror:5.1.2:550 Nobody is there\n"
  const hubMore =
    "LOCAL_DOMAIN(`grussell.org')dnl\ndefine(`confCRL', `CERTS/crl.pem')dnl\nDAEMON_OPTIONS(`Name=MSA, Addr=127.0.0.1, Port=@MSA@, M=E')dnl"
  hub = await System.start({
    mc: mcFor("hub.example.org", ports.leaf.mta, hubMore).replaceAll("CERTS", certs),
    files: { access: hubAccess, mailertable: dead, aliases: "away: x@dead.example.org\n" },
    users: ["gor", "strict"],
    ports: ports.hub,
    args,
  })
  const leafMore = `FEATURE(\`destination_rate')dnl\ndefine(\`RELAY_MAILER_ARGS', \`TCP $h ${talker.port}')dnl`
  leaf = await System.start({
    mc: mcFor("leaf.napier.ac.uk", ports.hub.mta, leafMore).replaceAll("CERTS", certs),
    files: {
      access: "TLS_Rcpt:strict@grussell.org\tPERM+ENCR:512\nDestRate:127.0.0.3\t1\n",
      mailertable: "talks.example.org\trelay:[127.0.0.1]\nslow.example.org\trelay:[127.0.0.3]\n",
    },
    users: ["ann"],
    ports: ports.leaf,
    args,
  })
})

const hubAccess = `CERTISSUER:/O=Napier+20University/CN=Test+20Authority\tSUBJECT
CERTSUBJECT:/C=GB/CN=gor\tRELAY
CERTSUBJECT:/C=GB/CN=revoked\tRELAY
TLS_Clt:127.0.0.8\tPERM+VERIFY
Connect:127.0.0.9\tOK
Connect:127.0.0.8\tOK
`

after(async () => {
  await hub?.stop()
  await leaf?.stop()
  await talker?.stop()
  await names?.close()
  rmSync(certs, { recursive: true, force: true })
})

/** A server that says more than its 220 before TLS begins, and takes what comes. */
class Talker {
  readonly heard: string[] = []
  readonly #servers: readonly Server[]
  readonly port: number

  private constructor(port: number) {
    this.port = port
    this.#servers = ["127.0.0.1", "127.0.0.3"].map((address) =>
      createServer((socket) => this.#greet(socket)).listen(port, address),
    )
  }

  static async start(): Promise<Talker> {
    const talker = new Talker(await freePort())
    for (const server of talker.#servers) if (!server.listening) await once(server, "listening")
    return talker
  }

  #greet(socket: Socket): void {
    socket.on("error", () => {})
    socket.write("220 talks.example.org ESMTP\r\n")
    socket.on("data", (piece) => {
      const line = String(piece)
      if (line.startsWith("EHLO")) return socket.write("250-talks.example.org\r\n250 STARTTLS\r\n")
      if (!line.startsWith("STARTTLS")) return socket.end("221 bye\r\n")
      socket.removeAllListeners("data")
      socket.write(
        "220 go\r\n250-injected.example.org\r\n250-AUTH PLAIN\r\n250 SIZE 1\r\n554 5.0.0 injected\r\n",
      )
      return this.#within(socket)
    })
  }

  #within(socket: Socket): void {
    const read = (name: string) => readFileSync(join(certs, name))
    const own = { cert: read("hub.example.org.pem"), key: read("hub.example.org.key") }
    const tls = new TLSSocket(socket, { isServer: true, ...own })
    let inContent = false
    tls.on("error", () => {})
    tls.on("data", (piece) => {
      const text = String(piece)
      this.heard.push(text)
      if (inContent) {
        if (!text.endsWith("\r\n.\r\n")) return
        inContent = false
        return tls.write("250 2.0.0 taken\r\n")
      }
      inContent = text.startsWith("DATA")
      if (text.startsWith("QUIT")) return tls.end("221 bye\r\n")
      return tls.write(inContent ? "354 go\r\n" : "250 ok\r\n")
    })
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) await new Promise((resolve) => server.close(resolve))
  }
}

/** STARTTLS from this address, with this certificate; then each line's reply. */
async function talk(
  port: number,
  from: string,
  certificate: string | undefined,
  lines: readonly string[],
): Promise<string[]> {
  const plain = await Session.open(port, "127.0.0.1", from)
  await plain.reply()
  await plain.say("EHLO pc236b.napier.ac.uk")
  assert.match(await plain.say("STARTTLS"), /^220 /)
  const read = (name: string) => readFileSync(join(certs, name))
  const own =
    certificate === undefined ? {} : { cert: read(`${certificate}.pem`), key: read(`${certificate}.key`) }
  const socket = connectTls({ socket: plain.take(), rejectUnauthorized: false, ...own })
  await once(socket, "secureConnect")
  let text = ""
  const replies: string[] = []
  socket.setEncoding("latin1").on("data", (piece) => (text += String(piece)))
  for (const line of lines) {
    text = ""
    socket.write(`${line}\r\n`)
    while (!/^\d{3}(?: .*)?\r\n/m.test(text)) await once(socket, "data")
    replies.push(text.trimEnd())
  }
  socket.destroy()
  return replies
}

const ehlo = "EHLO pc236b.napier.ac.uk"

/** A message from ann that must be encrypted on its whole way. */
async function secret(to: string): Promise<void> {
  const [, ...replies] = await talk(leaf.port, "127.0.0.1", undefined, [
    ehlo,
    "MAIL FROM:<ann@leaf.napier.ac.uk> REQUIRETLS",
    `RCPT TO:<${to}>`,
    "DATA",
    "Subject: hush\r\n\r\nsecret\r\n.",
  ])
  assert.deepEqual(
    replies.map((reply) => reply.slice(0, 3)),
    ["250", "250", "354", "250"],
  )
  await leaf.idle()
  await hub.idle()
}

test("REQUIRETLS: the message goes over a way whose ends know each other, and says so to the next", async () => {
  await secret("gor@grussell.org")
  assert.match(
    leaf.stderr,
    /STARTTLS=client, relay=hub\.example\.org\.? \[127\.0\.0\.1\], version=TLSv1\.3, verify=OK/,
  )
  assert.match(
    readFileSync(join(hub.directory, "mail", "gor"), "utf8"),
    /version=TLSv1\.3 cipher=\S+ bits=256 verify=OK/,
  )
})

test("REQUIRETLS: the report of its failure comes back with REQUIRETLS, over such a way too", async () => {
  await secret("away@grussell.org")
  await leaf.idle()
  assert.match(
    hub.stderr,
    /STARTTLS=client, relay=leaf\.napier\.ac\.uk\.? \[127\.0\.0\.1\], version=TLSv1\.3, verify=OK/,
  )
  const report = readFileSync(join(leaf.directory, "mail", "ann"), "utf8")
  assert.match(report, /^Status: 5\.1\.2$/m)
})

test("CERTISSUER and CERTSUBJECT: who shows the certificate that access names relays, nobody else does", async () => {
  const relaying = [ehlo, "MAIL FROM:<gor@grussell.org>", "RCPT TO:<x@elsewhere.example.org>"]
  const last = async (certificate: string | undefined) =>
    (await talk(hub.port, "127.0.0.9", certificate, relaying)).at(-1)
  assert.match((await last("gor")) ?? "", /^250 2\.1\.5 /)
  assert.match((await last("other")) ?? "", /^550 5\.7\.1 .*Relaying denied/)
  assert.match((await last(undefined)) ?? "", /^550 5\.7\.1 .*Relaying denied/)
})

test("confCRL: a certificate that its authority has revoked lets nobody relay", async () => {
  const relaying = [ehlo, "MAIL FROM:<gor@grussell.org>", "RCPT TO:<x@elsewhere.example.org>"]
  const replies = await talk(hub.port, "127.0.0.9", "revoked", relaying)
  assert.match(replies.at(-1) ?? "", /^550 5\.7\.1 .*Relaying denied/)
  await hub.said(
    /STARTTLS=server, relay=\S* ?\[127\.0\.0\.9\], version=TLSv1\.3, verify=FAIL, reason=CERT_REVOKED/,
  )
})

test("TLS_Clt: a client that must be known by its certificate is refused without it, and heard with it", async () => {
  const mail = [ehlo, "MAIL FROM:<gor@grussell.org>"]
  const plain = await Session.open(hub.port, "127.0.0.1", "127.0.0.8")
  await plain.reply()
  await plain.say(ehlo)
  assert.match(await plain.say("MAIL FROM:<gor@grussell.org>"), /^5\d\d 5\.7\.0 .*does not support STARTTLS/)
  plain.close()
  assert.match(
    (await talk(hub.port, "127.0.0.8", undefined, mail)).at(-1) ?? "",
    /^5\d\d 5\.7\.0 .*not authenticated/,
  )
  assert.match((await talk(hub.port, "127.0.0.8", "other", mail)).at(-1) ?? "", /^250 2\.1\.0 /)
})

test("TLS_Rcpt: mail for one address waits for a better way than mail for the others of its domain", async () => {
  const said = await handIn(leaf, {
    from: "ann@leaf.napier.ac.uk",
    to: ["gor@grussell.org", "strict@grussell.org"],
    text: "Subject: both\n\nhello\n",
  })
  assert.match(said, /^250 /)
  await leaf.idle()
  assert.match(leaf.stderr, /to=<gor@grussell\.org>, .*dsn=2\.0\.0, stat=Sent/)
  assert.match(
    leaf.stderr,
    /to=<strict@grussell\.org>, .*dsn=5\.7\.0, stat=.*encryption too weak 256 less than 512/,
  )
})

test("what a server says in clear text behind its 220 to STARTTLS is thrown away", async () => {
  const said = await handIn(leaf, {
    from: "ann@leaf.napier.ac.uk",
    to: ["x@talks.example.org"],
    text: "Subject: injected?\n\nhello\n",
  })
  assert.match(said, /^250 /)
  await leaf.idle()
  assert.match(leaf.stderr, /to=<x@talks\.example\.org>, .*dsn=2\.0\.0, stat=Sent \(taken\)/)
  assert.match(talker.heard[0] ?? "", /^EHLO leaf\.napier\.ac\.uk\r\n$/)
})

test("DestRate: what goes beyond a destination's rate waits in the queue, and says why", async () => {
  for (const n of [1, 2]) {
    const text = `Subject: ${n}\n\nhello\n`
    assert.match(
      await handIn(leaf, { from: "ann@leaf.napier.ac.uk", to: [`u${n}@slow.example.org`], text }),
      /^250 /,
    )
    await leaf.idle()
  }
  assert.match(leaf.stderr, /to=<u1@slow\.example\.org>, .*dsn=2\.0\.0, stat=Sent/)
  assert.match(leaf.stderr, /to=<u2@slow\.example\.org>, .*dsn=4\.\d\.\d, stat=/)
  const { stdout } = await leaf.command("mailq", [])
  assert.match(stdout, /u2@slow\.example\.org/)
})

test("RFC 6409 §8: a submission is given the Date and the Message-ID that it lacks, and keeps those it has", async () => {
  const submit = async (header: string) => {
    const session = await hub.connect(hub.msa)
    await session.reply()
    for (const line of [ehlo, "MAIL FROM:<gor@grussell.org>", "RCPT TO:<strict@grussell.org>", "DATA"])
      assert.match(await session.say(line), /^[23]/, line)
    assert.match(await session.say(`${header}\r\n\r\nhello\r\n.`), /^250 /)
    session.close()
    await hub.idle()
    const all = readFileSync(join(hub.directory, "mail", "strict"), "utf8")
    return all.slice(all.lastIndexOf("\nFrom ") + 1)
  }
  const bare = await submit("From: gor@grussell.org\nTo: strict@grussell.org".replaceAll("\n", "\r\n"))
  assert.match(bare, /^Date: \w{3}, {1,2}\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d (?:GMT|[+-]\d{4})/m)
  assert.match(bare, /^Message-I[dD]: <\S+@hub\.example\.org>$/m)
  const date = "Sat, 15 Nov 2008 11:12:21 +0000"
  const whole = await submit(`Date: ${date}\r\nMessage-ID: <1@grussell.org>\r\nFrom: gor@grussell.org`)
  assert.deepEqual(whole.match(/^(?:Date|Message-ID): .*$/gim), [
    `Date: ${date}`,
    "Message-ID: <1@grussell.org>",
  ])
})
