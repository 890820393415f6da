import assert from "node:assert/strict"
import { test } from "node:test"
import { because } from "../mail/decision.ts"
import type { Recipient } from "../mail/envelope.ts"
import { reply } from "../mail/reply.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import { first, nameOf, scanHeader, valueOf } from "./header.ts"
import { age, line, remoteHost, type Report, type Reported } from "./report-form.ts"
import { reportSubject, writeReport } from "./report.ts"

const hour = 3_600_000
const arrivedAt = Date.UTC(2026, 10, 24, 7, 10, 42)

const you: Recipient = {
  path: { localPart: "you", domain: { kind: "name", ascii: "napier.ac.uk", unicode: "napier.ac.uk" } },
  original: undefined,
  notify: [],
  admitted: because("relay", "from this host"),
}

function reported(status: Partial<DeliveryStatus>, more: Partial<Reported> = {}): Reported {
  return {
    address: "you@napier.ac.uk",
    actual: undefined,
    retryUntil: undefined,
    status: {
      recipient: you,
      action: "failed",
      status: "5.1.1",
      diagnostic: reply(550, "5.1.1", "No such user here"),
      remote: "mx1.napier.ac.uk [127.0.0.20]",
      at: new Date(arrivedAt + 1000),
      reason: because("esmtp", "the peer refused"),
      ...status,
    },
    ...more,
  }
}

const failed: Report = {
  kind: "failed",
  id: "6AO7AgXX000009",
  host: "mail.grussell.org",
  author: "MAILER-DAEMON",
  now: arrivedAt + 2000,
  to: ["<me@grussell.org>"],
  postmasterOnly: false,
  original: {
    id: "6AO7AgXX000001",
    arrivedAt,
    returnPath: "<me@grussell.org>",
    from: "localhost [127.0.0.1]",
    fromHost: "localhost",
    envid: undefined,
    subject: "lunch",
    messageId: "<1@grussell.org>",
  },
  recipients: [reported({})],
  returned: "full",
  eightBit: false,
  international: false,
}

const trace = "Received: from localhost (localhost)\r\n\tby mail.grussell.org id x;\r\n\tnow\r\n"
const letter = "From: me@grussell.org\r\nSubject: lunch\r\n\r\nat one?\r\n"

/** A report read as a mail reader would: its header, and the header and body of each part. */
function read(report: Report) {
  const { before, after, headerSize } = writeReport(report, trace)
  const text = before.toString("utf8") + letter + after.toString("utf8")
  const header = scanHeader(before.subarray(0, headerSize))
  const boundary = /boundary="([^"]+)"/.exec(first(header, "content-type") ?? "")?.[1] ?? "none"
  const parts = text.slice(headerSize).split(`\r\n--${boundary}`)
  assert.match(parts.at(-1) ?? "", /^--\r\n$/)
  const contents = parts.slice(1, -1).map((part) => {
    const scanned = scanHeader(Buffer.from(part.slice(2)))
    return { type: first(scanned, "content-type") ?? "", body: part.slice(2 + scanned.bodyStart), scanned }
  })
  const [words, status, original] = contents
  assert.ok(words !== undefined && status !== undefined && original !== undefined && contents.length === 3)
  return { header, words, status, original, text }
}

/** The groups of a message/delivery-status, as lists of [name, value]. */
function groups(body: string) {
  return body.split("\r\n\r\n").map((group) => {
    const header = scanHeader(Buffer.from(`${group}\r\n`))
    return header.fields.map((field) => [nameOf(header, field), valueOf(header, field)])
  })
}

test("a bounce is a multipart/report of three parts, and says that no person wrote it", () => {
  const { header, words, status, original } = read(failed)
  assert.match(first(header, "content-type") ?? "", /^multipart\/report; report-type=delivery-status;/)
  assert.equal(first(header, "from"), "Mail Delivery Subsystem <MAILER-DAEMON>")
  assert.equal(first(header, "to"), "<me@grussell.org>")
  assert.equal(first(header, "subject"), "Returned mail: see transcript for details")
  assert.equal(first(header, "auto-submitted"), "auto-generated (failure)")
  assert.equal(first(header, "references"), "<1@grussell.org>")
  assert.match(first(header, "message-id") ?? "", /^<202611240710\.6AO7AgXX000009@mail\.grussell\.org>$/)
  assert.deepEqual(
    [words, status, original].map(({ type }) => type),
    ["text/plain; charset=us-ascii", "message/delivery-status", "message/rfc822"],
  )
})

test("the original is whole, with the reverse-path it came with", () => {
  assert.equal(read(failed).original.body, `Return-Path: <me@grussell.org>\r\n${letter}`)
})

const withoutDates = (group: readonly string[][] | undefined) =>
  group?.filter(([name]) => !name?.endsWith("-Date")).map((pair) => pair.join(": "))

