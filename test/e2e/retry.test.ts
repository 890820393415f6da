// Mail that cannot be delivered at once: what waits, what is said of it meanwhile, and how it ends. The remote hosts are a scripted
// SMTP server that shares no code with ours.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, beforeEach, test } from "node:test"
import { type Nameserver, startNameserver } from "../kit/nameserver.ts"
import { type Sink, type SinkRule, startSink } from "../kit/sink.ts"
import { freePort, handIn, System } from "../kit/system.ts"

const zone = {
  "grussell.org": { MX: [[10, "mail.grussell.org"]] },
  "mail.grussell.org": { A: ["127.0.0.3"] },
  "hello.com": { MX: [[0, "."]] },
  "example.org": { MX: [[10, "mail.example.org"]] },
  "mail.example.org": { A: ["127.0.0.3"] },
} as const

const mc = (port: number) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.napier.ac.uk')dnl
define(\`confTO_QUEUEWARN', \`2s')dnl
define(\`confMAX_QUEUE_AGE', \`@AGE@')dnl
LOCAL_DOMAIN(\`napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
define(\`SMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

let nameserver: Nameserver
let system: System
let port: number
let sink: Sink | undefined

before(async () => {
  nameserver = await startNameserver(zone)
  port = await freePort("127.0.0.3")
  system = await System.start({
    mc: mc(port).replace("@AGE@", "0"),
    files: { aliases: "postmaster: g.russell\nMAILER-DAEMON: postmaster\n" },
    users: ["g.russell"],
    args: ["--resolver", nameserver.resolver],
  })
})

after(async () => {
  await sink?.close()
  await system.stop()
  await nameserver.close()
})

beforeEach(async () => {
  await sink?.close()
  sink = undefined
  await system.waypost("queue", "remove", "--all", "--yes")
})

/** The remote host of this test. */
async function remote(...rules: readonly SinkRule[]): Promise<Sink> {
  sink = await startSink({ address: "127.0.0.3", port, rules })
  return sink
}

async function accept(to: readonly string[], from = "g.russell@napier.ac.uk"): Promise<string> {
  const reply = await handIn(system, { from, to, text: "Subject: SMTP\n\nHello gordon.\n" })
  return /^250 2\.0\.0 (\S{14}) Message accepted/.exec(reply)?.[1] ?? assert.fail(reply)
}

/** Resolves when the log has a line about the message that matches. */
function logged(id: string, pattern: string): Promise<void> {
  return system.said(new RegExp(`^.*${id}: ${pattern}`, "m"))
}

const box = () => readFileSync(join(system.directory, "mail", "g.russell"), "latin1")

test("a host that says 451 is asked again; meanwhile mailq shows what waits and why, and then it is empty", async () => {
  const host = await remote({ on: /^RCPT/, act: "451 4.2.1 come again in a while", times: 1 })
  const id = await accept(["me@grussell.org"])
  await logged(
    id,
    "to=<me@grussell\\.org>, .*dsn=4\\.2\\.1, .*stat=Deferred: 451 4\\.2\\.1 come again in a while",
  )
  assert.equal(host.transactions.length, 0)

  const listing = await system.command("mailq", [])
  assert.equal(listing.code, 0)
  assert.match(
    listing.stdout,
    new RegExp(
      [
        `^\\t\\t${system.state}/queue \\(1 request\\)`,
        "-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------",
        `${id} +15 \\w{3} \\w{3} [ \\d]\\d \\d\\d:\\d\\d <g\\.russell@napier\\.ac\\.uk>`,
        " {17}\\(Deferred: .*451 4\\.2\\.1 come again in a while\\)",
        "\\t{5} <me@grussell\\.org>",
        "\\t\\tTotal requests: 1",
        "$",
      ].join("\\n"),
    ),
  )
  const [line = "", ...others] = (await system.command("mailq", ["--json"])).stdout.trimEnd().split("\n")
  assert.deepEqual(others, [])
  const entry = JSON.parse(line) as Record<string, unknown>
  assert.equal(entry["id"], id)
  assert.equal(entry["sender"], "g.russell@napier.ac.uk")
  const [recipient] = entry["recipients"] as Record<string, unknown>[]
  assert.equal(recipient?.["address"], "me@grussell.org")
  assert.equal(recipient?.["status"], "4.2.1")
  assert.equal(recipient?.["attempts"], 1)
  const seconds = (Date.parse(String(recipient?.["nextAttempt"])) - Date.now()) / 1000
  assert.ok(seconds > 40 && seconds < 70, `next attempt in ${seconds} s`)

  assert.equal((await system.command("sendmail", ["-q"])).code, 0)
  await host.until(1)
  await logged(id, "to=<me@grussell\\.org>, .*dsn=2\\.0\\.0, .*stat=Sent")
  await system.idle()
  assert.match((await system.command("mailq", [])).stdout, /is empty\n\t\tTotal requests: 0\n$/)
  assert.match(
    host.transactions[0]?.content.toString("latin1") ?? "",
    /\r\nSubject: SMTP\r\n\r\nHello gordon\.\r\n$/,
  )
})

test("a host where nobody listens is tried again by itself, and gets the mail when it is there", async () => {
  const config = join(system.directory, "sendmail.mc")
  const usual = readFileSync(config, "utf8")
  await system.reconfigure(usual.replace("`confMAX_QUEUE_AGE', `0'", "`confMAX_QUEUE_AGE', `1s'"))
  const id = await accept(["me@grussell.org"])
  await logged(id, "to=<me@grussell\\.org>, .*dsn=4\\.\\d\\.\\d, stat=Deferred: ")
  const host = await remote()
  await host.until(1)
  await system.idle()
  assert.match((await system.command("mailq", [])).stdout, /is empty/)
  await system.reconfigure(usual)
})

