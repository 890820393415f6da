import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { feature, macro, tablesNamed } from "../config/settings.ts"
import { type Base, settingsOf } from "./what-if-settings.ts"

const directory = mkdtempSync(join(tmpdir(), "what-if-"))
after(() => rmSync(directory, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const running = file(
  "sendmail.mc",
  "define(`confDOMAIN_NAME', `mx.napier.ac.uk')dnl\nFEATURE(`access_db', `hash -o /etc/mail/access')dnl\nMAILER(`local')dnl\n",
)
const trusted = new Map([["gor", undefined]])

function base(): Base {
  const place = { state: directory, asRoot: false }
  const read = settingsOf({ config: running, maps: {} }, { settings: blank(), ...place })
  assert.ok(read.ok)
  return { settings: { ...read.value, submitTrusted: trusted }, ...place }
}

function blank(): Base["settings"] {
  const none = new Map()
  return {
    source: "none",
    options: none,
    macros: none,
    classes: none,
    features: none,
    daemons: [],
    clients: [],
    mailers: none,
    tables: [],
    maps: none,
    filters: none,
    queueGroups: none,
    localRules: [],
  }
}

test("another sendmail.mc is read with its own lines, and believes whom submit.mc lets it", () => {
  const other = file("new.mc", "define(`confDOMAIN_NAME', `new.napier.ac.uk')dnl\nMAILER(`local')dnl\n")
  const read = settingsOf({ config: other, maps: {} }, base())
  assert.ok(read.ok)
  assert.equal(macro(read.value, "j"), "new.napier.ac.uk")
  assert.equal(read.value.macros.get("j")?.at?.file, other)
  assert.equal(feature(read.value, "access_db"), undefined)
  assert.equal(read.value.submitTrusted, trusted)
})

test("a draft is read in the place of the file", () => {
  const draft = "define(`confDOMAIN_NAME', `draft.napier.ac.uk')dnl\nMAILER(`local')dnl\n"
  const read = settingsOf({ config: running, text: draft, maps: {} }, base())
  assert.ok(read.ok)
  assert.equal(macro(read.value, "j"), "draft.napier.ac.uk")
})

test("another text stands for a table of the settings in force, whatever is compiled beside it", () => {
  const access = file("access.new", "From:hello.com\tREJECT\n")
  const read = settingsOf({ config: undefined, maps: { access } }, base())
  assert.ok(read.ok)
  const [spec, ...more] = tablesNamed(read.value, "access")
  assert.deepEqual([spec?.file, spec?.fromText, more.length], [access, true, 0])
})

test("what cannot be used is said in a line: no file, a mistake with its place, a table that is none", () => {
  const missing = settingsOf({ config: join(directory, "none.mc"), maps: {} }, base())
  assert.match(missing.ok ? "" : missing.error, /none\.mc: /)
  const wrong = file("wrong.mc", "FEATURE(`no_such_thing')dnl\nMAILER(`local')dnl\n")
  const refused = settingsOf({ config: wrong, maps: {} }, base())
  assert.match(refused.ok ? "" : refused.error, /wrong\.mc cannot be used:[^]*wrong\.mc:1/)
  const access = file("access", "")
  const unknown = settingsOf({ config: undefined, maps: { nothing: access } }, base())
  assert.match(unknown.ok ? "" : unknown.error, /has no table "nothing"/)
  const unread = settingsOf({ config: undefined, maps: { access: join(directory, "not-there") } }, base())
  assert.match(unread.ok ? "" : unread.error, /not-there: /)
  const relative = settingsOf({ config: undefined, maps: { access: "access" } }, base())
  assert.match(relative.ok ? "" : relative.error, /a path from \//)
})
