// Reports that we write are read back as they were, whatever strangers had in them, and keep the order of RFC 9990.
import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { parseXml, type XmlElement } from "../message/xml.ts"
import { fileNameOf, isReportSubject, letterOf, subjectOf } from "./dmarc-letter.ts"
import { type AggregateReport, readReport } from "./dmarc-report.ts"
import { writeReport } from "./dmarc-report-write.ts"

/** What the reader keeps: no white space at the ends, which XML's readers may take away. */
const text = fc.string({ unit: "grapheme" }).map((one) => one.replaceAll(/\p{C}/gu, "x").trim())
const lower = text.map((one) => one.toLowerCase())
const word = fc.constantFrom("pass", "fail", "none", "temperror")
const wish = fc.constantFrom("none", "quarantine", "reject")
const mode = fc.constantFrom("r", "s")

const row = fc.record({
  source: fc.ipV4(),
  count: fc.nat(),
  disposition: fc.constantFrom("none", "pass", "quarantine", "reject"),
  dkim: fc.constantFrom("pass", "fail"),
  spf: fc.constantFrom("pass", "fail"),
  reasons: fc.array(fc.record({ type: text, comment: text }), { maxLength: 3 }),
  headerFrom: lower,
  envelopeFrom: lower,
  signatures: fc.array(fc.record({ domain: lower, selector: text, result: word }), { maxLength: 3 }),
  senders: fc.array(fc.record({ domain: lower, scope: fc.constant("mfrom"), result: word }), {
    maxLength: 1,
  }),
})

const report: fc.Arbitrary<AggregateReport> = fc.record({
  organization: text,
  contact: text,
  id: text,
  begin: fc.nat(),
  end: fc.nat(),
  policy: fc.record({
    domain: lower,
    discovery: fc.constantFrom("", "treewalk", "psl"),
    p: wish,
    sp: wish,
    np: wish,
    adkim: mode,
    aspf: mode,
    testing: fc.boolean(),
  }),
  rows: fc.array(row, { maxLength: 4 }),
  errors: fc.array(
    text.filter((one) => one !== ""),
    { maxLength: 1 },
  ),
  generator: text,
})

test("a report that is written is read as the same", () => {
  fc.assert(
    fc.property(report, (one) => {
      const read = readReport(writeReport(one))
      assert.ok(read.ok, read.ok ? "" : read.error)
      assert.equal(JSON.stringify(read.value), JSON.stringify(one)) // fast-check makes objects without a prototype
    }),
  )
})

const example: AggregateReport = {
  organization: "mx.test",
  contact: "dmarc@mx.test",
  id: "20261123.napier.ac.uk@mx.test",
  begin: 1_795_392_000,
  end: 1_795_478_399,
  policy: {
    domain: "napier.ac.uk",
    discovery: "treewalk",
    p: "reject",
    sp: "reject",
    np: "reject",
    adkim: "r",
    aspf: "s",
    testing: false,
  },
  rows: [
    {
      source: "192.0.2.25",
      count: 120,
      disposition: "none",
      dkim: "pass",
      spf: "fail",
      reasons: [{ type: "local_policy", comment: "marked" }],
      headerFrom: "napier.ac.uk",
      envelopeFrom: "",
      signatures: [{ domain: "napier.ac.uk", selector: "nov", result: "pass" }],
      senders: [{ domain: "client.test", scope: "mfrom", result: "none" }],
    },
  ],
  errors: ["some were not counted"],
  generator: "Waypost 0",
}

/** Names of elements in their order, each with its children. */
function shape({ name, children }: XmlElement): string {
  return children.length === 0 ? name : `${name}(${children.map(shape).join(" ")})`
}

test("elements stand in the order of RFC 9990 §3.1.1", () => {
  const read = parseXml(writeReport(example))
  assert.ok(read.ok)
  assert.equal(
    shape(read.value),
    "feedback(version report_metadata(org_name email report_id date_range(begin end) error generator) " +
      "policy_published(domain discovery_method p sp np adkim aspf testing) " +
      "record(row(source_ip count policy_evaluated(disposition dkim spf reason(type comment))) " +
      "identifiers(header_from envelope_from) auth_results(dkim(domain selector result) spf(domain scope result))))",
  )
})

test("the letter is named and called as RFC 9990 §3.5.2 wants, and known again as a report", () => {
  assert.equal(fileNameOf(example), "mx.test!napier.ac.uk!1795392000!1795478399.xml.gz")
  const unfolded = subjectOf(example).replaceAll("\r\n", "")
  assert.equal(
    unfolded,
    "Report Domain: napier.ac.uk\tSubmitter: mx.test\tReport-ID: <20261123.napier.ac.uk@mx.test>",
  )
  assert.ok(isReportSubject(unfolded))
  assert.ok(!isReportSubject("Re: Report Domain: napier.ac.uk Submitter: mx.test"))
  const letter = letterOf({
    report: example,
    packed: Buffer.alloc(100, 1),
    to: "d@napier.ac.uk",
    date: "Tue, 24 Nov 2026 00:30:00 +0000",
    id: "4ALNqY0000001A",
  })
  const whole = letter.header + letter.body
  assert.ok(whole.split("\r\n").every((line) => line.length <= 998 && !/[\r\n]/.test(line)))
  assert.match(letter.body, /^napier\.ac\.uk on 2026-11-23 \(UTC\), 120 messages\./m)
})
