// TLS reports from what was counted to who wants to know: by mail and by HTTPS, once, over restarts, and bounded.
import assert from "node:assert/strict"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { createServer } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, beforeEach, test } from "node:test"
import { gunzipSync } from "node:zlib"
import PostalMime from "postal-mime"
import { MemorySpool } from "../../test/kit/server.ts"
import { settingsOf } from "../../test/kit/site.ts"
import { readTlsReport, type SeenSession, type TlsReport } from "../auth/tls-report.ts"
import type { DnsAnswer } from "../mail/world.ts"
import { sumByDomain } from "../auth/tls-report-sum.ts"
import { makeSelfSigned } from "../trust/self-signed.ts"
import { isTlsReport, TlsReports } from "./tls-reports.ts"

const root = mkdtempSync(join(tmpdir(), "tls-reports-"))
after(() => rmSync(root, { recursive: true }))

const noon = Date.parse("2026-11-24T12:00:00Z")
const hour = 3_600_000
let now = noon
let directory = ""
let spool = new MemorySpool()
let lines: string[] = []
const records = new Map<string, DnsAnswer<string>>()

beforeEach(() => {
  now = noon
  directory = mkdtempSync(join(root, "state-"))
  spool = new MemorySpool()
  lines = []
  records.clear()
})

const on = settingsOf({ options: { TlsReports: "tls-reports@grussell.org" } })
const off = settingsOf({})

const world = () => ({
  spool,
  settings: on,
  software: "8.17.1/Waypost",
  clock: () => now,
  ahead: () => 0,
  newId: () => "6AOCtls0000001",
  onAccepted: () => {},
  say: (line: string) => void lines.push(line),
})

function reports(reach?: (address: string) => boolean): {
  readonly ours: TlsReports
  readonly hear: (seen: SeenSession) => void
} {
  const ours = new TlsReports({
    directory,
    wall: () => now,
    dns: {
      txt: async (name) => records.get(name) ?? { found: "nothing", why: "no such name", secure: false },
      addresses: async () => ({ found: "records", records: ["127.0.0.1"], secure: false, ttl: 60 }),
    },
    say: (line) => void lines.push(line),
    bug: (error) => assert.fail(String(error)),
    random: () => 0.5, // two hours after midnight
    ...(reach === undefined ? {} : { mayReach: reach }),
  })
  after(() => ours.stop())
  const hear = ours.seenBy(on)
  assert.ok(hear !== undefined)
  return { ours, hear }
}

const policy = {
  type: "sts",
  domain: "example.com",
  text: ["version: STSv1"],
  hosts: ["*.example.com"],
} as const
const good: SeenSession = { domain: "example.com", policy, failure: undefined }
const expired: SeenSession = {
  ...good,
  failure: {
    result: "certificate-expired",
    reason: "CERT_HAS_EXPIRED",
    sendingAddress: "192.0.2.1",
    receivingHost: "mx.example.com",
    receivingAddress: "203.0.113.5",
  },
}

function wants(domain: string, rua: string): void {
  const found = { found: "records", records: [`v=TLSRPTv1; rua=${rua}`], secure: false, ttl: 60 } as const
  records.set(`_smtp._tls.${domain}`, found)
}

async function letter(n: number): Promise<{ readonly report: TlsReport; readonly text: string }> {
  const text = spool.stored[n]?.text ?? ""
  const { attachments } = await new PostalMime({ attachmentEncoding: "arraybuffer" }).parse(text)
  const content = attachments.find(({ mimeType }) => mimeType === "application/tlsrpt+gzip")?.content
  assert.ok(content instanceof ArrayBuffer, text)
  const read = readTlsReport(gunzipSync(Buffer.from(content)).toString("utf8"))
  assert.ok(read.ok)
  return { report: read.value, text }
}

test("a day's sessions are one letter, two hours after the day (RFC 8460 §4.1, §5.3), and then forgotten", async () => {
  wants("example.com", "mailto:reports@example.com")
  const { ours, hear } = reports()
  for (const seen of [good, good, expired, expired, good]) hear(seen)
  now = Date.parse("2026-11-25T01:59:00Z")
  await ours.send(world())
  assert.equal(spool.stored.length, 0)
  now += 2 * 60_000
  await ours.send(world())
  const { report, text } = await letter(0)
  assert.deepEqual(report, {
    organization: "grussell.org",
    contact: "tls-reports@grussell.org",
    id: "20261124.example.com@grussell.org",
    begin: "2026-11-24T00:00:00Z",
    end: "2026-11-24T23:59:59Z",
    policies: [
      {
        policy: { ...policy },
        successful: 3,
        failed: 2,
        failures: [{ ...expired.failure, count: 2, receivingHelo: undefined, information: undefined }],
      },
    ],
  })
  assert.match(text, /^TLS-Report-Domain: example\.com\r$/m)
  assert.match(text, /^TLS-Report-Submitter: grussell\.org\r$/m)
  assert.match(text, /^From: tls-reports@grussell\.org\r$/m)
  assert.match(
    text,
    /^Subject: Report Domain: example\.com\r\n\tSubmitter: grussell\.org\r\n\tReport-ID: <20261124\.example\.com@grussell\.org>\r$/m,
  )
  assert.match(text, /^Content-Type: multipart\/report; report-type="tlsrpt";\r\n\tboundary=/m)
  assert.match(text, /filename="grussell\.org!example\.com!1795478400!1795564799\.json\.gz"/)
  const [stored] = spool.stored
  assert.deepEqual(stored?.queued.pending[0]?.recipient.notify, ["never"])
  assert.ok(stored !== undefined && isTlsReport(stored.queued.entry))
  await ours.send(world())
  assert.equal(spool.stored.length, 1)
  assert.deepEqual(readdirSync(directory), [])
})

