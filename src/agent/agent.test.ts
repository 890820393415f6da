import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { after, test } from "node:test"
import { connectAgent } from "./client.ts"
import { frameHead } from "./frames.ts"
import { startAgent } from "./main.ts"
import type { AgentAnswer, AgentRequest, DeliverRequest, Identity } from "./protocol.ts"

const base = mkdtempSync(join(tmpdir(), "waypost-agent-"))
chmodSync(base, 0o755)
after(() => rmSync(base, { recursive: true }))

const isRoot = process.getuid?.() === 0
const onlyRoot = isRoot ? {} : { skip: "only root can deliver as another user" }

const ids = isRoot ? { uid: 23_456, gid: 23_457 } : { uid: process.getuid?.(), gid: process.getgid?.() }
const home = join(base, "gordon")
mkdirSync(home)
if (isRoot) chownSync(home, ids.uid ?? 0, ids.gid ?? 0)
const gordon: Identity = { name: "gordon", ...ids, home }

const logged: string[] = []
const path = join(base, "agent.sock")
const running = await startAgent({
  listen: { path },
  allowed: [],
  log: (line) => logged.push(line),
  lockWaitMilliseconds: 300,
})
const agent = await connectAgent(path)
after(async () => {
  agent.close()
  await running.stop()
})

const message = Buffer.from("Return-Path: <me@grussell.org>\nSubject: hello\n\nFrom here\nto there\n")
const nov15 = Date.UTC(2008, 10, 15, 11, 12, 21)

function deliver(mailbox: { format: "mbox" | "maildir"; path: string }, delivery = "mAFBCL00000001.0") {
  const request = {
    verb: "deliver",
    owner: gordon,
    mailbox,
    sender: "me@grussell.org",
    date: nov15,
    delivery,
  } as const
  return agent.ask(request, [message]).then(({ answer }) => answer)
}

function run(command: string, more: Partial<AgentRequest & { verb: "run" }> = {}): Promise<AgentAnswer> {
  const request = {
    verb: "run",
    owner: gordon,
    command,
    environment: {},
    directory: home,
    timeoutSeconds: 20,
    outputLimit: 8192,
    ...more,
  } as const
  return agent.ask(request, [message]).then(({ answer }) => answer)
}

test("a Maildir is made at its first delivery, private, and belongs to its owner", async () => {
  const maildir = join(home, "Maildir")
  const answer = await deliver({ format: "maildir", path: maildir })
  assert.equal(answer.outcome, "done")
  const [name = ""] = readdirSync(join(maildir, "new"))
  assert.match(name, /^1226747541\.QmAFBCL00000001\.0\./)
  assert.deepEqual(readFileSync(join(maildir, "new", name)), message)
  assert.deepEqual(readdirSync(join(maildir, "tmp")), [])
  for (const place of [maildir, join(maildir, "cur"), join(maildir, "new", name)]) {
    const { uid, gid, mode } = statSync(place)
    assert.deepEqual({ uid, gid }, ids)
    assert.equal(mode & 0o077, 0)
  }
})

test("an mbox is made at its first delivery, 0600, and belongs to its owner", async () => {
  const answer = await deliver({ format: "mbox", path: join(home, "mbox") })
  assert.equal(answer.outcome, "done")
  const { uid, gid, mode } = statSync(join(home, "mbox"))
  assert.deepEqual({ uid, gid, mode: mode & 0o777 }, { ...ids, mode: 0o600 })
  assert.match(
    readFileSync(join(home, "mbox"), "latin1"),
    /^From me@grussell\.org  Sat Nov 15 \d\d:12:21 2008\n/,
  )
})

test("many deliveries at once are all made, and none waits for another mailbox", async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      deliver(
        n % 2 === 0
          ? { format: "maildir", path: join(home, `dir${n % 10}`) }
          : { format: "mbox", path: join(home, `box${n % 10}`) },
        `mAFBCL00000002.${n}`,
      ),
    ),
  )
  assert.deepEqual(new Set(answers.map(({ outcome }) => outcome)), new Set(["done"]))
  assert.equal(readdirSync(join(home, "dir4", "new")).length, 20)
  assert.equal(readFileSync(join(home, "box3"), "latin1").split("\nFrom ").length, 20)
})

