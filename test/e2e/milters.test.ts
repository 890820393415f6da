// Real filters in a whole running system: Debian's opendkim signs what comes and, as a second filter, verifies what the first has
// signed; Debian's spamass-milter, with a scripted spamd behind it, marks and refuses. The kill of a filter lets nothing through.
import assert from "node:assert/strict"
import type { ChildProcess } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { once } from "node:events"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { connect, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { startMilter } from "../kit/milter.ts"
import { peerVersion, startPeer, withoutPeers } from "../kit/peers.ts"
import { freePort, handIn, System } from "../kit/system.ts"

const skip = withoutPeers("opendkim", "spamass-milter")

let directory = ""
let system: System
let started: System | undefined
let spamd: Server | undefined
const children = new Map<string, ChildProcess>()

/** What spamd says of a message: ten points of five when it speaks of soup. */
function judgement(message: string): string {
  const spam = message.includes("soup")
  const fields = spam ? "X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=10.0 required=5.0 tests=SOUP\r\n" : ""
  const status = spam ? "" : "X-Spam-Status: No, score=0.0 required=5.0 tests=none\r\n"
  const text = `${fields}${status}${message}`
  const verdict = spam ? "True ; 10.0 / 5.0" : "False ; 0.0 / 5.0"
  return `SPAMD/1.1 0 EX_OK\r\nContent-length: ${Buffer.byteLength(text, "latin1")}\r\nSpam: ${verdict}\r\n\r\n${text}`
}

async function startSpamd(): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let heard = ""
    socket.setEncoding("latin1")
    socket.on("data", (text: string) => {
      heard += text
    })
    socket.on("end", () => {
      const body = heard.slice(heard.indexOf("\r\n\r\n") + 4)
      socket.end(Buffer.from(judgement(body), "latin1"))
    })
    socket.on("error", () => socket.destroy())
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return server
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

function start(name: string, program: string, args: readonly string[]): void {
  const binds = { "/tmp/milters": directory }
  children.set(name, startPeer(program, { args, binds }, { stdio: "ignore" }))
}

/** Filters do not say when they are there. */
async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const socket = connect(port, "127.0.0.1")
    const open = await once(socket, "connect").then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await pause(100)
  }
  throw new Error(`nobody listens at port ${port}`)
}

