import assert from "node:assert/strict"
import { test } from "node:test"
import { type ForwardPath, parseMailbox, printPath, type ReversePath } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import type { Notify } from "../mail/envelope.ts"
import { reply } from "../mail/reply.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import { first, scanHeader } from "../message/header.ts"
import { type BounceFacts, bouncesFor } from "./bounce.ts"
import type { Entry, Pending } from "./entry.ts"
import type { Settled } from "./settle.ts"

const now = Date.UTC(2026, 10, 24, 12, 0, 0)

function path(text: string): ForwardPath & ReversePath {
  const parsed = parseMailbox(text)
  assert.ok(parsed.ok)
  return parsed.value
}

const facts: BounceFacts = {
  host: "mail.grussell.org",
  software: "8.17.1/Waypost 0.1.0",
  now,
  newId: () => "6AO7AgXX000009",
  doubleBounceAddress: "postmaster",
  postmasterCopy: undefined,
  returnBody: true,
  largestReturned: undefined,
  retryUntil: now + 5 * 86_400_000,
}

const entry: Entry = {
  id: "6AO7AgXX000001",
  envelope: {
    reversePath: path("me@grussell.org"),
    body: "7bit",
    smtputf8: false,
    ret: undefined,
    envid: undefined,
  },
  arrival: {
    session: "s1",
    protocol: "ESMTP",
    client: { address: "127.0.0.1", port: 1, name: "localhost" },
    helo: "laptop",
    authenticated: undefined,
    door: "MTA",
    submission: false,
    tls: undefined,
  },
  acceptedAt: now - 1000,
  size: 5000,
  headerSize: 300,
  summary: { messageId: "<1@grussell.org>", subject: "lunch", from: "me@grussell.org" },
  held: undefined,
}

const asEnvelope = (envelope: Partial<Entry["envelope"]>): Entry => ({
  ...entry,
  envelope: { ...entry.envelope, ...envelope },
})

type Case = {
  readonly to?: string
  readonly notify?: readonly Notify[]
  readonly tell?: Settled["tell"]
  readonly expandedFrom?: Pending["expandedFrom"]
  readonly status?: Partial<DeliveryStatus>
}

function settled({
  to = "you@napier.ac.uk",
  notify = [],
  tell = "failed",
  expandedFrom,
  status,
}: Case): Settled {
  const recipient = { path: path(to), original: undefined, notify, admitted: because("relay", "yes") }
  const action = tell === "succeeded" ? "delivered" : tell === "delayed" ? "delayed" : "failed"
  return {
    pending: {
      number: 0,
      recipient,
      route: undefined,
      expandedFrom,
      attempts: 1,
      nextAttempt: 0,
      lastStatus: undefined,
      warned: false,
    },
    routed: undefined,
    status: {
      recipient,
      action,
      status: action === "failed" ? "5.1.1" : action === "delayed" ? "4.4.1" : "2.1.5",
      diagnostic: action === "failed" ? reply(550, "5.1.1", "No such user here") : undefined,
      remote: "mx1.napier.ac.uk [127.0.0.20]",
      at: new Date(now),
      reason: because("esmtp", "the peer refused"),
      ...status,
    },
    waits: undefined,
    tell,
  }
}

function only(about: Entry, told: readonly Settled[], more: Partial<BounceFacts> = {}) {
  const { reports, untold } = bouncesFor(about, told, { ...facts, ...more })
  const [report] = reports
  assert.ok(report !== undefined && reports.length === 1 && untold.length === 0)
  const whom = report.pending.map((pending) => printPath(pending.recipient.path))
  return { ...report, whom, header: scanHeader(report.before) }
}

test("a failure is told to the sender, from <>, with the whole message in it", () => {
  const bounce = only(entry, [settled({})])
  assert.equal(bounce.entry.envelope.reversePath, "null")
  assert.deepEqual(bounce.whom, ["me@grussell.org"])
  assert.equal(bounce.returned, "full")
  assert.equal(first(bounce.header, "to"), "<me@grussell.org>")
  assert.equal(first(bounce.header, "subject"), "Returned mail: see transcript for details")
})

test("the new entry tells the truth about its size and its header", () => {
  const bounce = only(entry, [settled({})])
  assert.equal(bounce.entry.size, bounce.before.length + entry.size + bounce.after.length)
  assert.equal(bounce.entry.headerSize, bounce.header.bodyStart)
  assert.equal(bounce.entry.id, "6AO7AgXX000009")
  assert.equal(bounce.entry.summary.subject, first(bounce.header, "subject"))
})

