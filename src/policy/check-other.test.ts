import assert from "node:assert/strict"
import { test } from "node:test"
import { arrivalOf, said } from "../../test/kit/gate.ts"
import { mailhost } from "../../test/kit/mailhost.ts"
import { fail } from "../mail/result.ts"
import { loadSettings } from "../config/load.ts"

const client = arrivalOf("192.0.2.7")

async function asked(feature: string, line: string, digit = "5"): Promise<string> {
  const { gate } = mailhost({
    files: { "/etc/mail/sendmail.mc": `${feature}\nMAILER(local)dnl\nMAILER(smtp)dnl\n` },
  })
  const decision = await gate.other?.(client, line, digit)
  return decision === undefined ? "not asked" : said(decision)
}

test("a client that says a header field in the place of a command is let go", async () => {
  const feature = "FEATURE(`check_other')dnl"
  assert.equal(await asked(feature, "Subject: cheap watches"), "421 4.7.0 bad command")
  assert.equal(await asked(feature, "Host : example.org"), "421 4.7.0 bad command")
  assert.equal(await asked(feature, "XYZZY now"), "pass")
  assert.equal(await asked(feature, "NOOP x: y", "2"), "pass", "it is answered with 250")
  assert.equal(await asked("", "Subject: cheap watches"), "not asked")
})

test("its line and the FEATURE are the reason", async () => {
  const { gate } = mailhost({
    files: { "/etc/mail/sendmail.mc": "FEATURE(`check_other')dnl\nMAILER(local)dnl\nMAILER(smtp)dnl\n" },
  })
  const decision = await gate.other?.(client, "Subject: x", "5")
  assert.deepEqual([decision?.reason.step, decision?.reason.at?.line], ["check_other", 1])
})

test("the site's own expression takes the place of the usual one", async () => {
  const feature = "FEATURE(`check_other', `^(GET|POST) ')dnl"
  assert.equal(await asked(feature, "get / HTTP/1.0"), "421 4.7.0 bad command")
  assert.equal(await asked(feature, "Subject: x"), "pass")
})

test("an expression that is none is told when the configuration is read", () => {
  const { settings, issues } = loadSettings({
    source: {
      file: "sendmail.mc",
      text: "FEATURE(`check_other', `^(GET')dnl\nMAILER(local)dnl\nMAILER(smtp)dnl\n",
    },
    read: (path) => fail(`${path}: no such file`),
    place: { hostname: "mail.hello.com", addresses: [], state: "/var/lib/waypost", root: true },
  })
  assert.equal(settings, undefined)
  assert.match(issues[0]?.message ?? "", /^FEATURE\(`check_other'\): the regular expression: /)
  assert.equal(issues[0]?.at?.line, 1)
})
