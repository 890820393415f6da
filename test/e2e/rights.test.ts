// Who has which rights, by the kernel's own word (/proc), and what somebody who has captured the mail process could do with them: it
// is the one that reads what strangers send.
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { connectAgent } from "../../src/agent/client.ts"
import type { Agent, Identity } from "../../src/agent/protocol.ts"
import { without } from "../kit/debian.ts"
import { handIn, run, System } from "../kit/system.ts"

const isRoot = process.getuid?.() === 0
const skip = isRoot ? without("setpriv") : "only root has rights to separate"
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
let agent: Agent
let gordon: Identity

before(async () => {
  if (skip !== false) return
  const users = `gor::@DIR@/home/gor:${gor.uid}:${gor.gid}:\npostmaster::@DIR@/home/gor:${gor.uid}:${gor.gid}:\n`
  system = await System.start({ mc, files: { "state/users": users } })
  home = join(system.directory, "home", "gor")
  mkdirSync(home, { recursive: true })
  chownSync(home, gor.uid, gor.gid)
  chmodSync(home, 0o700)
  gordon = { name: "gor", ...gor, home }
  agent = await connectAgent(join(system.state, "run", "agent", "agent.sock"))
})

after(async () => {
  if (skip !== false) return
  agent.close()
  await system.stop()
})

type Status = Readonly<Record<string, string>>

function statusOf(pid: number): Status {
  const lines = readFileSync(`/proc/${pid}/status`, "latin1").split("\n")
  return Object.fromEntries(
    lines.map((line) => line.split(":\t")).map(([key = "", value = ""]) => [key, value.trim()]),
  )
}

/** Both children of the supervisor, by what they are. */
function children(): Readonly<Record<"mail" | "agent", number>> {
  const found = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(system.pid)], { encoding: "latin1" })
  const pidOf = (role: string) =>
    Number(new RegExp(`^\\s*(\\d+) .* process ${role}\\b`, "m").exec(found)?.[1] ?? assert.fail(found))
  return { mail: pidOf("mail"), agent: pidOf("agent") }
}

const all = "0000000000000000"
/** chown, dac_override, dac_read_search, fowner, fsetid, kill, setgid, setuid */
const agents = "00000000000000ff"

test("the mail process has no uid 0, no capability, no way to either, no group of users, and limits", {
  skip,
}, () => {
  const { mail } = children()
  for (const task of readdirSync(`/proc/${mail}/task`)) {
    const status = statusOf(Number(task))
    assert.doesNotMatch(status["Uid"] ?? "0", /(?:^|\t)0(?:\t|$)/, "in no thread")
    assert.doesNotMatch(status["Gid"] ?? "0", /(?:^|\t)0(?:\t|$)/)
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) assert.equal(status[set], all, set)
    assert.equal(status["NoNewPrivs"], "1")
    assert.ok(
      (status["Groups"] ?? "").split(" ").every((gid) => gid === "" || gid === status["Gid"]?.split("\t")[0]),
    )
  }
  assert.equal(statusOf(mail)["Umask"], "0077")
  const limits = readFileSync(`/proc/${mail}/limits`, "latin1")
  assert.match(limits, /^Max core file size +0 +0 /m)
  assert.match(limits, /^Max processes +(?:[1-3]?\d{1,3}|40\d\d) /m)
})

test("the agent is root with eight capabilities in every thread, and can gain none", { skip }, () => {
  const { agent: pid } = children()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const status = statusOf(Number(task))
    assert.match(status["Uid"] ?? "", /^0\t0\t0\t0$/)
    assert.equal(status["NoNewPrivs"], "1")
    assert.equal(status["Groups"], "")
    for (const set of ["CapPrm", "CapEff", "CapBnd"]) assert.equal(status[set], agents, set)
  }
  assert.equal(statusOf(pid)["Umask"], "0077")
  assert.match(readFileSync(`/proc/${pid}/limits`, "latin1"), /^Max core file size +0 +0 /m)
})

test("the agent listens where only the mail process comes, and has no door to the network", { skip }, () => {
  const { agent: pid } = children()
  assert.equal(statSync(join(system.state, "run", "agent")).mode & 0o777, 0o700)
  const inodes = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
    } catch {
      return [] // closed meanwhile
    }
  })
  const internet = new Set(
    ["tcp", "tcp6", "udp", "udp6", "raw"].flatMap((kind) =>
      readFileSync(`/proc/net/${kind}`, "latin1")
        .split("\n")
        .map((line) => line.trim().split(/\s+/)[9]),
    ),
  )
  assert.deepEqual(
    inodes.filter((inode) => internet.has(inode)),
    [],
  )
})