test("programs read in delivery-status what sendmail wrote there", () => {
  const original = { ...failed.original, envid: "e+1" }
  const recipients = [
    reported(
      { recipient: { ...you, original: "rfc822;orig@else.test" } },
      { address: "staff@grussell.org", actual: "you@napier.ac.uk" },
    ),
  ]
  const { status } = read({ ...failed, original, recipients })
  const [perMessage, perRecipient, ...rest] = groups(status.body)
  assert.deepEqual(rest, [])
  assert.deepEqual(withoutDates(perMessage), [
    "Original-Envelope-Id: e+1",
    "Reporting-MTA: dns; mail.grussell.org",
    "Received-From-MTA: dns; localhost",
  ])
  assert.deepEqual(withoutDates(perRecipient), [
    "Original-Recipient: rfc822;orig@else.test",
    "Final-Recipient: rfc822; staff@grussell.org",
    "X-Actual-Recipient: rfc822; you@napier.ac.uk",
    "Action: failed",
    "Status: 5.1.1",
    "Remote-MTA: dns; mx1.napier.ac.uk",
    "Diagnostic-Code: smtp; 550 5.1.1 No such user here",
  ])
  assert.ok(perMessage?.some(([name]) => name === "Arrival-Date"))
  assert.ok(perRecipient?.some(([name]) => name === "Last-Attempt-Date"))
})

test("people read first what happened, in whose words, and what they can do", () => {
  const { words } = read(failed)
  const text = words.body
  const order = [
    "This is the mail system at mail.grussell.org.",
    "Your message could not be delivered to this address:",
    "  <you@napier.ac.uk>",
    "    mx1.napier.ac.uk [127.0.0.20] said: 550 5.1.1 No such user here",
    "    There is no such mailbox at that host. Check the spelling of the address, then send again.",
    "    Subject: lunch",
    "The original message was received at ",
    "from localhost [127.0.0.1]",
    "   ----- The following addresses had permanent fatal errors -----",
    "<you@napier.ac.uk>",
    "    (reason: 550 5.1.1 No such user here)",
    "   ----- Transcript of session follows -----",
    "... while talking to mx1.napier.ac.uk.:",
    "<<< 550 5.1.1 No such user here",
    "550 5.1.1 <you@napier.ac.uk>... User unknown",
  ]
  let at = 0
  for (const piece of order) {
    const found = text.indexOf(piece, at)
    assert.ok(found >= at, `"${piece}" is missing or too early in\n${text}`)
    at = found + piece.length
  }
})

test("the site's own words stand before all others (ErrorHeader)", () => {
  const { words } = read({ ...failed, preface: ["Questions?", "Call the help desk."] })
  assert.match(words.body, /^Questions\?\r?\nCall the help desk\.\r?\n\r?\nThis is the mail system at/)
})

