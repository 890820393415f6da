import assert from "node:assert/strict"
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { after, beforeEach, test } from "node:test"
import { MemorySpool, open } from "../../test/kit/server.ts"
import { printPath } from "../mail/address.ts"
import { ok } from "../mail/result.ts"
import { type ClientFile, printClientFile } from "../queue/client-file.ts"
import { ClientQueue, type Kept } from "./client-queue.ts"

const directory = mkdtempSync(join(tmpdir(), "clientqueue-"))
after(() => rmSync(directory, { recursive: true }))

const message = "Subject: lunch\r\n\r\nIs it time?\r\n"
const usual = {
  sender: "me",
  recipients: ["andrew@grussell.org", "gordon"],
  notify: undefined,
  ret: undefined,
  envid: undefined,
  body: "7bit",
  acceptedAt: 1_795_000_000_000,
  headerSize: message.indexOf("\r\n\r\n") + 4,
  size: message.length,
  refused: [],
} as const satisfies ClientFile

let spool = new MemorySpool()
let said: string[] = []
let reports: { readonly kept: Kept; readonly refused: ClientFile["refused"]; readonly octets: string }[] = []
const logins: string[] = []

const queue = new ClientQueue({
  directory,
  session(login) {
    logins.push(login)
    const arrival = { protocol: "local", client: undefined, authenticated: login, submission: true } as const
    return open({ spool, arrival }).client
  },
  async report(kept, content, refused) {
    const pieces: Buffer[] = []
    for await (const piece of content) pieces.push(piece)
    reports.push({ kept, refused, octets: Buffer.concat(pieces).toString() })
    return ok(undefined)
  },
  say: (line) => said.push(line),
  bug: (error) => assert.fail(String(error)),
})

beforeEach(() => {
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true })
  spool = new MemorySpool()
  said = []
  reports = []
  logins.length = 0
})

function leave(file: Partial<ClientFile> = {}, name = "6AO7AgXX000001", octets = message): string {
  const path = join(directory, name)
  writeFileSync(path, Buffer.concat([printClientFile({ ...usual, ...file }), Buffer.from(octets)]))
  return path
}

test("what is kept is handed over as its owner's, with the host's name behind the sender's, and is gone then", async () => {
  leave({ ret: "headers", envid: "e1", notify: ["success"] })
  await queue.run()
  const [stored] = spool.stored
  assert.ok(stored !== undefined)
  const { entry, pending } = stored.queued
  assert.equal(printPath(entry.envelope.reversePath), "me@grussell.org")
  assert.equal(entry.envelope.typedSender, undefined)
  assert.deepEqual([entry.envelope.ret, entry.envelope.envid], ["headers", "e1"])
  assert.deepEqual(
    pending.map(({ recipient }) => [printPath(recipient.path), recipient.notify]),
    [
      ["andrew@grussell.org", ["success"]],
      ["gordon@grussell.org", ["success"]],
    ],
  )
  assert.match(stored.text, /\r\n\r\nIs it time\?\r\n$/)
  assert.deepEqual(logins, [userInfo().username])
  assert.deepEqual(readdirSync(directory), [])
})

test("who is refused for good is reported to the sender, with the message; the others have it", async () => {
  leave({ recipients: ["gordon", "nosuch"] })
  await queue.run()
  assert.equal(spool.stored.length, 1)
  assert.deepEqual(
    reports.map(({ refused, octets }) => ({ refused, octets })),
    [{ refused: [{ recipient: "nosuch", said: ["550 5.1.1 <nosuch>... User unknown"] }], octets: message }],
  )
  assert.deepEqual(readdirSync(directory), [])
})

test("refusals that the sendmail command had heard already are reported, and nothing is sent", async () => {
  const refused = [{ recipient: "nosuch", said: ["550 5.1.1 <nosuch>... User unknown"] }]
  leave({ recipients: [], refused })
  await queue.run()
  assert.equal(spool.stored.length, 0)
  assert.deepEqual(reports[0]?.refused, refused)
  assert.deepEqual(readdirSync(directory), [])
})