test("by HTTPS it is POSTed, whatever the certificate (RFC 8460 §3); one place of several is enough", async () => {
  const got: { type: string | undefined; report: string }[] = []
  let status = 500
  const { certificate: cert, key } = makeSelfSigned(["reports.example.com"], new Date(), 30)
  const server = createServer({ cert, key }, (request, response) => {
    const pieces: Buffer[] = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => {
      got.push({
        type: request.headers["content-type"],
        report: gunzipSync(Buffer.concat(pieces)).toString(),
      })
      response.writeHead(status).end()
    })
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  after(() => server.close().closeAllConnections())
  const place = server.address()
  const port = typeof place === "object" && place !== null ? place.port : 0
  wants("example.com", `https://reports.example.com:${port}/tls,mailto:not an address`)
  const { ours, hear } = reports((address) => address === "127.0.0.1")
  hear(good)
  now = Date.parse("2026-11-25T03:00:00Z")
  await ours.send(world())
  assert.match(
    lines.join("\n"),
    /^the TLS report for example\.com of 2026-11-24 waits: https:\/\/reports\.example\.com:\d+\/tls: HTTP status 500; mailto:not an address is no address/,
  )
  status = 201
  await ours.send(world())
  assert.equal(got.length, 2)
  assert.equal(got[1]?.type, "application/tlsrpt+gzip")
  assert.ok(readTlsReport(got[1]?.report ?? "").ok)
  await ours.send(world())
  assert.equal(got.length, 2)
})

test("a stranger's URL leads to nobody on this machine or in its networks", async () => {
  wants(
    "example.com",
    "https://reports.example.com/x,https://127.0.0.1:9/,https://[::1]/,https://10.0.0.1/,https://169.254.169.254/",
  )
  const { ours, hear } = reports()
  hear(good)
  now = Date.parse("2026-11-25T03:00:00Z")
  await ours.send(world())
  const said = lines.join("\n")
  assert.match(said, /reports\.example\.com: it has no address that may be asked/) // DNS says 127.0.0.1
  for (const address of ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"])
    assert.ok(said.includes(`${address} is not to be asked`), said)
})

test("a domain that does not ask gets none; a name server that does not answer is asked again, for a day", async () => {
  records.set("_smtp._tls.example.com", { found: "unavailable", why: "SERVFAIL" })
  const { ours, hear } = reports()
  hear(good)
  hear({ ...good, domain: "quiet.example" })
  now = Date.parse("2026-11-25T03:00:00Z")
  await ours.send(world())
  assert.deepEqual(lines, [
    "the TLS report for example.com of 2026-11-24 waits: no answer for its TLSRPT record: SERVFAIL",
  ])
  now += 20 * hour
  await ours.send(world())
  assert.equal(lines.length, 2)
  now += 6 * hour
  await ours.send(world())
  assert.match(lines[2] ?? "", /^the TLS report for example\.com of 2026-11-24 is given up: /)
  await ours.send(world())
  assert.equal(lines.length, 3)
  assert.equal(spool.stored.length, 0)
})

test("counts live on over a restart, and the day is told once", async () => {
  wants("example.com", "mailto:reports@example.com")
  const before = reports()
  before.hear(good)
  before.hear(expired)
  await before.ours.stop()
  const { ours, hear } = reports()
  hear(expired)
  now = Date.parse("2026-11-25T03:00:00Z")
  await ours.send(world())
  const { report } = await letter(0)
  assert.deepEqual(
    report.policies.map(({ successful, failed, failures }) => [successful, failed, failures[0]?.count]),
    [[1, 2, 2]],
  )
  await reports().ours.send(world())
  assert.equal(spool.stored.length, 1)
})

test("a full disk keeps the report for the next look", async () => {
  wants("example.com", "mailto:reports@example.com")
  const { ours, hear } = reports()
  hear(good)
  now = Date.parse("2026-11-25T03:00:00Z")
  spool.full = "at commit"
  await ours.send(world())
  assert.match(
    lines.join("\n"),
    /the TLS report for example\.com of 2026-11-24 waits: no space left on device/,
  )
  spool.full = "no"
  await ours.send(world())
  assert.equal(spool.stored.length, 1)
})

test("without the line nothing is counted, and what was counted is not sent", async () => {
  const { ours, hear } = reports()
  hear(good)
  wants("example.com", "mailto:reports@example.com")
  assert.equal(ours.seenBy(off), undefined)
  now = Date.parse("2026-11-25T03:00:00Z")
  await ours.send({ ...world(), settings: off })
  assert.equal(spool.stored.length, 0)
})

test("a host that fails in ever new ways makes no endless report: the rest is only counted", () => {
  const failure = (n: number) => ({ result: "validation-failure", reason: `reason ${n}` })
  const counts = Array.from({ length: 500 }, (_, n) => ({
    counted: { ...good, failure: failure(n) },
    count: 2,
  }))
  const [sum] = sumByDomain(counts).get("example.com") ?? []
  assert.deepEqual([sum?.successful, sum?.failed, sum?.failures.length], [0, 1000, 100])
})