test(
  "a mailbox under a directory only root may write is made by root and given to its owner",
  onlyRoot,
  async () => {
    const spool = join(base, "rootmail")
    mkdirSync(spool, { mode: 0o755 })
    assert.equal((await deliver({ format: "mbox", path: join(spool, "gordon") })).outcome, "done")
    assert.equal((await deliver({ format: "maildir", path: join(spool, "gordon.dir") })).outcome, "done")
    assert.equal(statSync(join(spool, "gordon")).uid, ids.uid)
    assert.equal(statSync(join(spool, "gordon.dir", "new")).uid, ids.uid)
    assert.deepEqual(readdirSync(spool).toSorted(), ["gordon", "gordon.dir"], "no lock is left")
  },
)

test("in a mail group's directory the mailbox is the user's and the group's", onlyRoot, async () => {
  const spool = join(base, "groupmail")
  mkdirSync(spool)
  chownSync(spool, 0, 8)
  chmodSync(spool, 0o2775)
  assert.equal((await deliver({ format: "mbox", path: join(spool, "gordon") })).outcome, "done")
  const { uid, gid } = statSync(join(spool, "gordon"))
  assert.deepEqual({ uid, gid }, { uid: ids.uid, gid: 8 })
})

test("as root a user without uid is not delivered as root", onlyRoot, async () => {
  const owner = { name: "virtual", uid: undefined, gid: undefined, home }
  const mailbox = { format: "mbox", path: join(home, "virtual") } as const
  const request = { verb: "deliver", owner, mailbox, sender: "", date: nov15, delivery: "x" } as const
  const { answer } = await agent.ask(request, [message])
  assert.deepEqual(answer, {
    outcome: "later",
    status: "4.3.5",
    text: "the user virtual has no uid to deliver with",
  })
})

test("a symbolic link into another's file gains nothing", onlyRoot, async () => {
  const secret = join(base, "roots")
  writeFileSync(secret, "root's", { mode: 0o600 })
  symlinkSync(secret, join(home, "link"))
  const answer = await deliver({ format: "mbox", path: join(home, "link") })
  assert.equal(answer.outcome, "failed")
  symlinkSync(base, join(home, "linked"))
  assert.equal((await deliver({ format: "mbox", path: join(home, "linked", "roots") })).outcome, "later")
  assert.equal(readFileSync(secret, "utf8"), "root's")
})

test("a program gets the message on standard input and its output is the answer", async () => {
  const answer = await run("cat > got; echo Filed under letters")
  assert.deepEqual(answer, { outcome: "done", status: "2.0.0", text: "Filed under letters" })
  assert.deepEqual(readFileSync(join(home, "got")), message)
})

test(
  "a program has its user's ids, no other rights, a clean environment and three descriptors",
  onlyRoot,
  async () => {
    const answer = await run(
      "id -u; id -g; id -G; pwd; ls /proc/self/fd | tr '\\n' ' '; env | sort; grep NoNewPrivs /proc/self/status",
    )
    assert.equal(answer.outcome, "done")
    const text = "text" in answer ? answer.text : ""
    const names = [...text.matchAll(/(\w+)=/g)].map(([, name]) => name)
    assert.match(
      text,
      new RegExp(`^${ids.uid} ${ids.gid} ${ids.gid} ${home} 0 1 2 3 `),
      "3 is ls's own directory",
    )
    assert.deepEqual(names, ["HOME", "LOGNAME", "PATH", "PWD", "SHELL", "USER"])
    assert.match(text, /NoNewPrivs: 1$/)
  },
)

test("a program is never run as root", onlyRoot, async () => {
  const answer = await run("id", { owner: { name: "root", uid: 0, gid: 0, home: "/root" } })
  assert.deepEqual(answer, {
    outcome: "failed",
    status: "5.7.0",
    text: "programs are not run as root: that is root",
  })
})