test("what cannot be taken now stays, whole", async () => {
  spool.full = "at commit"
  const path = leave()
  const before = readFileSync(path)
  await queue.run()
  assert.deepEqual(readFileSync(path), before)
  assert.equal(reports.length, 0)
})

test("only what is left stays, as its owner's, when some were refused", async () => {
  spool.full = "at commit"
  leave({ recipients: ["gordon", "nosuch"] })
  await queue.run()
  assert.equal(reports.length, 1)
  const kept: Kept[] = []
  for await (const one of queue.list()) kept.push(one)
  assert.deepEqual(
    kept.map(({ file, login }) => [file.recipients, file.refused, login]),
    [[["gordon"], [], userInfo().username]],
  )
})

test("what strangers leave is looked at: no links, no second name, no lies about length, nothing that is not asked in order", async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "elsewhere-"))
  const target = join(elsewhere, "target")
  writeFileSync(target, Buffer.concat([printClientFile(usual), Buffer.from(message)]))
  symlinkSync(target, join(directory, "6AO7AgXX000001"))
  linkSync(target, join(directory, "6AO7AgXX000002"))
  leave({ size: message.length + 1 }, "6AO7AgXX000003")
  leave({ sender: "me>\r\nRCPT TO:<you" }, "6AO7AgXX000004")
  writeFileSync(join(directory, "6AO7AgXX000005"), "no line end")
  writeFileSync(join(directory, "new.6AO7AgXX000006"), "being written")
  mkdirSync(join(directory, "6AO7AgXX000007"))
  await queue.run()
  await queue.run()
  assert.equal(spool.stored.length, 0)
  assert.deepEqual(said, [
    "client queue: 6AO7AgXX000002 is not used: it has another name somewhere else",
    "client queue: 6AO7AgXX000003 is not used: it is not as long as it says",
    "client queue: 6AO7AgXX000004 is not used: its first line does not say what is to be done",
    "client queue: 6AO7AgXX000005 is not used: it has no first line",
  ])
  assert.equal(readdirSync(directory).length, 7)
  rmSync(elsewhere, { recursive: true })
})

test("mail that is through its hop goes to the server of submit.mc, with this host's names whole", async () => {
  const client = { address: "127.0.0.1", port: 40000, name: "localhost" }
  const arrival = { protocol: "SMTP", client, authenticated: undefined, submission: false } as const
  const names: string[] = []
  const throughHop = new ClientQueue({
    directory,
    session: () => assert.fail("the local door was asked"),
    hop: () => ({ stream: open({ spool, arrival }).client, name: "grussell.org" }),
    report: async () => ok(undefined),
    say: (line) => said.push(line),
    bug: (error) => assert.fail(String(error)),
  })
  leave({ hop: true, recipients: ["gordon"] })
  await throughHop.run()
  const [stored] = spool.stored
  assert.equal(stored?.queued.entry.arrival.protocol, "ESMTP")
  names.push(...(stored?.queued.pending ?? []).map(({ recipient }) => printPath(recipient.path)))
  assert.deepEqual([names, readdirSync(directory), said], [["gordon@grussell.org"], [], []])
})

test("a server that is gone again leaves it where it is", async () => {
  const throughHop = new ClientQueue({
    directory,
    session: () => assert.fail("the local door was asked"),
    hop: () => {
      const { client } = open({ spool })
      client.destroy(new Error("connect ECONNREFUSED"))
      return { stream: client, name: "grussell.org" }
    },
    report: async () => ok(undefined),
    say: (line) => said.push(line),
    bug: (error) => assert.fail(String(error)),
  })
  leave({ hop: true })
  await throughHop.run()
  assert.deepEqual([spool.stored.length, readdirSync(directory).length, said.length], [0, 1, 1])
})
