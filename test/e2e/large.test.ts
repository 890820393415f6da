// A message of 50 MiB on its whole way, to another host and into both kinds of mailbox: it comes out as it went in, and no process
// of the system ever needs more than a little memory for it.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { type Sink, startSink } from "../kit/sink.ts"
import { handIn, type Session, System } from "../kit/system.ts"

const mebibyte = 1024 * 1024
const size = 50 * mebibyte
const mayGrow = 20 * mebibyte

let sink: Sink

before(async () => {
  sink = await startSink({ extensions: ["PIPELINING", "8BITMIME", `SIZE ${2 * size}`] })
})

after(() => sink.close())

const mc = (port: number, mailboxes: string) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`mailertable', \`hash @DIR@/mailertable')dnl
${mailboxes}dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`
const maildirs = "FEATURE(`maildir', `@DIR@/mail/%u')"
const mboxes = "define(`confLOCAL_MAILBOX_DIR', `@DIR@/mail')"

function start(mailboxes: string): Promise<System> {
  const files = { mailertable: "napier.ac.uk\tesmtp:[127.0.0.1]\n" }
  return System.start({ mc: mc(sink.port, mailboxes), files, users: ["gor"] })
}

type Peak = { readonly name: string; readonly octets: number }

/** What each process of the system ever had in memory at most. */
function peaks(pid: number): ReadonlyMap<number, Peak> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim()
  const further = children === "" ? [] : children.split(" ").flatMap((child) => [...peaks(Number(child))])
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
  const role = words[words.indexOf("process") + 1] ?? "start"
  const octets = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
  return new Map([[pid, { name: role, octets }], ...further])
}

function assertModest(earlier: ReadonlyMap<number, Peak>, later: ReadonlyMap<number, Peak>): void {
  assert.deepEqual([...later.keys()], [...earlier.keys()], "no process was replaced")
  assert.equal(later.size, 3, "supervisor, agent and mail process")
  for (const [pid, { name, octets }] of later) {
    const grown = octets - (earlier.get(pid)?.octets ?? 0)
    assert.ok(grown <= mayGrow, `the ${name} process grew by ${(grown / mebibyte).toFixed(1)} MiB`)
  }
}

const line = `${"All work and no play makes Jack a dull boy. ".repeat(2).slice(0, 76)}\r\n`
const piece = Buffer.from(line.repeat(Math.ceil(mebibyte / line.length)))
const header = Buffer.from("Subject: large\r\nMessage-ID: <large@napier.ac.uk>\r\n\r\n")
const pieces: readonly Buffer[] = [
  header,
  ...Array.from({ length: Math.ceil(size / piece.length) }, () => piece),
]

/** The digest of what follows the header, with line ends as a mailbox has them or as the wire has them. */
function digest(content: Buffer): string {
  const blank = content.includes("\r\n\r\n") ? "\r\n\r\n" : "\n\n"
  const body = content.subarray(content.indexOf(blank) + blank.length)
  return createHash("sha256").update(body).digest("hex")
}

const onTheWire = digest(Buffer.concat(pieces))
const inMailboxes = digest(
  Buffer.from(Buffer.concat(pieces).toString("latin1").replaceAll("\r\n", "\n"), "latin1"),
)

async function sendLarge(session: Session, to: string): Promise<void> {
  await session.reply()
  for (const command of ["EHLO napier.ac.uk", "MAIL FROM:<andrew@napier.ac.uk>", `RCPT TO:<${to}>`, "DATA"])
    assert.match(await session.say(command), /^[23]/)
  for (const octets of pieces) session.write(octets)
  assert.match(await session.say("."), /^250 2\.0\.0/)
  session.close()
}

/** Small messages first: what a process needs to run at all is no growth. */
async function warmUp(system: System, to: string): Promise<void> {
  for (let n = 0; n < 20; n++) {
    const reply = await handIn(system, {
      from: "andrew@napier.ac.uk",
      to: [to],
      text: `Subject: ${n}\n\nHello.\n`,
    })
    assert.match(reply, /^250/)
  }
  await system.idle()
}

async function large(system: System, to: string): Promise<void> {
  await warmUp(system, to)
  const earlier = peaks(system.pid)
  await sendLarge(await system.connect(), to)
  await system.idle()
  assertModest(earlier, peaks(system.pid))
}

test("50 MiB go to another host whole, and no process grows by more than 20 MiB", async () => {
  const system = await start(maildirs)
  try {
    await large(system, "jim@napier.ac.uk")
    assert.equal(digest(sink.transactions.at(-1)?.content ?? Buffer.alloc(0)), onTheWire)
  } finally {
    await system.stop()
  }
})

test("50 MiB go into a Maildir whole, and no process grows by more than 20 MiB", async () => {
  const system = await start(maildirs)
  try {
    await large(system, "gor@grussell.org")
    const folder = join(system.directory, "mail", "gor", "new")
    const contents = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
    const found = contents.find((one) => one.length > mebibyte) ?? assert.fail("it is not there")
    assert.equal(digest(found), inMailboxes)
  } finally {
    await system.stop()
  }
})

test("50 MiB go into an mbox whole, and no process grows by more than 20 MiB", async () => {
  const system = await start(mboxes)
  try {
    await large(system, "gor@grussell.org")
    const mbox = readFileSync(join(system.directory, "mail", "gor"))
    const found = mbox.subarray(mbox.lastIndexOf("\n\nFrom ") + 2, -1) // each message ends with a blank line
    assert.equal(digest(found), inMailboxes)
  } finally {
    await system.stop()
  }
})
