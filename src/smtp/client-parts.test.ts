import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import type { Domain, Mailbox } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import type { Recipient } from "../mail/envelope.ts"
import { mailCommand, rcptCommand, unfit, unspoken, type Work, xtext } from "./client-commands.ts"
import { DotStuffer, stuffed } from "./client-content.ts"
import { statusOf } from "./client-fate.ts"
import { noOffers, type PeerOffers, readOffers } from "./client-offers.ts"
import { ReplyReader } from "./client-reply.ts"

const org: Domain = { kind: "name", ascii: "example.org", unicode: "example.org" }
const ann: Mailbox = { localPart: "ann", domain: org }
const umlaut: Mailbox = { localPart: "jürgen", domain: org }

function recipient(more: Partial<Recipient>): Recipient {
  return { path: ann, original: undefined, notify: [], admitted: because("test", "said so"), ...more }
}

function work(more: Partial<Work["envelope"]>, to: Partial<Recipient> = {}, rest: Partial<Work> = {}): Work {
  const envelope = {
    reversePath: ann,
    body: "7bit" as const,
    smtputf8: false,
    ret: undefined,
    envid: undefined,
    ...more,
  }
  return { envelope, recipients: [recipient(to)], size: 1000, utf8Header: false, ...rest }
}

const everything: PeerOffers = {
  ...noOffers,
  pipelining: true,
  eightBitMime: true,
  smtputf8: true,
  dsn: true,
  chunking: true,
  binaryMime: true,
  size: true,
  auth: ["PLAIN"],
  leastDeliverBy: 0,
}

const mails: readonly (readonly [string, Work, string])[] = [
  ["SIZE", work({}), "MAIL From:<ann@example.org> SIZE=1000"],
  ["the null sender", work({ reversePath: "null" }), "MAIL From:<> SIZE=1000"],
  [
    "AUTH=",
    work({}, {}, { submitter: "a=b@example.org" }),
    "MAIL From:<ann@example.org> SIZE=1000 AUTH=a+3Db@example.org",
  ],
  ["AUTH= of nobody", work({}, {}, { submitter: "<>" }), "MAIL From:<ann@example.org> SIZE=1000 AUTH=<>"],
  ["8-bit", work({ body: "8bitmime" }), "MAIL From:<ann@example.org> SIZE=1000 BODY=8BITMIME"],
  [
    "DSN",
    work({ ret: "headers", envid: "QQ 31+4=x" }),
    "MAIL From:<ann@example.org> SIZE=1000 ENVID=QQ+2031+2B4+3Dx RET=HDRS",
  ],
  [
    "BY with what is left of the time",
    work({ deliverBy: { at: 0, mode: "return", trace: true } }, {}, { secondsLeft: 119 }),
    "MAIL From:<ann@example.org> SIZE=1000 BY=119;RT",
  ],
  [
    "BY when the time is over, and its sender is only to be told",
    work({ deliverBy: { at: 0, mode: "notify", trace: false } }, {}, { secondsLeft: -5 }),
    "MAIL From:<ann@example.org> SIZE=1000 BY=-5;N",
  ],
  ["RET=FULL", work({ ret: "full" }), "MAIL From:<ann@example.org> SIZE=1000 RET=FULL"],
  ["a UTF-8 sender", work({ reversePath: umlaut }), "MAIL From:<jürgen@example.org> SIZE=1000 SMTPUTF8"],
  ["a UTF-8 recipient", work({}, { path: umlaut }), "MAIL From:<ann@example.org> SIZE=1000 SMTPUTF8"],
  ["a UTF-8 header", work({}, {}, { utf8Header: true }), "MAIL From:<ann@example.org> SIZE=1000 SMTPUTF8"],
  [
    "a quoted local part",
    work({ reversePath: { localPart: 'a "b', domain: org } }),
    'MAIL From:<"a \\"b"@example.org> SIZE=1000',
  ],
]

for (const [name, job, expected] of mails) {
  test(`MAIL to a peer with every extension: ${name}`, () => {
    assert.equal(mailCommand(job, everything), expected)
    assert.equal(mailCommand(job, noOffers), expected.replace(/ SIZE.*/, ""), "to a peer that offers nothing")
  })
}

const rcpts: readonly (readonly [string, Partial<Recipient>, string])[] = [
  ["plain", {}, "RCPT To:<ann@example.org>"],
  ["the postmaster of the host", { path: "postmaster" }, "RCPT To:<Postmaster>"],
  ["NOTIFY", { notify: ["success", "failure"] }, "RCPT To:<ann@example.org> NOTIFY=SUCCESS,FAILURE"],
  [
    "ORCPT",
    { notify: ["never"], original: "rfc822;Ann+x@Example.ORG" },
    "RCPT To:<ann@example.org> NOTIFY=NEVER ORCPT=rfc822;Ann+2Bx@Example.ORG",
  ],
  [
    "ORCPT in UTF-8",
    { original: "utf-8;jürgen=1@example.org" },
    "RCPT To:<ann@example.org> ORCPT=utf-8;jürgen\\x{3D}1@example.org",
  ],
  ["an original that is no ORCPT", { original: "nonsense" }, "RCPT To:<ann@example.org>"],
  [
    "rfc822 with octets it cannot have",
    { original: "rfc822;jürgen@example.org" },
    "RCPT To:<ann@example.org>",
  ],
]

