import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { ownReply, understand } from "./milter-answer.ts"
import {
  fieldFrom,
  fieldsOf,
  printFields,
  valueFor,
  withAdded,
  withChanged,
  withInserted,
} from "./milter-fields.ts"
import { type Packet, PacketReader, printPacket, readStrings, strings, words } from "./milter-wire.ts"
import { scanHeader } from "../message/header.ts"

const packet = fc.tuple(
  fc.constantFrom(..."ABCDEHLMNOQRTUacdrtpy"),
  fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
)

test("packets are the same however the octets come", () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 })),
      (all, cuts) => {
        const octets = Buffer.concat(all.map(([letter, part]) => printPacket(letter, part)))
        const reader = new PacketReader()
        const found: Packet[] = []
        for (let at = 0, n = 0; at < octets.length; n++) {
          const size = cuts[n % Math.max(cuts.length, 1)] ?? octets.length
          reader.feed(octets.subarray(at, at + size))
          at += size
          for (let one = reader.next(); one !== undefined && one !== "nonsense"; one = reader.next())
            found.push(one)
        }
        assert.deepEqual(
          found.map(({ letter, octets: part }) => [letter, Buffer.from(part)]),
          all.map(([letter, part]) => [letter, part]),
        )
      },
    ),
  )
})

test("a length that no packet has is nonsense", () => {
  for (const length of [0, 0xffff_ffff, 0x4854_5450]) {
    const reader = new PacketReader()
    reader.feed(words(length, 1))
    assert.equal(reader.next(), "nonsense")
  }
})

test("a NUL in a string never makes two of it", () => {
  assert.deepEqual(readStrings(Buffer.from(strings("a\0b", "", "c"))), ["ab", "", "c"])
})

test("a reply of a filter's own is one of SMTP, or the filter has failed", () => {
  const good: readonly (readonly [
    text: string,
    code: number,
    status: string | undefined,
    lines: readonly string[],
  ])[] = [
    ["550 5.7.1 No", 550, "5.7.1", ["No"]],
    ["450 later", 450, undefined, ["later"]],
    ["421", 421, undefined, [""]],
    ["451 4.7.1 100%% sure", 451, "4.7.1", ["100% sure"]],
    ["554-5.7.1 one\r\n554 5.7.1 two", 554, "5.7.1", ["one", "two"]],
  ]
  for (const [text, code, status, lines] of good) {
    assert.deepEqual(ownReply(text), { kind: "reply", reply: { code, status, text: lines } })
  }
  for (const text of ["", "250 ok", "55 5.7.1 x", "no", "550 4.7.1 x", "550-a\r\n551 b"])
    assert.equal(ownReply(text).kind, "failed", text)
})

test("packets that lack what they need are failures", () => {
  for (const letter of ["h", "i", "m", "e", "+", "-", "Z", "O", "\u0001"])
    assert.equal(understand({ letter, octets: Buffer.alloc(0) }).kind, "failed", letter)
})

const header = scanHeader(
  Buffer.from("From: a@hello.com\r\nX: one\r\nSubject: lunch\r\n at noon\r\nx: two\r\n\r\n"),
)

test("fields that nobody changes are printed as they came", () => {
  assert.deepEqual(printFields(fieldsOf(header)), {
    above: "",
    below: "From: a@hello.com\r\nX: one\r\nSubject: lunch\r\n at noon\r\nx: two\r\n",
  })
})

test("a value is told with LF alone, and with its blank to those alone who want it", () => {
  const subject = fieldsOf(header)[3]
  assert.ok(subject !== undefined && subject !== "ours")
  assert.equal(valueFor(subject, false), "lunch\n at noon")
  assert.equal(valueFor(subject, true), " lunch\n at noon")
})

test("fields are put in, changed and taken away where libmilter says", () => {
  const fields = fieldsOf(header)
  const field = fieldFrom("X", "new", false)
  assert.ok(field !== undefined)
  const names = (all: typeof fields) =>
    all.map((one) => (one === "ours" ? "*" : one.text.split("\r\n")[0])).join("|")
  const was = "*|From: a@hello.com|X: one|Subject: lunch|x: two"
  assert.equal(names(fields), was)
  assert.equal(names(withAdded(fields, field)), `${was}|X: new`)
  assert.equal(names(withInserted(fields, 0, field)), `X: new|${was}`)
  assert.equal(names(withInserted(fields, 1, field)), was.replace("*|", "*|X: new|"))
  assert.equal(names(withInserted(fields, 99, field)), `${was}|X: new`)
  assert.equal(names(withChanged(fields, 2, { name: "x", field })), was.replace("x: two", "X: new"))
  assert.equal(names(withChanged(fields, 0, { name: "X", field })), was.replace("X: one", "X: new"))
  assert.equal(names(withChanged(fields, 3, { name: "x", field })), `${was}|X: new`)
  assert.equal(names(withChanged(fields, 1, { name: "x", field: undefined })), was.replace("|X: one", ""))
  assert.equal(names(withChanged(fields, 9, { name: "x", field: undefined })), was)
})

test("whatever a filter writes is one field, or none", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.boolean(), (name, value, leading) => {
      const field = fieldFrom(name, value, leading)
      if (field === undefined) return
      const read = scanHeader(Buffer.from(`${field.text}\r\nbody`, "utf8"))
      assert.equal(read.fields.length, 1)
      assert.equal(read.ends, "blank line")
    }),
  )
})
