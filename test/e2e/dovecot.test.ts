// A real Dovecot beside us: it takes mail from us by LMTP, over a unix socket and over TCP, and it serves the Maildirs that we deliver
// into, while we deliver, by IMAP and POP3.
import assert from "node:assert/strict"
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { type Dovecot, startDovecot } from "../kit/dovecot.ts"
import { withoutPeers } from "../kit/peers.ts"
import { handIn, run, System } from "../kit/system.ts"

const skip = withoutPeers("dovecot", "dovecot-imapd", "dovecot-lmtpd", "dovecot-pop3d")

const users = [
  { name: "gor", uid: 20_001, gid: 20_001 },
  { name: "ann", uid: 20_002, gid: 20_002 },
  { name: "dora", uid: 20_003, gid: 20_003, mbox: true },
] as const

const mcFor = (local: string) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
${local}
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const lmtpByUnix = "FEATURE(`local_lmtp', `[IPC]', `FILE @DIR@/dovecot/lmtp')dnl"
const lmtpByTcp = (port: number) => `FEATURE(\`local_lmtp', \`[IPC]', \`TCP 127.0.0.1 ${port}')dnl`
const maildir = "FEATURE(`maildir')dnl\nFEATURE(`detail_folders', `make')dnl"

let system: System
let dovecot: Dovecot

before(async () => {
  if (skip !== false) return
  const lines = users.map(({ name, uid, gid }) => `${name}::@DIR@/home/${name}:${uid}:${gid}:`)
  const others = ["postmaster::@DIR@/home/ann:20002:20002:", "stranger::@DIR@/home/ann:20002:20002:"]
  system = await System.start({
    mc: mcFor(lmtpByUnix),
    files: { "state/users": `${[...lines, ...others].join("\n")}\n` },
  })
  for (const { name, uid, gid } of users) {
    const home = join(system.directory, "home", name)
    mkdirSync(home, { recursive: true })
    chownSync(home, uid, gid)
    chmodSync(home, 0o700)
  }
  dovecot = await startDovecot(system.directory, users)
})

after(async () => {
  if (skip !== false) return
  await dovecot.stop()
  await system.stop()
})

async function deliver(subject: string, to = "gor"): Promise<void> {
  const text = `Subject: ${subject}\n\nHello gordon.\nFrom here on.\n`
  assert.match(
    await handIn(system, { from: "g.russell@napier.ac.uk", to: [`${to}@grussell.org`], text }),
    /^250 /,
  )
}

/** A Python program that speaks IMAP or POP3 with its own libraries; the port and what it is to do are its arguments. */
async function python(script: string, ...args: readonly (string | number)[]): Promise<string> {
  const { code, stdout, stderr } = await run("python3", ["-c", script, ...args.map(String)])
  assert.equal(code, 0, `${stderr}\n${system.stderr}\n${dovecot.log()}`)
  return stdout
}

const readByImap = `
import imaplib, sys
box = imaplib.IMAP4('127.0.0.1', int(sys.argv[1]))
box.login(sys.argv[2], 'secret')
box.select(sys.argv[3] if len(sys.argv) > 3 else 'INBOX')
_, [found] = box.search(None, 'ALL')
for n in found.split():
    _, parts = box.fetch(n, '(RFC822)')
    print(parts[0][1].decode().replace('\\r\\n', '\\n'), end='\\n----\\n')
box.logout()
`

const readByPop = `
import poplib, sys
box = poplib.POP3('127.0.0.1', int(sys.argv[1]))
box.user(sys.argv[2]); box.pass_('secret')
for n in range(1, len(box.list()[1]) + 1):
    print(b'\\n'.join(box.retr(n)[1]).decode(), end='\\n----\\n')
    box.dele(n)
box.quit()
`

