import assert from "node:assert/strict"
import { test } from "node:test"
import { array, assert as check, asyncProperty, boolean, constantFrom, integer, property } from "fast-check"
import type { Content } from "../mail/content.ts"
import { inMemory } from "../mail/content.ts"
import { finalMessage, returnPath, toLf } from "./final.ts"

const sender = {
  localPart: "me",
  domain: { kind: "name", ascii: "grussell.org", unicode: "grussell.org" },
} as const
const start = [returnPath({ reversePath: sender })]

function contentOf(text: string, pieces: readonly number[] = []): Content {
  const bytes = Buffer.from(text, "latin1")
  const headerSize = text.indexOf("\r\n\r\n") < 0 ? bytes.length : text.indexOf("\r\n\r\n") + 4
  if (pieces.length === 0) return inMemory(bytes, headerSize)
  return {
    size: bytes.length,
    headerSize,
    bytes: undefined,
    async *chunks() {
      let at = 0
      for (const length of pieces) {
        yield bytes.subarray(at, at + length)
        at += length
      }
      yield bytes.subarray(at)
    },
  }
}

async function stored(content: Content): Promise<string> {
  const final = finalMessage(content, { start })
  const octets = final.kind === "whole" ? [...final.octets] : await Array.fromAsync(final.pieces())
  return Buffer.concat(octets).toString("latin1")
}

const cases: readonly (readonly [string, string, string])[] = [
  [
    "begins with the reverse-path and ends its lines with LF",
    "Subject: hello\r\n\r\nwake up\r\n",
    "Return-Path: <me@grussell.org>\nSubject: hello\n\nwake up\n",
  ],
  [
    "has no Return-Path but ours, however another was written and folded",
    "A: 1\r\nreturn-path :\r\n <x@y>\r\nB: 2\r\nReturn-Path: <z>\r\n\r\nReturn-Path: in the body\r\n",
    "Return-Path: <me@grussell.org>\nA: 1\nB: 2\n\nReturn-Path: in the body\n",
  ],
  [
    "keeps a field that only speaks of Return-Path",
    "X: a\r\n Return-Path: folded\r\n\r\n",
    "Return-Path: <me@grussell.org>\nX: a\n Return-Path: folded\n\n",
  ],
  [
    "keeps a CR that ends no line, and every octet above 127",
    "Subject: \xe9\r\n\r\na\rb\r\r\n\xff\0\r",
    "Return-Path: <me@grussell.org>\nSubject: \xe9\n\na\rb\r\n\xff\0\r",
  ],
  ["may be without a body", "Subject: x\r\n", "Return-Path: <me@grussell.org>\nSubject: x\n"],
]
for (const [says, given, expected] of cases) {
  test(`a stored message ${says}`, async () => assert.equal(await stored(contentOf(given)), expected))
}

test("a null reverse-path is written as one", () => {
  assert.equal(returnPath({ reversePath: "null" }).toString(), "Return-Path: <>\n")
})

test("a sender of this host is shown as he was typed", () => {
  assert.equal(returnPath({ reversePath: sender, typedSender: "me" }).toString(), "Return-Path: <me>\n")
})

test("by piece or at once, a message is stored the same", async () => {
  const part = constantFrom("\r", "\n", "\r\n", "x", "Return-Path: <a>\r\n", "\r\n\r\n", " y")
  await check(
    asyncProperty(
      array(part, { maxLength: 20 }),
      array(integer({ min: 0, max: 9 }), { minLength: 1 }),
      async (parts, cuts) => {
        const text = `Subject: x\r\n${parts.join("")}`
        assert.equal(await stored(contentOf(text, cuts)), await stored(contentOf(text)))
      },
    ),
  )
})

test("line ends come back as they were when CRLF was all there was", () => {
  check(
    property(array(boolean()), (ends) => {
      const text = ends.map((end) => (end ? "\r\n" : "x")).join("")
      assert.equal(toLf(Buffer.from(text)).toString().replaceAll("\n", "\r\n"), text)
    }),
  )
})

test("a message above a mebibyte goes by piece, from memory too, anew for each recipient", async () => {
  const final = finalMessage(contentOf(`Subject: x\r\n\r\n${"y".repeat(2_000_000)}`), { start })
  assert.ok(final.kind === "pieces")
  for (let recipient = 0; recipient < 2; recipient++) {
    const pieces: Buffer[] = await Array.fromAsync(final.pieces())
    assert.equal(
      Buffer.concat(pieces).length,
      2_000_000 + "Return-Path: <me@grussell.org>\nSubject: x\n\n".length,
    )
  }
})
