import assert from "node:assert/strict"
import { test } from "node:test"
import { parseMailbox } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Entry, Pending } from "../queue/entry.ts"
import { makeLog } from "./log.ts"

const acceptedAt = Date.UTC(2026, 10, 24, 7, 10, 42)

function mailbox(text: string) {
  const parsed = parseMailbox(text)
  assert.ok(parsed.ok)
  return parsed.value
}

const arrival: Arrival = {
  session: "6AO7AgXX000000",
  protocol: "ESMTP",
  client: { address: "192.0.2.7", port: 1, name: "client.example.net" },
  helo: "x",
  authenticated: undefined,
  door: "MTA",
  submission: false,
  tls: undefined,
}

const entry: Entry = {
  id: "6AO7AgXX000001",
  envelope: {
    reversePath: mailbox("bob@hello.com"),
    body: "7bit",
    smtputf8: false,
    ret: undefined,
    envid: undefined,
  },
  arrival,
  acceptedAt,
  size: 83,
  headerSize: 50,
  summary: { messageId: "<1@hello.com>", subject: "", from: "" },
  held: undefined,
}

const pending: Pending = {
  number: 0,
  recipient: {
    path: mailbox("you@napier.ac.uk"),
    original: undefined,
    notify: [],
    admitted: because("relay", "yes"),
  },
  route: { mailer: "esmtp", host: "napier.ac.uk", user: "you@napier.ac.uk" },
  expandedFrom: undefined,
  attempts: 0,
  nextAttempt: 0,
  lastStatus: undefined,
  warned: false,
}

const sent: DeliveryStatus = {
  recipient: pending.recipient,
  action: "relayed",
  status: "2.0.0",
  diagnostic: reply(250, "2.0.0", "accepted"),
  remote: "mx1.napier.ac.uk [127.0.0.20]",
  at: new Date(acceptedAt + 61_000),
  reason: because("esmtp", "the peer took the message"),
}

const fromList = {
  address: "list@hello.com",
  owner: undefined,
  user: undefined,
  reason: because("aliases", "x"),
}

/** A log of the given form, and what it has written. */
function open(format: "sendmail" | "json" = "sendmail", stamp = false) {
  const writes: string[] = []
  const log = makeLog({ format, stamp, write: (lines) => writes.push(lines), clock: () => acceptedAt })
  const lines = () => {
    log.flush()
    return writes.join("").split("\n").slice(0, -1)
  }
  return { log, writes, lines }
}

// The lines are those of sendmail 8.17.1.
for (const [what, changed, expected] of [
  [
    "ESMTP",
    {},
    "6AO7AgXX000001: from=<bob@hello.com>, size=83, class=0, nrcpts=1, msgid=<1@hello.com>, proto=ESMTP, daemon=MTA, relay=client.example.net [192.0.2.7]",
  ],
  [
    "a report",
    { envelope: { ...entry.envelope, reversePath: "null", body: "8bitmime" } },
    "6AO7AgXX000001: from=<>, size=83, class=0, nrcpts=1, msgid=<1@hello.com>, bodytype=8BITMIME, proto=ESMTP, daemon=MTA, relay=client.example.net [192.0.2.7]",
  ],
  [
    "a client without a name",
    { arrival: { ...arrival, client: { address: "2001:db8::7", port: 1, name: undefined } } },
    "6AO7AgXX000001: from=<bob@hello.com>, size=83, class=0, nrcpts=1, msgid=<1@hello.com>, proto=ESMTP, daemon=MTA, relay=[IPv6:2001:db8::7]",
  ],
  [
    "the sendmail command",
    { arrival: { ...arrival, protocol: "local", client: undefined, authenticated: "bob" } },
    "6AO7AgXX000001: from=<bob@hello.com>, size=83, class=0, nrcpts=1, msgid=<1@hello.com>, relay=bob@localhost",
  ],
] as const satisfies readonly (readonly [string, Partial<Entry>, string])[]) {
  test(`what came by ${what} is logged as sendmail does`, () => {
    const { log, lines } = open()
    log.accepted({ entry: { ...entry, ...changed }, pending: [pending] })
    assert.deepEqual(lines(), [expected])
  })
}

