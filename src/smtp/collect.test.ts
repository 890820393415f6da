import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { sessionOf, smallGate, someOffers } from "../../test/kit/server.ts"
import { Collector } from "./collect.ts"

type Collected = { text: string; header: string; refused: string | undefined; size: number }

function collect(pieces: readonly Buffer[], limits: Partial<typeof someOffers> = {}): Collected {
  const collector = new Collector({ ...someOffers, ...limits })
  const out: Buffer[] = []
  for (const piece of pieces) collector.add(piece, out)
  collector.end(out, true)
  const stored = Buffer.concat(out)
  const refused = collector.failure?.reply.text[0]
  if (refused === undefined) assert.equal(stored.length, collector.stored)
  const header = stored.toString("latin1", 0, collector.headerSize)
  return { text: stored.toString("latin1"), header, refused, size: collector.size }
}

const octets = (text: string) => Buffer.from(text, "latin1")

test("a message is stored as it came, and where its header ends is known", () => {
  const message = "Subject: x\r\n\r\nbody\r\n\r\nmore\r\n"
  assert.deepEqual(collect([octets(message)]), {
    text: message,
    header: "Subject: x\r\n\r\n",
    refused: undefined,
    size: message.length,
  })
})

test("what is no header is not left to be read as one", () => {
  const cases: [name: string, message: string, header: string, text: string][] = [
    ["no message", "", "", ""],
    ["only a header", "A: b\r\n", "A: b\r\n", "A: b\r\n"],
    ["only a body", "\r\nbody\r\n", "\r\n", "\r\nbody\r\n"],
    ["a body without a blank line", "just text\r\nmore\r\n", "\r\n", "\r\njust text\r\nmore\r\n"],
    [
      "a bad line",
      "A: b\r\nbad line\r\nC: d\r\n\r\nx\r\n",
      "A: b\r\n\r\n",
      "A: b\r\n\r\nbad line\r\nC: d\r\n\r\nx\r\n",
    ],
    ["an mbox's From_ line", "From a@b Tue\r\nA: b\r\n\r\nx\r\n", "A: b\r\n\r\n", "A: b\r\n\r\nx\r\n"],
    ["no last line end", "A: b\r\n\r\nx", "A: b\r\n\r\n", "A: b\r\n\r\nx\r\n"],
    ["no line end at all", "A: b", "A: b\r\n", "A: b\r\n"],
    [
      "8-bit and folded",
      "A: \xe4\r\n b\r\n\r\n\xff\r\n",
      "A: \xe4\r\n b\r\n\r\n",
      "A: \xe4\r\n b\r\n\r\n\xff\r\n",
    ],
  ]
  for (const [name, message, header, text] of cases) {
    const got = collect([octets(message)])
    assert.deepEqual([got.header, got.text], [header, text], name)
  }
})

test("fields that are ours to write alone are taken out, and others stay as they are", () => {
  const ourFields = ["bimi-location", "bimi-indicator"]
  const message = octets(
    "Bimi-Location: x\r\nA: b\r\nBIMI-INDICATOR:\r\n x\r\n y\r\nBIMI-Selector: s\r\n\r\nBIMI-Location: z\r\n",
  )
  const kept = "A: b\r\nBIMI-Selector: s\r\n\r\n"
  const got = collect([message], { ourFields })
  assert.deepEqual([got.header, got.text], [kept, `${kept}BIMI-Location: z\r\n`])
  assert.equal(collect([message]).text, message.toString("latin1"))
})

test("the limits hold however the octets come", () => {
  const limits = { maxMessageSize: 120, maxHeaderSize: 40, rejectNul: true }
  const part = fc.constantFrom(
    "A: b\r\n",
    "\r\n",
    "text\r\n",
    "long ".repeat(6),
    "\0",
    "From x\r\n",
    " fold\r\n",
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 14 }), fc.array(fc.nat(200), { maxLength: 6 }), (parts, cuts) => {
      const whole = octets(parts.join(""))
      const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].toSorted(
        (a, b) => a - b,
      )
      const pieces = places.slice(1).map((to, i) => whole.subarray(places[i] ?? 0, to))
      const want = collect([whole], limits)
      const got = collect(pieces, limits)
      // Several limits may be passed: which is met first depends on the pieces, whether one is does not.
      assert.equal(got.refused === undefined, want.refused === undefined)
      if (want.refused === undefined) assert.deepEqual(got, want)
    }),
    { numRuns: 2000 },
  )
})