test("several failures of one attempt are one report", () => {
  const bounce = only(entry, [settled({}), settled({ to: "x@nodomain.invalid" })])
  const text = bounce.before.toString()
  assert.match(text, /^Final-Recipient: rfc822; you@napier\.ac\.uk\r$/m)
  assert.match(text, /^Final-Recipient: rfc822; x@nodomain\.invalid\r$/m)
  assert.equal(bounce.about.length, 2)
})

test("failures and delays of one attempt are two reports", () => {
  const { reports } = bouncesFor(entry, [settled({}), settled({ tell: "delayed" })], facts)
  assert.deepEqual(
    reports.map((report) => report.entry.summary.subject),
    ["Returned mail: see transcript for details", "Warning: could not send message for past 1 second"],
  )
})

for (const [tell, notify, expected] of [
  ["failed", [], true],
  ["failed", ["failure"], true],
  ["failed", ["failure", "delay"], true],
  ["failed", ["success"], false],
  ["failed", ["never"], false],
  ["delayed", [], true],
  ["delayed", ["delay"], true],
  ["delayed", ["failure"], false],
  ["delayed", ["never"], false],
  ["succeeded", ["success"], true],
  ["succeeded", ["failure"], false],
  ["succeeded", [], false],
] as const) {
  const asked = notify.length === 0 ? "no NOTIFY" : `NOTIFY=${notify.join(",")}`
  test(`with ${asked}, "${tell}" is ${expected ? "told" : "not told, and the reason says so"}`, () => {
    const { reports, untold } = bouncesFor(entry, [settled({ tell, notify })], facts)
    assert.equal(reports.length, expected ? 1 : 0)
    assert.equal(untold.length, expected ? 0 : 1)
    if (!expected) assert.match(untold[0]?.reason.says ?? "", /NOTIFY=|did not ask/)
  })
}

const relayed = (dsnHandedOn: boolean) =>
  settled({ tell: "succeeded", notify: ["success"], status: { action: "relayed", dsnHandedOn } })

test("a relayed message is not reported by us when the next host reports", () => {
  assert.equal(bouncesFor(entry, [relayed(false)], facts).reports.length, 1)
  assert.match(bouncesFor(entry, [relayed(true)], facts).untold[0]?.reason.says ?? "", /next host/)
})

const fromNobody = asEnvelope({ reversePath: "null" })

test("there is no bounce of a bounce: the postmaster gets it, once", () => {
  const bounce = only(fromNobody, [settled({})])
  assert.deepEqual(bounce.whom, ["postmaster"])
  assert.equal(first(bounce.header, "subject"), "Postmaster notify: see transcript for details")
  const again = bouncesFor(bounce.entry, [settled({ to: "root@mail.grussell.org" })], facts)
  assert.deepEqual(again.reports, [])
  assert.match(again.untold[0]?.reason.says ?? "", /no report of a report/)
})

test("a bounce that fails is a double bounce, and that one's failure ends there", () => {
  const bounce = only(entry, [settled({})])
  const double = only(bounce.entry, [settled({ to: "me@grussell.org" })])
  assert.deepEqual(double.whom, ["postmaster"])
  assert.deepEqual(bouncesFor(double.entry, [settled({})], facts).reports, [])
})

test("an owner of a list does not bring a double bounce back to life", () => {
  const double = only(fromNobody, [settled({})])
  const list = {
    address: "postmaster",
    owner: "owner-postmaster",
    user: undefined,
    reason: because("alias", "x"),
  }
  assert.deepEqual(bouncesFor(double.entry, [settled({ expandedFrom: list })], facts).reports, [])
})

for (const tell of ["delayed", "succeeded"] as const) {
  test(`<> is not told that something is ${tell}`, () => {
    const { reports, untold } = bouncesFor(fromNobody, [settled({ tell, notify: [] })], facts)
    assert.equal(reports.length, 0)
    assert.equal(untold.length, 1)
  })
}

for (const [address, expected] of [
  ["root", "root@mail.grussell.org"],
  ["Postmaster", "postmaster"],
  ["<ops@example.org>", "ops@example.org"],
] as const) {
  test(`DoubleBounceAddress=${address} goes to ${expected}`, () => {
    assert.deepEqual(only(fromNobody, [settled({})], { doubleBounceAddress: address }).whom, [expected])
  })
}

