import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { fail } from "../mail/result.ts"
import { timeoutsFrom } from "../mailers/esmtp-terms.ts"
import { featureRows } from "./features.ts"
import { loadSettings } from "./load.ts"
import { harmless, idleFeatures, missing } from "./no-effect.ts"
import { options } from "./options.ts"

const source = join(import.meta.dirname, "..")
const code = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !/\.test\.ts$|config\/(?:options|features|no-effect)/.test(file))
  .map((file) => readFileSync(join(source, file), "utf8"))
  .join("\n")
  .replaceAll('"Milter.', '"Milter ') // Milter.LogLevel is not LogLevel

function warnings(mc: string): readonly string[] {
  const { issues } = loadSettings({
    source: { file: "sendmail.mc", text: `${mc}MAILER(\`local')dnl\nMAILER(\`smtp')dnl\n` },
    read: (path) => fail(`${path}: no such file`),
    place: { hostname: "mail.hello.com", addresses: [], state: "/var/lib/waypost", root: true },
  })
  return issues.map(({ severity, message, at }) => `${severity} ${at?.line}: ${message}`)
}

/** Names that code puts together: the families of Timeout and Milter.macros. */
const families = /^(?:Timeout|Milter)\./

test("every option is read by the code, or told as one without effect", () => {
  const unread = Object.keys(options).filter(
    (name) => !families.test(name) && !code.includes(`"${name}"`) && !code.includes(`.${name}`),
  )
  const told = [...harmless.keys(), ...missing.keys()].filter((name) => !families.test(name))
  const untold = unread.filter((name) => !told.some((one) => one === name))
  assert.deepEqual(untold, [])
  assert.deepEqual(
    told.filter((name) => !unread.includes(name)),
    [],
    "what is done now is struck off the lists of no-effect.ts",
  )
})

/** Read one by one: by the schedule, for sessions of clients, of hosts that do not answer; and timeoutsFrom reads the steps of a session. */
const readByName = /^Timeout\.(?:queuereturn|queuewarn)(?:\.|$)|^Timeout\.(?:command|datablock|hoststatus)$/

test("every time limit is kept, or told as one without effect", () => {
  const steps = new Set(Object.keys(timeoutsFrom({ options: new Map() })).map((step) => `Timeout.${step}`))
  const untold = Object.keys(options).filter(
    (name) =>
      name.startsWith("Timeout.") &&
      !readByName.test(name) &&
      !steps.has(name) &&
      ![...harmless.keys(), ...missing.keys()].some((one) => one === name),
  )
  assert.deepEqual(untold, [])
  assert.deepEqual(warnings("define(`confTO_MISC', `10s')define(`confTO_RESOLVER_RETRY', `3')dnl\n"), [
    "warning 1: confTO_RESOLVER_RETRY has no effect: say `options timeout: attempts:' in resolv.conf",
  ])
})

test("every feature is asked for by the code, told as one without effect, or obsolete", () => {
  const unasked = Object.entries(featureRows)
    .filter(([name, { obsolete, now }]) => obsolete === undefined && now === undefined && !asked(name))
    .map(([name]) => name)
  const strike = "what is done now is struck off idleFeatures"
  assert.deepEqual(unasked.toSorted(), [...idleFeatures.keys()].toSorted(), strike)
})

function asked(name: string): boolean {
  return new RegExp(`["'\`]${name}["'\`]`).test(code)
}

test("FEATURE(tls_failures) is the option that took its place, and says so", () => {
  assert.deepEqual(warnings("FEATURE(`tls_failures')dnl\n"), [
    "warning 1: FEATURE(`tls_failures') has been replaced by confTLS_FALLBACK_TO_CLEAR, which is on now",
  ])
})

test("a line that asks in vain is told with what to do instead; the default is no such line", () => {
  assert.deepEqual(warnings("define(`confSAFE_FILE_ENV', `/arch')dnl\nFEATURE(`prefixmod')dnl\n"), [
    "warning 1: confSAFE_FILE_ENV has no effect: files are written with the user's own rights",
    "warning 2: FEATURE(`prefixmod') has no effect: a name keeps its prefix, and no {rcpt_flags} are set",
  ])
  assert.deepEqual(
    warnings("define(`confSEND_MIME_ERRORS', `true')dnl\n".replace("SEND_MIME_ERRORS", "MIME_FORMAT_ERRORS")),
    [],
  )
})