const beginning =
  "6AO7AgXX000001: to=<you@napier.ac.uk>, delay=00:01:01, xdelay=00:00:01, mailer=esmtp, pri=30083"
const relay = "relay=mx1.napier.ac.uk. [127.0.0.20]"

for (const [what, changed, expected] of [
  ["relayed", {}, `${beginning}, ${relay}, dsn=2.0.0, stat=Sent (accepted)`],
  [
    "refused by the peer",
    { action: "failed", status: "5.1.1", diagnostic: reply(550, "5.1.1", "No such user here") },
    `${beginning}, ${relay}, dsn=5.1.1, reply=550 5.1.1 No such user here, stat=User unknown`,
  ],
  [
    "put off by the peer",
    { action: "delayed", status: "4.2.2", diagnostic: reply(452, "4.2.2", "Mailbox full") },
    `${beginning}, ${relay}, dsn=4.2.2, reply=452 4.2.2 Mailbox full, stat=Deferred: 452 4.2.2 Mailbox full`,
  ],
  [
    "sent to a host that does not answer",
    { action: "delayed", status: "4.4.1", diagnostic: "Connection refused by mx1.napier.ac.uk." },
    `${beginning}, ${relay}, dsn=4.4.1, stat=Deferred: Connection refused by mx1.napier.ac.uk.`,
  ],
  [
    "refused by a line of ours",
    {
      action: "failed",
      status: "5.1.1",
      diagnostic: undefined,
      remote: undefined,
      reason: because("mailertable", "says error", { file: "/etc/mail/mailertable", line: 12, column: 1 }),
    },
    `${beginning}, dsn=5.1.1, stat=User unknown, reason=mailertable: says error (/etc/mail/mailertable:12)`,
  ],
] as const satisfies readonly (readonly [string, Partial<DeliveryStatus>, string])[]) {
  test(`a recipient that was ${what} is logged as sendmail does`, () => {
    const { log, lines } = open()
    log.delivered(entry, { routed: undefined, pending, status: { ...sent, ...changed } }, acceptedAt + 60_000)
    assert.deepEqual(lines(), [expected])
  })
}

for (const [what, changed, expected] of [
  [
    "the sender's own words, of a bare name",
    { recipient: { ...pending.recipient, typed: "you" } },
    "to=you, ",
  ],
  ["a list's", { expandedFrom: { ...fromList, typed: "Jim <jim@hello.com>" } }, "to=Jim <jim@hello.com>, "],
  ["a .forward's, its backslash doubled", { expandedFrom: { ...fromList, typed: "\\gor" } }, "to=\\\\gor, "],
  [
    "what virtusertable was asked for",
    { expandedFrom: { ...fromList, address: "joe@hello.com", typed: "joe@hello.com" } },
    "to=<joe@hello.com>, ",
  ],
] as const satisfies readonly (readonly [string, Partial<Pending>, string])[]) {
  test(`to= is in ${what}`, () => {
    const { log, lines } = open()
    log.delivered(entry, { routed: undefined, pending: { ...pending, ...changed }, status: sent }, acceptedAt)
    assert.equal(lines()[0]?.startsWith(`6AO7AgXX000001: ${expected}`), true)
  })
}

test("a mailbox's relay= is the detail it was addressed by", () => {
  const { log, lines } = open()
  const route = { mailer: "local", host: "lists", user: "andrew" }
  const status = { ...sent, action: "delivered", diagnostic: undefined, remote: undefined } as const
  log.delivered(entry, { routed: undefined, pending: { ...pending, route }, status }, acceptedAt)
  assert.match(lines()[0] ?? "", /, mailer=local, pri=30083, relay=lists, dsn=2\.0\.0, stat=Sent$/)
})

