// The agent as the process that the supervisor starts: told what it may do, killed, stopped, and asked by a captured mail process.
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { connectAgent } from "./client.ts"
import type { ToAgent } from "./main.ts"
import type { Permits } from "./permits.ts"
import type { Identity } from "./protocol.ts"

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

const message = Buffer.from("Return-Path: <me@grussell.org>\nSubject: hello\n\nFrom here\nto there\n")
const nov15 = Date.UTC(2008, 10, 15, 11, 12, 21)

/** What the agent processes of these tests are told by their supervisor. */
const permits: Permits = {
  mailboxes: [
    { format: "mbox", template: `${base}/mail/%u` },
    { format: "maildir", template: "%h/killed.dir" },
  ],
  folders: "%h/mail",
  directory: `${base}/mail`,
  defaultUser: "23458:23459",
  usersFile: join(base, "users"),
  mailUser: { uid: 23_460, gid: 23_460 },
}
writeFileSync(permits.usersFile, `gordon::${home}:${ids.uid}:${ids.gid}:\n`)
let agentSaid = ""

/** A whole agent process, to be killed. */
async function agentProcess(socket: string): Promise<ChildProcess> {
  const main = JSON.stringify(new URL("./main.ts", import.meta.url).href)
  const script = `import { runAgentProcess } from ${main}; process.exitCode = await runAgentProcess([${JSON.stringify(socket)}, "0"])`
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script]
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "inherit", "pipe", "ipc"],
    serialization: "advanced",
  })
  child.stderr?.setEncoding("utf8").on("data", (said: string) => (agentSaid += said))
  after(() => child.kill("SIGKILL"))
  child.send({ permits } satisfies ToAgent)
  const client = await connectAgent(socket, 20_000)
  client.close()
  return child
}

test("an agent killed in the middle leaves no half message where a reader looks, and a second try makes no double", async () => {
  const socket = join(base, "killed.sock")
  const maildir = join(home, "killed.dir")
  const body = [Buffer.alloc(300_000, "line of a message\n")]
  const names = Array.from({ length: 200 }, (_, n) => `kill.${n}`)
  const request = (delivery: string) =>
    ({
      verb: "deliver",
      owner: gordon,
      mailbox: { format: "maildir", path: maildir },
      sender: "",
      date: nov15,
      delivery,
    }) as const
  const first = await agentProcess(socket)
  const client = await connectAgent(socket)
  const answers = names.map((name) => client.ask(request(name), body))
  await Promise.race(answers)
  first.kill("SIGKILL")
  const outcomes = (await Promise.all(answers)).map(({ answer }) => answer.outcome)
  assert.ok(outcomes.includes("later"), "some were in hand when it died")
  const sizes = readdirSync(join(maildir, "new")).map((name) => statSync(join(maildir, "new", name)).size)
  assert.deepEqual([...new Set(sizes)], [300_000])

  await agentProcess(socket)
  const again = await Promise.all(names.map((name) => client.ask(request(name), body)))
  assert.deepEqual(new Set(again.map(({ answer }) => answer.outcome)), new Set(["done"]))
  assert.equal(readdirSync(join(maildir, "new")).length, names.length)
  assert.deepEqual(readdirSync(join(maildir, "tmp")), [])
  client.close()
})

test(
  "as root an agent lends no rights but those of accounts, and no places but those of mailboxes",
  onlyRoot,
  async () => {
    const socket = join(base, "judging.sock")
    await agentProcess(socket)
    const client = await connectAgent(socket)
    const place = { format: "mbox", path: join(base, "mail", "gordon") } as const
    const ask = async (owner: Identity, mailbox: { format: "mbox" | "maildir"; path: string } = place) => {
      const request = {
        verb: "deliver",
        owner,
        mailbox,
        sender: "",
        date: nov15,
        delivery: "judge.1",
      } as const
      const { answer } = await client.ask(request, [message])
      return "text" in answer ? `${answer.outcome} ${answer.text}` : answer.outcome
    }
    mkdirSync(join(base, "mail"))
    assert.equal(await ask(gordon), `done delivered to ${place.path}`)
    const root = { name: "root", uid: 0, gid: 0, home: "/etc" }
    assert.match(
      await ask(root, { format: "mbox", path: join(base, "mail", "root") }),
      /^later no account root has uid 0, gid 0 and the home \/etc/,
    )
    assert.match(await ask({ ...gordon, uid: 1 }), /^later no account gordon has uid 1/)
    assert.match(await ask({ ...gordon, gid: 0 }), /^later no account gordon has uid 23456, gid 0/)
    assert.match(await ask({ ...gordon, home: "/etc" }), /^later no account gordon has .* home \/etc/)
    assert.match(
      await ask({ ...gordon, name: "nosuch" }, { format: "mbox", path: join(base, "mail", "nosuch") }),
      /^later no account nosuch/,
    )
    for (const path of ["/etc/cron.d/x", join(base, "mail", "andrew"), `${base}/mail/../mail/gordon`]) {
      assert.equal(
        await ask(gordon, { format: "mbox", path }),
        `later ${path} is no mailbox of gordon by the configuration`,
      )
    }
    assert.match(await ask(gordon, { format: "maildir", path: place.path }), /is no mailbox of gordon/)
    assert.match(agentSaid, /a request is refused: no account gordon has uid 1/)
    client.close()
  },
)

test(
  "as root an agent gives a program the group of mailboxes and of no other directory, and its environment only when root is gone",
  onlyRoot,
  async () => {
    const socket = join(base, "lending.sock")
    await agentProcess(socket)
    const client = await connectAgent(socket)
    const shared = join(base, "shared")
    mkdirSync(shared)
    chownSync(shared, 0, 4) // adm
    chmodSync(shared, 0o2775)
    const library = join(home, "evil.so")
    const usual = { verb: "run", owner: gordon, command: "id -G; echo $LD_PRELOAD", directory: home } as const
    const limits = { timeoutSeconds: 20, outputLimit: 1000 }
    const ask = async (more: object) =>
      (await client.ask({ ...usual, environment: {}, ...limits, ...more }, [])).answer
    const text = `${shared} is not the directory of mailboxes`
    assert.deepEqual(await ask({ mailboxes: shared }), { outcome: "later", status: "4.3.5", text })
    const said = await ask({ environment: { LD_PRELOAD: library } })
    // The loader complains once for each program that is started with it: the shell and id, not setpriv and env before them.
    assert.ok(said.outcome === "done" && said.text.includes("ERROR: ld.so"), JSON.stringify(said))
    assert.equal(said.text.match(/ERROR: ld\.so/g)?.length, 2)
    // What it says on its two outputs comes in either order.
    assert.match(said.text, /(?:^| )23457 /)
    assert.match(said.text, /evil\.so(?: |$)/)
    client.close()
  },
)

test("an agent told to stop finishes what it has in hand", async () => {
  const socket = join(base, "stopped.sock")
  const child = await agentProcess(socket)
  const client = await connectAgent(socket)
  const request = {
    verb: "run",
    owner: gordon,
    command: "echo begun > begun; sleep 0.3; echo finished",
    environment: {},
  } as const
  const asked = client.ask({ ...request, directory: home, timeoutSeconds: 20, outputLimit: 100 }, [])
  await client.ask({ verb: "ping" }, [])
  child.kill("SIGTERM")
  assert.deepEqual((await asked).answer, { outcome: "done", status: "2.0.0", text: "finished" })
  if (child.exitCode === null) await once(child, "exit")
  assert.equal(child.exitCode, 0)
  client.close()
})
