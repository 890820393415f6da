// Reports on their way: counted through a day, sent once when it is over, to those who want them; a clock, a queue and a DNS of the test's.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { gunzipSync } from "node:zlib"
import { dnsOf, mailhost, type Zone } from "../../test/kit/mailhost.ts"
import { MemorySpool } from "../../test/kit/server.ts"
import { parseDmarc } from "../auth/dmarc-record.ts"
import { readReport } from "../auth/dmarc-report.ts"
import type { DmarcSeen } from "../auth/dmarc-seen.ts"
import { printPath } from "../mail/address.ts"
import type { DnsAnswer } from "../mail/world.ts"
import { DmarcReports, type Draft } from "./dmarc-reports.ts"
import type { LetterWorld } from "./own-letter.ts"

const folder = mkdtempSync(join(tmpdir(), "dmarc-reports-"))
after(() => rmSync(folder, { recursive: true }))

const hour = 3_600_000
const noon = Date.UTC(2026, 10, 24, 12)

const zone: Zone = {
  "_dmarc.napier.ac.uk": {
    TXT: "v=DMARC1; p=reject; rua=mailto:d@napier.ac.uk,mailto:small@napier.ac.uk!1k",
  },
}

const { settings } = mailhost({
  files: {
    "/etc/mail/sendmail.mc":
      "FEATURE(`dmarc')dnl\ndefine(`confDMARC_REPORTS', `dmarc@mx.test')dnl\nMAILER(smtp)dnl",
  },
})

/** A system at a time of the test's choosing. */
function house(name: string) {
  const spool = new MemorySpool()
  const log: string[] = []
  const here = { now: noon, silent: false }
  const reports = new DmarcReports({
    directory: join(folder, name),
    wall: () => here.now,
    txt: async (asked): Promise<DnsAnswer<string>> =>
      here.silent ? { found: "unavailable", why: "timeout" } : await dnsOf(zone).txt(asked),
    say: (line) => log.push(line),
    bug: (error) => assert.fail(String(error)),
  })
  let number = 0
  const world: LetterWorld = {
    spool,
    settings,
    software: "Waypost",
    clock: () => here.now,
    ahead: () => 0,
    newId: () => `4ALNqY000000${String(++number).padStart(2, "0")}`,
    onAccepted: () => {},
    say: (line) => log.push(line),
  }
  return { here, spool, log, reports, world }
}

function seen(author: string, rua: string, source = "192.0.2.7"): DmarcSeen {
  const record = parseDmarc(`v=DMARC1; p=reject; rua=${rua}`)
  assert.ok(record.ok)
  const found = { domain: author, organization: author, wish: "reject", lessened: false, at: author } as const
  return {
    source,
    verdict: {
      ...found,
      result: "fail",
      record: record.value,
      organizational: undefined,
      why: "",
      trail: [],
    },
    envelopeFrom: "",
    signatures: [],
    senders: [],
    done: "reject",
    sealer: undefined,
  }
}

/** Counts messages, and waits until they are. */
async function count(reports: DmarcReports, ...messages: readonly DmarcSeen[]): Promise<void> {
  const tell = reports.seenBy(settings)
  assert.ok(tell !== undefined)
  for (const message of messages) tell(message)
  await new Promise((resolve) => setImmediate(resolve))
}

async function drafts(reports: DmarcReports): Promise<readonly Draft[]> {
  const all: Draft[] = []
  for await (const draft of reports.drafts(settings)) all.push(draft)
  return all
}

const ownAddress = "mailto:d@napier.ac.uk"

test("a day's mail is told once, when the day is over, in a letter of our own that nobody gets a bounce of", async () => {
  const { here, spool, log, reports, world } = house("whole")
  const message = seen("napier.ac.uk", ownAddress)
  await count(reports, message, message, seen("napier.ac.uk", ownAddress, "192.0.2.9"))
  assert.equal(await reports.send(world), 0)
  assert.equal(spool.stored.length, 0) // the day goes on
  here.now += 13 * hour
  assert.equal(await reports.send(world), 0)
  assert.equal(await reports.send(world), 0)
  const [stored, ...more] = spool.stored
  assert.ok(stored !== undefined)
  assert.equal(more.length, 0)
  const { entry, pending } = stored.queued
  assert.equal(printPath(entry.envelope.reversePath), "dmarc@mx.test")
  assert.deepEqual(
    pending.map(({ recipient }) => [printPath(recipient.path), recipient.notify]),
    [["d@napier.ac.uk", ["never"]]],
  )
  assert.match(stored.text, /^From: dmarc@mx\.test\r$/m)
  assert.match(stored.text, /filename="mx\.test!napier\.ac\.uk!1795478400!1795564799\.xml\.gz"/)
  const packed = /base64[^]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)--/.exec(stored.text)?.[1] ?? ""
  const read = readReport(gunzipSync(Buffer.from(packed, "base64")).toString())
  assert.ok(read.ok)
  assert.deepEqual(
    read.value.rows.map(({ source, count: number, disposition }) => [source, number, disposition]),
    [
      ["192.0.2.7", 2, "reject"],
      ["192.0.2.9", 1, "reject"],
    ],
  )
  assert.match(log.at(-1) ?? "", /DMARC report 20261124\.napier\.ac\.uk@mx\.test for d@napier\.ac\.uk$/)
  assert.deepEqual(await drafts(reports), [])
})