test("an empty DoubleBounceAddress tells nobody, and says so", () => {
  const { reports, untold } = bouncesFor(fromNobody, [settled({})], { ...facts, doubleBounceAddress: "" })
  assert.equal(reports.length, 0)
  assert.match(untold[0]?.reason.says ?? "", /DoubleBounceAddress is empty/)
})

test("PostmasterCopy gets every failure too, and nothing else", () => {
  const copy = { postmasterCopy: "postmaster" }
  assert.deepEqual(only(entry, [settled({})], copy).whom, ["me@grussell.org", "postmaster"])
  assert.deepEqual(only(entry, [settled({ tell: "delayed" })], copy).whom, ["me@grussell.org"])
  assert.deepEqual(only(fromNobody, [settled({})], copy).whom, ["postmaster"])
})

test("the postmaster hears of what only he can mend, beside the sender", () => {
  const bounce = only(entry, [settled({ status: { status: "5.3.5" } })])
  assert.deepEqual(bounce.whom, ["me@grussell.org", "postmaster"])
  assert.deepEqual(only(fromNobody, [settled({ status: { status: "5.3.5" } })]).whom, ["postmaster"])
})

const staff = {
  address: "staff@grussell.org",
  owner: "owner-staff",
  user: undefined,
  reason: because("alias", "staff: you@napier.ac.uk"),
}

test("owner-staff answers for the members of staff; the report names both addresses", () => {
  const bounce = only(entry, [settled({ expandedFrom: staff })])
  assert.deepEqual(bounce.whom, ["owner-staff@mail.grussell.org"])
  assert.match(bounce.before.toString(), /^Final-Recipient: rfc822; staff@grussell\.org\r$/m)
  assert.match(bounce.before.toString(), /^X-Actual-Recipient: rfc822; you@napier\.ac\.uk\r$/m)
})

test("an owner whose own address fails is not told of it: the sender is", () => {
  const bounce = only(entry, [settled({ to: "owner-staff@mail.grussell.org", expandedFrom: staff })])
  assert.deepEqual(bounce.whom, ["me@grussell.org"])
})

for (const [what, about, more, tell, expected] of [
  ["a failure", entry, {}, "failed", "full"],
  ["RET=FULL", asEnvelope({ ret: "full" }), {}, "failed", "full"],
  ["RET=HDRS", asEnvelope({ ret: "headers" }), {}, "failed", "headers"],
  ["a receipt", asEnvelope({ ret: "full" }), {}, "succeeded", "headers"],
  ["a warning", entry, {}, "delayed", "headers"],
  ["nobodyreturn", entry, { returnBody: false }, "failed", "headers"],
  ["a message over the limit", entry, { largestReturned: 4999 }, "failed", "headers"],
  ["a message at the limit", entry, { largestReturned: 5000 }, "failed", "full"],
  ["mail in bulk", { ...entry, summary: { ...entry.summary, precedence: -60 } }, {}, "failed", "headers"],
  ["binary content", asEnvelope({ body: "binarymime" }), {}, "failed", "headers"],
] as const) {
  test(`${what} returns ${expected === "full" ? "the whole message" : "only the header"}`, () => {
    const bounce = only(about, [settled({ tell, notify: tell === "succeeded" ? ["success"] : [] })], more)
    assert.equal(bounce.returned, expected)
    const part =
      expected === "full" ? /^Content-Type: message\/rfc822\r$/m : /^Content-Type: text\/rfc822-headers\r$/m
    assert.match(bounce.before.toString(), part)
  })
}

test("an international message is bounced as one, and 8-bit content as 8-bit", () => {
  assert.equal(only(asEnvelope({ smtputf8: true }), [settled({})]).entry.envelope.smtputf8, true)
  assert.equal(only(asEnvelope({ body: "8bitmime" }), [settled({})]).entry.envelope.body, "8bitmime")
  assert.equal(only(entry, [settled({})]).entry.envelope.body, "7bit")
})

test("the report of a message that asked for TLS on its whole way asks for it too", () => {
  assert.equal(only(asEnvelope({ requireTls: true }), [settled({})]).entry.envelope.requireTls, true)
  assert.equal(only(entry, [settled({})]).entry.envelope.requireTls, undefined)
})

test("mail of the sendmail command is said to come from its user", () => {
  const local: Entry = {
    ...entry,
    arrival: { ...entry.arrival, protocol: "local", client: undefined, authenticated: "me" },
  }
  assert.match(only(local, [settled({})]).before.toString(), /^from me@localhost\r$/m)
})
