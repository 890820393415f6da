// What a user's .forward starts, in the whole system as root: what a program finds around itself, and vacation with its memory.
import assert from "node:assert/strict"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { without } from "../kit/debian.ts"
import { closedCheckout, handIn, project, run, System } from "../kit/system.ts"

const isRoot = process.getuid?.() === 0
const skip = isRoot ? without("python3", "setpriv") : "only root delivers as other users"

/** A user of the machine that every Debian has, so that he has groups and a name, with another home. */
const gor = { uid: 20_001, gid: 20_001 }

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

let system: System
let home: string

before(async () => {
  if (skip !== false) return
  system = await System.start({
    mc,
    files: {
      "state/users": [
        `gor::@DIR@/home/gor:${gor.uid}:${gor.gid}:Gordon Russell`,
        "ann::@DIR@/home/ann:20002:20002:",
        `postmaster::@DIR@/home/gor:${gor.uid}:${gor.gid}:`,
        "",
      ].join("\n"),
    },
    // What we are started with is not for the programs of users.
    env: { SECRET_OF_ROOT: "psst", LD_LIBRARY_PATH: "/nowhere" },
  })
  home = join(system.directory, "home", "gor")
  mkdirSync(home, { recursive: true })
  chownSync(home, gor.uid, gor.gid)
  chmodSync(home, 0o700)
})

after(async () => {
  if (skip === false) await system.stop()
})

function write(name: string, text: string): void {
  const path = join(home, name)
  writeFileSync(path, text)
  chownSync(path, gor.uid, gor.gid)
  chmodSync(path, 0o600)
}

async function deliver(subject: string, from = "ann@grussell.org", more = ""): Promise<void> {
  const text = `From: ${from}\nTo: gor@grussell.org\nSubject: ${subject}\nMessage-ID: <${subject}@grussell.org>\n${more}\nHello gordon.\n`
  assert.match(await handIn(system, { from, to: ["gor@grussell.org"], text }), /^250 /)
  await system.idle()
}

const look = `
import json, os, resource, sys
status = dict(line.rstrip('\\n').split(':\\t', 1) for line in open('/proc/self/status') if ':\\t' in line)
fds = {}
for name in os.listdir('/proc/self/fd'):
    try: fds[name] = os.readlink('/proc/self/fd/' + name)
    except OSError: pass
print_to = open(os.environ['HOME'] + '/seen.json', 'w')
json.dump({
    'uids': os.getresuid(), 'gids': os.getresgid(), 'groups': os.getgroups(), 'cwd': os.getcwd(),
    'environment': dict(os.environ), 'descriptors': fds, 'session': os.getsid(0) == os.getppid() or os.getsid(0) == os.getpid(),
    'no_new_privs': status['NoNewPrivs'], 'capabilities': [status[k] for k in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb')],
    'core': resource.getrlimit(resource.RLIMIT_CORE), 'first': sys.stdin.readline()}, print_to)
sys.stdin.read()
`

