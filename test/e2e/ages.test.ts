// Mail that grows old: who is told of a delay, and when it comes back, by priority, by what the sender asked for, and for reports. Days
// pass between two starts of the system (libfaketime); the host all of it is for says 451 each time.
import assert from "node:assert/strict"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { clockEnv, noClock as skip, reboot } from "../kit/clock.ts"
import { type Sink, startSink } from "../kit/sink.ts"
import { freePort, System } from "../kit/system.ts"

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.napier.ac.uk')dnl
LOCAL_DOMAIN(\`napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
define(\`confTO_QUEUEWARN', \`4h')dnl
define(\`confTO_QUEUEWARN_URGENT', \`1h')dnl
define(\`confTO_QUEUEWARN_NONURGENT', \`12h')dnl
define(\`confTO_QUEUERETURN', \`5d')dnl
define(\`confTO_QUEUERETURN_URGENT', \`2d')dnl
define(\`confTO_QUEUERETURN_NONURGENT', \`7d')dnl
define(\`confTO_QUEUERETURN_DSN', \`1d')dnl
define(\`confDOUBLE_BOUNCE_ADDRESS', \`jim')dnl
define(\`confCOPY_ERRORS_TO', \`watcher')dnl
define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h @FAR@')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`
const users = ["g.russell", "jim", "sue", "watcher"]
const aliases = `postmaster: jim
staff: member@hello.com
owner-staff: sue
owner-list: sue
`

let system: System
let sink: Sink
let boots = 0

/** What waits, by the name of its recipient: the parameters of MAIL and RCPT, and a field of the header. */
const letters = [
  { to: "normal", field: "" },
  { to: "urgent", field: "Priority: urgent\r\n" },
  { to: "nonurgent", field: "Priority: non-urgent\r\n" },
  { to: "bulk", field: "Precedence: bulk\r\n" },
  { to: "delay", rcpt: " NOTIFY=DELAY" },
  { to: "failure", rcpt: " NOTIFY=FAILURE" },
  { to: "never", rcpt: " NOTIFY=NEVER" },
  { to: "by-return", mail: " BY=7200;R" },
  { to: "by-notify", mail: " BY=7200;N" },
  { to: "report", from: "<>" },
  { to: "by-owner", from: "<owner-list@napier.ac.uk>" },
]

before(async () => {
  if (skip !== false) return
  const far = await freePort()
  const extensions = ["PIPELINING", "8BITMIME", "DSN", "DELIVERBY", "ENHANCEDSTATUSCODES"]
  sink = await startSink({ port: far, extensions, rules: [{ on: /^RCPT/, act: "451 4.3.0 not now" }] })
  system = await System.start({ mc: mc.replace("@FAR@", String(far)), files: { aliases }, users })
  const session = await system.connect()
  await session.reply()
  await session.say("EHLO pc236b.napier.ac.uk")
  for (const { to, from = "<g.russell@napier.ac.uk>", mail = "", rcpt = "", field = "" } of [
    ...letters.map((letter) => ({ ...letter, to: `${letter.to}@hello.com` })),
    { to: "staff@napier.ac.uk" },
  ]) {
    for (const line of [`MAIL FROM:${from}${mail}`, `RCPT TO:<${to}>${rcpt}`])
      assert.match(await session.say(line), /^250/, line)
    assert.match(await session.say("DATA"), /^354/)
    assert.match(await session.say(`Subject: lunch\r\n${field}\r\nThe whole of it.\r\n.`), /^250/)
  }
  session.close()
  await system.idle()
})

after(async () => {
  await system?.stop()
  await sink?.close()
})

type Told = { readonly what: string; readonly whom: string; readonly text: string }

/** The reports in a mailbox since the last look. */
function reportsTo(user: string): readonly Told[] {
  const box = join(system.directory, "mail", user)
  const text = existsSync(box) ? readFileSync(box, "utf8") : ""
  rmSync(box, { force: true })
  return text
    .split(/^From MAILER-DAEMON .*\n/m)
    .slice(1)
    .map((report) => ({
      what: /^Action: (\w+)/m.exec(report)?.[1] ?? "",
      whom: /^Final-Recipient: \S+ ([^@\s]+)@/im.exec(report)?.[1] ?? "",
      text: report,
    }))
}

const names = (reports: readonly Told[], what: string) =>
  reports.flatMap((one) => (one.what === what ? [one.whom] : [])).toSorted()

/** It is so much later; everything has been tried once more. */
async function later(offset: string): Promise<void> {
  await system.end()
  const { directory, port: mta, msa } = system
  reboot(directory, `boot ${++boots}`)
  const config = readFileSync(join(directory, "sendmail.mc"), "utf8")
  const env = clockEnv(directory, offset)
  system = await System.start({ directory, ports: { mta, msa }, mc: config, env })
  assert.equal((await system.command("sendmail", ["-q"])).code, 0)
  await system.idle()
}

const waiting = async () =>
  (await system.waypost("queue", "list", "--json")).stdout
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => String((JSON.parse(line) as { recipients: { address: string }[] }).recipients[0]?.address))

