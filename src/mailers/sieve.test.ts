// What becomes of a message by a user's script, with a delivery agent of its own and a memory in hand: folders, flags and keywords
// of both kinds of mailbox, and attempts that are made again.
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
import { after, beforeEach, test } from "node:test"
import { mc, settingsOf } from "../../test/kit/site.ts"
import { connectAgent } from "../agent/client.ts"
import { startAgent } from "../agent/main.ts"
import { SieveMemory } from "../daemon/sieve-services.ts"
import { parseMailbox } from "../mail/address.ts"
import { inMemory } from "../mail/content.ts"
import { because } from "../mail/decision.ts"
import { fail, ok } from "../mail/result.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Account } from "../mail/world.ts"
import type { Entry } from "../queue/entry.ts"
import type { RoutedPending } from "../queue/plan.ts"
import { deliverLocal } from "./local.ts"
import type { SieveLetter } from "./sieve-world.ts"

const base = mkdtempSync(join(tmpdir(), "waypost-sieve-"))
chmodSync(base, 0o755)
const isRoot = process.getuid?.() === 0
const ids = isRoot ? { uid: 23_456, gid: 23_456 } : { uid: undefined, gid: undefined }
const home = join(base, "gordon")
const boxes = join(base, "boxes")
const gordon: Account = { name: "gordon", ...ids, home, shell: "/bin/sh", gecos: "", at: undefined }

const socket = join(base, "agent.sock")
const running = await startAgent({ listen: { path: socket }, allowed: [], log: () => {} })
const agent = await connectAgent(socket)
const memory = new SieveMemory(join(base, "sieve.db"))
after(async () => {
  memory.close()
  agent.close()
  await running.stop()
  rmSync(base, { recursive: true })
})

let letters: SieveLetter[] = []
let noRoomFor: string | undefined
const clock = () => Date.UTC(2026, 10, 24)

beforeEach(() => {
  for (const directory of [home, boxes]) {
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory)
    if (isRoot) chownSync(directory, 23_456, 23_456)
  }
  letters = []
  noRoomFor = undefined
})

const bob = parseMailbox("bob@hello.com")
const recipient = parseMailbox("gordon@grussell.org")
assert.ok(bob.ok && recipient.ok)
const addresses = { sender: bob.value, recipient: recipient.value }

const text =
  "From: bob@hello.com\r\nTo: gordon@grussell.org\r\nSubject: hello\r\nStatus: RO\r\nMessage-ID: <1@hello.com>\r\n\r\nbody\r\n"

let count = 0
const fresh = () => `6AO7Ag${String(++count).padStart(8, "0")}`

type Given = {
  readonly id?: string
  readonly attempts?: number
  readonly more?: Partial<Entry["envelope"]>
  /** It is too large for memory. */
  readonly large?: true
}

/** Delivers by this script, into what FEATURE(maildir) or an mbox is. */
async function deliver(
  format: "mbox" | "maildir",
  script: string,
  given: Given = {},
): Promise<DeliveryStatus> {
  writeFileSync(join(home, ".sieve"), script, { mode: 0o600 })
  if (isRoot) chownSync(join(home, ".sieve"), 23_456, 23_456)
  const { id = fresh(), attempts = 0, more, large } = given
  const small = inMemory(Buffer.from(text), text.indexOf("\r\n\r\n") + 4)
  const content = large === undefined ? small : { ...small, bytes: undefined, chunks: small.chunks }
  const mailer = { name: "local", path: format, flags: "", maxSize: undefined, at: mc(7) }
  const args = format === "mbox" ? `${boxes}/%u` : "%h/Maildir"
  const settings = settingsOf({ features: { sieve: [] } })
  const statuses = await deliverLocal(
    { entry: entryOf(id, content.size, more), batch: batchOf(attempts), content },
    {
      settings: { ...settings, mailers: new Map([["local", { ...mailer, args }]]) },
      agent,
      accounts: { lookup: () => ({ found: "entry", entry: gordon }) },
      clock,
      sieve: {
        clock,
        send: (letter) => {
          if (letter.recipient === noRoomFor) return Promise.resolve(fail("the disk is full"))
          letters.push(letter)
          return Promise.resolve(ok("Q1"))
        },
        seen: (question) => memory.seen(question, clock()),
        isDone: (key) => memory.isDone(key, clock()),
        setDone: (key) => memory.setDone(key, clock()),
      },
    },
  )
  assert.ok(statuses[0] !== undefined)
  return statuses[0]
}

