// What each line of a configuration file is said to do.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { linesOfClass, linesOfMap, linesOfMc } from "./does.ts"
import { loadAt } from "./files.ts"

const tables: readonly (readonly [string, string, string])[] = [
  ["aliases", "team: me, jim", "mail for team goes to me, jim"],
  ["aliases", "# a comment", ""],
  ["aliases", "", ""],
  ["aliases", "no colon here", ""],
  ["virtusertable", "info@grussell.org\tme", "mail for info@grussell.org goes to me"],
  ["virtusertable", "@old.example.org error:nouser 550 No such user", "mail for @old.example.org is refused"],
  [
    "mailertable",
    ".example.org\tesmtp:[192.0.2.25]",
    "mail for hosts of .example.org goes by esmtp:[192.0.2.25]",
  ],
  ["access", "Connect:192.0.2\tRELAY", "Connect 192.0.2 may relay"],
  ["access", "From:spam@hello.com REJECT", "From spam@hello.com is refused"],
  ["access", "hello.com OK", "hello.com is let in"],
  ["access", "hello.com DISCARD", "hello.com is thrown away"],
  ["access", "hello.com ERROR:5.7.1:550 Go away", 'hello.com gets "ERROR:5.7.1:550 Go away"'],
  ["genericstable", "me Mary.Edwards@grussell.org", "mail from me leaves as from Mary.Edwards@grussell.org"],
  [
    "domaintable",
    "old.example.org new.example.org",
    "the domain old.example.org is taken for new.example.org",
  ],
  ["bitdomain", "host uucp-dom:host", "host: uucp-dom:host"],
]

for (const [name, line, does] of tables)
  test(`${name}: "${line}" ${does === "" ? "does nothing" : `says: ${does}`}`, () => {
    assert.deepEqual(linesOfMap({ name }, `${line}\n`), [{ line: 1, text: line, does }])
  })

test("a class has its members, one a line", () => {
  assert.deepEqual(
    linesOfClass("w", "grussell.org # ours\n\n# none\nnapier.ac.uk\n").map(({ does }) => does),
    ["grussell.org is in class w", "", "", "napier.ac.uk is in class w"],
  )
})

/** The lines of this sendmail.mc, by what they do. */
function does(t: TestContext, text: string): readonly string[] {
  const state = mkdtempSync(join(tmpdir(), "waypost-does-"))
  t.after(() => rmSync(state, { recursive: true }))
  const source = join(state, "sendmail.mc")
  writeFileSync(source, text)
  const { settings } = loadAt({ source, state, asRoot: false })
  assert.ok(settings !== undefined)
  return linesOfMc(source, text, settings).map((line) => line.does)
}

test("each line of a sendmail.mc tells what came of it; several things stand in one line as one sentence", (t) => {
  const [ostype, table, domain, doors, mailer] = does(
    t,
    `OSTYPE(\`linux')dnl
FEATURE(\`mailertable', \`text -o /etc/mail/mailertable')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
DAEMON_OPTIONS(\`Port=2525, Addr=127.0.0.1, Name=MTA')dnl
MAILER(\`smtp')dnl
`,
  )
  assert.equal(ostype, "")
  assert.match(
    table ?? "",
    /^Domains that go another way than by MX; opens the table mailertable \(text \S+\)$/,
  )
  assert.equal(domain, "grussell.org is in class w")
  assert.equal(doors, "listens on 127.0.0.1, port 2525, as MTA")
  assert.match(mailer ?? "", /^the mailer smtp /)
})

test("a configuration that cannot be read has its lines, and nothing is said of them", () => {
  assert.deepEqual(linesOfMc("/x.mc", "FEATUER(`x')dnl\n", undefined), [
    { line: 1, text: "FEATUER(`x')dnl", does: "" },
  ])
})