const hour = (hours: number) => `+${hours * 3600}`

for (const { hours, delayed, failed, twice = [], owner = [], left } of [
  { hours: 0.5, delayed: [], failed: [], left: 12 },
  { hours: 3, delayed: ["by-notify", "urgent"], failed: ["by-return"], left: 11 },
  { hours: 6, delayed: ["delay", "normal"], failed: [], owner: ["delayed staff"], left: 11 },
  { hours: 14, delayed: ["nonurgent"], failed: [], left: 11 },
  { hours: 26, delayed: [], failed: [], twice: ["report"], left: 10 },
  { hours: 50, delayed: [], failed: ["urgent"], left: 9 },
  { hours: 100, delayed: [], failed: [], left: 9 },
  {
    hours: 122,
    delayed: [],
    failed: ["by-notify", "failure", "normal"],
    owner: ["failed by-owner", "failed staff"],
    left: 2,
  },
  { hours: 170, delayed: [], failed: ["bulk", "nonurgent"], left: 0 },
] as const) {
  test(`after ${hours} hours ${left} wait; told are ${[...delayed, ...failed, ...twice].join(", ") || "none"}`, {
    skip,
  }, async () => {
    await later(hour(hours))
    const reports = reportsTo("g.russell")
    assert.deepEqual(names(reports, "delayed"), delayed)
    assert.deepEqual(names(reports, "failed"), failed)
    assert.deepEqual(names(reportsTo("jim"), "failed"), twice)
    assert.deepEqual(
      reportsTo("sue")
        .map(({ what, whom }) => `${what} ${whom}`)
        .toSorted(),
      owner,
    )
    const copies = reportsTo("watcher")
    assert.deepEqual(names(copies, "delayed"), [], "nobody copies warnings")
    for (const { whom, text } of reports.filter(({ what }) => what === "delayed")) assertWarning(whom, text)
    for (const { whom, text } of reports.filter(({ what }) => what === "failed")) assertReturn(whom, text)
    for (const whom of failed) assert.ok(names(copies, "failed").includes(whom), `a copy about ${whom}`)
    assert.equal((await waiting()).length, left, (await waiting()).join(" "))
  })
}

function assertWarning(whom: string, text: string): void {
  assert.match(text, /^Subject: Warning: could not send message for past \d+ \w+$/m, whom)
  assert.match(text, /^Will-Retry-Until: /m)
  assert.match(text, /451 4\.3\.0 not now/)
  assert.doesNotMatch(text, /The whole of it/)
}

function assertReturn(whom: string, text: string): void {
  assert.match(text, /^Status: 5\.4\.7$/m, whom)
  if (whom === "by-return") assert.match(text, /^550 5\.4\.7 .*Delivery time expired$/m)
  else assert.match(text, /^Diagnostic-Code: smtp; 451 4\.3\.0 not now$/im)
  if (whom === "bulk") assert.doesNotMatch(text, /The whole of it/)
  else assert.match(text, /The whole of it/)
}
