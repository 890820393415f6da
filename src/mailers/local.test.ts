import assert from "node:assert/strict"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { mc, settingsOf } from "../../test/kit/site.ts"
import { connectAgent } from "../agent/client.ts"
import { startAgent } from "../agent/main.ts"
import type { MailerDefinition } from "../config/settings.ts"
import { parseMailbox } from "../mail/address.ts"
import { inMemory } from "../mail/content.ts"
import { because } from "../mail/decision.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Account, Accounts } from "../mail/world.ts"
import type { Entry } from "../queue/entry.ts"
import type { RoutedPending } from "../queue/plan.ts"
import type { FinalDelivery, FinalWorld } from "./delivery.ts"
import { deliverFiles } from "./file.ts"
import { deliverLocal } from "./local.ts"
import { deliverPrograms } from "./program.ts"
import { userFileReader } from "./user-file.ts"

const base = mkdtempSync(join(tmpdir(), "waypost-mailers-"))
chmodSync(base, 0o755)
const isRoot = process.getuid?.() === 0
const ids = isRoot ? { uid: 23_456, gid: 23_456 } : { uid: undefined, gid: undefined }
const home = join(base, "gordon")
mkdirSync(home)
if (isRoot) chownSync(home, 23_456, 23_456)

const gordon: Account = { name: "gordon", ...ids, home, shell: "/bin/sh", gecos: "", at: undefined }
const accounts: Accounts = {
  lookup(name) {
    if (name === "gordon") return { found: "entry", entry: gordon }
    if (name === "..") return { found: "entry", entry: { ...gordon, name: ".." } }
    if (name === "root") return { found: "entry", entry: { ...gordon, name: "root", uid: 0, gid: 0 } }
    return name === "slow" ? { found: "unavailable", why: "LDAP is silent" } : { found: "nothing" }
  },
}

const socket = join(base, "agent.sock")
const running = await startAgent({ listen: { path: socket }, allowed: [], log: () => {} })
const agent = await connectAgent(socket)
after(async () => {
  agent.close()
  await running.stop()
  rmSync(base, { recursive: true })
})

const clock = (): number => Date.UTC(2026, 10, 24)

function worldWith(...mailers: readonly MailerDefinition[]): FinalWorld {
  const settings = settingsOf({ options: { DefaultUser: "23456:23456" } })
  return {
    settings: { ...settings, mailers: new Map(mailers.map((one) => [one.name, one])) },
    agent,
    accounts,
    clock,
  }
}

function definition(name: string, path: string, args: string, flags = ""): MailerDefinition {
  return { name, path, args, flags, maxSize: undefined, at: mc(7) }
}

const path = parseMailbox("me@grussell.org")
assert.ok(path.ok)
const sender = path.value

function entryOf(size: number): Entry {
  const envelope = {
    reversePath: sender,
    body: "7bit",
    smtputf8: false,
    ret: undefined,
    envid: undefined,
  } as const
  const arrival = {
    session: "s",
    protocol: "ESMTP",
    client: undefined,
    helo: undefined,
    authenticated: undefined,
    door: "MTA",
    submission: false,
    tls: undefined,
  } as const
  const summary = { messageId: "", subject: "", from: "" }
  return {
    id: "6AO7Ag00000001",
    envelope,
    arrival,
    acceptedAt: Date.now(),
    size,
    headerSize: 18,
    summary,
    held: undefined,
  }
}

function pendingFor(user: string, n: number, mailer: string, owner?: string): RoutedPending {
  const reason = because("test", "")
  const expandedFrom = { address: user, owner: undefined, user: owner, reason }
  return {
    number: n,
    recipient: { path: sender, original: undefined, notify: [], admitted: reason },
    route: { mailer, host: "", user },
    routed: reason,
    expandedFrom: owner === undefined ? undefined : expandedFrom,
    attempts: 0,
    nextAttempt: 0,
    lastStatus: undefined,
    warned: false,
  }
}

const octets = Buffer.from("Subject: hello\r\n\r\nFrom here\r\n")

function deliveryTo(mailer: string, users: readonly string[], owner?: string): FinalDelivery {
  const recipients = users.map((user, n) => pendingFor(user, n, mailer, owner))
  return {
    entry: entryOf(octets.length),
    batch: { mailer, host: "", recipients },
    content: inMemory(octets, 18),
  }
}