test("a restart in the middle loses nothing that was counted and sends nothing twice", async () => {
  const first = house("restart")
  await count(first.reports, seen("napier.ac.uk", ownAddress), seen("napier.ac.uk", ownAddress))
  await first.reports.stop()
  const second = house("restart")
  await count(second.reports, seen("napier.ac.uk", ownAddress))
  second.here.now += 13 * hour
  assert.deepEqual(
    (await drafts(second.reports)).map(({ over, report }) => [over, report.rows[0]?.count]),
    [[true, 3]],
  )
  await second.reports.send(second.world)
  assert.equal(second.spool.stored.length, 1)
})

test("where DNS is silent about an address the report waits, and is given up after three days", async () => {
  const { here, spool, log, reports, world } = house("silent")
  await count(reports, seen("napier.ac.uk", "mailto:d@reports.test"))
  here.now += 13 * hour
  here.silent = true
  assert.equal(await reports.send(world), 1)
  assert.match(log.at(-1) ?? "", /about napier\.ac\.uk waits: DNS does not say whose reports\.test is/)
  here.now += 72 * hour
  assert.equal(await reports.send(world), 0)
  assert.match(log.at(-1) ?? "", /1 DMARC reports of 2026-11-24 are given up/)
  assert.equal(spool.stored.length, 0)
  assert.deepEqual(await drafts(reports), [])
})

test("an address elsewhere that asked for nothing gets nothing, one with a limit none that is larger", async () => {
  const { here, spool, log, reports, world } = house("refused")
  const addresses = "mailto:victim@other.test,mailto:d@napier.ac.uk!100,mailto:e@napier.ac.uk!10k"
  await count(reports, seen("napier.ac.uk", addresses))
  here.now += 13 * hour
  assert.equal(await reports.send(world), 0)
  assert.deepEqual(
    spool.stored.map(({ queued }) => printPath(queued.pending[0]?.recipient.path ?? "postmaster")),
    ["e@napier.ac.uk"],
  )
  assert.match(log[0] ?? "", /for mailto:victim@other\.test: .*_report\._dmarc\.other\.test does not say/)
  assert.match(log[1] ?? "", /for mailto:d@napier\.ac\.uk!100: it has \d+ octets, and no more than 100/)
})

test("a queue that takes nothing keeps the report for the next time", async () => {
  const { here, spool, reports, world } = house("full")
  await count(reports, seen("napier.ac.uk", ownAddress))
  here.now += 13 * hour
  spool.full = "at commit"
  assert.equal(await reports.send(world), 1)
  spool.full = "no"
  assert.equal(await reports.send(world), 0)
  assert.equal(spool.stored.length, 1)
})

const { settings: plain } = mailhost({
  files: { "/etc/mail/sendmail.mc": "FEATURE(`dmarc')dnl\nMAILER(smtp)dnl" },
})

test("without the line nothing is counted", () => {
  assert.equal(house("off").reports.seenBy(plain), undefined)
})

test("when the line is taken away nothing more is sent, and what was counted is forgotten after three days", async () => {
  const { here, spool, reports, world } = house("taken-away")
  await count(reports, seen("napier.ac.uk", ownAddress))
  here.now += 13 * hour
  assert.equal(await reports.send({ ...world, settings: plain }), 0)
  assert.equal((await drafts(reports)).length, 1)
  here.now += 72 * hour
  assert.equal(await reports.send({ ...world, settings: plain }), 0)
  assert.equal((await drafts(reports)).length, 0)
  assert.equal(spool.stored.length, 0)
})

test("who sends in the name of more domains of his own has us write to no more than 20,000", async () => {
  const { reports } = house("many")
  const many = (count: number, letter: string) =>
    Array.from({ length: count }, (_, n) => seen(`${letter}${n}.test`, `mailto:d@${letter}${n}.test`))
  await count(reports, ...many(20_000, "d"))
  for await (const _ of reports.drafts(settings)) break // they are written, and there is room for more
  await count(reports, ...many(50, "e"))
  assert.equal((await drafts(reports)).length, 20_000)
})

test("a domain that asks for no reports is not counted", async () => {
  const { reports } = house("unasked")
  await count(reports, seen("napier.ac.uk", ""))
  assert.deepEqual(await drafts(reports), [])
})
