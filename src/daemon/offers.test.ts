import assert from "node:assert/strict"
import { test } from "node:test"
import { settingsOf } from "../../test/kit/site.ts"
import { loadSettings } from "../config/load.ts"
import type { DaemonOptions } from "../config/settings.ts"
import { fail, ok } from "../mail/result.ts"
import type { ReadText } from "../mail/world.ts"
import { connectionLimits, isSubmission, offersFrom, sessionTimeouts } from "./offers.ts"

const door: DaemonOptions = {
  name: "MTA",
  address: "127.0.0.1",
  family: "inet",
  port: 25,
  modify: "",
  other: new Map(),
  at: undefined,
}

test("without a word in the configuration the door greets as Waypost and has its own limits", () => {
  const offers = offersFrom(settingsOf({}), door, "Waypost 0.1.0")
  assert.equal(offers.greeting, "grussell.org ESMTP Waypost 0.1.0; $b")
  assert.equal(offers.maxMessageSize, 0)
  assert.equal(offers.maxRecipients, 10_000)
  assert.equal(offers.maxHops, 25)
  assert.equal(offers.maxHeaderSize, 1 << 20)
  assert.deepEqual([...offers.privacy], ["authwarnings"])
  assert.deepEqual(offers.origins, {})
  assert.deepEqual(sessionTimeouts(settingsOf({})), { command: 300_000, datablock: 300_000 })
  assert.deepEqual(connectionLimits(settingsOf({}), door), { total: 2000, perAddress: 0 })
})

test("each limit of the configuration is kept with its line", () => {
  const settings = settingsOf({
    options: {
      MaxMessageSize: 2000,
      MaxRecipientsPerMessage: 3,
      MaxHopCount: 5,
      MaxHeadersLength: 4096,
      PrivacyOptions: ["goaway"],
      SmtpGreetingMessage: "$j Postfix? $m; $b",
      "Timeout.command": 60,
      MaxDaemonChildren: 40,
    },
  })
  const offers = offersFrom(settings, door, "Waypost 0.1.0")
  assert.equal(offers.greeting, "grussell.org ESMTP Postfix? org; $b")
  assert.deepEqual(
    [offers.maxMessageSize, offers.maxRecipients, offers.maxHops, offers.maxHeaderSize],
    [2000, 3, 5, 4096],
  )
  assert.deepEqual([...offers.privacy].toSorted(), [
    "authwarnings",
    "needexpnhelo",
    "needmailhelo",
    "needvrfyhelo",
    "noexpn",
    "noverb",
    "novrfy",
  ])
  assert.equal(offers.origins.maxMessageSize?.file, "/etc/mail/sendmail.mc")
  assert.ok(offers.origins.privacy !== undefined && offers.origins.maxHops !== undefined)
  assert.equal(sessionTimeouts(settings).command, 60_000)
  assert.equal(connectionLimits(settings, door).total, 40)
})

test("a submission door is known by its name, port or modifier, and does no ETRN", () => {
  assert.equal(isSubmission(door), false)
  assert.equal(isSubmission({ ...door, name: "MSA" }), true)
  assert.equal(isSubmission({ ...door, port: 587 }), true)
  assert.equal(isSubmission({ ...door, modify: "E" }), true)
  assert.ok(offersFrom(settingsOf({}), { ...door, modify: "E" }, "Waypost 0.1.0").privacy.has("noetrn"))
})

test("an LMTP door says so", () => {
  const lmtp = offersFrom(
    settingsOf({}),
    { ...door, other: new Map([["protocol", "lmtp"]]) },
    "Waypost 0.1.0",
  )
  assert.equal(lmtp.greeting, "grussell.org LMTP Waypost 0.1.0; $b")
  assert.ok(lmtp.lmtp)
})

test("AuthOptions takes away the mechanisms that are not good for what its letters ask", () => {
  const offered = (AuthOptions: string) =>
    offersFrom(settingsOf({ options: { AuthOptions } }), door, "Waypost 0.1.0", { tls: true, logins: true })
      .auth?.mechanisms
  assert.deepEqual(offered("A p y"), ["EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"])
  assert.deepEqual(offered("a"), ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"])
})

for (const [backends, expected] of [
  ["sasldb users", ["EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"]],
  ["users", ["EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"]],
  ["system", ["EXTERNAL", "PLAIN", "LOGIN"]],
  ["dovecot=/run/auth", ["EXTERNAL", "PLAIN", "LOGIN"]],
] as const) {
  test(`with ${backends} only those mechanisms are offered that it can answer`, () => {
    const AuthMechanisms = "EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN"
    const settings = settingsOf({ options: { AuthBackends: backends, AuthMechanisms } })
    const { auth } = offersFrom(settings, door, "Waypost 0.1.0", { tls: true, logins: true })
    assert.deepEqual(auth?.mechanisms, expected)
  })
}

test("HELP_FILE is read with the configuration, its macros filled in; one that cannot be read is told, and HELP says so", () => {
  const mc = "define(`HELP_FILE', `/etc/mail/helpfile')dnl\nMAILER(local)dnl\nMAILER(smtp)dnl\n"
  const load = (read: ReadText) =>
    loadSettings({
      source: { file: "/etc/mail/sendmail.mc", text: mc },
      read,
      place: { hostname: "mail.hello.com", addresses: [], state: "/var/lib/waypost", root: true },
    })
  const good = load(() => ok("#vers 2\nsmtp\tThis is $j, version $v\n"))
  assert.ok(good.settings !== undefined)
  const { help } = offersFrom(good.settings, door, "Waypost 0.1.0")
  assert.deepEqual(help, {
    version: 2,
    lines: [{ topic: "smtp", text: "This is mail.hello.com, version 0.1.0" }],
  })
  const bad = load((path) =>
    fail(`${path}: ${path.endsWith("helpfile") ? "permission denied" : "no such file"}`),
  )
  assert.deepEqual(
    bad.issues.map(({ severity, message, at }) => `${severity} ${at?.line}: ${message}`),
    ["warning 1: HELP_FILE: /etc/mail/helpfile: permission denied: HELP answers that there is none"],
  )
  assert.ok(bad.settings !== undefined)
  assert.equal(offersFrom(bad.settings, door, "Waypost 0.1.0").help, "unreadable")
})