function brief(statuses: readonly DeliveryStatus[]): readonly string[] {
  return statuses.map(({ action, status, diagnostic }) =>
    [action, status, diagnostic].filter(Boolean).join(" "),
  )
}

test("each recipient of a batch is answered for, in its order, with the line that says where mailboxes are", async () => {
  const local = definition("local", "maildir", `${base}/%u/Maildir`)
  const statuses = await deliverLocal(
    deliveryTo("local", ["gordon", "nobody", "slow", ".."]),
    worldWith(local),
  )
  assert.deepEqual(brief(statuses), [
    "delivered 2.0.0",
    "failed 5.1.1 User unknown",
    "delayed 4.3.0 the accounts do not answer: LDAP is silent",
    'failed 5.1.1 ".." cannot be a mailbox\'s name',
  ])
  assert.deepEqual(statuses[0]?.reason, because("local", `delivered to ${home}/Maildir`, mc(7)))
  assert.deepEqual(statuses[0]?.at, new Date(clock()))
  const [name = ""] = readdirSync(join(home, "Maildir", "new"))
  const text = "Return-Path: <me@grussell.org>\nSubject: hello\n\nFrom here\n"
  assert.equal(readFileSync(join(home, "Maildir", "new", name), "latin1"), text)
})

test("+detail, capitals and a backslash lead to the same mailbox", async () => {
  const local = definition("local", "mbox", "%h/mbox")
  const statuses = await deliverLocal(
    deliveryTo("local", ["gordon+lists", "Gordon", "\\gordon"]),
    worldWith(local),
  )
  assert.deepEqual(brief(statuses), ["delivered 2.0.0", "delivered 2.0.0", "delivered 2.0.0"])
  const text = readFileSync(join(home, "mbox"), "latin1")
  assert.equal(text.match(/^From me@grussell\.org /gm)?.length, 3)
  assert.equal(text.match(/^>From here$/gm)?.length, 3)
})

test("with FEATURE(detail_folders) +detail is a folder of the Maildir, and FEATURE(maildir)'s second argument its quota", async () => {
  const local = definition("local", "maildir", "%h/Folders")
  const world = worldWith(local)
  const settings = settingsOf({ features: { maildir: ["%h/Folders", "70S"], detail_folders: ["make"] } })
  const asked = { ...world, settings: { ...world.settings, features: settings.features } }
  const typed = deliveryTo("local", ["gordon", "gordon"])
  const [first, second] = typed.batch.recipients
  assert.ok(first !== undefined && second !== undefined)
  const detailed = { ...first, route: { ...first.route, host: "lists" } }
  const delivery = { ...typed, batch: { ...typed.batch, recipients: [detailed, second] } }
  const statuses = await deliverLocal(delivery, asked)
  assert.deepEqual(brief(statuses), [
    "delivered 2.0.0",
    `delayed 4.2.2 ${home}/Folders: the mailbox is full (its quota is 70S)`,
  ])
  assert.equal(readdirSync(join(home, "Folders", ".lists", "new")).length, 1)
})

test("a message above the mailer's limit is refused", async () => {
  const local = { ...definition("local", "mbox", "%h/large"), maxSize: 10 }
  const statuses = await deliverLocal(deliveryTo("local", ["gordon"]), worldWith(local))
  assert.deepEqual(brief(statuses), ["failed 5.2.3 Message is too large; 10 bytes max"])
  assert.equal(existsSync(join(home, "large")), false)
})

test("an alias's program gets a From_ line and the message, as the user whose .forward named it", async () => {
  const prog = definition("prog", "/bin/sh", "sh -c $u", "lsDFMoqeu9")
  const statuses = await deliverPrograms(
    deliveryTo("prog", ["cat > piped; id -u > who"], "gordon"),
    worldWith(prog),
  )
  assert.deepEqual(brief(statuses), ["delivered 2.0.0"])
  assert.match(
    readFileSync(join(home, "piped"), "latin1"),
    /^From me@grussell\.org .*\nSubject: hello\n\nFrom here\n$/,
  )
  if (isRoot) assert.equal(readFileSync(join(home, "who"), "latin1"), "23456\n")
})

const prog = definition("prog", "/bin/sh", "sh -c $u", "n")

