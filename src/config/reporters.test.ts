import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import { printPath } from "../mail/address.ts"
import { reporterOf, wrongReporters } from "./reporters.ts"

function settings(lines: string) {
  return mailhost({ files: { "/etc/mail/sendmail.mc": `${lines}\nMAILER(smtp)dnl` } }).settings
}

test("confDMARC_REPORTS names who reports; without it nobody does", () => {
  const reporter = reporterOf(
    settings("FEATURE(`dmarc')dnl\ndefine(`confDMARC_REPORTS', `dmarc@mx.test')dnl"),
    "DmarcReports",
  )
  assert.equal(reporter && printPath(reporter), "dmarc@mx.test")
  assert.equal(reporterOf(settings("FEATURE(`dmarc')dnl"), "DmarcReports"), undefined)
})

test("confTLS_REPORTS names who reports of TLS, and needs no other line", () => {
  const reporter = reporterOf(settings("define(`confTLS_REPORTS', `tls@mx.test')dnl"), "TlsReports")
  assert.equal(reporter && printPath(reporter), "tls@mx.test")
})

const wrong: readonly (readonly [string, RegExp])[] = [
  [
    "define(`confTLS_REPORTS', `postmaster')dnl",
    /sendmail\.mc:1.*confTLS_REPORTS: "postmaster" is no address that reports can come from/s,
  ],
  [
    "FEATURE(`dmarc')dnl\ndefine(`confDMARC_REPORTS', `yes')dnl",
    /sendmail\.mc:2.*"yes" is no address that reports can come from/s,
  ],
  [
    "FEATURE(`dmarc')dnl\ndefine(`confDMARC_REPORTS', `a@[192.0.2.7]')dnl",
    /"a@\[192\.0\.2\.7\]" is no address that reports can come from/,
  ],
  [
    "define(`confDMARC_REPORTS', `dmarc@mx.test')dnl",
    /sendmail\.mc:1.*without FEATURE\(`dmarc'\) there is nothing to report/s,
  ],
]

for (const [lines, says] of wrong) {
  test(`refused: ${lines.split("\n").at(-1) ?? ""}`, () => assert.throws(() => settings(lines), says))
}

test("confTLS_REPORTS without FEATURE(dkim_sign) is borne, and a warning says what comes of it", () => {
  const warned = (lines: string) =>
    wrongReporters(settings(lines)).map(({ severity, message, at }) => `${severity} ${at?.line}: ${message}`)
  const line = "define(`confTLS_REPORTS', `tls@mx.test')dnl"
  assert.deepEqual(warned(line), [
    "warning 1: confTLS_REPORTS: receivers ignore reports by mail that nobody has signed",
  ])
  assert.deepEqual(warned(`FEATURE(\`dkim_sign')dnl\n${line}`), [])
})