test("as the mail process there is nothing to write but spool and sockets, and no home or mailbox to read", {
  skip,
}, async () => {
  const { mail } = children()
  await handIn(system, {
    from: "ann@hello.com",
    to: ["gor@grussell.org"],
    text: "Subject: private\n\nhello\n",
  })
  await system.idle()
  const [uid = "", gid = ""] = [statusOf(mail)["Uid"]?.split("\t")[0], statusOf(mail)["Gid"]?.split("\t")[0]]
  const become = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs"]
  const places = ["/etc", "/usr", "/opt", "/boot", "/root", "/home", "/srv", "/var", system.directory].filter(
    existsSync,
  )
  // Sticky directories are everybody's (/var/tmp); links say nothing of what they lead to.
  const { stdout } = await run("setpriv", [
    ...become,
    "find",
    ...places,
    "-xdev",
    "-writable",
    "!",
    "-type",
    "l",
    "!",
    "-perm",
    "-1000",
  ])
  const writable = stdout.split("\n").filter((path) => path !== "")
  const own = ["queue", "run", "clientqueue"].map((part) => join(system.state, part))
  assert.deepEqual(
    writable.filter((path) => !own.some((place) => path === place || path.startsWith(`${place}/`))),
    [],
  )
  for (const path of [join(system.directory, "mail", "gor"), home]) {
    assert.notEqual((await run("setpriv", [...become, "cat", path])).code, 0)
    assert.notEqual((await run("setpriv", [...become, "ls", `${path}/`])).code, 0)
  }
})

async function ask(owner: Identity, path: string, format: "mbox" | "maildir" = "mbox"): Promise<string> {
  const request = {
    verb: "deliver",
    owner,
    mailbox: { format, path },
    sender: "",
    date: 0,
    delivery: "attack.1",
  } as const
  const { answer } = await agent.ask(request, [Buffer.from("Subject: attack\n\nroot::0:0::/:/bin/sh\n")])
  return "text" in answer ? answer.text : answer.outcome
}

test("whoever speaks to the agent gets no file of root's, no place but the mailbox, and nobody's rights but users'", {
  skip,
}, async () => {
  const root = { name: "root", uid: 0, gid: 0, home: "/root" }
  assert.match(await ask(root, "/etc/crontab"), /is no mailbox of root/)
  assert.match(await ask(gordon, join(home, ".ssh", "authorized_keys")), /is no mailbox of gor/)
  assert.match(
    await ask({ ...gordon, uid: 0 }, join(system.directory, "mail", "gor")),
    /no account gor has uid 0/,
  )
  assert.match(
    await ask({ ...gordon, name: "../../etc/x" }, join(system.directory, "mail", "../../etc/x")),
    /is no mailbox|no account/,
  )
  const request = {
    verb: "run",
    command: "id",
    environment: {},
    directory: "/",
    timeoutSeconds: 5,
    outputLimit: 999,
  } as const
  const { answer } = await agent.ask({ ...request, owner: root }, [])
  assert.deepEqual(answer, {
    outcome: "failed",
    status: "5.7.0",
    text: "programs are not run as root: that is root",
  })
  const secret = await agent.ask(
    { verb: "read", owner: gordon, path: "/etc/shadow", limit: 9999, anyOwner: true },
    [],
  )
  assert.deepEqual(secret.answer, { outcome: "unsafe", text: "its user may not read it" })
  assert.match(system.stderr, /waypost agent: a request is refused: \/etc\/crontab is no mailbox of root/)
})

test("no trick in the mailbox's place is fallen for: link, hard link, FIFO, directory, another's file", {
  skip,
}, async () => {
  const box = join(system.directory, "mail", "gor")
  const victim = join(system.directory, "victim")
  writeFileSync(victim, "root's\n", { mode: 0o600 })
  const tricks: readonly (readonly [string, () => void, RegExp])[] = [
    ["a symbolic link", () => symlinkSync(victim, box), /irregular file/],
    ["a hard link", () => linkSync(victim, box), /permission denied|too many links/],
    ["a FIFO", () => execFileSync("mkfifo", [box]), /permission denied|irregular file/],
    ["a directory", () => mkdirSync(box), /irregular file/],
    ["another's file", () => writeFileSync(box, "", { mode: 0o666 }), /permission denied|wrong ownership/],
  ]
  for (const [says, play, refusal] of tricks) {
    rmSync(box, { force: true, recursive: true })
    play()
    assert.match(await ask(gordon, box), refusal, says)
    assert.equal(readFileSync(victim, "latin1"), "root's\n", says)
  }
  rmSync(box, { recursive: true })
})