test("a program's exit code and words become the status", async () => {
  const world = worldWith(prog)
  assert.deepEqual(brief(await deliverPrograms(deliveryTo("prog", ["echo full; exit 75"]), world)), [
    "delayed 4.0.0 Deferred: full",
  ])
})

test("root's own programs run as the default user", {
  skip: !isRoot && "only root becomes another",
}, async () => {
  const [status] = await deliverPrograms(deliveryTo("prog", ["id -u"], "root"), worldWith(prog))
  assert.equal(status?.reason.says, "23456")
})

test("a local mailer that is a program is given the recipient in its arguments, each one word", async () => {
  const mda = join(base, "mda")
  writeFileSync(mda, '#!/bin/sh\nprintf "%s|" "$#" "$@"\n')
  chmodSync(mda, 0o755)
  const local = definition("local", mda, "mda -a $h -d $u -f $f", "Pn")
  const statuses = await deliverPrograms(deliveryTo("local", ["gordon+it's $HOME"]), worldWith(local))
  assert.equal(statuses[0]?.reason.says, "6|-a|it's $HOME|-d|gordon|-f|me@grussell.org|")
})

test("procmail is run as the user it would become as root: without -d, and with the From_ line it would make then", async () => {
  const procmail = join(base, "procmail")
  writeFileSync(procmail, '#!/bin/sh\nprintf "%s|" "$@"; head -1\n')
  chmodSync(procmail, 0o755)
  const local = definition("local", procmail, "procmail -Y -a $h -d $u", "SPfhn9")
  const [status] = await deliverPrograms(deliveryTo("local", ["gordon+lists"]), worldWith(local))
  assert.match(status?.reason.says ?? "", /^-Y\|-a\|lists\|From me@grussell\.org /)
})

test("a mailer with F=S may make mailboxes where their group may, and has no more rights than that", async (t) => {
  if (!isRoot) return t.skip("only root can give a directory to a group")
  const mailboxes = join(base, "mail")
  mkdirSync(mailboxes)
  chownSync(mailboxes, 0, 34_567)
  chmodSync(mailboxes, 0o2775)
  const mda = join(base, "mda-groups")
  writeFileSync(mda, '#!/bin/sh\necho "$(id -u) $(id -G)"\n')
  chmodSync(mda, 0o755)
  const says = async (flags: string) => {
    const world = worldWith(definition("local", mda, "mda -d $u", flags))
    const options = new Map([
      ...world.settings.options,
      ["LocalMailboxDirectory", { value: mailboxes, at: undefined }],
    ] as const)
    const [status] = await deliverPrograms(deliveryTo("local", ["gordon"]), {
      ...world,
      settings: { ...world.settings, options },
    })
    return status?.reason.says
  }
  assert.equal(await says("Sn"), "23456 23456 34567")
  assert.equal(await says("n"), "23456 23456")
})

test("an alias's file is appended to as its user", async () => {
  const file = definition("*file*", "[FILE]", "FILE $u")
  const log = join(home, "archive")
  const statuses = await deliverFiles(
    deliveryTo("*file*", [log, "/dev/null", "relative"], "gordon"),
    worldWith(file),
  )
  assert.deepEqual(brief(statuses), [
    "delivered 2.0.0",
    "delivered 2.0.0",
    "failed 5.3.5 relative: not an absolute path",
  ])
  assert.match(readFileSync(log, "latin1"), /^From me@grussell\.org .*\nReturn-Path: <me@grussell\.org>\n/)
})

test("users' files are read through the agent, and what it cannot tell is never no", async () => {
  const read = userFileReader(agent, { options: new Map() })
  const forward = join(home, ".forward")
  assert.deepEqual(await read(forward, gordon, "forward"), { found: "nothing" })
  writeFileSync(forward, "\\gordon, andrew@hello.com\n", { mode: 0o644 })
  if (isRoot) chownSync(forward, 23_456, 23_456)
  assert.deepEqual(await read(forward, gordon, "forward"), {
    found: "text",
    text: "\\gordon, andrew@hello.com\n",
  })
  chmodSync(forward, 0o666)
  assert.deepEqual(await read(forward, gordon, "forward"), { found: "unsafe", why: "world writable" })
  const nobody = await connectAgent(join(base, "none.sock"), 10)
  assert.deepEqual(await userFileReader(nobody, { options: new Map() })(forward, gordon, "forward"), {
    found: "unavailable",
    why: "the delivery agent is not there",
  })
})
