// waypost dmarc report: reports as others send them, in each packing.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { crc32, deflateRawSync, gzipSync } from "node:zlib"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { type AggregateReport, readReport } from "../auth/dmarc-report.ts"
import { run } from "./dmarc.ts"
import { Refusal } from "./io.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-dmarc-"))
after(() => rmSync(directory, { recursive: true }))

// As RFC 7489 appendix C has it: no np, no discovery_method, results that are not of DMARC's own words.
const old = `<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <report_metadata>
    <org_name>hello.com</org_name>
    <email>noreply@hello.com</email>
    <report_id>4711</report_id>
    <date_range><begin>1795392000</begin><end>1795478399</end></date_range>
  </report_metadata>
  <policy_published><domain>napier.ac.uk</domain><adkim>r</adkim><aspf>s</aspf><p>reject</p><pct>100</pct></policy_published>
  <record>
    <row>
      <source_ip>192.0.2.25</source_ip><count>120</count>
      <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>pass</spf></policy_evaluated>
    </row>
    <identifiers><header_from>napier.ac.uk</header_from></identifiers>
    <auth_results>
      <dkim><domain>napier.ac.uk</domain><selector>nov</selector><result>pass</result></dkim>
      <spf><domain>napier.ac.uk</domain><result>pass</result></spf>
    </auth_results>
  </record>
  <record>
    <row>
      <source_ip>198.51.100.7</source_ip><count>30</count>
      <policy_evaluated><disposition>reject</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated>
    </row>
    <identifiers><header_from>napier.ac.uk</header_from></identifiers>
    <auth_results><spf><domain>example.org</domain><result>pass</result></spf></auth_results>
  </record>
</feedback>
`

/** An archive of one file, deflated. */
function zipped(name: string, text: string): Buffer {
  const [title, octets] = [Buffer.from(name), Buffer.from(text)]
  const packed = deflateRawSync(octets)
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt16LE(8, 4)
  common.writeUInt32LE(crc32(octets), 10)
  common.writeUInt32LE(packed.length, 14)
  common.writeUInt32LE(octets.length, 18)
  common.writeUInt16LE(title.length, 22)
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, title, packed])
  const entry = Buffer.concat([Buffer.from("PK\x01\x02\x14\0"), common, Buffer.alloc(14), title])
  const end = Buffer.alloc(22)
  end.write("PK\x05\x06", "latin1")
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(entry.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, entry, end])
}

const name = "hello.com!napier.ac.uk!1795392000!1795478399"
const letter = (octets: Buffer, type: string) =>
  Buffer.from(
    `From: noreply@hello.com\r\nSubject: Report Domain: napier.ac.uk\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nA report.\r\n--b\r\nContent-Type: ${type}\r\nContent-Disposition: attachment; filename="${name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n${octets.toString("base64").replaceAll(/.{76}/g, "$&\r\n")}\r\n--b--\r\n`,
  )

function fileWith(octets: Buffer | string): string {
  const file = join(directory, `report${Math.random()}`)
  writeFileSync(file, octets)
  return file
}

async function told(octets: Buffer | string, ...options: string[]) {
  const io = memoryIo()
  const code = await run(["report", ...options, fileWith(octets)], io)
  return { code, ...io.written }
}

const packings: readonly (readonly [string, Buffer])[] = [
  ["XML", Buffer.from(old)],
  ["gzip", gzipSync(old)],
  ["ZIP", zipped(`${name}.xml`, old)],
  ["a letter with gzip", letter(gzipSync(old), "application/gzip")],
  ["a letter with ZIP", letter(zipped(`${name}.xml`, old), "application/zip")],
]

for (const [what, octets] of packings) {
  test(`a report as ${what} is told in words and with bars`, async () => {
    const { code, stdout, stderr } = await told(octets)
    assert.equal(code, 0, stderr)
    assert.equal(
      stdout,
      [
        "napier.ac.uk asks for reject: p=reject, sp=reject, np=reject; DKIM relaxed, SPF strict",
        "  hello.com saw, 2026-11-23 00:00 UTC to 2026-11-23 23:59 UTC (report 4711)",
        "150 messages: 120 vouched for (80 %), 30 not",
        `  198.51.100.7 ${"░".repeat(8).padEnd(30)} 30, none vouched for: 30 refused`,
        "                 SPF pass for example.org: it may send, but in another name: if it sends for you, sign its mail of napier.ac.uk",
        `  192.0.2.25   ${"█".repeat(30)} 120, all vouched for`,
        "                 DKIM pass for napier.ac.uk, SPF pass for napier.ac.uk",
        "",
      ].join("\n"),
    )
  })
}

test("several reports of a domain are summed up; --json has each of them; --svg draws one domain", async () => {
  const io = memoryIo()
  const files = [fileWith(old), fileWith(old.replace("hello.com</org", "example.org</org"))]
  assert.equal(await run(["report", ...files], io), 0)
  assert.match(io.written.stdout, /^300 messages: 240 vouched for \(80 %\), 60 not$/m)
  assert.equal(
    (JSON.parse((await told(old, "--json")).stdout) as readonly AggregateReport[])[0]?.rows.length,
    2,
  )
  const drawn = (await told(old, "--svg")).stdout
  assert.match(drawn, /^<svg .*<text[^>]*>napier\.ac\.uk: 150 messages, 80 % vouched for<\/text>/s)
  assert.equal(drawn.match(/<rect /g)?.length, 5)
})

test("what is no report is said so, and the others are told all the same", async () => {
  const io = memoryIo()
  assert.equal(await run(["report", fileWith("Hello\r\n"), fileWith(old)], io), 65)
  assert.match(io.written.stderr, /it is neither a report nor a letter with one/)
  assert.match(io.written.stdout, /150 messages/)
  const says = async (octets: Buffer | string) => (await told(octets)).stderr
  assert.match(await says("<html></html>"), /it is <html>, no report of DMARC/)
  assert.match(await says(gzipSync(old).subarray(0, 50)), /cannot be unpacked/)
  assert.match(await says(zipped("a.xml", old).subarray(0, 100)), /no directory/)
  assert.match(await says(gzipSync(Buffer.alloc(80 * 1024 * 1024))), /cannot be unpacked/)
  assert.match(await says(old.replace("<count>30", "<count>many")), /a record has no count/)
  await assert.rejects(run(["report", join(directory, "none")], memoryIo()), Refusal)
  await assert.rejects(run(["send"], memoryIo()), Refusal)
})

test("a report cannot steer the terminal it is shown on", async () => {
  const { stdout } = await told(old.replace("4711", "4711&#x1b;[2J&#x202e;"))
  assert.match(stdout, /report 4711\?\[2J\?\)/)
})

test("a report as RFC 9990 has it: its namespace, np, testing, reasons and scopes are read", () => {
  const read = readReport(
    old
      .replace("<feedback>", '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">')
      .replace("<pct>100</pct>", "<np>none</np><testing>y</testing>")
      .replace(
        "<spf>fail</spf></policy",
        "<spf>fail</spf><reason><type>local_policy</type><comment>arc=pass</comment></reason></policy",
      )
      .replace("<domain>example.org</domain>", "<domain>example.org</domain><scope>helo</scope>"),
  )
  assert.ok(read.ok, read.ok ? "" : read.error)
  const { policy, rows } = read.value
  assert.deepEqual([policy.np, policy.testing], ["none", true])
  assert.deepEqual(rows[1]?.reasons, [{ type: "local_policy", comment: "arc=pass" }])
  assert.deepEqual(
    rows.map(({ senders }) => senders[0]?.scope),
    ["mfrom", "helo"],
  )
})
