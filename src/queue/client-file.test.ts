import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import {
  type ClientFile,
  clientParameters,
  isClientName,
  parseClientFile,
  printClientFile,
  xtext,
} from "./client-file.ts"

const file: ClientFile = {
  sender: "me@grussell.org",
  recipients: ["you@napier.ac.uk", "gordon"],
  notify: ["success", "delay"],
  ret: "headers",
  envid: "lunch 42",
  body: "8bitmime",
  acceptedAt: 1_795_000_000_000,
  headerSize: 20,
  size: 30,
  refused: [{ recipient: "nosuch", said: ["550 5.1.1 <nosuch>... User unknown"] }],
}

test("what was written is read again", () => {
  const line = printClientFile(file).toString()
  assert.ok(line.endsWith("\n") && line.indexOf("\n") === line.length - 1)
  const read = parseClientFile(line)
  assert.ok(read.ok)
  assert.deepEqual(read.value, { version: 1, ...file })
})

for (const [what, change] of [
  ["a sender with a second command in it", { sender: "me>\r\nRCPT TO:<you" }],
  ["a recipient with a line end", { recipients: ["you\n"] }],
  ["a recipient that is a number", { recipients: [1] }],
  ["another version", { version: 2 }],
  ["an unknown NOTIFY", { notify: ["always"] }],
  ["an unknown RET", { ret: "half" }],
  ["an envelope id that is too long", { envid: "x".repeat(101) }],
  ["an unknown body", { body: "binarymime" }],
  ["a size below nothing", { size: -1 }],
  ["a refusal without words", { refused: [{ recipient: "x" }] }],
  ["words with a control character", { refused: [{ recipient: "x", said: ["550 \u0007"] }] }],
] as const) {
  test(`${what} is not taken`, () => {
    const line = JSON.stringify({ version: 1, ...file, ...change })
    assert.equal(parseClientFile(line).ok, false)
  })
}

test("junk is an error, whatever it is", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => !parseClientFile(line).ok))
})

test("the parameters are those of RFC 3461, what is not printable in xtext", () => {
  assert.deepEqual(clientParameters(file), {
    mail: " BODY=8BITMIME RET=HDRS ENVID=lunch+2042",
    rcpt: " NOTIFY=SUCCESS,DELAY",
  })
  const plain = { ...file, notify: undefined, ret: undefined, envid: undefined, body: "7bit" as const }
  assert.deepEqual(clientParameters(plain), { mail: "", rcpt: "" })
  assert.equal(xtext("a+b=c é"), "a+2Bb+3Dc+20+E9")
})

for (const [name, good] of [
  ["6AO7AgXX000001", true],
  ["6AO7AgXX00000", false],
  [".6AO7AgXX00000", false],
  ["6AO7AgXX000001x", false],
  ["../../etc/passw", false],
] as const) {
  test(`${name} is ${good ? "" : "not "}the name of a message`, () => {
    assert.equal(isClientName(name), good)
  })
}
