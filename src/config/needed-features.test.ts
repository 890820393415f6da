import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"

function settings(lines: string) {
  return mailhost({ files: { "/etc/mail/sendmail.mc": `${lines}\nMAILER(smtp)dnl` } }).settings
}

test("FEATURE(bimi) without FEATURE(dmarc) is refused, with its line and what to do", () => {
  assert.throws(
    () => settings("FEATURE(`spf')dnl\nFEATURE(`bimi')dnl"),
    /sendmail\.mc:2.*FEATURE\(`bimi'\): without FEATURE\(`dmarc'\) nobody is known to speak for.*add FEATURE\(`dmarc'\)/s,
  )
})

test("seal= of FEATURE(arc) needs keys, its trust= none", () => {
  assert.throws(
    () => settings("FEATURE(`arc', `seal=mx.test')dnl"),
    /sendmail\.mc:1.*FEATURE\(`arc'\): without FEATURE\(`dkim_sign'\) there are no keys to seal with/s,
  )
  assert.ok(settings("FEATURE(`arc', `trust=lists.example.org')dnl").features.has("arc"))
})

test("in whatever order the lines stand, both together are well", () => {
  assert.ok(settings("FEATURE(`bimi')dnl\nFEATURE(`dmarc')dnl").features.has("bimi"))
})