for (const [what, changed, to, expected] of [
  ["a failure", { action: "failed", status: "5.1.1" }, "bob@hello.com", "DSN: User unknown"],
  [
    "a failure for the postmaster",
    { action: "failed", status: "5.1.1" },
    "root",
    "postmaster notify: User unknown",
  ],
  ["a delivery", { action: "delivered" }, "bob@hello.com", "DSN: Return receipt"],
] as const satisfies readonly (readonly [string, Partial<DeliveryStatus>, string, string])[]) {
  test(`a report of ${what} is a line that names both messages`, () => {
    const { log, lines } = open()
    const status = { ...sent, diagnostic: undefined, ...changed }
    log.reported(entry, { ...entry, id: "6AO7AgXX000002" }, { routed: undefined, pending, status }, to)
    assert.deepEqual(lines(), [`6AO7AgXX000001: 6AO7AgXX000002: ${expected}`])
  })
}

test("a program and a file are logged as what they are, with the alias that led there", () => {
  const { log, lines } = open()
  const expandedFrom = {
    address: "prog@hello.com",
    owner: undefined,
    user: "bob",
    reason: because("alias", "x"),
  }
  const local = { ...sent, action: "delivered", diagnostic: undefined, remote: undefined } as const
  for (const route of [
    { mailer: "prog", host: "", user: "/usr/local/bin/capture p 67" },
    { mailer: "*file*", host: "", user: "/var/archive" },
  ]) {
    log.delivered(
      entry,
      { routed: undefined, pending: { ...pending, route, expandedFrom }, status: local },
      acceptedAt,
      { address: "<prog@hello.com>", uid: 2002, gid: 100 },
    )
  }
  assert.match(
    lines()[0] ?? "",
    /: to="\|\/usr\/local\/bin\/capture p 67", ctladdr=<prog@hello\.com> \(2002\/100\), .*stat=Sent$/,
  )
  assert.match(lines()[1] ?? "", /: to=\/var\/archive, ctladdr=<prog@hello\.com> \(2002\/100\), delay=/)
})

const asked =
  "ruleset=check_rcpt, arg1=<you@napier.ac.uk>, relay=[192.0.2.7], reject=550 5.7.1 Relaying denied"
const why = because("access", "no rule admits it", { file: "/etc/mail/access", line: 3, column: 1 })

test("a refusal names the line that decided", () => {
  const { log, lines } = open()
  log.refused("6AO7AgXX000000", asked, why)
  log.refused("6AO7AgXX000000", asked, undefined)
  assert.deepEqual(lines(), [
    `6AO7AgXX000000: ${asked}, reason=access: no rule admits it (/etc/mail/access:3)`,
    `6AO7AgXX000000: ${asked}`,
  ])
})

test("a note is of a message or session, or of the system", () => {
  const { log, lines } = open()
  log.note("6AO7AgXX000000", "lost input channel")
  log.note("ready")
  assert.deepEqual(lines(), ["6AO7AgXX000000: lost input channel", "ready"])
})

test("nothing from outside begins a line of the log", () => {
  const { log, lines } = open()
  log.refused("6AO7AgXX000000", "arg1=<x\nFeb 30 root: all is well\r\0>", undefined)
  log.note("two\nlines")
  assert.deepEqual(lines(), ["6AO7AgXX000000: arg1=<x?Feb 30 root: all is well??>", "two?lines"])
})

test("a line has syslog's time and our name before it, unless the reader adds them", () => {
  const { log, lines } = open("sendmail", true)
  log.note("ready")
  assert.match(lines()[0] ?? "", /^Nov 24 \d\d:\d\d:\d\d waypost: ready$/)
})

