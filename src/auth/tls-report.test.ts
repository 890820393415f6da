import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { reportPlaces } from "./tls-report-record.ts"
import { tlsReportInWords } from "./tls-report-words.ts"
import { policyTypes, printTlsReport, readTlsReport, resultTypes, type TlsReport } from "./tls-report.ts"

/** RFC 8460, appendix B. */
const example = `{
  "organization-name": "Company-X",
  "date-range": { "start-datetime": "2016-04-01T00:00:00Z", "end-datetime": "2016-04-01T23:59:59Z" },
  "contact-info": "sts-reporting@company-x.example",
  "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
  "policies": [{
    "policy": {
      "policy-type": "sts",
      "policy-string": ["version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"],
      "policy-domain": "company-y.example",
      "mx-host": "*.mail.company-y.example"
    },
    "summary": { "total-successful-session-count": 5326, "total-failure-session-count": 303 },
    "failure-details": [{
      "result-type": "certificate-expired",
      "sending-mta-ip": "2001:db8:abcd:0012::1",
      "receiving-mx-hostname": "mx1.mail.company-y.example",
      "failed-session-count": 100
    }, {
      "result-type": "starttls-not-supported",
      "sending-mta-ip": "2001:db8:abcd:0013::1",
      "receiving-mx-hostname": "mx2.mail.company-y.example",
      "receiving-ip": "203.0.113.56",
      "failed-session-count": 200,
      "additional-information": "https://reports.company-x.example/report_info?id=5065427c-23d3#StarttlsNotSupported"
    }, {
      "result-type": "validation-failure",
      "sending-mta-ip": "198.51.100.62",
      "receiving-ip": "203.0.113.58",
      "receiving-mx-hostname": "mx-backup.mail.company-y.example",
      "failed-session-count": 3,
      "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"
    }]
  }]
}`

test("the report of RFC 8460, appendix B, is read and told in words, the worst first", () => {
  const read = readTlsReport(example)
  assert.ok(read.ok)
  assert.deepEqual(tlsReportInWords(read.value), [
    "Company-X saw, 2016-04-01T00:00:00Z to 2016-04-01T23:59:59Z (report 5065427c-23d3-47ca-b6e0-946ea0e8c4be, sts-reporting@company-x.example):",
    "  MTA-STS of company-y.example: 5629 sessions, 303 not well",
    "    | version: STSv1",
    "    | mode: testing",
    "    | mx: *.mail.company-y.example",
    "    | max_age: 86400",
    "    200 × mx2.mail.company-y.example [203.0.113.56], from 2001:db8:abcd:0013::1: starttls-not-supported: the host did not offer STARTTLS: switch it on, or see who stands between you and the sender",
    "      more: https://reports.company-x.example/report_info?id=5065427c-23d3#StarttlsNotSupported",
    "    100 × mx1.mail.company-y.example, from 2001:db8:abcd:0012::1: certificate-expired: its certificate has ended: renew it",
    "    3 × mx-backup.mail.company-y.example [203.0.113.58], from 198.51.100.62: validation-failure: TLS failed in another way: the host's log of that day may tell more",
    "      it said: X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED",
  ])
})

/** With the prototype that what JSON reads has. */
const plain = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { noNullPrototype: true })

const text = fc.string({ minLength: 1 })
const maybe = fc.option(text, { nil: undefined })
const count = fc.nat()
const reports: fc.Arbitrary<TlsReport> = plain({
  organization: text,
  contact: text,
  id: text,
  begin: text,
  end: text,
  policies: fc.array(
    plain({
      policy: plain({
        type: fc.constantFrom(...policyTypes),
        domain: text,
        text: fc.array(text),
        hosts: fc.array(text),
      }),
      successful: count,
      failed: count,
      failures: fc.array(
        plain({
          result: fc.constantFrom(...resultTypes),
          count,
          sendingAddress: maybe,
          receivingHost: maybe,
          receivingHelo: maybe,
          receivingAddress: maybe,
          information: maybe,
          reason: maybe,
        }),
      ),
    }),
  ),
})

test("what is printed is read as it was", () => {
  fc.assert(
    fc.property(reports, (report) => {
      assert.deepEqual(readTlsReport(printTlsReport(report)), { ok: true, value: report })
    }),
  )
})

for (const [what, broken, error] of [
  ["no JSON", "<feedback/>", /^it is no JSON: /],
  ["a list", "[]", /^it is no TLS report/],
  ["null", "null", /^it is no TLS report/],
  ["no policies", "{}", /^it is no TLS report: it has no policies/],
  ["a policy that is a number", '{"policies":[7]}', /^policy 1: it has no policy-type/],
  ["no type", example.replace('"policy-type": "sts",', ""), /^policy 1: it has no policy-type/],
  ["a count in words", example.replace("5326", '"many"'), /^policy 1: its summary has no counts/],
  ["a count below nothing", example.replace("303", "-303"), /^policy 1: its summary has no counts/],
  ["a count with a fraction", example.replace("5326", "5326.5"), /^policy 1: its summary has no counts/],
  [
    "a failure without a count",
    example.replace(": 100", ": null"),
    /^policy 1: a failure has no result-type/,
  ],
  [
    "failures that are no list",
    example.replace(/"failure-details": \[[^]*\]\s*\}\]/, '"failure-details": {}}]'),
    /failure-details are no list/,
  ],
] as const) {
  test(`a report with ${what} is none, and that is said`, () => {
    const read = readTlsReport(broken)
    assert.match(read.ok ? "it was read" : read.error, error)
  })
}

// RFC 8460 §3
for (const [texts, places] of [
  [["v=TLSRPTv1;rua=mailto:reports@example.com"], ["reports@example.com"]],
  [["v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt"], ["https://reporting.example.com/v1/tlsrpt"]],
  [
    ["v=TLSRPTv1; x=y; rua=mailto:a@example.com, https://example.com/r;z=1"],
    ["a@example.com", "https://example.com/r"],
  ],
  [["v=spf1 -all", "v=TLSRPTv1;rua=mailto:a@example.com"], ["a@example.com"]],
  [["v=TLSRPTv1;rua=mailto:a%2Cb%21c@example.com?subject=x"], ["a,b!c@example.com"]],
  [["v=TLSRPTv1;rua=mailto:a@example.com", "v=TLSRPTv1;rua=mailto:b@example.com"], []],
  [["v=TLSRPTv2;rua=mailto:a@example.com"], []],
  [["v=TLSRPTv1"], []],
  [["v=TLSRPTv1;"], []],
  [["v=TLSRPTv1;rua=ftp://example.com/,http://example.com/,https://"], []],
  [["v=TLSRPTv1;rua=mailto:100%"], []],
  [[], []],
] as const) {
  test(`the TLSRPT records ${JSON.stringify(texts)} name ${places.join(" and ") || "no place"}`, () => {
    const found = reportPlaces(texts).map((place) => (place.by === "mail" ? place.address : place.url))
    assert.deepEqual(found, places)
  })
}