const exits: readonly (readonly [string, AgentAnswer])[] = [
  ["exit 0", { outcome: "done", status: "2.0.0", text: "Sent" }],
  ["exit 75", { outcome: "later", status: "4.0.0", text: "Deferred" }],
  [
    "echo no such list >&2; exit 67",
    { outcome: "failed", status: "5.1.1", text: "User unknown: no such list" },
  ],
  ["exit 68", { outcome: "failed", status: "5.1.2", text: "Host unknown" }],
  ["exit 69", { outcome: "failed", status: "5.0.0", text: "Service unavailable" }],
  ["exit 99", { outcome: "failed", status: "5.0.0", text: "unknown mailer error 99" }],
  ["kill -9 $$", { outcome: "later", status: "4.3.0", text: "the program was ended by SIGKILL" }],
  [
    "exec /nonexistent/program 2>/dev/null",
    { outcome: "failed", status: "5.0.0", text: "unknown mailer error 127" },
  ],
]
for (const [command, expected] of exits) {
  test(`a program that ends by "${command}" means ${expected.outcome}`, async () => {
    assert.deepEqual(await run(command), expected)
  })
}

test("a program that does not end is stopped with all it started", async () => {
  const answer = await run("sleep 1000 & sleep 1000", { timeoutSeconds: 0.3 })
  assert.deepEqual(answer, { outcome: "later", status: "4.3.0", text: "the program was stopped after 0.3 s" })
  const { stdout } = spawnSync("ps", ["-eo", "uid,args"], { encoding: "utf8" })
  if (isRoot) assert.doesNotMatch(stdout, new RegExp(`^ *${ids.uid} sleep 1000`, "m"))
})

async function* manyPieces(count: number): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n++) yield Buffer.alloc(65_536, "x")
}

test("a program whose asker is gone is ended with all it started: its message comes once more", async () => {
  const asker = await connectAgent(path)
  const ended = join(home, "ended")
  const command = `sleep 60 & echo $! > pid; trap "" TERM; wait; touch ${ended}`
  const request = { verb: "run", owner: gordon, command, environment: {}, directory: home } as const
  void asker.ask({ ...request, timeoutSeconds: 60, outputLimit: 100 }, [message])
  const pidFile = join(home, "pid")
  while (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "") await sleep(10)
  const pid = Number(readFileSync(pidFile, "utf8"))
  asker.close()
  while (isThere(pid)) await sleep(10)
  assert.equal(existsSync(ended), false)
})

function isThere(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"))
  } catch {
    return false
  }
}

test("a program that stops reading is judged by its exit code, however large the message", async () => {
  const request = {
    verb: "run",
    owner: gordon,
    command: "head -c 10",
    environment: {},
    directory: home,
  } as const
  const { answer } = await agent.askWithPieces(
    { ...request, timeoutSeconds: 20, outputLimit: 100 },
    manyPieces(64),
  )
  assert.deepEqual(answer, { outcome: "done", status: "2.0.0", text: "xxxxxxxxxx" })
})

test("a program's output is kept up to the limit and the rest thrown away", async () => {
  const answer = await run("yes waypost | head -c 1000000", { outputLimit: 20 })
  assert.deepEqual(answer, { outcome: "done", status: "2.0.0", text: "waypost waypost wayp" })
})

function read(file: string, limit = 1000) {
  return agent.ask({ verb: "read", owner: gordon, path: join(home, file), limit }, [])
}

async function why(file: string, limit?: number): Promise<AgentAnswer> {
  return (await read(file, limit)).answer
}

function write(file: string, mode: number): void {
  writeFileSync(join(home, file), "andrew@napier.ac.uk\n")
  if (isRoot) chownSync(join(home, file), ids.uid ?? 0, ids.gid ?? 0)
  chmodSync(join(home, file), mode) // after chown, which takes set-uid bits away
}

test("of several files that are missing, one answer says so, or that some of them are there", async () => {
  const ask = async (...further: string[]) => {
    const paths = further.map((file) => join(home, file))
    const path = join(home, ".forward.none")
    return (await agent.ask({ verb: "read", owner: gordon, path, limit: 1000, further: paths }, [])).answer
  }
  write(".forward.there", 0o600)
  assert.deepEqual(await ask(".forward.neither", "no-folder/.forward"), { outcome: "nothing" })
  assert.deepEqual(await ask(".forward.neither", ".forward.there"), {
    outcome: "nothing",
    further: "some are there",
  })
})