test("one recipient refused, one put off, one taken: a report for the first, the second waits, the third has it", async () => {
  const host = await remote(
    { on: /^RCPT To:<no\.one@/, act: "550 5.1.1 no such user here" },
    { on: /^RCPT To:<full@/, act: "452 4.2.2 mailbox full" },
  )
  const id = await accept(["no.one@grussell.org", "full@grussell.org", "me@grussell.org"])
  await system.idle()
  assert.deepEqual(
    host.transactions.map(({ rcpt }) => rcpt),
    [["<me@grussell.org>"]],
  )
  const waiting = await system.command("mailq", ["--json"])
  assert.match(waiting.stdout, /"address":"full@grussell\.org"/)
  assert.doesNotMatch(waiting.stdout, /no\.one@|"me@/)
  assert.match(box(), /\nFinal-Recipient: RFC822; no\.one@grussell\.org\nAction: failed\nStatus: 5\.1\.1\n/i)
  assert.match(box(), /\nDiagnostic-Code: SMTP; 550 5\.1\.1 no such user here\n/i)
  await logged(id, "to=<full@grussell\\.org>, .*dsn=4\\.2\\.2, .*stat=Deferred")
})

test("a permanent failure is told to the sender once, from the null reverse-path", async () => {
  await remote({ on: /^MAIL/, act: "553 5.7.1 not from you" })
  const before = count(box(), /^Subject: Returned mail: see transcript for details$/gm)
  const id = await accept(["me@grussell.org"])
  await system.idle()
  assert.equal(count(box(), /^Subject: Returned mail: see transcript for details$/gm), before + 1)
  assert.match(box(), /^From MAILER-DAEMON /m)
  assert.match(box(), /\nReturn-Path: <>\n/)
  assert.match(box(), /\nContent-Type: multipart\/report; report-type=delivery-status/)
  await logged(id, "\\S{14}: DSN: ")
  assert.match((await system.command("mailq", [])).stdout, /is empty/)
})

test("a report that cannot be delivered is never reported in turn", async () => {
  const host = await remote({ on: /^RCPT/, act: "550 5.1.1 no such user here" })
  await accept(["me@grussell.org"], "gone@example.org")
  await system.idle()
  // The message, then the report about it to its sender; no third.
  const senders = host.commands.filter((line) => line.startsWith("MAIL")).map((line) => line.split(" ")[1])
  assert.deepEqual(senders, ["From:<gone@example.org>", "From:<>"])
  assert.match((await system.command("mailq", [])).stdout, /is empty/)
})

test("a message from the null reverse-path that fails is reported to nobody", async () => {
  const host = await remote({ on: /^RCPT/, act: "550 5.1.1 no such user here" })
  const before = box()
  await accept(["me@grussell.org"], "")
  await system.idle()
  assert.equal(host.commands.filter((line) => line.startsWith("MAIL")).length, 1)
  // sendmail's DoubleBounceAddress: the postmaster hears of it, who is g.russell here.
  assert.equal(
    count(box().slice(before.length), /^Subject: Postmaster notify: see transcript for details$/gm),
    1,
  )
  assert.equal(count(box().slice(before.length), /^From MAILER-DAEMON/gm), 1)
  assert.match((await system.command("mailq", [])).stdout, /is empty/)
})

test("a domain with a null MX takes no mail: one report at once, and nobody is asked again", async () => {
  const host = await remote()
  const reports = count(box(), /^Action: failed$/gm)
  const id = await accept(["x@hello.com"])
  await system.idle()
  assert.equal(host.sessions(), 0)
  assert.equal(count(box(), /^Action: failed$/gm), reports + 1)
  assert.match(box(), /\nFinal-Recipient: RFC822; x@hello\.com\nAction: failed\nStatus: 5\.1\.10\n/i) // RFC 7505 §4.2
  await logged(id, "to=<x@hello\\.com>, .*dsn=5\\.1\\.10, ")
  assert.match((await system.command("mailq", [])).stdout, /is empty/)
})

test("a domain that does not exist is reported at once; a name server that does not know waits", async () => {
  const id = await accept(["x@nowhere.example.org"])
  await system.idle()
  await logged(id, "to=<x@nowhere\\.example\\.org>, .*dsn=5\\.1\\.2, ")
  nameserver.set({ ...zone, "broken.example.org": { fail: "SERVFAIL" } })
  const later = await accept(["x@broken.example.org"])
  await logged(later, "to=<x@broken\\.example\\.org>, .*dsn=4\\.4\\.3, .*stat=Deferred: ")
  assert.match((await system.command("mailq", [])).stdout, /x@broken\.example\.org/)
})

test("a sender hears once that his mail still waits, after Timeout.queuewarn", async () => {
  await remote({ on: /^RCPT/, act: "451 4.3.0 not now" })
  const id = await accept(["me@grussell.org"])
  await logged(id, "to=<me@grussell\\.org>, .*stat=Deferred")
  const warnings = () => count(box(), /^Subject: Warning: could not send message/gm)
  assert.equal(warnings(), 0)
  await new Promise((resolve) => setTimeout(resolve, 2000)) // Timeout.queuewarn is what is tested
  for (const times of [1, 2]) {
    await system.command("sendmail", ["-q"])
    await system.idle()
    assert.equal(warnings(), 1, `after ${times} more attempts`)
  }
  assert.match(box(), /\nAction: delayed\n/)
})

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}