for (const [name, to, expected] of rcpts) {
  test(`RCPT to a peer with every extension: ${name}`, () => {
    assert.equal(rcptCommand(work({}, to), 0, everything), expected)
    assert.equal(rcptCommand(work({}, to), 0, noOffers), expected.replace(/ (NOTIFY|ORCPT)=.*/, ""))
  })
}

test("ORCPT in UTF-8 to a peer with DSN but without SMTPUTF8 is all ASCII (RFC 6533)", () => {
  const command = rcptCommand(work({}, { original: "utf-8;jürgen@example.org" }), 0, {
    ...noOffers,
    dsn: true,
  })
  assert.equal(command, "RCPT To:<ann@example.org> ORCPT=utf-8;j\\x{FC}rgen@example.org")
})

test("the address of the route takes the place of the recipient's own", () => {
  assert.equal(
    rcptCommand(work({}, {}, { addresses: ["bob@grussell.org"] }), 0, noOffers),
    "RCPT To:<bob@grussell.org>",
  )
})

test("a message that must be there in time goes to nobody who would not keep the time (RFC 2852)", () => {
  const returned = (secondsLeft: number) =>
    work({ deliverBy: { at: 0, mode: "return", trace: false } }, {}, { secondsLeft })
  assert.equal(unfit(returned(60), everything), undefined)
  assert.equal(unfit(returned(60), noOffers)?.status, "5.3.3")
  assert.equal(unfit(returned(60), { ...everything, leastDeliverBy: 90 })?.status, "5.4.7")
  assert.equal(unfit(returned(0), everything)?.status, "5.4.7")
  const told = work({ deliverBy: { at: 0, mode: "notify", trace: false } }, {}, { secondsLeft: -60 })
  assert.equal(unfit(told, noOffers), undefined)
})

test("what cannot be said to this peer is refused before it is asked", () => {
  const limited = { ...noOffers, size: true, largest: 999 }
  assert.equal(unfit(work({}), limited)?.status, "5.3.4")
  assert.equal(unfit(work({}), { ...limited, largest: 1000 }), undefined)
  assert.equal(unfit(work({ reversePath: umlaut }), noOffers)?.status, "5.6.7")
  assert.equal(unfit(work({}, {}, { utf8Header: true }), noOffers)?.status, "5.6.9")
  assert.equal(unfit(work({ body: "8bitmime" }), noOffers), undefined, "8-bit text is passed as it is")
  assert.equal(unspoken(work({}, { path: umlaut }), 0, noOffers)?.status, "5.6.7")
  assert.equal(unspoken(work({}, { path: umlaut }), 0, everything), undefined)
})

test("no address can smuggle a command in", () => {
  const evil = work({}, {}, { addresses: ["a@b>\r\nRCPT To:<c@d"] })
  assert.equal(unspoken(evil, 0, everything)?.status, "5.1.3")
  assert.equal(
    unfit(work({ reversePath: { localPart: "a\r\nDATA", domain: org } }), everything)?.status,
    "5.1.7",
  )
})

test("xtext encodes all but printable ASCII, and + and =", () => {
  assert.equal(xtext("plain@x"), "plain@x")
  assert.equal(xtext("a+b=c d\u00e4"), "a+2Bb+3Dc+20d+C3+A4")
  fc.assert(
    fc.property(fc.string(), (text) => /^[!-*,-<>-~]*$/.test(xtext(text).replaceAll(/\+[0-9A-F]{2}/g, ""))),
  )
})

test("offers are read in any case, as old peers write them too", () => {
  const offers = readOffers({
    code: 250,
    status: undefined,
    text: [
      "host says hello",
      "pipelining",
      "SIZE=1000",
      "8BitMime",
      "LIMITS MAILMAX=5 RCPTMAX=20",
      "",
      "X-ODD thing",
    ],
  })
  assert.deepEqual(offers, {
    ...noOffers,
    pipelining: true,
    size: true,
    largest: 1000,
    eightBitMime: true,
    mostRecipients: 20,
  })
  const first = readOffers({ code: 250, status: undefined, text: ["PIPELINING"] })
  assert.deepEqual(first, noOffers, "the first line is a greeting")
  const unlimited = readOffers({ code: 250, status: undefined, text: ["x", "SIZE 0"] })
  assert.equal(unlimited.largest, undefined)
})

