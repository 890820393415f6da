import assert from "node:assert/strict"
import { test } from "node:test"
import { array, assert as check, constantFrom, integer, property } from "fast-check"
import { FromQuoter, fromLine, quoteFrom } from "./from-line.ts"

function quoted(text: string): string {
  return Buffer.concat(quoteFrom([Buffer.from(text)])).toString()
}

const cases: readonly (readonly [string, string, string])[] = [
  ["a line that begins with From is quoted", "a\nFrom b\n", "a\n>From b\n\n"],
  ["so is the first line", "From b\n", ">From b\n\n"],
  ["From with anything but a blank behind it is not", "a\nFromage\nFrom:\n", "a\nFromage\nFrom:\n\n"],
  ["nor is from within a line", "and From b\n", "and From b\n\n"],
  ["what is quoted already stays as it is (mboxo)", ">From b\n>>From c\n", ">From b\n>>From c\n\n"],
  ["two in a row are two", "x\nFrom a\nFrom b\n", "x\n>From a\n>From b\n\n"],
  ["a last line without an end gets one", "a", "a\n\n"],
  ["no message at all is an empty line", "", "\n"],
  ["an empty line at the end is the one that ends it", "a\n\n", "a\n\n"],
  ["an unfinished From at the end is no From", "a\nFrom", "a\nFrom\n\n"],
]
for (const [says, given, expected] of cases) {
  test(`in an mbox ${says}`, () => assert.equal(quoted(given), expected))
}

test("however a message is cut into pieces, it is quoted the same", () => {
  const text = array(constantFrom("\n", "F", "From ", "From", "x", " ", "\nFrom "), { maxLength: 30 })
  check(
    property(text, array(integer({ min: 0, max: 12 }), { maxLength: 20 }), (parts, cuts) => {
      const octets = Buffer.from(parts.join(""))
      const quoter = new FromQuoter()
      const out: Buffer[] = []
      let at = 0
      for (const length of cuts) {
        out.push(...quoter.push(octets.subarray(at, at + length)))
        at += length
      }
      out.push(...quoter.push(octets.subarray(at)), ...quoter.end())
      assert.equal(Buffer.concat(out).toString(), quoted(octets.toString()))
    }),
  )
})

test("a quoted message has no line that begins with From, and loses nothing else", () => {
  check(
    property(array(constantFrom("\n", "From ", "x", ">"), { maxLength: 30 }), (parts) => {
      const text = parts.join("")
      const out = quoted(text)
      assert.doesNotMatch(out, /^From /m)
      const restored = out.replaceAll(/^>From /gm, "From ")
      const end =
        text === "\n" || text.endsWith("\n\n") ? "" : text === "" || text.endsWith("\n") ? "\n" : "\n\n"
      const before = text.replaceAll(/^>From /gm, "From ") + end
      assert.equal(restored, before)
    }),
  )
})

test("a From_ line is the sender and the local time, and no sender can break it", () => {
  const date = new Date(2008, 10, 15, 11, 12, 21).getTime()
  assert.equal(
    fromLine("me@grussell.org", date, "mailbox").toString(),
    "From me@grussell.org  Sat Nov 15 11:12:21 2008\n",
  )
  assert.equal(
    fromLine("me@grussell.org", date, "file").toString(),
    "From me@grussell.org Sat Nov 15 11:12:21 2008\n",
  )
  assert.equal(fromLine("", date, "mailbox").toString(), "From MAILER-DAEMON  Sat Nov 15 11:12:21 2008\n")
  assert.equal(fromLine('"a b\nFrom x"@hello.com', date, "mailbox").toString().split("\n").length, 2)
})
