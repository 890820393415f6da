// mutt and alpine open a user's mailbox, delete from it and write it anew, while we deliver into it: their locks and ours keep each
// message whole and there.
import assert from "node:assert/strict"
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { without } from "../kit/debian.ts"
import { handIn, run, System } from "../kit/system.ts"

const isRoot = process.getuid?.() === 0
const skip = isRoot ? without("python3", "setpriv") : "only root delivers as other users"
/** An account of every Debian: mail readers ask who they are. */
const games = { uid: 5, gid: 60 }

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
@MORE@
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

let system: System
let home: string

before(async () => {
  if (skip !== false) return
  system = await System.start({
    mc: mc.replace("@MORE@", ""),
    files: {
      "state/users": `games::@DIR@/home/games:${games.uid}:${games.gid}:\npostmaster::@DIR@/home/games:5:60:\n`,
    },
  })
  home = join(system.directory, "home", "games")
  mkdirSync(home, { recursive: true })
  for (const path of [home, join(system.directory, "mail")]) chownSync(path, games.uid, games.gid)
  chmodSync(home, 0o700)
})

after(async () => {
  if (skip === false) await system.stop()
})

let count = 0

async function deliver(): Promise<void> {
  const text = `From: ann@grussell.org\nTo: games\nSubject: number ${count++} of many\n\n${"Hello gordon.\n".repeat(50)}From here on.\nthe last line\n`
  assert.match(await handIn(system, { from: "ann@grussell.org", to: ["games@grussell.org"], text }), /^250 /)
}

/** Delivers again and again until the work is done. */
async function meanwhile<T>(work: Promise<T>): Promise<T> {
  const state = { done: false }
  const end = work.finally(() => (state.done = true))
  while (!state.done) {
    await deliver()
    await system.idle() // so that a reader finds its box unchanged now and then, and writes it
  }
  return end
}

/** A terminal that types one word after the other, each when it sees what it waits for. */
const terminal = `
import fcntl, os, pty, select, struct, sys, termios, time
steps = [step.split('=', 1) for step in sys.argv[1].split(';')]
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 120, 0, 0))
seen, end = '', time.time() + 20
for wanted, typed in steps:
    while wanted not in seen:
        assert time.time() < end, 'waited in vain for ' + wanted + ' in ' + repr(seen[-2000:])
        if select.select([fd], [], [], 0.2)[0]:
            try: seen += os.read(fd, 65536).decode('utf8', 'replace')
            except OSError: break
    seen = seen[seen.find(wanted) + len(wanted):] if wanted in seen else ''
    try: os.write(fd, typed.encode())
    except OSError: break
while True:
    try:
        if not os.read(fd, 65536): break
    except OSError: break
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

/** Runs a reader as the user, in a terminal. */
async function read(steps: string, ...command: readonly string[]): Promise<void> {
  const become = [
    "--reuid=5",
    "--regid=60",
    "--clear-groups",
    "/usr/bin/python3",
    "-c",
    terminal,
    steps,
    ...command,
  ]
  const env = { HOME: home, TERM: "xterm", LOGNAME: "games", USER: "games", LC_ALL: "C.UTF-8" }
  const { code, stdout, stderr } = await run("setpriv", become, "", env)
  assert.equal(code, 0, stdout + stderr)
}

/** The subjects in the mailbox; each message must be whole. */
function subjects(): readonly string[] {
  const messages = readFileSync(join(system.directory, "mail", "games"), "latin1")
    .split(/^From (?=\S+ +\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$)/m)
    .slice(1)
    .filter((message) => !/^Subject: DON'T DELETE THIS MESSAGE/m.test(message)) // alpine's own
  for (const message of messages) assert.match(message, /\n>From here on\.\nthe last line\n+$/)
  return messages.map((message) => /^Subject: (.*)$/m.exec(message)?.[1] ?? assert.fail(message))
}

function allBut(gone: readonly string[]): readonly string[] {
  return Array.from({ length: count }, (_, n) => `number ${n} of many`).filter(
    (subject) => !gone.includes(subject),
  )
}

const gone: string[] = []

const muttOptions = ["-n", "-F", "/dev/null", "-e", "set folder=~ delete=yes quit=yes move=no mark_old=no"]

/** Where new mail has come, mutt wants to be told once more to write the box. */
function deleting(subject: string): string {
  return `q:Quit=D~s "${subject}"\r;=$;=$;=$q;=$q;=$q;=$q`
}

test("mutt deletes from an mbox and writes it anew while we deliver: nothing else is gone, nothing doubled", {
  skip: skip || without("mutt"),
}, async () => {
  for (let n = 0; n < 2; n++) {
    while (count <= n) await deliver()
    await system.idle()
    const victim = `number ${n} of many`
    const box = join(system.directory, "mail", "games")
    await meanwhile(read(deleting(victim), "mutt", ...muttOptions, "-f", box))
    gone.push(victim)
    assert.deepEqual(subjects().toSorted(), allBut(gone).toSorted())
  }
})

test("alpine opens the mbox, deletes a message and writes it anew while we deliver", {
  skip: skip || without("alpine"),
}, async () => {
  while (count < 4) await deliver()
  await system.idle()
  const pinerc = join(home, ".pinerc")
  const lines = [
    "user-domain=grussell.org",
    "last-version-used=9.99",
    "last-time-prune-questioned=199.11",
    "",
  ]
  writeFileSync(pinerc, lines.join("\n"))
  chownSync(pinerc, games.uid, games.gid)
  const box = join(system.directory, "mail", "games")
  // It begins on the newest message; which one that was it does not say. That it has opened, it may say too briefly to be seen when
  // mail comes meanwhile: the keys of its list tell it as well.
  await meanwhile(
    read("[ViewMsg]=d;Message =x;xpunge=y;xpunged=q;?=y", "alpine", "-p", pinerc, "-i", "-f", box),
  )
  const left = subjects()
  const lost = allBut(gone).filter((subject) => !left.includes(subject))
  assert.equal(lost.length, 1, "what was deleted by hand is gone, and nothing else")
  gone.push(...lost)
  assert.deepEqual(left.toSorted(), allBut(gone).toSorted())
})

test("mutt reads a Maildir while we deliver, and moves what it has seen to cur", {
  skip: skip || without("mutt"),
}, async () => {
  const { directory, port } = system
  const more = mc.replace("@MORE@", "FEATURE(`maildir')dnl")
  await system.reconfigure(more.replaceAll("@DIR@", directory).replaceAll("@PORT@", String(port)))
  const first = count
  await deliver()
  await system.idle()
  const maildir = join(home, "Maildir")
  await meanwhile(read(deleting(`number ${first} of many`), "mutt", ...muttOptions, "-f", maildir))
  const names = ["new", "cur"].flatMap((part) => readdirSync(join(maildir, part)))
  assert.equal(names.length, count - first - 1)
  assert.deepEqual(readdirSync(join(maildir, "tmp")), [])
})
