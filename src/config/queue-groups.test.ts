import assert from "node:assert/strict"
import { test } from "node:test"
import { fail } from "../mail/result.ts"
import { loadSettings } from "./load.ts"

function load(mc: string) {
  return loadSettings({
    source: { file: "/etc/mail/sendmail.mc", text: `${mc}MAILER(\`local')dnl\nMAILER(\`smtp')dnl\n` },
    read: (path) => fail(`${path}: no such file`),
    place: { hostname: "mail.hello.com", addresses: [], state: "/var/lib/waypost", root: true },
  })
}

const told = (mc: string) =>
  load(mc).issues.map(({ severity, message, at }) => `${severity} ${at?.line}: ${message}`)

test("a queue group has its interval, runners, jobs and recipients, by the first letter as sendmail reads them", () => {
  const { settings, issues } = load(
    "QUEUE_GROUP(`slow', `Path=/var/spool/mqueue/slow, F=f, Interval=1h30m, R=5, Jobs=100, recipients=10')dnl\n" +
      "QUEUE_GROUP(`plain', `P=/var/spool/mqueue/plain, R=0, I=20')dnl\n",
  )
  assert.deepEqual(issues, [])
  assert.ok(settings !== undefined)
  const { at, equates: _, ...slow } = settings.queueGroups.get("slow") ?? assert.fail()
  assert.equal(at?.line, 1)
  assert.deepEqual(slow, { name: "slow", interval: 5400, runners: 5, jobs: 100, recipients: 10 })
  const plain = settings.queueGroups.get("plain")
  assert.deepEqual([plain?.runners, plain?.interval], [undefined, 1200])
  assert.equal(settings.filters.size, 0)
})

test("what comes to nothing is said, and what cannot be meant is refused, each with its line", () => {
  assert.deepEqual(told("QUEUE_GROUP(`slow', `N=10')dnl\n"), [
    "warning 1: QUEUE_GROUP(`slow'): N= has no effect: one process runs all groups",
  ])
  assert.deepEqual(told("dnl\nQUEUE_GROUP(`s low', `R=many, X=1, I=0, I=soon, r')dnl\n"), [
    "error 2: QUEUE_GROUP(`s low'): a name has letters, digits, - and _",
    'error 2: QUEUE_GROUP(`s low\'): R= is a number, which "many" is not',
    "error 2: QUEUE_GROUP(`s low'): X= is none of Flags, Interval, Jobs, Nice, Path, Runners, recipients",
    "error 2: QUEUE_GROUP(`s low'): I= is a time above 0",
    'error 2: QUEUE_GROUP(`s low\'): I=: "soon" is not a time (30s, 5m, 1h30m, 5d)',
    'error 2: QUEUE_GROUP(`s low\'): "=" expected in "r"',
  ])
})

test("mailers name their group, by a define or in their own line; a group that no line defines is an error", () => {
  const groups = "QUEUE_GROUP(`local', `R=3')dnl\nQUEUE_GROUP(`far', `I=1h')dnl\n"
  const { settings, issues } = load(
    `${groups}define(\`LOCAL_MAILER_QGRP', \`local')dnl
define(\`ESMTP_MAILER_QGRP', \`far')dnl
MAILER_DEFINITIONS
Mown, P=[IPC], F=mDFMuX, Q=far, A=TCP $h
`,
  )
  assert.deepEqual(issues, [])
  const groupOf = (name: string) => settings?.mailers.get(name)?.queueGroup
  assert.deepEqual(["local", "esmtp", "own", "smtp"].map(groupOf), ["local", "far", "far", undefined])
  assert.deepEqual(told(`${groups}define(\`SMTP_MAILER_QGRP', \`fra')dnl\n`), [
    "error 5: the mailer smtp names the queue group fra, which no QUEUE_GROUP defines",
  ])
  assert.deepEqual(told("FEATURE(`queuegroup', `slow')dnl\nFEATURE(`access_db')dnl\n"), [
    "error 1: FEATURE(`queuegroup') names the queue group slow, which no QUEUE_GROUP defines",
  ])
})
