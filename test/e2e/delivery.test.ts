// Final delivery of the whole system with root's rights: as the user, with his files and nobody else's; programs with the right
// ids; locks that other programs hold, and that hold them.
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { handIn, run, System } from "../kit/system.ts"

const isRoot = process.getuid?.() === 0
const skip = isRoot ? false : "only root delivers as other users"

/** Users of the test, without accounts of the machine. */
const gor = { uid: 20_001, gid: 20_001 }
const andrew = { uid: 20_002, gid: 20_002 }
/** DefaultUser: whom programs of the aliases file run as. */
const defaultUser = { uid: 20_003, gid: 20_004 }

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confDEF_USER_ID', \`${defaultUser.uid}:${defaultUser.gid}')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

let system: System

before(async () => {
  if (!isRoot) return
  system = await System.start({
    mc,
    files: {
      aliases: [
        'ids : "|id -u > @DIR@/out/ids; id -g >> @DIR@/out/ids; id -G >> @DIR@/out/ids; cat > @DIR@/out/message"',
        'secret : "|cat @DIR@/secret"',
        "kept : @DIR@/out/kept",
        "",
      ].join("\n"),
      secret: "root only\n",
      "state/users": [
        `gor::@DIR@/home/gor:${gor.uid}:${gor.gid}:Gordon Russell`,
        `andrew::@DIR@/home/andrew:${andrew.uid}:${andrew.gid}:`,
        `postmaster::@DIR@/home/postmaster:${andrew.uid}:${andrew.gid}:`,
        "",
      ].join("\n"),
    },
  })
  const { directory } = system
  chmodSync(join(directory, "secret"), 0o600)
  mkdirSync(join(directory, "out"))
  chownSync(join(directory, "out"), defaultUser.uid, defaultUser.gid)
  for (const [name, user] of [
    ["gor", gor],
    ["andrew", andrew],
  ] as const) {
    mkdirSync(join(directory, "home", name), { recursive: true })
    chownSync(join(directory, "home", name), user.uid, user.gid)
    chmodSync(join(directory, "home", name), 0o700)
  }
})

after(async () => {
  if (isRoot) await system.stop()
})

async function accept(to: string, subject: string): Promise<void> {
  const reply = await handIn(system, {
    from: "g.russell@napier.ac.uk",
    to: [`${to}@grussell.org`],
    text: `Subject: ${subject}\n\nHello gordon.\n`,
  })
  assert.match(reply, /^250 2\.0\.0 /)
}

const inDirectory = (...parts: string[]) => join(system.directory, ...parts)
const mailbox = (user: string) => readFileSync(inDirectory("mail", user), "latin1")

/** A file of a user's home. */
function write(user: "gor" | "andrew", name: string, text: string, mode = 0o600): void {
  const path = inDirectory("home", user, name)
  writeFileSync(path, text, { mode })
  const { uid, gid } = user === "gor" ? gor : andrew
  chownSync(path, uid, gid)
  chmodSync(path, mode)
}

test("a mailbox is made as its user's, for nobody else to read", { skip }, async () => {
  await accept("gor", "first")
  await system.idle()
  const file = statSync(inDirectory("mail", "gor"))
  assert.deepEqual([file.uid, file.gid, file.mode & 0o777], [gor.uid, gor.gid, 0o600])
  assert.match(mailbox("gor"), /\nSubject: first\n/)
})

test("the process that talks with the network has no root rights, and only the agent keeps some", {
  skip,
}, async () => {
  const found = await run("ps", ["-e", "-o", "ppid=,uid=,args="])
  const children = found.stdout.split("\n").filter((line) => line.trim().startsWith(`${system.pid} `))
  const uidOf = (role: string) => {
    const line = children.find((child) => child.includes(` process ${role}`)) ?? assert.fail(found.stdout)
    return Number(line.trim().split(/\s+/)[1])
  }
  assert.notEqual(uidOf("mail"), 0)
  assert.equal(uidOf("agent"), 0)
})

test("a program of the aliases file runs as DefaultUser, with none of root's groups", { skip }, async () => {
  await accept("ids", "to a program")
  await system.idle()
  const ids = readFileSync(inDirectory("out", "ids"), "latin1").trimEnd().split("\n")
  assert.deepEqual(ids, [String(defaultUser.uid), String(defaultUser.gid), String(defaultUser.gid)])
  assert.match(readFileSync(inDirectory("out", "message"), "latin1"), /\nSubject: to a program\n/)
  const file = statSync(inDirectory("out", "message"))
  assert.deepEqual([file.uid, file.gid], [defaultUser.uid, defaultUser.gid])
})

