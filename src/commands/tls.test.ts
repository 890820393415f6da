// waypost tls report: reports as others send them, in each packing.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { gzipSync } from "node:zlib"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { tlsLetterOf } from "../auth/tls-report-letter.ts"
import { printTlsReport, type TlsReport } from "../auth/tls-report.ts"
import { Refusal } from "./io.ts"
import { run } from "./tls.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-tls-"))
after(() => rmSync(directory, { recursive: true }))

const report: TlsReport = {
  organization: "hello.com",
  contact: "tls@hello.com",
  id: "20261124.napier.ac.uk@hello.com",
  begin: "2026-11-24T00:00:00Z",
  end: "2026-11-24T23:59:59Z",
  policies: [
    {
      policy: { type: "tlsa", domain: "mx.napier.ac.uk", text: ["3 1 1 ab"], hosts: [] },
      successful: 7,
      failed: 2,
      failures: [{ result: "certificate-expired", count: 2, receivingHost: "mx\u001b[31m.napier.ac.uk" }],
    },
  ],
}
const json = printTlsReport(report)
const packed = gzipSync(json)
const letter = tlsLetterOf({
  domain: "napier.ac.uk",
  report,
  packed,
  to: "postmaster@napier.ac.uk",
  date: "Wed, 25 Nov 2026 02:00:00 +0000",
  id: "6AOCtls0000001",
})

const told = `hello.com saw, 2026-11-24T00:00:00Z to 2026-11-24T23:59:59Z (report 20261124.napier.ac.uk@hello.com, tls@hello.com):
  DANE of mx.napier.ac.uk: 9 sessions, 2 not well
    | 3 1 1 ab
    2 × mx?[31m.napier.ac.uk: certificate-expired: its certificate has ended: renew it
`

for (const [form, octets] of [
  ["JSON", json],
  ["gzip", packed],
  ["the letter that we send", `${letter.header}${letter.body}`],
] as const) {
  test(`${form} is read, and nothing of it steers a terminal`, async () => {
    const file = join(directory, "report")
    writeFileSync(file, octets)
    const io = memoryIo()
    assert.equal(await run(["report", file], io), 0)
    assert.equal(io.written.stdout, told)
    assert.equal(io.written.stderr, "")
  })
}

test("--json, several files, and one that is no report: the others are told, and the exit code says it", async () => {
  const [good, bad] = [join(directory, "good"), join(directory, "bad")]
  writeFileSync(good, json)
  writeFileSync(bad, "<feedback/>")
  const io = memoryIo()
  assert.equal(await run(["report", bad, good, "--json"], io), 65)
  assert.deepEqual(JSON.parse(io.written.stdout), JSON.parse(JSON.stringify(report)))
  assert.match(io.written.stderr, /^waypost tls: .*bad: it is neither a report nor a letter with one\n$/)
})

test("what is asked wrongly is refused in one line", async () => {
  const io = memoryIo()
  await assert.rejects(run(["report"], io), Refusal)
  await assert.rejects(run(["reports", "x"], io), /report FILE, pending or send; see waypost tls --help/)
  await assert.rejects(run(["report", join(directory, "nothing")], io), /ENOENT/)
})
