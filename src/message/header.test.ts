import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { countReceived, fields, first, has, isNamed, nameOf, scanHeader, summary, valueOf } from "./header.ts"

const scan = (text: string) => scanHeader(Buffer.from(text, "latin1"))

const letter = scan(
  "Received: from grussell.org (grussell.org [192.0.2.7])\r\n" +
    "\tby napier.ac.uk (8.17.1/Waypost 0.1.0) with ESMTP id 6AO7AgXX000001\r\n" +
    "\tfor <me@napier.ac.uk>; Tue, 24 Nov 2026 07:10:42 GMT\r\n" +
    "received : from laptop by grussell.org; Tue, 24 Nov 2026 07:10:41 GMT\r\n" +
    "MESSAGE-ID: <1@grussell.org>\r\n" +
    "From: Gordon <gordon@grussell.org>\r\n" +
    "Subject:  a long\r\n  tale \r\n" +
    "X-Empty:\r\n" +
    "\r\n" +
    "From: not a field any more\r\n",
)

test("fields are found by name, whatever case they are written in, from the top", () => {
  assert.equal(fields(letter, "received").length, 2)
  assert.equal(countReceived(letter), 2)
  assert.equal(first(letter, "message-id"), "<1@grussell.org>")
  assert.equal(first(letter, "from"), "Gordon <gordon@grussell.org>")
  assert.equal(first(letter, "x-empty"), "")
  assert.equal(first(letter, "to"), undefined)
  assert.equal(has(letter, "to"), false)
  assert.deepEqual(
    letter.fields.map((field) => nameOf(letter, field)),
    ["Received", "received", "MESSAGE-ID", "From", "Subject", "X-Empty"],
  )
})

test("a folded value is one line of text, and its octets stay as they were", () => {
  assert.equal(first(letter, "subject"), "a long  tale")
  const [top] = fields(letter, "received")
  assert.ok(top?.folded)
  assert.match(valueOf(letter, top), /^from grussell\.org .*\tby napier.*GMT$/)
  assert.equal(letter.bytes.toString("latin1", top.end - 5, top.end), "GMT\r\n")
})

test("the body begins after the first blank line", () => {
  assert.equal(letter.ends, "blank line")
  assert.equal(letter.bytes.toString("latin1", letter.bodyStart), "From: not a field any more\r\n")
  assert.equal(letter.bytes.toString("latin1", letter.end, letter.bodyStart), "\r\n")
})

for (const [what, text, names, ends, body] of [
  ["nothing at all", "", [], "end of message", ""],
  ["a body alone", "\r\nhello\r\n", [], "blank line", "hello\r\n"],
  ["no header", "hello there\r\nworld\r\n", [], "no blank line", "hello there\r\nworld\r\n"],
  [
    "a line without a colon",
    "A: 1\r\nhello\r\n\r\nB: 2\r\n",
    ["A"],
    "no blank line",
    "hello\r\n\r\nB: 2\r\n",
  ],
  ["no body", "A: 1\r\nB: 2\r\n", ["A", "B"], "end of message", ""],
  ["no line end", "A: 1", ["A"], "end of message", ""],
  ["only line feeds", "A: 1\n b\nB: 2\n\nx\n", ["A", "B"], "blank line", "x\n"],
  ["an mbox's first line", "From ann@example.org Tue Nov 24\r\nA: 1\r\n\r\nx", ["A"], "blank line", "x"],
  ["a quoted From_ line", ">From ann@example.org Tue Nov 24\r\nA: 1\r\n\r\nx", ["A"], "blank line", "x"],
  ["a From field is no From_ line", "From: ann\r\n\r\nx", ["From"], "blank line", "x"],
  ["8-bit in a name", "Caf\xe9: 1\r\n\r\n", [], "no blank line", "Caf\xe9: 1\r\n\r\n"],
  ["NUL in a name", "A\0B: 1\r\n\r\n", [], "no blank line", "A\0B: 1\r\n\r\n"],
  ["NUL in a value", "A: \0\0\r\nB: 2\r\n\r\n", ["A", "B"], "blank line", ""],
  ["an empty name", ": 1\r\n\r\n", [], "no blank line", ": 1\r\n\r\n"],
  ["a continuation of nothing", " x: 1\r\nA: 1\r\n\r\n", [], "no blank line", " x: 1\r\nA: 1\r\n\r\n"],
  ["a blank continuation line", "A: 1\r\n \t\r\nB: 2\r\n\r\n", ["A", "B"], "blank line", ""],
  ["a lone CR ends no line", "A: 1\rB: 2\r\n\r\n", ["A"], "blank line", ""],
] as const) {
  test(`a header with ${what} is read as far as it goes`, () => {
    const header = scan(text)
    assert.deepEqual(
      header.fields.map((field) => nameOf(header, field)),
      names,
    )
    assert.equal(header.ends, ends)
    assert.equal(header.bytes.toString("latin1", header.bodyStart), body)
  })
}