test("a program of the aliases file cannot read what only root may", { skip }, async () => {
  await accept("secret", "to a thief")
  await system.idle()
  assert.match(system.stderr, /to="?\|cat [^,]*secret"?, .*mailer=prog, .*stat=(?!Sent)/)
})

test("a file of the aliases file is written as DefaultUser", { skip }, async () => {
  await accept("kept", "to a file")
  await system.idle()
  const file = statSync(inDirectory("out", "kept"))
  assert.deepEqual([file.uid, file.gid], [defaultUser.uid, defaultUser.gid])
  assert.match(readFileSync(inDirectory("out", "kept"), "latin1"), /\nSubject: to a file\n/)
})

test("a .forward in a home that only its user may enter is followed, and its program runs as him", {
  skip,
}, async () => {
  write("gor", ".forward", `\\gor, "|id -u > ${inDirectory("home", "gor", "who")}"\n`)
  await accept("gor", "forwarded")
  await system.idle()
  assert.equal(readFileSync(inDirectory("home", "gor", "who"), "latin1"), `${gor.uid}\n`)
  assert.equal(statSync(inDirectory("home", "gor", "who")).uid, gor.uid)
  assert.match(mailbox("gor"), /\nSubject: forwarded\n/)
})

test("a .forward that leads to a file its user may not read gives nothing away", { skip }, async () => {
  writeFileSync(inDirectory("leak"), "andrew\n", { mode: 0o600 }) // root's
  symlinkSync(inDirectory("leak"), inDirectory("home", "andrew", ".forward"))
  await accept("andrew", "not led on")
  await system.idle()
  assert.match(mailbox("andrew"), /\nSubject: not led on\n/)
  const { stdout } = await system.waypost("explain", "andrew@grussell.org")
  assert.match(stdout, /\.forward.*a symbolic link/)
})

test("a .forward that others may write is not its user's word", { skip }, async () => {
  write("gor", ".forward", "andrew\n", 0o666)
  const before = existsSync(inDirectory("mail", "andrew")) ? mailbox("andrew") : ""
  await accept("gor", "world writable")
  await system.idle()
  assert.match(mailbox("gor"), /\nSubject: world writable\n/)
  assert.equal(mailbox("andrew"), before)
  write("gor", ".forward", "\\gor\n")
})

/** Python's own lock on the mailbox, as a mail reader takes it; until its standard input ends. */
async function holdLock(path: string): Promise<ChildProcess> {
  const script = `
import fcntl, sys
box = open(sys.argv[1], 'r+')
fcntl.lockf(box, fcntl.LOCK_EX)
print('locked', flush=True)
sys.stdin.read()
`
  const child = spawn("python3", ["-c", script, path], { stdio: ["pipe", "pipe", "inherit"] })
  await once(child.stdout ?? assert.fail(), "data")
  return child
}

test("while a Python program holds fcntl.lockf on the mailbox nothing is delivered; then it is", {
  skip,
}, async () => {
  await accept("gor", "before the lock")
  await system.idle()
  const reader = await holdLock(inDirectory("mail", "gor"))
  const before = mailbox("gor")
  await accept("gor", "behind the lock")
  const other = accept("andrew", "beside the lock")
  await other
  await system.said(/to=<andrew@grussell\.org>, .*stat=Sent/) // others are not held up
  assert.equal(mailbox("gor"), before)
  reader.stdin?.end()
  await once(reader, "exit")
  await system.idle()
  assert.match(mailbox("gor").slice(before.length), /\nSubject: behind the lock\n/)
})

test("a Python program that reads under fcntl.lockf never sees half a message", { skip }, async () => {
  // It reads again and again, each time under the lock, while we deliver; each From_ line it sees begins a whole message.
  const script = `
import fcntl, sys, time
whole = 0
while whole < 8:
    time.sleep(0.01)
    box = open(sys.argv[1], 'r+')
    fcntl.lockf(box, fcntl.LOCK_EX)
    parts = box.read().split('\\nSubject: large ')[1:]
    for part in parts:
        if not part.split('\\nFrom g.russell@napier.ac.uk ')[0].rstrip('\\n').endswith('the last line'):
            print('half a message')
            sys.exit(1)
    whole = len(parts)
    box.close()
print('whole')
`
  const reader = run("python3", ["-c", script, inDirectory("mail", "gor")])
  const text = "Hello gordon.\n".repeat(20_000)
  for (let n = 0; n < 8; n++) {
    const reply = await handIn(system, {
      from: "g.russell@napier.ac.uk",
      to: ["gor@grussell.org"],
      text: `Subject: large ${n}\n\n${text}the last line\n`,
    })
    assert.match(reply, /^250 /)
  }
  assert.equal((await reader).stdout, "whole\n")
})