test("beside a file that may say where mail goes nothing is delivered, and nothing is made", async () => {
  const path = join(home, "beside")
  const ask = async (mailbox: DeliverRequest["mailbox"], file: string) => {
    const common = {
      verb: "deliver",
      owner: gordon,
      sender: "",
      date: nov15,
      delivery: "mAFBCL00000009.0",
    } as const
    const unless = [join(home, ".forward.none"), join(home, file)]
    return (await agent.ask({ ...common, mailbox, unless }, [message])).answer
  }
  write(".forward.there", 0o600)
  const text = "a .forward has to be read first"
  const untouched = { outcome: "later", status: "4.2.0", text, forwards: true }
  const cannotBeTold = "f".repeat(300)
  for (const mailbox of [
    { format: "mbox", path },
    { format: "maildir", path },
    { format: "maildir", path, folder: { name: "new", make: true } },
  ] as const) {
    for (const file of [".forward.there", cannotBeTold]) assert.deepEqual(await ask(mailbox, file), untouched)
    assert.equal(existsSync(path), false)
    assert.equal((await ask(mailbox, ".forward.neither")).outcome, "done")
    rmSync(path, { recursive: true })
  }
})

test("a .forward of its owner is read, and one that is not there says nothing", async () => {
  write(".forward", 0o600)
  const { answer, body } = await read(".forward")
  assert.deepEqual(answer, { outcome: "text" })
  assert.equal(body.toString(), "andrew@napier.ac.uk\n")
  assert.deepEqual((await read(".forward+list")).answer, { outcome: "nothing" })
})

test("a .forward that others may write, or that is too large or no file, is not believed", async () => {
  write("group", 0o660)
  write("world", 0o666)
  symlinkSync(".forward", join(home, "symlink"))
  spawnSync("mkfifo", [join(home, "fifo")])
  write("large", 0o600)
  assert.deepEqual(await why("group"), { outcome: "unsafe", text: "group writable" })
  assert.deepEqual(await why("world"), { outcome: "unsafe", text: "world writable" })
  assert.deepEqual(await why("symlink"), { outcome: "unsafe", text: "a symbolic link" })
  assert.deepEqual(await why("fifo"), { outcome: "unsafe", text: "not a regular file" })
  assert.deepEqual(await why("large", 5), {
    outcome: "unsafe",
    text: "20 octets, more than the 5 that are read",
  })
})

test("a rule that is borne is no hindrance, and the answer says that it was broken; any other still is", async () => {
  write("group", 0o660)
  write("everybody", 0o666)
  const ask = async (file: string) => {
    const path = join(home, file)
    const bears = ["group writable file"] as const
    return (await agent.ask({ verb: "read", owner: gordon, path, limit: 1000, bears }, [])).answer
  }
  assert.deepEqual(await ask("group"), { outcome: "text", despite: ["group writable file"] })
  assert.deepEqual(await ask("everybody"), { outcome: "unsafe", text: "world writable" })
  chmodSync(home, 0o770)
  const inDirectory = await ask("group")
  chmodSync(home, 0o755)
  assert.deepEqual(inDirectory, { outcome: "unsafe", text: `${home} is a group writable directory` })
})

test("a file is read with its owner's rights and no more", onlyRoot, async () => {
  write("secret", 0o600)
  chownSync(join(home, "secret"), 0, 0)
  assert.deepEqual((await read("secret")).answer, { outcome: "unsafe", text: "its user may not read it" })
})

function append(file: string): Promise<AgentAnswer> {
  const request = {
    verb: "append",
    owner: gordon,
    path: file,
    sender: "",
    date: nov15,
    delivery: "x",
  } as const
  return agent.ask(request, [message]).then(({ answer }) => answer)
}

test("an alias's file is appended to in mbox form, and /dev/null swallows", async () => {
  assert.equal((await append(join(home, "log"))).outcome, "done")
  assert.match(
    readFileSync(join(home, "log"), "latin1"),
    /^From MAILER-DAEMON .*\nReturn-Path: [^]*\n>From here\nto there\n\n$/,
  )
  assert.equal((await append("/dev/null")).outcome, "done")
})

