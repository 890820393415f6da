import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { loadSettings } from "../src/config/load.ts"
import { ok } from "../src/mail/result.ts"
import { settingsFile, words, writeSettings } from "./settings.ts"

test("docs/settings.md says what the tables say (node test/settings.ts writes it anew)", () => {
  assert.equal(readFileSync(settingsFile, "utf8"), writeSettings())
})

for (const [example] of words) {
  test(`${example} is understood`, () => {
    const mailers = "MAILER(`local')dnl\nMAILER(`smtp')dnl\n"
    const text = example.startsWith("MAILER(")
      ? mailers
      : /^(?:LOCAL_|MAILER_D)[A-Z_0-9]+$/.test(example)
        ? `${mailers}${example}\n`
        : `${example}dnl\n${mailers}`
    const { issues } = loadSettings({
      source: { file: "sendmail.mc", text },
      read: () => ok(""),
      place: { hostname: "mail.hello.com", addresses: [], state: "/var/lib/waypost", root: true },
    })
    assert.deepEqual(issues, [])
  })
}
