// The real Dovecot as who knows passwords: its authentication socket, and logins over TLS that it decides.
import assert from "node:assert/strict"
import { once } from "node:events"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { connect as connectTls } from "node:tls"
import { type Dovecot, startDovecot } from "../kit/dovecot.ts"
import { withoutPeers } from "../kit/peers.ts"
import { System } from "../kit/system.ts"

const skip = withoutPeers("dovecot", "dovecot-imapd", "dovecot-lmtpd", "dovecot-pop3d")

let folder: string
let dovecot: Dovecot
let system: System

before(async () => {
  if (skip !== false) return
  folder = mkdtempSync(join(tmpdir(), "dovecot-auth-"))
  chmodSync(folder, 0o755)
  dovecot = await startDovecot(folder, [{ name: "gor", uid: 20_001, gid: 20_001 }])
  system = await System.start({
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
define(\`confAUTH_BACKENDS', \`dovecot=${dovecot.authSocket}')dnl
define(\`confSERVER_CERT', \`@DIR@/state/tls/cert.pem')dnl
define(\`confSERVER_KEY', \`@DIR@/state/tls/key.pem')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
  })
})

after(async () => {
  if (skip !== false) return
  await system?.stop()
  await dovecot?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** AUTH PLAIN within TLS; the reply. */
async function login(user: string, password: string): Promise<string> {
  const plain = await system.connect()
  await plain.reply()
  await plain.say("EHLO pc236b.napier.ac.uk")
  assert.match(await plain.say("STARTTLS"), /^220 /)
  const socket = connectTls({ socket: plain.take(), rejectUnauthorized: false })
  await once(socket, "secureConnect")
  let text = ""
  socket.setEncoding("latin1").on("data", (piece) => (text += String(piece)))
  const say = async (line: string) => {
    text = ""
    socket.write(`${line}\r\n`)
    while (!/^\d{3}(?: .*)?\r\n/m.test(text)) await once(socket, "data")
    return text.trimEnd()
  }
  // SCRAM and CRAM-MD5 need what Dovecot does not tell.
  assert.match(await say("EHLO pc236b.napier.ac.uk"), /^250-AUTH PLAIN LOGIN\r$/m)
  const reply = await say(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString("base64")}`)
  socket.destroy()
  return reply
}

test("a login that Dovecot knows is known here", { skip }, async (t) => {
  t.diagnostic(`Dovecot ${dovecot.version}`)
  assert.equal(await login("gor", dovecot.password), "235 2.0.0 OK Authenticated")
  await system.said(/AUTH=server, relay=\S* ?\[127\.0\.0\.1\], authid=gor, mech=PLAIN/)
})

test("another password, and a login that Dovecot does not know, hear the same", { skip }, async () => {
  assert.equal(await login("gor", "guess"), "535 5.7.0 authentication failed")
  assert.equal(await login("nobody", dovecot.password), "535 5.7.0 authentication failed")
})

test("without Dovecot it cannot be told: 454, and the client tries again", { skip }, async () => {
  await dovecot.stop()
  assert.match(await login("gor", "another"), /^454 4\.7\.0 /)
  assert.equal((await login("nobody", "x")).slice(0, 9), "454 4.7.0")
})