test("no file is appended to that could harm", async () => {
  write("program", 0o755)
  write("setuid", 0o4644)
  const open = join(home, "open")
  mkdirSync(open)
  chmodSync(open, 0o777)
  assert.match(JSON.stringify(await append(join(home, "program"))), /failed.*an executable file/)
  assert.match(JSON.stringify(await append(join(home, "setuid"))), /failed.*a set-uid or set-gid file/)
  assert.match(JSON.stringify(await append(join(open, "new"))), /failed.*world writable directory/)
  assert.match(JSON.stringify(await append(join(home, "nowhere", "file"))), /failed.*no such directory/)
})

test("a file in a directory of root is not made for a user", onlyRoot, async () => {
  const roots = join(base, "etc")
  mkdirSync(roots, { mode: 0o755 })
  assert.match(JSON.stringify(await append(join(roots, "cron"))), /failed.*permission denied/)
  assert.deepEqual(readdirSync(roots), [])
})

test("a large message comes by piece, and one that breaks off leaves nothing", async () => {
  const piece = Buffer.alloc(65_536, "0123456789abcde\n")
  const pieces = async function* (count: number, thenFail: boolean): AsyncGenerator<Buffer> {
    for (let n = 0; n < count; n++) yield piece
    if (thenFail) throw new Error("the body cannot be read")
  }
  const maildir = join(home, "large.dir")
  const request = (delivery: string) =>
    ({
      verb: "deliver",
      owner: gordon,
      mailbox: { format: "maildir", path: maildir },
      sender: "",
      date: nov15,
      delivery,
    }) as const
  assert.equal((await agent.askWithPieces(request("whole"), pieces(160, false))).answer.outcome, "done")
  assert.equal((await agent.askWithPieces(request("broken"), pieces(160, true))).answer.outcome, "later")
  await agent.askWithPieces(request("again"), pieces(1, false))
  const sizes = readdirSync(join(maildir, "new")).map((name) => statSync(join(maildir, "new", name)).size)
  assert.deepEqual(
    sizes.toSorted((a, b) => a - b),
    [65_536, 160 * 65_536],
  )
  assert.deepEqual(readdirSync(join(maildir, "tmp")), [])
})

test("a client that speaks nonsense is sent away, and others are served on", async () => {
  const stranger = connect(path).resume()
  stranger.write(Buffer.alloc(64, 0xff))
  await once(stranger, "close")
  assert.match(logged.at(-1) ?? "", /speaks nonsense: a frame of/)
  const babbler = connect(path).resume()
  babbler.write(frameHead({ number: "one" }, 0))
  await once(babbler, "close")
  assert.equal((await agent.ask({ verb: "ping" }, [])).answer.outcome, "done")
})

test("a user who is not allowed gets no answer at all", onlyRoot, async (t) => {
  const ping = frameHead({ number: 1, request: { verb: "ping" } }, 0).toString("base64")
  const script = `import socket, base64
s = socket.socket(socket.AF_UNIX); s.connect(${JSON.stringify(path)})
try:
    s.sendall(base64.b64decode("${ping}"))
    print("answered" if s.recv(1) else "closed")
except (ConnectionResetError, BrokenPipeError): print("closed")`
  if (spawnSync("/usr/bin/python3", ["--version"]).status !== 0)
    return t.skip("no /usr/bin/python3 to be the stranger")
  const child = spawn("/usr/bin/python3", ["-c", script], {
    uid: 23_999,
    gid: 23_999,
    cwd: "/",
    stdio: ["ignore", "pipe", "inherit"],
  })
  assert.equal(await text(child.stdout), "closed\n")
  assert.match(logged.at(-1) ?? "", /uid 23999 may not ask/)
})

test("without an agent every request is to be tried again", async () => {
  const nobody = await connectAgent(join(base, "nobody.sock"), 50)
  const { answer } = await nobody.ask({ verb: "ping" }, [])
  assert.deepEqual(answer, { outcome: "later", status: "4.3.0", text: "the delivery agent is not there" })
  nobody.close()
})