test("a message that comes octet by octet is stored in large pieces", () => {
  const message = octets(`A: b\r\n\r\n${"text\r\n".repeat(20_000)}`)
  const collector = new Collector(someOffers)
  const out: Buffer[] = []
  for (let at = 0; at < message.length; at++) collector.add(message.subarray(at, at + 1), out)
  collector.end(out, true)
  assert.ok(out.length <= message.length / 16_000 + 1, `${out.length} pieces`)
  assert.ok(Buffer.concat(out).equals(message))
})

test("a header of 50,000 lines is taken, one line of two million octets is not", () => {
  const many = Array.from({ length: 50_000 }, (_, n) => `X-H${n}: v\r\n`).join("")
  assert.equal(collect([octets(`${many}\r\nx\r\n`)]).refused, undefined)
  assert.equal(
    collect([octets(`X: ${"h".repeat(2_000_000)}\r\n\r\nx\r\n`)]).refused,
    "Message header too large",
  )
})

test("a large body without any header is no large header", () => {
  assert.equal(collect([octets("text without end\r\n".repeat(100_000))]).refused, undefined)
})

const letter =
  "MAIL FROM:<andrew@hello.com>\r\nRCPT TO:<me@grussell.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n"

for (const submission of [true, false]) {
  test(`a message is given what its header lacks, ${submission ? "a submission" : "relayed mail too, as sendmail does"}`, async () => {
    const { traces } = await sessionOf([letter], { arrival: { submission } })
    const [stored] = traces.spool.stored
    assert.match(
      stored?.text ?? "",
      /^Received: [^]*?; [^\r]*\r\nDate: Tue, 24 Nov 2026 [^\r]*\r\nFrom: andrew@hello\.com\r\nMessage-Id: <[^>]*@grussell\.org>\r\nSubject: x\r\n\r\nx\r\n$/,
    )
    assert.match(stored?.queued.entry.summary.messageId ?? "", /^<[^>]*@grussell\.org>$/)
  })
}

test("a From: that is missing names the person, where the sender is one of ours", async () => {
  const gate = { ...smallGate, fullName: async () => "Andrew Cumming" }
  const { traces } = await sessionOf([letter], { gate })
  assert.match(traces.spool.stored[0]?.text ?? "", /\r\nFrom: Andrew Cumming <andrew@hello\.com>\r\n/)
})

test("what the sendmail command hands in is no hop by SMTP", async () => {
  const local = { protocol: "local", client: undefined, authenticated: "me", submission: true } as const
  const { said, traces } = await sessionOf([`EHLO localhost\r\n${letter}`], { arrival: local })
  assert.match(said, /250-grussell\.org Hello me@localhost, pleased to meet you\r\n/)
  const [stored] = traces.spool.stored
  assert.equal(stored?.queued.entry.arrival.protocol, "local")
  assert.match(
    stored?.text ?? "",
    /^Received: \(from me@localhost\)\r\n\tby grussell\.org \(Waypost 0\.1\.0\) id /,
  )
})

for (const [given, expected] of [
  [
    "To: me\r\nBcc: hidden@hello.com,\r\n other\r\nSubject: x\r\n\r\nx\r\n",
    "To: me\r\nSubject: x\r\n\r\nx\r\n",
  ],
  ["bcc: hidden\r\nCc: me\r\n\r\nBcc: of the body\r\n", "Cc: me\r\n\r\nBcc: of the body\r\n"],
  ["Bcc: hidden\r\nSubject: x\r\n\r\nx\r\n", "Subject: x\r\nBcc: \r\n\r\nx\r\n"],
  ["To: me\r\nBcc: hidden\r\nno field\r\nBcc: body\r\n", "To: me\r\n\r\nno field\r\nBcc: body\r\n"],
] as const) {
  test(`nobody reads who got it in secret: ${JSON.stringify(given)}`, async () => {
    const mail = `MAIL FROM:<andrew@hello.com>\r\nRCPT TO:<me@grussell.org>\r\nDATA\r\n${given}.\r\nQUIT\r\n`
    const { traces } = await sessionOf([mail])
    const [stored] = traces.spool.stored
    assert.ok(stored !== undefined && stored.text.endsWith(`\r\n${expected}`), stored?.text ?? "")
    assert.equal(stored?.queued.entry.headerSize, (stored?.text.indexOf("\r\n\r\n") ?? 0) + 4)
    assert.equal(stored?.queued.entry.size, stored?.text.length)
  })
}