function entryOf(id: string, size: number, more: Partial<Entry["envelope"]> = {}): Entry {
  const envelope = {
    reversePath: addresses.sender,
    body: "7bit",
    smtputf8: false,
    ret: undefined,
    envid: undefined,
  } as const
  const nobody = { client: undefined, helo: undefined, authenticated: undefined, tls: undefined }
  return {
    id,
    envelope: { ...envelope, ...more },
    arrival: { ...nobody, session: "s", protocol: "ESMTP", door: "MTA", submission: false },
    acceptedAt: Date.now(),
    size,
    headerSize: text.indexOf("\r\n\r\n") + 4,
    summary: { messageId: "", subject: "", from: "" },
    held: undefined,
  }
}

function batchOf(attempts: number) {
  const reason = because("test", "")
  const pending: RoutedPending = {
    number: 0,
    recipient: { path: addresses.recipient, original: undefined, notify: [], admitted: reason },
    route: { mailer: "local", host: "", user: "gordon" },
    routed: reason,
    expandedFrom: undefined,
    attempts,
    nextAttempt: 0,
    lastStatus: undefined,
    warned: false,
  }
  return { mailer: "local", host: "", recipients: [pending] }
}

function filesIn(...parts: readonly string[]): readonly string[] {
  const directory = join(...parts)
  return existsSync(directory) ? readdirSync(directory) : []
}

const read = (...parts: readonly string[]) => readFileSync(join(...parts), "latin1")

test("keywords of a script are letters of the Maildir's file name, by its dovecot-keywords", async () => {
  const script =
    'require ["imap4flags","fileinto"];\nsetflag ["\\\\Flagged","$Work","NonJunk"];\nfileinto "Lists/mutt";\n'
  const { action, reason } = await deliver("maildir", script)
  assert.equal(action, "delivered", reason.says)
  const [file] = filesIn(home, "Maildir/.Lists.mutt/cur")
  assert.match(file ?? "", /:2,Fab$/)
  assert.equal(read(home, "Maildir/.Lists.mutt/dovecot-keywords"), "0 $Work\n1 NonJunk\n")
})

test("flags and keywords of an mbox are fields, and those that the sender wrote are not believed", async () => {
  await deliver("mbox", 'require "imap4flags";\nsetflag ["\\\\Seen","\\\\Flagged","\\\\Answered","$Work"];\n')
  const mbox = read(boxes, "gordon")
  assert.match(
    mbox,
    /\nReturn-Path: <bob@hello\.com>\nStatus: RO\nX-Status: AF\nX-Keywords: \$Work\nFrom: bob@hello\.com\n/,
  )
  assert.equal(mbox.match(/^Status:/gm)?.length, 1)
})

test("a message without flags is stored as it came", async () => {
  await deliver("mbox", "keep;")
  assert.match(read(boxes, "gordon"), /\nSubject: hello\nStatus: RO\n/)
})

test("fileinto beside an mbox is a file beneath ~/mail, with the directories that are missing", async () => {
  const { action } = await deliver("mbox", 'require "fileinto";\nfileinto "Lists/R&D";\n')
  assert.equal(action, "delivered")
  assert.match(read(home, "mail/Lists/R&-D"), /^From bob@hello\.com {2}/)
  assert.equal(existsSync(join(boxes, "gordon")), false)
})

const noFolders: readonly (readonly [string, string])[] = [
  ["../../etc/cron", "the mailbox's name is refused"],
  [".bashrc", "cannot be a folder here"],
  ["taken", "irregular file"],
  ["file/below", "there already, and no directory"],
]
for (const [name, why] of noFolders)
  test(`"${name}" cannot be a folder beside an mbox: ${why}, and the mail is kept`, async () => {
    mkdirSync(join(home, "mail/taken"), { recursive: true })
    writeFileSync(join(home, "mail/file"), "no mail\n", { mode: 0o600 })
    if (isRoot)
      for (const part of ["mail", "mail/taken", "mail/file"]) chownSync(join(home, part), 23_456, 23_456)
    const { action, reason } = await deliver("mbox", `require "fileinto";\nfileinto "${name}";\n`)
    assert.equal(action, "delivered", reason.says)
    assert.match(read(boxes, "gordon"), /\nSubject: hello\n/)
    if (why !== noFolders[0]?.[1]) assert.match(reason.says, new RegExp(`${why}.*: kept in the mailbox`))
  })