const replies: readonly (readonly [string, unknown])[] = [
  ["250 ok\r\n", { code: 250, status: undefined, text: ["ok"] }],
  ["250\r\n", { code: 250, status: undefined, text: [""] }],
  ["250 2.1.5\r\n", { code: 250, status: "2.1.5", text: [""] }],
  [
    "550-5.1.1 no\r\n550-5.1.1  such\r\n550 5.1.1 user\r\n",
    { code: 550, status: "5.1.1", text: ["no", " such", "user"] },
  ],
  ["550-5.1.1 no\r\n550 user\r\n", { code: 550, status: "5.1.1", text: ["no", "user"] }],
  ["550 4.1.1 no\r\n", { code: 550, status: undefined, text: ["4.1.1 no"] }],
  ["550 5.1.1.1 no\r\n", { code: 550, status: undefined, text: ["5.1.1.1 no"] }],
  ["451-a\r\n450 b\r\n", { code: 450, status: undefined, text: ["a", "b"] }],
  ["220 bare\n", { code: 220, status: undefined, text: ["bare"] }],
  ["250-a\r\n550 b\r\n", { nonsense: "changed its mind in the middle of a reply" }],
  ["\r\n", { nonsense: "sent a line that is no reply" }],
  ["25 ok\r\n", { nonsense: "sent a line that is no reply" }],
  ["2500 ok\r\n", { nonsense: "sent a line that is no reply" }],
  ["650 ok\r\n", { nonsense: "sent a line that is no reply" }],
  [`250 ${"x".repeat(5000)}\r\n`, { nonsense: "sent a reply line without end" }],
  ["250 ok", undefined],
  ["250-ok\r\n", undefined],
]

for (const [octets, expected] of replies) {
  test(`the reply ${JSON.stringify(octets.slice(0, 40))}, split anywhere`, () => {
    for (let cut = 0; cut <= Math.min(octets.length, 60); cut++) {
      const reader = new ReplyReader()
      reader.feed(Buffer.from(octets.slice(0, cut)))
      const early = reader.next()
      reader.feed(Buffer.from(octets.slice(cut)))
      assert.deepEqual(early ?? reader.next(), expected, `cut at ${cut}`)
    }
  })
}

test("a code without an enhanced code has the one it stands for", () => {
  for (const [code, status] of [
    [250, "2.0.0"],
    [421, "4.3.2"],
    [459, "4.0.0"],
    [550, "5.2.0"],
    [599, "5.0.0"],
  ] as const) {
    assert.equal(statusOf({ code, status: undefined, text: [] }), status)
  }
  assert.equal(statusOf({ code: 550, status: "5.1.1", text: [] }), "5.1.1")
})

const contents: readonly (readonly [string, string])[] = [
  ["", ".\r\n"],
  ["a\r\n", "a\r\n.\r\n"],
  ["a", "a\r\n.\r\n"],
  ["a\r", "a\r\n.\r\n"],
  ["a\n", "a\n\r\n.\r\n"],
  [".\r\n", "..\r\n.\r\n"],
  [".a\r\n.b\r\n..c\r\n", "..a\r\n..b\r\n...c\r\n.\r\n"],
  ["a.\r\n", "a.\r\n.\r\n"],
  ["a\n.\r\nb\r\n", "a\n..\r\nb\r\n.\r\n"],
]

for (const [content, wire] of contents) {
  test(`${JSON.stringify(content)} goes over the wire as ${JSON.stringify(wire)}, in whatever pieces it comes`, () => {
    assert.equal(Buffer.concat(stuffed(Buffer.from(content))).toString(), wire)
    for (let cut = 0; cut <= content.length; cut++) {
      for (let next = cut; next <= content.length; next++) {
        const pieces = [content.slice(0, cut), content.slice(cut, next), content.slice(next)]
        assert.equal(inPieces(pieces), wire, JSON.stringify(pieces))
      }
    }
  })
}

function inPieces(pieces: readonly string[]): string {
  const stuffer = new DotStuffer()
  const out: Buffer[] = []
  for (const piece of pieces) stuffer.stuff(Buffer.from(piece), out)
  return Buffer.concat([...out, stuffer.end()]).toString()
}

test("what a receiver takes off the wire is what was to be sent, and it ends only at the end", () => {
  const text = fc
    .array(fc.constantFrom(".", "..", "a", "\r\n", "\r\n.", "x.y"), { maxLength: 30 })
    .map((parts) => `${parts.join("")}\r\n`)
  fc.assert(
    fc.property(text, (content) => {
      const wire = Buffer.concat(stuffed(Buffer.from(content))).toString()
      assert.equal(wire === ".\r\n" ? 0 : `\r\n${wire}`.indexOf("\r\n.\r\n"), wire.length - 3)
      assert.equal(`\r\n${wire.slice(0, -3)}`.replaceAll("\r\n.", "\r\n").slice(2), content)
    }),
  )
})

test("a message without dots at line starts is passed on without a copy", () => {
  const message = Buffer.from("Subject: x\r\n\r\nhello\r\n")
  assert.equal(stuffed(message)[0], message)
})
