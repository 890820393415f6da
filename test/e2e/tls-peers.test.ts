// TLS with other people's servers, in both directions: Postfix and the real sendmail, each in its chroot, take our mail over TLS and
// give us their own.
import assert from "node:assert/strict"
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { peerVersion, withoutPeers } from "../kit/peers.ts"
import { type Postfix, startPostfix } from "../kit/postfix.ts"
import { type RealSendmail, startSendmail } from "../kit/real-sendmail.ts"
import { freePort, handIn, Session, System } from "../kit/system.ts"

const skip = withoutPeers("postfix", "sendmail")

const mcFor = (toPostfix: number, toSendmail: number) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`mailertable', \`hash -o @DIR@/mailertable')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`confSERVER_CERT', \`@DIR@/state/tls/cert.pem')dnl
define(\`confSERVER_KEY', \`@DIR@/state/tls/key.pem')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${toPostfix}')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h ${toSendmail}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const postfixLines = (ours: number) => `
myhostname = mail.hello.com
mydestination =
relayhost = [127.0.0.1]:${ours}
smtp_tls_security_level = encrypt
smtp_tls_loglevel = 1
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
virtual_mailbox_domains = hello.com
virtual_mailbox_maps = static:box
`

const sendmailLines = (ours: number) => `
define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h ${ours}')dnl
`

let folder: string
let system: System
let postfix: Postfix
let sendmail: RealSendmail

before(async () => {
  if (skip !== false) return
  folder = mkdtempSync(join(tmpdir(), "peers-"))
  chmodSync(folder, 0o755)
  const ports = { mta: await freePort(), msa: await freePort() }
  postfix = await startPostfix(folder, postfixLines(ports.mta))
  sendmail = await startSendmail(folder, sendmailLines(ports.mta))
  const mailertable = "hello.com\tesmtp:[127.0.0.1]\nexample.org\trelay:[127.0.0.1]\n"
  const mc = mcFor(postfix.port, sendmail.port)
  system = await System.start({ mc, ports, users: ["gor"], files: { mailertable } })
})

after(async () => {
  if (skip !== false) return
  await postfix?.stop()
  await sendmail?.stop()
  await system?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The text of a file that is still to be written, once it holds this. */
async function holding(path: string, pattern: RegExp, log: () => string): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const text = read(path)
    if (pattern.test(text)) return text
    await sleep(50) // another's program writes it, and tells nobody
  }
  assert.fail(`${path} never held ${pattern}:\n${read(path)}\n${log()}`)
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return ""
    throw error
  }
}

/** A message handed in here for a peer's user; what the log said of it. */
async function give(to: string, subject: string): Promise<string> {
  const before = system.stderr.length
  const text = `Subject: ${subject}\n\nhello\n`
  assert.match(await handIn(system, { from: "gor@grussell.org", to: [to], text }), /^250 /)
  await system.idle()
  return system.stderr.slice(before)
}

/** A message that the peer is to send on to us. */
async function takeFrom(port: number, from: string, subject: string): Promise<string> {
  const session = await Session.open(port)
  await session.reply()
  for (const line of [
    "EHLO pc236b.napier.ac.uk",
    `MAIL FROM:<${from}>`,
    "RCPT TO:<gor@grussell.org>",
    "DATA",
    `Subject: ${subject}\r\n\r\nhello\r\n.`,
  ])
    assert.match(await session.say(line), /^[23]/, line)
  session.close()
  return holding(
    join(system.directory, "mail", "gor"),
    new RegExp(`Subject: ${subject}`),
    () => system.stderr,
  )
}

const withinTls = /STARTTLS=client, relay=127\.0\.0\.1 \[127\.0\.0\.1\], version=TLSv1\.3, verify=FAIL/

test("Postfix takes our mail over TLS 1.3", { skip }, async (t) => {
  t.diagnostic(peerVersion("postfix"))
  assert.match(await give("ann@hello.com", "to Postfix"), withinTls)
  const taken = await holding(join(postfix.taken, "box"), /Subject: to Postfix/, postfix.log)
  assert.match(
    taken,
    /^Received: from grussell\.org \(.*\n\t\(using TLSv1\.3 with cipher TLS_AES_256_GCM_SHA384/m,
  )
})

test("we take the mail of a Postfix that sends over TLS only", { skip }, async () => {
  const mailbox = await takeFrom(postfix.port, "ann@hello.com", "from Postfix")
  assert.match(
    mailbox,
    /^Received: from mail\.hello\.com \(.*\n\tby grussell\.org \(.*\) with ESMTPS id \S+\n\t\(version=TLSv1\.3 cipher=\S+ bits=256 verify=NO\)/m,
  )
  assert.match(
    postfix.log(),
    /Untrusted TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: TLSv1\.3/,
  )
})

test("the real sendmail takes our mail over TLS 1.3", { skip }, async (t) => {
  t.diagnostic(peerVersion("sendmail"))
  assert.match(await give("ann@example.org", "to sendmail"), withinTls)
  const taken = await holding(sendmail.box, /Subject: to sendmail/, sendmail.log)
  assert.match(
    taken,
    /^Received: from grussell\.org \(localhost \[127\.0\.0\.1\]\)\n\tby mail\.example\.org \(.*\) with ESMTPS id \S+\n\t\(version=TLSv1\.3 cipher=\S+ bits=256 verify=NO\)/m,
  )
})

test("we take the real sendmail's mail over TLS 1.3, with the certificate it shows", { skip }, async () => {
  const mailbox = await takeFrom(sendmail.port, "ann@example.org", "from sendmail")
  assert.match(
    mailbox,
    /^Received: from mail\.example\.org \(.*\n\tby grussell\.org \(.*\) with ESMTPS id \S+\n\t\(version=TLSv1\.3 cipher=\S+ bits=256 verify=\S+\)/m,
  )
})