test("text is UTF-8 where it is that, else Latin-1: no octet is lost", () => {
  assert.equal(first(scanHeader(Buffer.from("Subject: café\r\n\r\n", "utf8")), "subject"), "café")
  assert.equal(first(scanHeader(Buffer.from("Subject: caf\xe9\r\n\r\n", "latin1")), "subject"), "café")
})

test("names are compared in ASCII: a Kelvin sign is no k", () => {
  const header = scan("Link: 1\r\n\r\n")
  const [field] = header.fields
  assert.ok(field)
  assert.equal(isNamed(header, field, "link"), true)
  assert.equal(isNamed(header, field, "lin\u212a"), false)
})

test("a summary is cut to 200 octets and never within a character", () => {
  const header = scanHeader(
    Buffer.from(`Subject: ${"é".repeat(150)}\r\nFrom: ${"a".repeat(500)}\r\n\r\n`, "utf8"),
  )
  const { subject, from, messageId } = summary(header)
  assert.equal(subject, "é".repeat(100))
  assert.equal(from, "a".repeat(200))
  assert.equal(messageId, "")
  const odd = summary(scanHeader(Buffer.from(`Subject: x${"é".repeat(150)}\r\n\r\n`, "utf8")))
  assert.equal(odd.subject, `x${"é".repeat(99)}`)
})

test("a summary takes the topmost of each and unfolds it", () => {
  assert.deepEqual(summary(letter), {
    messageId: "<1@grussell.org>",
    subject: "a long  tale",
    from: "Gordon <gordon@grussell.org>",
  })
})

test("the spans of any octets follow each other without gap and end at the body", () => {
  const odd = fc.constantFrom("A", ":", " ", "\t", "\r", "\n", "\r\n", "\0", "\xe9", "From ", "b")
  fc.assert(
    fc.property(fc.array(odd, { maxLength: 60 }), (parts) => {
      const header = scan(parts.join(""))
      let at = header.fields[0]?.start ?? header.end
      for (const field of header.fields) {
        assert.equal(field.start, at)
        assert.ok(
          field.start < field.nameEnd && field.nameEnd < field.valueStart && field.valueStart <= field.end,
        )
        at = field.end
      }
      assert.equal(header.end, at)
      assert.ok(header.bodyStart >= header.end && header.bodyStart <= header.bytes.length)
    }),
  )
})

test("Precedence: and Priority: are known by their words, and nothing else is made of them", () => {
  const of = (header: string) => {
    const { precedence, priority } = summary(scanHeader(Buffer.from(`${header}\r\n\r\n`)))
    return [precedence, priority]
  }
  assert.deepEqual(of("Precedence: bulk"), [-60, undefined])
  assert.deepEqual(of("PRECEDENCE: Special-Delivery\r\nPriority: Urgent"), [100, "urgent"])
  assert.deepEqual(of("Priority: non-urgent"), [undefined, "non-urgent"])
  assert.deepEqual(of("Precedence: first-class\r\nPriority: 1 (highest)"), [undefined, undefined])
})

test("a header of 10 MiB without a line end is read in linear time", () => {
  const huge = Buffer.alloc(10 * 1024 * 1024, "A: ")
  const start = process.cpuUsage()
  for (let i = 0; i < 5; i++) scanHeader(huge)
  const { user } = process.cpuUsage(start)
  assert.ok(user < 2_000_000, `${user} µs of CPU`)
})
