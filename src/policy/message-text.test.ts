import assert from "node:assert/strict"
import { test } from "node:test"
import { replyLine } from "../mail/reply.ts"
import { fillInText, textReply } from "./message-text.ts"

const values = { client_addr: "192.0.2.7", f: "ann@example.org" }

const texts: readonly (readonly [text: string, filled: string])[] = [
  ["550 Access denied", "550 Access denied"],
  ['"550 Access denied"', "550 Access denied"],
  ['"550 Mail from " $&{client_addr} " refused"', "550 Mail from 192.0.2.7 refused"],
  ["550 Mail from $&{client_addr}", "550 Mail from 192.0.2.7"],
  ['"550 " $&f ": no"', "550 ann@example.org: no"],
  ['"550 a \\"word\\""', '550 a "word"'],
  ['"550 " $&{nothing} "x"', "550 x"],
  ['"550 costs $5"', "550 costs $5"],
  ["550 costs $ 5", "550 costs $ 5"],
]

for (const [text, filled] of texts) {
  test(`the text ${text} is said as ${filled}`, () => {
    assert.equal(fillInText(text, values), filled)
  })
}

test("a text's own codes count before the usual ones", () => {
  assert.equal(replyLine(textReply("550 no", "5.7.1")), "550 5.7.1 no")
  assert.equal(replyLine(textReply("550 5.7.9 no", "5.7.1")), "550 5.7.9 no")
  assert.equal(replyLine(textReply("no", "5.7.1")), "553 5.7.1 no")
  assert.equal(replyLine(textReply("5501 lines", "5.7.1")), "553 5.7.1 5501 lines")
})
