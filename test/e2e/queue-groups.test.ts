// QUEUE_GROUP in a whole system: access and a mailer choose the group, the group's equates have their effect, and mailq, sendmail -q,
// waypost queue, explain and trace tell it.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { type Nameserver, startNameserver } from "../kit/nameserver.ts"
import { type Sink, startSink } from "../kit/sink.ts"
import { freePort, handIn, System } from "../kit/system.ts"

const mc = (port: number) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.napier.ac.uk')dnl
LOCAL_DOMAIN(\`napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`access_db', \`text @DIR@/access')dnl
FEATURE(\`mailertable', \`text @DIR@/mailertable')dnl
FEATURE(\`queuegroup')dnl
QUEUE_GROUP(\`slow', \`P=/var/spool/mqueue/slow, F=f, R=1, I=2h, r=2')dnl
QUEUE_GROUP(\`later', \`P=/var/spool/mqueue/later, I=6h, J=1')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
define(\`SMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
define(\`SMTP_MAILER_QGRP', \`later')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const files = {
  access: "QGRP:slow.example.org\tslow\nQGRP:down.example.org\tslow\n",
  mailertable:
    "slow.example.org\tesmtp:[127.0.0.3]\nexample.org\tesmtp:[127.0.0.3]\n" +
    "down.example.org\tesmtp:[127.0.0.4]\nlater.example.net\tsmtp:[127.0.0.4]\n",
}

let nameserver: Nameserver
let system: System
let sink: Sink

before(async () => {
  nameserver = await startNameserver({})
  const port = await freePort("127.0.0.3")
  // Each message is taken a moment after it was given, so that two at once would be seen.
  sink = await startSink({
    address: "127.0.0.3",
    port,
    rules: [{ on: /^\.$/, act: { reply: "250 2.0.0 taken", after: 60 } }],
  })
  system = await System.start({ mc: mc(port), files, args: ["--resolver", nameserver.resolver] })
})

after(async () => {
  await sink.close()
  await system.stop()
  await nameserver.close()
})

async function accept(...to: readonly string[]): Promise<string> {
  const from = "g.russell@napier.ac.uk"
  const reply = await handIn(system, { from, to, text: "Subject: groups\n\nHello gordon.\n" })
  return /^250 2\.0\.0 (\S{14}) Message accepted/.exec(reply)?.[1] ?? assert.fail(reply)
}

const out = async (command: string, ...args: readonly string[]) =>
  (await system.command(command, args)).stdout

test("a group with one runner delivers one at a time, and no more recipients at once than it says; others do as ever", async () => {
  const members = (domain: string) => Array.from({ length: 5 }, (_, n) => `r${n}@${domain}`)
  await accept(...members("slow.example.org"))
  await accept(...members("slow.example.org"))
  await accept(...members("example.org"))
  await sink.until(7)
  const sizes = sink.transactions.map(({ rcpt }) => rcpt.length)
  assert.deepEqual(sizes.toSorted(), [1, 1, 2, 2, 2, 2, 5])
  const slow = sink.transactions.filter(({ rcpt }) => rcpt.length < 5)
  assert.equal(new Set(slow.map(({ session }) => session)).size, 1)
})

test("what waits is listed and run by its group, and waits for as long as the group says", async () => {
  const slow = await accept("you@down.example.org")
  const later = await accept("you@later.example.net")
  await system.said(new RegExp(`${slow}: to=.*stat=Deferred`))
  await system.said(new RegExp(`${later}: to=.*stat=Deferred`))
  const all = (await out("mailq", "--json")).trim().split("\n")
  const waiting = all.map((line) => JSON.parse(line) as { id: string; recipients: Recipient[] })
  const hours = (id: string) => {
    const [one] = waiting.find((message) => message.id === id)?.recipients ?? []
    return { group: one?.queueGroup, hours: (Date.parse(one?.nextAttempt ?? "") - Date.now()) / 3_600_000 }
  }
  for (const [id, group, about] of [
    [slow, "slow", 2],
    [later, "later", 6],
  ] as const) {
    const found = hours(id)
    assert.equal(found.group, group)
    assert.ok(Math.abs(found.hours / about - 1) < 0.11, `${group}: tried again in ${found.hours} hours`) // intervals are spread
  }
  assert.match(await out("mailq", "-qGslow"), new RegExp(`^${slow}[^]*Total requests: 1$`, "m"))
  assert.match(await out("mailq", "-q!Gslow"), new RegExp(`^${later}[^]*Total requests: 1$`, "m"))
  assert.match(await out("mailq", "-v", "-qGlater"), /\(queue group later\)/)
  assert.match(await out("waypost", "queue", "list", "--group", "slow"), new RegExp(`^${slow}`, "m"))
  const wrong = await system.command("mailq", ["-qGsolw"])
  assert.deepEqual([wrong.code, wrong.stderr.trim()], [64, "mailq: queue: no queue group is called solw"])
})

type Recipient = { readonly queueGroup?: string; readonly nextAttempt?: string }

test("a queue run by hand takes the groups that are named", async () => {
  const slow = await accept("me@down.example.org")
  const later = await accept("me@later.example.net")
  await system.said(new RegExp(`${slow}: to=.*stat=Deferred`))
  await system.said(new RegExp(`${later}: to=.*stat=Deferred`))
  const tries = async (id: string) => {
    const [line = "{}"] = (await out("mailq", "--json", `-qI${id}`)).split("\n")
    return (JSON.parse(line) as { recipients: { attempts: number }[] }).recipients[0]?.attempts
  }
  assert.equal((await system.command("sendmail", ["-qGslow"])).code, 0)
  assert.deepEqual([await tries(slow), await tries(later)], [2, 1])
  assert.equal((await system.command("sendmail", ["-q!Gslow", `-qI${later}`])).code, 0)
  assert.deepEqual([await tries(slow), await tries(later)], [2, 2])
})

test("J= lets no more messages be tried again in one interval; the others wait for the next one, untried", async () => {
  const first = await accept("one@later.example.net")
  await system.said(new RegExp(`${first}: to=.*stat=Deferred`))
  await out("sendmail", "-qGlater")
  const lines = (await out("mailq", "--json", "-qGlater")).trim().split("\n")
  const attempts = lines.map(
    (line) => (JSON.parse(line) as { recipients: { attempts: number }[] }).recipients[0]?.attempts,
  )
  assert.ok(attempts.length >= 3)
  assert.ok(attempts.filter((count) => count === 1).length >= 2, attempts.join(" "))
})

test("explain and trace say which group and which line", async () => {
  const lines = await out("waypost", "explain", "you@down.example.org")
  assert.match(
    lines,
    /While it waits:\n {2}queue group .*slow: "qgrp:down.example.org" says "slow" .*access:2/,
  )
  assert.match(
    await out("waypost", "explain", "you@later.example.net"),
    /queue group .*later: of the mailer smtp/,
  )
  const trail = await out("waypost", "trace", "--reasons", "you@down.example.org")
  assert.match(trail, /queue group .*slow: "qgrp:down.example.org" says "slow"/)
})
