import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { printReply, reply } from "../mail/reply.ts"
import { parseCommand } from "./command.ts"
import { decodeXtext, readMailParameters, readRcptParameters } from "./extensions.ts"
import { Input } from "./lines.ts"
import { about, unknownCommand } from "./replies.ts"
import { echo } from "./session.ts"
import { someOffers } from "../../test/kit/server.ts"

test("a path keeps its brackets for the reply and loses them for the gate", () => {
  const cases: [line: string, typed: string, kind: string, text: string][] = [
    ["MAIL FROM:<ann@example.org>", "<ann@example.org>", "mailbox", "ann@example.org"],
    ["mail from: ann@example.org", "ann@example.org", "mailbox", "ann@example.org"],
    ['MAIL FROM:<"a b"@example.org> SIZE=1', '<"a b"@example.org>', "mailbox", '"a b"@example.org'],
    ['MAIL FROM:<"a>b"@example.org>', '<"a>b"@example.org>', "mailbox", '"a>b"@example.org'],
    ['MAIL FROM:"a b"@example.org', '"a b"@example.org', "mailbox", '"a b"@example.org'],
    [
      "MAIL FROM:<@a.test,@b.test:u@c.test>",
      "<@a.test,@b.test:u@c.test>",
      "source-route",
      "@a.test,@b.test:u@c.test",
    ],
    ["MAIL FROM:<host!user>", "<host!user>", "bang", "host!user"],
    ["MAIL FROM:<u%d@us>", "<u%d@us>", "percent", "u%d@us"],
    ["MAIL FROM:<a b@example.org>", "<a b@example.org>", "mailbox", "a b@example.org"],
  ]
  for (const [line, typed, kind, text] of cases) {
    const command = parseCommand(line)
    assert.ok(command.verb === "MAIL" && command.path !== "null", line)
    assert.deepEqual([command.typed, command.path.kind, command.path.text], [typed, kind, text], line)
  }
})

test("BDAT takes a count and LAST, and nothing like them", () => {
  assert.deepEqual(parseCommand("bdat 86 last"), { verb: "BDAT", octets: 86, last: true })
  assert.deepEqual(parseCommand("BDAT 0"), { verb: "BDAT", octets: 0, last: false })
  for (const wrong of ["", "-1", "0x10", "1 LAST X", "LAST", "5.0", "+5", "1e3", "9999999999999999999"]) {
    const command = parseCommand(`BDAT ${wrong}`)
    assert.ok(command.verb === "wrong" && command.afterwards === "close", wrong)
  }
})

test("any line is a command or has a reply that fits on a line of its own", () => {
  const text = fc.string({
    unit: fc.constantFrom(...'<>@:"\\ \t.=;,+', "a", "MAIL", "FROM", "RCPT", "TO", "é", "\u{1f600}"),
  })
  fc.assert(
    fc.property(text, (line) => {
      for (const verb of ["", "MAIL FROM:", "RCPT TO:", "BDAT ", "VRFY "]) {
        const command = parseCommand(verb + line)
        if (command.verb === "wrong")
          assert.match(printReply(command.reply), /^\d{3} [\x20-\x7e]{0,506}\r\n$/)
        if (command.verb === "MAIL") readMailParameters(command.parameters, someOffers)
        if (command.verb === "RCPT") readRcptParameters(command.parameters, someOffers)
      }
    }),
    { numRuns: 2000 },
  )
})

test("what is said back is printable and at most 100 octets long", () => {
  assert.equal(echo("ann@example.org"), "ann@example.org")
  assert.equal(echo("a\r\n250 ok\u0000é"), "a??250 ok??")
  assert.equal(echo("x".repeat(101)).length, 100)
  assert.equal(unknownCommand("y".repeat(1000)).text[0]?.length, 'Command unrecognized: ""'.length + 100)
})

test("a refusal has the address in front once, as it was typed", () => {
  for (const said of ["Relaying denied", "<x@y>... Relaying denied", "x@y... Relaying denied"]) {
    assert.deepEqual(about("<x@y>", "x@y", reply(550, "5.7.1", said)).text, ["<x@y>... Relaying denied"])
    assert.deepEqual(about("x@y", "x@y", reply(550, "5.7.1", said)).text, ["x@y... Relaying denied"])
  }
})

test("xtext is decoded, and what hides a control character is none", () => {
  assert.equal(decodeXtext("a+2Bb+40c"), "a+b@c")
  assert.equal(decodeXtext("plain"), "plain")
  for (const wrong of ["+", "+2", "+2b", "+0A", "a=b", "+7F"])
    assert.equal(decodeXtext(wrong), undefined, wrong)
})

test("a line is read whatever pieces it comes in, and one without end costs no memory", () => {
  const input = new Input()
  input.feed(Buffer.from("NO"))
  assert.equal(input.line(), undefined)
  input.feed(Buffer.from("OP\r"))
  assert.equal(input.line(), undefined)
  input.feed(Buffer.from("\nRSET\n\r\nQ"))
  assert.deepEqual(input.line(), { kind: "line", text: "NOOP", ascii: true })
  assert.deepEqual(input.line(), { kind: "line", text: "RSET", ascii: true })
  assert.deepEqual(input.line(), { kind: "line", text: "", ascii: true })
  assert.equal(input.line(), undefined)
  for (let n = 0; n < 100; n++) {
    input.feed(Buffer.alloc(64 * 1024, "x"))
    assert.equal(input.line(), undefined)
  }
  input.feed(Buffer.from("\r\nNOOP\r\n"))
  const long = input.line()
  assert.ok(long?.kind === "broken" && long.why === "too long" && long.shown.length === 80)
  assert.deepEqual(input.line(), { kind: "line", text: "NOOP", ascii: true })
})