test("a diagnostic of our own is not passed off as a peer's", () => {
  const recipients = [
    reported({
      diagnostic: "Host unknown (Name server: x: host not found)",
      remote: undefined,
      status: "5.1.2",
    }),
  ]
  const { status, words } = read({ ...failed, recipients })
  assert.match(status.body, /Diagnostic-Code: X-Waypost; Host unknown \(Name server: x: host not found\)\r\n/)
  assert.doesNotMatch(status.body, /Remote-MTA|smtp;/)
  assert.match(words.body, /^550 5\.1\.2 <you@napier\.ac\.uk>\.\.\. Host unknown \(Name server/m)
})

test("a warning says that nothing is to be done, since when, and until when", () => {
  const recipients = [
    reported(
      { action: "delayed", status: "4.4.1", diagnostic: "Connection refused by mx1.napier.ac.uk." },
      { retryUntil: arrivedAt + 120 * hour },
    ),
  ]
  const { header, words, status, original } = read({
    ...failed,
    kind: "delayed",
    recipients,
    returned: "headers",
    now: arrivedAt + 4 * hour,
  })
  assert.equal(first(header, "subject"), "Warning: could not send message for past 4 hours")
  assert.equal(first(header, "auto-submitted"), "auto-generated (warning-timeout)")
  assert.match(words.body, /\*\* {2}YOU DO NOT NEED TO RESEND YOUR MESSAGE {2}\*\*/)
  assert.match(words.body, /^Will keep trying until message is 5 days old\r$/m)
  assert.match(status.body, /^Action: delayed\r\nStatus: 4\.4\.1\r$/m)
  assert.match(status.body, /^Will-Retry-Until: .+\r$/m)
  assert.equal(original.type, "text/rfc822-headers")
})

test("a receipt tells delivered from relayed, as a program and as a person", () => {
  const recipients = [
    reported({ action: "delivered", status: "2.0.0", diagnostic: undefined, remote: undefined }),
    reported({
      action: "relayed",
      status: "2.0.0",
      diagnostic: reply(250, "2.0.0", "taken"),
      recipientReply: reply(250, "2.1.5", "ok"),
    }),
    reported({ action: "expanded", status: "2.0.0", diagnostic: undefined, remote: undefined }),
  ]
  const { header, words, status } = read({ ...failed, kind: "succeeded", recipients })
  assert.equal(first(header, "subject"), "Return receipt")
  assert.deepEqual(
    [...status.body.matchAll(/^Action: (.*)\r$/gm)].map((match) => match[1]),
    ["delivered (to mailbox)", "relayed (to non-DSN-aware mailer)", "expanded"],
  )
  assert.match(status.body, /^Action: delivered \(to mailbox\)\r\nStatus: 2\.1\.5\r$/m)
  assert.match(status.body, /^Diagnostic-Code: smtp; 250 2\.1\.5 ok\r$/m)
  assert.match(words.body, /^<you@napier\.ac\.uk> {2}\(successfully delivered to mailbox\)\r$/m)
})

test("what the postmaster gets for want of a sender says so", () => {
  const { header, words } = read({ ...failed, postmasterOnly: true, to: ["postmaster"] })
  assert.equal(first(header, "subject"), "Postmaster notify: see transcript for details")
  assert.equal(first(header, "auto-submitted"), "auto-generated (postmaster-notification)")
  assert.match(words.body, /^with id 6AO7AgXX000001\r$/m)
})

test("an international message is reported with the types of RFC 6533", () => {
  const recipients = [reported({}, { address: "dörte@example.org" })]
  const { status, original, text } = read({ ...failed, international: true, recipients })
  assert.equal(status.type, "message/global-delivery-status")
  assert.equal(original.type, "message/global")
  assert.match(status.body, /Final-Recipient: utf-8; dörte@example\.org\r\n/)
  assert.match(text, /^Content-Transfer-Encoding: 8bit\r$/m)
})

test("8-bit content is announced, on the part and on the whole", () => {
  const { header, original } = read({ ...failed, eightBit: true })
  assert.equal(first(header, "content-transfer-encoding"), "8bit")
  assert.equal(first(original.scanned, "content-transfer-encoding"), "8bit")
})

test("what a peer says never ends a line of ours, never makes one too long, and is ASCII where ASCII was promised", () => {
  const evil = `no\r\n\r\n--boundary\u0000\u00fc ${"x".repeat(3000)}`
  const recipients = [reported({ diagnostic: reply(550, "5.0.0", evil, evil), remote: "evil\r\nX: [1]" })]
  const original = { ...failed.original, subject: evil, envid: evil, from: evil, messageId: evil }
  const { before } = writeReport({ ...failed, recipients, original }, trace)
  const text = before.toString("latin1")
  assert.doesNotMatch(text, /[\0\x80-\xff]/)
  for (const one of text.split("\r\n")) assert.ok(one.length <= 998 && !/[\r\n]/.test(one))
  assert.doesNotMatch(text, /^--boundary/m)
  assert.doesNotMatch(text, /^References:/m)
})

for (const [milliseconds, expected] of [
  [0, "0 seconds"],
  [1000, "1 second"],
  [90_000, "90 seconds"],
  [60_000, "1 minute"],
  [4 * hour, "4 hours"],
  [4 * hour + 59_000, "4 hours"],
  [24 * hour, "1 day"],
  [30 * hour, "30 hours"],
  [120 * hour, "5 days"],
] as const) {
  test(`${milliseconds} ms are ${expected}`, () => {
    assert.equal(age(milliseconds), expected)
  })
}

for (const [remote, expected] of [
  ["mx1.example.org [192.0.2.7]", "mx1.example.org"],
  ["mx1.example.org. [192.0.2.7]", "mx1.example.org"],
  ["[192.0.2.7]", "[192.0.2.7]"],
  ["|/usr/bin/vacation me", undefined],
  ["/var/mail/me", undefined],
  [undefined, undefined],
] as const) {
  test(`${remote} is ${expected === undefined ? "no host" : `the host ${expected}`}`, () => {
    assert.equal(remoteHost({ ...reported({}).status, remote }), expected)
  })
}

test("a line that is cut is cut between characters", () => {
  const cut = line("é".repeat(1000), true)
  assert.match(cut, /^é+\.\.\.$/)
  assert.ok(Buffer.byteLength(cut) <= 800)
})

const subjectAfter = (hours: number) =>
  reportSubject({ ...failed, kind: "delayed", now: arrivedAt + hours * hour })

test("the subject names the age in the largest unit that is not below two", () => {
  assert.match(subjectAfter(4), /past 4 hours$/)
  assert.match(subjectAfter(72), /past 3 days$/)
})