test("LMTP over a unix socket: Dovecot has the message, and shows it by IMAP as it was sent", {
  skip,
}, async (t) => {
  t.diagnostic(`Dovecot ${dovecot.version}`)
  await deliver("by unix socket")
  await system.idle()
  const text = await python(readByImap, dovecot.imap, "gor")
  assert.match(text, /^Return-Path: <g\.russell@napier\.ac\.uk>\n/, system.stderr)
  assert.match(text, /\nSubject: by unix socket\n/)
  assert.match(text, /\n\nHello gordon\.\nFrom here on\.\n/)
  assert.match(system.stderr, /mailer=local, .*dsn=2\.0\.0, stat=Sent \(.*<gor.*> \S+ Saved\)/)
})

test("LMTP: of three recipients the one whom Dovecot does not know bounces, the others have it", {
  skip,
}, async () => {
  const to = ["gor", "stranger", "ann"].map((user) => `${user}@grussell.org`)
  const text = "Subject: to three\n\nHello all.\n"
  assert.match(await handIn(system, { from: "ann@grussell.org", to, text }), /^250 /)
  await system.idle()
  const inbox = await python(readByImap, dovecot.imap, "ann")
  assert.match(inbox, /\nSubject: to three\n/)
  assert.match(
    inbox,
    /\nFinal-Recipient: rfc822; ?stranger@grussell\.org\nAction: failed\nStatus: 5\.1\.1\n/i,
  )
  assert.match(await python(readByImap, dovecot.imap, "gor"), /\nSubject: to three\n/)
})

test("LMTP over TCP, and read back by POP3", { skip }, async () => {
  await system.reconfigure(
    mcFor(lmtpByTcp(dovecot.lmtp))
      .replaceAll("@DIR@", system.directory)
      .replaceAll("@PORT@", String(system.port)),
  )
  await deliver("by TCP")
  await system.idle()
  const text = await python(readByPop, dovecot.pop3, "gor")
  assert.match(text, /\nSubject: by TCP\n/)
  assert.equal(await python(readByPop, dovecot.pop3, "gor"), "", "what POP3 deleted is gone")
})

/** Reads, flags and moves what comes, again and again, until it has seen so many. */
const busyReader = `
import imaplib, sys
box = imaplib.IMAP4('127.0.0.1', int(sys.argv[1]))
box.login('gor', 'secret')
box.create('done')
print('ready', flush=True)
wanted, seen = int(sys.argv[2]), []
while len(seen) < wanted:
    box.select('INBOX')
    _, [found] = box.uid('search', None, 'ALL')
    for n, uid in enumerate(found.split()):
        _, parts = box.uid('fetch', uid, '(RFC822)')
        text = parts[0][1].decode()
        assert text.endswith('From here on.\\r\\n'), text
        seen.append(text.split('Subject: ')[1].split('\\r\\n')[0])
        box.uid('store', uid, '+FLAGS', '(\\\\Seen \\\\Flagged)')
        box.uid('copy', uid, 'done')
        box.uid('store', uid, '+FLAGS', '(\\\\Deleted)')
    box.expunge()
assert len(set(seen)) == len(seen) == wanted, seen
box.select('done')
_, [found] = box.search(None, 'FLAGGED')
print(len(found.split()))
box.logout()
`

test("we deliver into a Maildir while Dovecot reads, flags, moves and expunges: nothing is lost, none is seen twice", {
  skip,
}, async () => {
  await system.reconfigure(
    mcFor(maildir).replaceAll("@DIR@", system.directory).replaceAll("@PORT@", String(system.port)),
  )
  const count = 60
  const reader = python(busyReader, dovecot.imap, count)
  for (let n = 0; n < count; n += 6)
    await Promise.all([0, 1, 2, 3, 4, 5].map((k) => deliver(`busy ${n + k}`)))
  assert.equal(await reader, `ready\n${count}\n`)
  assert.deepEqual(readdirSync(join(system.directory, "home/gor/Maildir/tmp")), [])
})

