import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { dotStuffed } from "../smtp/dots.ts"
import { asLines, openMessage } from "./typed-message.ts"

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const octets = Buffer.from(text, "latin1")
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size)
}

async function all(stream: AsyncIterable<Buffer>): Promise<string> {
  const out: Buffer[] = []
  for await (const piece of stream) out.push(Buffer.from(piece))
  return Buffer.concat(out).toString("latin1")
}

const lines = (text: string, dotEnds = true, size = 1 << 16) => all(asLines(pieces(text, size), { dotEnds }))

for (const [what, input, expected] of [
  ["LF", "a\nb\n", "a\r\nb\r\n"],
  ["CRLF", "a\r\nb\r\n", "a\r\nb\r\n"],
  ["both", "a\nb\r\nc\n", "a\r\nb\r\nc\r\n"],
  ["a progress bar's lone CR", "10%\r20%\rdone\n", "10%\r\n20%\r\ndone\r\n"],
  ["CR CR LF", "a\r\r\nb", "a\r\n\r\nb\r\n"],
  ["no end of the last line", "a\nb", "a\r\nb\r\n"],
  ["a CR at the very end", "a\r", "a\r\n"],
  ["nothing", "", ""],
  ["a lone dot", "a\n.\nb\n", "a\r\n"],
  ["a lone dot with CRLF", "a\r\n.\r\nb\n", "a\r\n"],
  ["a lone dot at the very end", "a\n.", "a\r\n"],
  ["a dot that begins a line", "a\n.b\n..\n", "a\r\n.b\r\n..\r\n"],
  ["a dot and a lone CR", "a\n.\rb\n", "a\r\n.\r\nb\r\n"],
  ["a dot that ends a line", "a.\n", "a.\r\n"],
  ["NUL and 8-bit", "\0\xe9\n", "\0\xe9\r\n"],
] as const) {
  test(`input with ${what} becomes lines of mail`, async () => {
    assert.equal(await lines(input), expected)
    assert.equal(await lines(input, true, 1), expected)
  })
}

test("with -i a lone dot is a line like any other", async () => {
  assert.equal(await lines("a\n.\nb\n", false), "a\r\n.\r\nb\r\n")
})

const octet = fc.constantFrom("a", ".", "\r", "\n", "\r\n", "\n.\n", "From ", "\0")

test("how the input is cut into reads changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(octet, { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      async (parts, size) => {
        const text = parts.join("")
        for (const dotEnds of [true, false]) {
          const whole = await lines(text, dotEnds)
          assert.equal(await lines(text, dotEnds, size), whole)
          assert.doesNotMatch(whole, /\r(?!\n)|(?<!\r)\n/)
          assert.ok(whole === "" || whole.endsWith("\r\n"))
        }
      },
    ),
  )
})

test("stuffing doubles every dot that begins a line, and no other, wherever the reads fall", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(octet, { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      async (parts, size) => {
        const text = await lines(parts.join(""), false)
        const stuffed = await all(dotStuffed(pieces(text, size)))
        assert.equal(stuffed, text.replaceAll(/(^|\r\n)\./g, "$1..").replaceAll(/(\r\n)\.(?!\.)/g, "$1.."))
        assert.equal(stuffed.replaceAll(/(^|\r\n)\./g, "$1"), text)
        assert.doesNotMatch(stuffed, /(^|\r\n)\.\r\n/)
      },
    ),
  )
})

test("a message is opened as far as its header, and nothing of it is lost", async () => {
  const text = `Subject: x\r\n\r\n${"body\r\n".repeat(1000)}`
  const { head, rest } = await openMessage(pieces(text, 100))
  assert.equal(head.length, 100)
  assert.equal(head.toString("latin1") + (await all(rest)), text)
})

test("a message without a header's end is opened as far as a header may go", async () => {
  const { head } = await openMessage(pieces("X: y\r\n".repeat(200_000), 65_536))
  assert.ok(head.length >= 256 * 1024 && head.length < 400 * 1024)
})