test("a program has its user's ids and groups, three descriptors, a clean environment, and no way back to rights", {
  skip,
}, async () => {
  write("look.py", look)
  write(".forward", `"|python3 ${join(home, "look.py")}"\n`)
  await deliver("look")
  assert.ok(existsSync(join(home, "seen.json")), system.stderr)
  const seen = JSON.parse(readFileSync(join(home, "seen.json"), "utf8"))
  assert.deepEqual(seen.uids, [gor.uid, gor.uid, gor.uid])
  assert.deepEqual(seen.gids, [gor.gid, gor.gid, gor.gid])
  assert.deepEqual(seen.groups, [gor.gid])
  assert.equal(seen.cwd, home)
  assert.equal(seen.no_new_privs, "1")
  assert.deepEqual(seen.capabilities, Array(4).fill("0000000000000000"))
  assert.deepEqual(seen.core, [0, 0])
  const { LC_CTYPE: _, PWD: __, OLDPWD: ___, SHLVL: ____, ...environment } = seen.environment // Python's and the shell's own
  assert.deepEqual(environment, {
    AGENT: "sendmail",
    HOME: home,
    LOGNAME: "gor",
    PATH: "/usr/bin:/bin",
    SHELL: "/bin/sh",
    USER: "gor",
  })
  const { 0: stdin, 1: stdout, 2: stderr, ...others } = seen.descriptors
  for (const one of [stdin, stdout, stderr]) assert.match(one, /^(?:socket|pipe):/)
  const foreign = Object.values(others).filter((path) => !/seen\.json$|^\/proc\//.test(String(path)))
  assert.deepEqual(foreign, [], "what the program itself opened is all there is beside its three")
  assert.match(seen.first, /^From ann@grussell\.org /)
})

test("vacation answers a person once, in the user's name, and remembers it", {
  skip: skip || closedCheckout,
}, async () => {
  const vacation = `WAYPOST_STATE=${system.state} ${join(project, "bin", "vacation")} -a gordon gor`
  write(".forward", `\\gor, "|${vacation}"\n`)
  write(".vacation.msg", "From: gor@grussell.org\nSubject: away: $SUBJECT\n\nI am in Edinburgh.\n")
  const inbox = join(system.directory, "mail", "ann")
  const answers = () =>
    existsSync(inbox)
      ? readFileSync(inbox, "latin1")
          .split(/^From (?=.*\d{4}$)/m)
          .slice(1)
      : []
  await deliver("lunch")
  assert.equal(answers().length, 1, system.stderr)
  assert.match(answers()[0] ?? "", /^gor@grussell\.org /)
  assert.match(answers()[0] ?? "", /\nSubject: away: lunch\n/)
  assert.match(answers()[0] ?? "", /\nAuto-Submitted: auto-replied\n/)
  assert.match(answers()[0] ?? "", /\nIn-Reply-To: <lunch@grussell\.org>\n/)
  assert.match(answers()[0] ?? "", /\n\nI am in Edinburgh\.\n/)
  await deliver("dinner")
  await deliver("list", "ann@grussell.org", "Precedence: bulk\n")
  assert.equal(answers().length, 1)
  const memory = join(home, ".vacation.known")
  assert.equal(statSync(memory).uid, gor.uid)
  assert.match(readFileSync(memory, "latin1"), /^\d+ ann@grussell\.org$/m)
  const mailbox = readFileSync(join(system.directory, "mail", "gor"), "latin1")
  for (const subject of ["lunch", "dinner", "list"])
    assert.match(mailbox, new RegExp(`\nSubject: ${subject}\n`))
  rmSync(memory)
  await deliver("supper")
  assert.equal(answers().length, 2, "a new memory begins anew")
})

test("vacation -i and -x keep their word, and -l lists who was answered", {
  skip: skip || closedCheckout,
}, async () => {
  const command = (args: string, input = "") =>
    run(
      "setpriv",
      [
        "--reuid=20001",
        "--regid=20001",
        "--clear-groups",
        "sh",
        "-c",
        `exec ${join(project, "bin", "vacation")} ${args}`,
      ],
      input,
      {
        HOME: home,
        LOGNAME: "gor",
      },
    )
  assert.equal((await command("-i -r infinite gor")).code, 0)
  assert.equal((await command("-x gor", "Bob@Hello.com\n@example.org\n")).code, 0)
  assert.match(
    readFileSync(join(home, ".vacation.known"), "latin1"),
    /interval infinite\nnever bob@hello\.com\nnever @example\.org\n/,
  )
  assert.deepEqual(await command("-l gor"), { code: 0, stdout: "", stderr: "" })
  writeFileSync(join(home, ".vacation.known"), "\u0000\u0000b1")
  const foreign = await command("-l gor")
  assert.equal(foreign.code, 65)
  assert.match(foreign.stderr, /not written by this vacation; -f FILE names another/)
  for (const [args, says] of [
    ["", /one LOGIN is needed/],
    ["-Q gor", /there is no flag -Q/],
    ["-t soon gor", /-t soon: a number and s, m, h, d or w/],
    ["nosuchuser", /there is no user nosuchuser/],
  ] as const) {
    assert.match((await command(args)).stderr, says)
  }
})