test("+detail is a folder that Dovecot shows, and its size is what the name says", { skip }, async () => {
  await deliver("to a folder", "gor+work")
  await system.idle()
  assert.match(await python(readByImap, dovecot.imap, "gor", "work"), /\nSubject: to a folder\n/)
  const [name = ""] = readdirSync(join(system.directory, "home/gor/Maildir/.work/cur"))
  assert.match(name, /^\d+\.Q\w+\.\d+\.[^,]+,S=\d+:2,/)
  assert.doesNotMatch(
    dovecot.log(),
    /Error|Warning|Panic|Fatal/,
    "Dovecot finds nothing wrong with our Maildirs",
  )
})

async function configure(local: string): Promise<void> {
  const mc = mcFor(local).replaceAll("@DIR@", system.directory).replaceAll("@PORT@", String(system.port))
  await system.reconfigure(mc)
}

function writeScript(user: (typeof users)[number], text: string): void {
  const path = join(system.directory, "home", user.name, ".sieve")
  writeFileSync(path, text, { mode: 0o600 })
  chownSync(path, user.uid, user.gid)
}

/** The flags of each message, then the folders there are. */
const flagsByImap = `
import imaplib, re, sys
box = imaplib.IMAP4('127.0.0.1', int(sys.argv[1]))
box.login(sys.argv[2], 'secret')
for word in sys.argv[4:]:
    box.select(sys.argv[3])
    box.store('1', '+FLAGS', '(' + word + ')')
box.select(sys.argv[3], readonly=True)
_, [found] = box.search(None, 'ALL')
for n in found.split():
    _, parts = box.fetch(n, '(FLAGS)')
    flags = re.search(rb'FLAGS \\(([^)]*)\\)', parts[0]).group(1).decode().split()
    print(' '.join(sorted(flag for flag in flags if flag != '\\\\Recent')))
_, names = box.list()
print(' '.join(sorted(name.decode().rsplit(' ', 1)[1].strip('"') for name in names)))
box.logout()
`

const script = `require ["fileinto","imap4flags","mailbox"];
if mailboxexists "Größe" { addflag "$Again"; }
addflag ["\\\\Flagged","$Work"];
fileinto "Größe";
`

test("Sieve's keywords in a Maildir are Dovecot's keywords, whoever of us two names one first", {
  skip,
}, async () => {
  await configure("FEATURE(`maildir')dnl\nFEATURE(`sieve')dnl")
  writeScript(users[0], script)
  await deliver("ours first")
  await system.idle()
  const folder = "Gr&APYA3w-e"
  const theirs = await python(flagsByImap, dovecot.imap, "gor", folder, "Personal")
  assert.match(theirs, /^\$Work Personal \\Flagged\n/, "Dovecot has our keyword, and adds one")
  await deliver("theirs known")
  await system.idle()
  const flags = await python(flagsByImap, dovecot.imap, "gor", folder)
  assert.match(flags, /^\$Work Personal \\Flagged\n\$Again \$Work \\Flagged\n.*\bGr&APYA3w-e\b/)
  assert.doesNotMatch(dovecot.log(), /Error|Warning|Panic|Fatal/)
})

test("flags, keywords and folders beside an mbox are read by Dovecot as they were meant", {
  skip,
}, async () => {
  await configure("FEATURE(`sieve')dnl")
  writeScript(users[2], script)
  await deliver("to an mbox", "dora")
  await system.idle()
  // In an mbox Dovecot believes keywords that its X-IMAPbase knows: here it names them first.
  await python(flagsByImap, dovecot.imap, "dora", "Gr&APYA3w-e", "$Work $Again")
  await deliver("to an mbox again", "dora")
  await system.idle()
  const flags = await python(flagsByImap, dovecot.imap, "dora", "Gr&APYA3w-e")
  const both = "$Again $Work \\Flagged\n"
  assert.equal(flags, `${both}${both}Gr&APYA3w-e INBOX\n`, system.stderr)
  writeScript(users[2], 'require "imap4flags";\nkeep :flags ["\\\\Seen","\\\\Answered"];\n')
  await deliver("to the mailbox", "dora")
  await system.idle()
  assert.match(await python(flagsByImap, dovecot.imap, "dora", "INBOX"), /^\\Answered \\Seen\n/)
})