for (const format of ["mbox", "maildir"] as const)
  test(`mailboxexists of ${format}: what is there, and nothing else`, async () => {
    const script = (name: string) =>
      `require ["fileinto","mailbox"];\nif mailboxexists "${name}" { fileinto "yes"; } else { fileinto "no"; }\n`
    const says = async (name: string) => (await deliver(format, script(name))).reason.says
    assert.match(await says("lists"), /no$/)
    await deliver(format, 'require "fileinto";\nfileinto "lists";\n')
    assert.match(await says("lists"), /yes$/)
    assert.match(await says("INBOX"), /yes$/)
    assert.match(await says("../.."), /no$/)
    assert.match(await says("other"), /no$/)
  })

test("a message that is tried again is no duplicate of itself", async () => {
  const script =
    'require ["duplicate","fileinto"];\nif duplicate { discard; stop; }\nredirect "ann@example.org";\nkeep;\n'
  noRoomFor = "ann@example.org"
  assert.equal((await deliver("mbox", script, { id: "6AO7AgAGAIN001" })).action, "delayed")
  noRoomFor = undefined
  assert.equal((await deliver("mbox", script, { id: "6AO7AgAGAIN001", attempts: 1 })).action, "delivered")
  assert.match(read(boxes, "gordon"), /\nSubject: hello\n/)
  assert.match((await deliver("mbox", script)).reason.says, /discarded/)
})

test("what an earlier attempt has sent or stored is not done twice", async () => {
  const script =
    'require ["fileinto","copy"];\nfileinto "first";\nredirect :copy "ann@example.org";\nredirect :copy "dora@example.org";\n'
  const id = "6AO7AgAGAIN002"
  noRoomFor = "dora@example.org"
  assert.equal((await deliver("mbox", script, { id })).action, "delayed")
  noRoomFor = undefined
  const { action, reason } = await deliver("mbox", script, { id, attempts: 1 })
  assert.equal(action, "delivered")
  assert.match(
    reason.says,
    /stored in first: done by an earlier attempt, redirected to ann@example\.org: done by/,
  )
  assert.deepEqual(
    letters.map((letter) => letter.recipient),
    ["ann@example.org", "dora@example.org"],
  )
  assert.equal(read(home, "mail/first").match(/^From /gm)?.length, 1)
})

test("a redirect keeps what the message asked of its hops: its sender, REQUIRETLS, SMTPUTF8, its body's type", async () => {
  const more = { requireTls: true, smtputf8: true, body: "8bitmime", typedSender: "bob" } as const
  await deliver("mbox", 'redirect "ann@example.org";', { more })
  const [letter] = letters
  assert.deepEqual(letter?.terms, { body: "8bitmime", smtputf8: true, requireTls: true })
  assert.deepEqual(letter?.sender, addresses.sender)
  await deliver("mbox", 'redirect "ann@example.org";')
  assert.deepEqual(letters[1]?.terms, { body: "7bit", smtputf8: false })
})

test("a reject and a discard end as they are named", async () => {
  const rejected = await deliver("mbox", 'require "reject";\nreject "no\nlists";\n')
  assert.deepEqual([rejected.action, rejected.status, rejected.reason.says], ["failed", "5.7.1", "no lists"])
  const gone = await deliver("mbox", "discard;")
  assert.deepEqual([gone.action, gone.reason.says], ["delivered", "discarded by the user's script"])
})

test("vacation answers large messages too, once, and with their Message-ID", async () => {
  const script = 'require "vacation";\nvacation "I am in Edinburgh.";\n'
  await deliver("mbox", script, { large: true })
  const [letter] = letters
  assert.equal(letter?.sender, "null")
  assert.equal(letter?.recipient, "bob@hello.com")
  assert.match(String(letter?.content.bytes), /\r\nIn-Reply-To: <1@hello\.com>\r\n/)
  const again = await deliver("mbox", script)
  assert.match(again.reason.says, /no answer: bob@hello\.com has had this answer/)
  assert.equal(letters.length, 1)
})

test("an answer that could not be queued is sent by the next attempt", async () => {
  const script = 'require "vacation";\nvacation "I am in Glasgow.";\n'
  noRoomFor = "bob@hello.com"
  assert.equal((await deliver("mbox", script, { id: "6AO7AgAGAIN003" })).action, "delayed")
  noRoomFor = undefined
  assert.equal((await deliver("mbox", script, { id: "6AO7AgAGAIN003", attempts: 1 })).action, "delivered")
  assert.equal(letters.length, 1)
  assert.equal(read(boxes, "gordon").match(/^From bob/gm)?.length, 1)
})