test("a bug is logged with its stack", () => {
  const { log, lines } = open()
  log.bug(new Error("the gate's last step must decide"))
  log.bug("not even an error")
  assert.match(lines()[0] ?? "", /^NOQUEUE: SYSERR\(waypost\): Error: the gate's last step must decide$/)
  assert.match(lines()[1] ?? "", /^NOQUEUE: SYSERR\(waypost\): {5}at /)
  assert.equal(lines().at(-1), "NOQUEUE: SYSERR(waypost): not even an error")
})

test("the lines of one turn are one write, in their order", async () => {
  const { log, writes } = open()
  for (let n = 0; n < 100; n++) log.note(`line ${n}`)
  assert.equal(writes.length, 0)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(writes.length, 1)
  assert.deepEqual(writes[0]?.split("\n").slice(0, 2), ["line 0", "line 1"])
})

test("a flood of lines does not wait for the end of the turn", () => {
  const { log, writes } = open()
  for (let n = 0; n < 2000; n++) log.note("x".repeat(100))
  assert.ok(writes.length >= 3)
})

test("JSON tells the same, an object a line", () => {
  const { log, lines } = open("json")
  log.accepted({ entry, pending: [pending] })
  log.delivered(entry, { routed: undefined, pending, status: sent }, acceptedAt + 60_000)
  log.refused("6AO7AgXX000000", asked, why)
  log.note("two\nlines")
  log.bug(new Error("oops"))
  const objects = lines().map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    objects.map(({ event }) => event),
    ["accepted", "relayed", "refused", "note", "bug"],
  )
  assert.deepEqual(objects[1], {
    at: "2026-11-24T07:10:42.000Z",
    event: "relayed",
    id: "6AO7AgXX000001",
    to: "<you@napier.ac.uk>",
    delaySeconds: 61,
    attemptSeconds: 1,
    mailer: "esmtp",
    relay: "mx1.napier.ac.uk [127.0.0.20]",
    dsn: "2.0.0",
    diagnostic: "250 2.0.0 accepted",
    reason: "esmtp: the peer took the message",
  })
})

test("sendmail's lines and JSON lines carry the same ids, those of the timelines", () => {
  const told = (format: "sendmail" | "json") => {
    let lines = ""
    const log = makeLog({ format, write: (text) => (lines += text), clock: () => acceptedAt })
    log.accepted({ entry, pending: [pending] })
    log.refused(arrival.session, "ruleset=check_rcpt, reject=550 5.7.1 no", because("access", "REJECT"))
    log.note(entry.id, "a note")
    log.flush()
    return lines.trimEnd().split("\n")
  }
  const ids = [entry.id, arrival.session, entry.id]
  assert.deepEqual(
    told("json").map((line) => (JSON.parse(line) as { id: unknown }).id),
    ids,
  )
  assert.deepEqual(
    told("sendmail").map((line) => / waypost: (\w+): /.exec(line)?.[1]),
    ids,
  )
})

test("LogLevel says which lines there are: refusals from 4, arrivals from 5, failures from 7, deliveries from 8, delays from 9", async () => {
  const status = (action: DeliveryStatus["action"]): DeliveryStatus => ({
    recipient: pending.recipient,
    action,
    status: "2.0.0",
    diagnostic: "words",
    remote: undefined,
    at: new Date(acceptedAt),
    reason: because("esmtp", "words"),
  })
  const heard = async (level: number) => {
    let text = ""
    const log = makeLog({ format: "sendmail", stamp: false, level, write: (lines) => (text += lines) })
    log.refused("S", "ruleset=check_rcpt", undefined)
    log.accepted({ entry, pending: [pending] })
    for (const action of ["failed", "relayed", "delayed"] as const)
      log.delivered(entry, { pending, status: status(action), routed: undefined }, acceptedAt)
    log.note("S", "a note")
    log.flush()
    return text.split("\n").length - 1
  }
  assert.deepEqual(await Promise.all([0, 3, 4, 5, 6, 7, 8, 9, 14].map(heard)), [1, 1, 2, 3, 3, 4, 5, 6, 6])
})