before(async () => {
  if (skip !== false) return
  directory = mkdtempSync(join(tmpdir(), "waypost-filters-"))
  chmodSync(directory, 0o755)
  mkdirSync(join(directory, "run"))
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
  const [sign, verify, spam] = [await freePort(), await freePort(), await freePort()]
  const served = await startSpamd()
  spamd = served
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text, { mode: 0o600 })
  write("lunch.key", privateKey.export({ type: "pkcs1", format: "pem" }).toString())
  const spki = publicKey.export({ type: "spki", format: "der" }).toString("base64")
  write("keys", `lunch._domainkey.grussell.org v=DKIM1; k=rsa; p=${spki}\n`)
  const usual = "Syslog no\nUMask 002\nBackground no\nAutoRestart no\nRequireSafeKeys no\n"
  write(
    "sign.conf",
    `${usual}Mode s\nDomain grussell.org\nSelector lunch\nKeyFile /tmp/milters/lunch.key\nSocket inet:${sign}@127.0.0.1\n`,
  )
  write("nobody", "192.0.2.1\n")
  write(
    "verify.conf",
    `${usual}Mode v\nTestPublicKeys /tmp/milters/keys\nInternalHosts /tmp/milters/nobody\nAuthservID grussell.org\nSocket inet:${verify}@127.0.0.1\n`,
  )
  start("sign", "opendkim", ["-f", "-x", "/tmp/milters/sign.conf"])
  start("verify", "opendkim", ["-f", "-x", "/tmp/milters/verify.conf"])
  start("spam", "spamass-milter", [
    "-p",
    `inet:${spam}@127.0.0.1`,
    "-r",
    "9",
    "--",
    "-d",
    "127.0.0.1",
    "-p",
    String(portOf(served)),
  ])
  await Promise.all([sign, verify, spam].map(listening))
  started = await System.start({
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
INPUT_MAIL_FILTER(\`spam', \`S=inet:${spam}@127.0.0.1, F=T, T=C:5s;S:5s;R:10s;E:20s')dnl
INPUT_MAIL_FILTER(\`sign', \`S=inet:${sign}@127.0.0.1, F=T, T=C:5s;S:5s;R:10s;E:20s')dnl
INPUT_MAIL_FILTER(\`verify', \`S=inet:${verify}@127.0.0.1, F=T, T=C:5s;S:5s;R:10s;E:20s')dnl
define(\`confMILTER_MACROS_ENVFROM', \`i, {auth_type}, {mail_addr}, {client_addr}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
    users: ["me"],
  })
  system = started
  process.stdout.write(`# ${peerVersion("opendkim")}, ${peerVersion("spamass-milter")}\n`)
})

after(async () => {
  if (skip !== false) return
  await started?.stop()
  spamd?.close()
  for (const child of children.values()) child.kill("SIGTERM")
  rmSync(directory, { recursive: true, force: true })
})

const from = "gordon@grussell.org"
const text = (subject: string) =>
  `From: Gordon <${from}>\nTo: me@grussell.org\nSubject: ${subject}\nDate: Tue, 24 Nov 2026 07:10:42 +0000\nMessage-ID: <${subject}@grussell.org>\n\nAt noon?\n.\n`

async function mailbox(): Promise<string> {
  await system.idle()
  return readFileSync(join(system.directory, "mail", "me"), "latin1")
}

test("opendkim signs, and a second opendkim verifies what Waypost made of it", { skip }, async () => {
  const reply = await handIn(system, { from, to: ["me@grussell.org"], text: text("lunch") })
  assert.match(reply, /^250 2\.0\.0 (\S+) Message accepted/)
  const kept = await mailbox()
  assert.match(kept, /^DKIM-Signature: v=1; a=rsa-sha256;.*d=grussell\.org; s=lunch;/ms)
  assert.match(kept, /^Authentication-Results: grussell\.org;\s+dkim=pass .*header\.d=grussell\.org/ms)
  assert.match(kept, /^X-Spam-Status: No, score=0\.0/m)
  const id = /^250 2\.0\.0 (\S+)/.exec(reply)?.[1] ?? ""
  const { stdout } = await system.waypost("show", id)
  assert.match(stdout, /milter sign\s+.*insert header: DKIM-Signature/s)
  assert.match(stdout, /milter verify\s+.*header: Authentication-Results/s)
  assert.match(stdout, /sendmail\.mc:8/, "with the line that names the filter")
})

test("spamass-milter refuses what spamd gives too many points, and nothing is kept", { skip }, async () => {
  const before = await mailbox()
  const reply = await handIn(system, { from, to: ["me@grussell.org"], text: text("soup") })
  assert.match(reply, /^550 5\.7\.1 Blocked by SpamAssassin/)
  assert.equal(await mailbox(), before)
  assert.match(system.stderr, /reject=550 5\.7\.1 Blocked by SpamAssassin/)
})

test("a filter that is killed between two messages lets nothing through unchecked", { skip }, async () => {
  const before = await mailbox()
  const verify = children.get("verify")
  assert.ok(verify !== undefined)
  verify.kill("SIGKILL")
  await once(verify, "exit")
  const reply = await handIn(system, { from, to: ["me@grussell.org"], text: text("dinner") })
  assert.equal(reply, "451 4.3.2 Please try again later")
  assert.equal(await mailbox(), before)
  assert.match(system.stderr, /Milter \(verify\): connect: cannot be asked: Connection refused: F=T/)
})

test("after a reload the filters of the new configuration are asked, and no others", { skip }, async () => {
  const filter = await startMilter()
  await system.reconfigure(`
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=${system.port}')dnl
FEATURE(\`no_default_msa')dnl
define(\`confLOCAL_MAILBOX_DIR', \`${system.directory}/mail')dnl
INPUT_MAIL_FILTER(\`only', \`S=${filter.socket}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`)
  assert.match(await handIn(system, { from, to: ["me@grussell.org"], text: text("tea") }), /^250 /)
  assert.ok(filter.heard.includes("E"))
  await filter.close()
})
