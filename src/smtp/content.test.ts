import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { DataReader, LineEnds, type Progress } from "./content.ts"

type Read = { content: string; progress: Progress; rest: string }

function read(chunks: readonly Buffer[]): Read {
  const reader = new DataReader()
  const into: Buffer[] = []
  let rest = ""
  for (const chunk of chunks) {
    const at = reader.progress === "more" ? reader.read(chunk, 0, into) : 0
    if (reader.progress !== "more") rest += chunk.toString("latin1", at)
  }
  return { content: Buffer.concat(into).toString("latin1"), progress: reader.progress, rest }
}

function readWhole(text: string): Read {
  return read([Buffer.from(text, "latin1")])
}

test("CRLF . CRLF ends a message and nothing else does", () => {
  const cases: [text: string, progress: Progress, content: string][] = [
    ["Hello gordon.\r\n.\r\n", "end", "Hello gordon.\r\n"],
    [".\r\n", "end", ""],
    ["\r\n.\r\n", "end", "\r\n"],
    ["a\r\n.", "more", "a\r\n"],
    ["a\r\n.\r", "more", "a\r\n"],
    ["a\n.\n", "bare LF", ""],
    ["a\n.\r\n", "bare LF", ""],
    ["a\r\n.\n", "bare LF", "a\r\n"],
    ["a\r.\r", "bare CR", ""],
    ["a\r.\r\n", "bare CR", ""],
    ["a\r\n.\rb", "bare CR", "a\r\n"],
    ["a\r\r\n.\r\n", "bare CR", ""],
    [".\n", "bare LF", ""],
    ["\n.\r\n", "bare LF", ""],
    ["a\u0000\r\n.\r\n", "end", "a\u0000\r\n"],
  ]
  for (const [text, progress, content] of cases) {
    const got = readWhole(text)
    assert.equal(got.progress, progress, JSON.stringify(text))
    if (progress === "end" || progress === "more") assert.equal(got.content, content, JSON.stringify(text))
  }
})

test("a leading dot is taken away once, wherever its line begins", () => {
  assert.equal(readWhole("..\r\n..x\r\n...\r\n.y\r\nz.\r\n.\r\n").content, ".\r\n.x\r\n..\r\ny\r\nz.\r\n")
})

test("what follows the end of the message is left for the next command", () => {
  assert.deepEqual(readWhole("x\r\n.\r\nMAIL FROM:<>\r\n"), {
    content: "x\r\n",
    progress: "end",
    rest: "MAIL FROM:<>\r\n",
  })
})

test("content without stuffed dots is passed on without being copied", () => {
  const chunk = Buffer.from("Subject: SMTP\r\n\r\nHello gordon.\r\n.\r\n")
  const into: Buffer[] = []
  new DataReader().read(chunk, 0, into)
  assert.equal(into.length, 1)
  assert.equal(into[0]?.buffer, chunk.buffer)
})

test("any split of the octets gives the same content and the same end", () => {
  const octets = fc.array(fc.constantFrom("\r\n", "\r\n.", ".", "\r", "\n", "a", "\r\n.\r\n", "b.c"), {
    maxLength: 30,
  })
  fc.assert(
    fc.property(octets, fc.array(fc.nat(60), { maxLength: 8 }), (parts, cuts) => {
      const whole = Buffer.from(parts.join(""), "latin1")
      const places = [
        0,
        ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b),
        whole.length,
      ]
      const chunks = places.slice(1).map((to, i) => whole.subarray(places[i] ?? 0, to))
      const want = read([whole])
      const got = read(chunks)
      assert.equal(got.progress, want.progress)
      if (want.progress === "end" || want.progress === "more") assert.deepEqual(got, want)
    }),
    { numRuns: 3000 },
  )
})

test("a message longer than any window is read the same at every border of a window", () => {
  const line = `${"x".repeat(62)}\r\n`
  for (let shift = 0; shift < 66; shift++) {
    const body = `${"s".repeat(shift)}\r\n${line.repeat(300)}..dot\r\n${line.repeat(300)}`
    const got = readWhole(`${body}.\r\nQUIT\r\n`)
    assert.equal(got.progress, "end")
    assert.equal(got.content, body.replace("\r\n..", "\r\n."))
    assert.equal(got.rest, "QUIT\r\n")
  }
})

test("stuffing and reading are inverse", () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom(".", "a", " ", "\t"), maxLength: 5 }), {
    maxLength: 12,
  })
  fc.assert(
    fc.property(lines, (texts) => {
      const body = texts.map((text) => `${text}\r\n`).join("")
      const wire = texts.map((text) => `${text.startsWith(".") ? "." : ""}${text}\r\n`).join("")
      assert.equal(readWhole(`${wire}.\r\n`).content, body)
    }),
  )
})

function check(...pieces: string[]): string | undefined {
  const ends = new LineEnds()
  for (const piece of pieces) {
    const wrong = ends.check(Buffer.from(piece))
    if (wrong !== undefined) return wrong
  }
  return ends.end()
}

test("lone CR and LF are found in chunks, across their borders too", () => {
  assert.equal(check("a\r\n.\r\nb"), undefined)
  assert.equal(check("a\r", "\nb"), undefined)
  assert.equal(check("a\r", "\n"), undefined)
  assert.equal(check("a\r", "b"), "bare CR")
  assert.equal(check("a\r"), "bare CR")
  assert.equal(check("a", "\n"), "bare LF")
  assert.equal(check("a\r\n\n"), "bare LF")
  assert.equal(check("\r", "\r\n"), "bare CR")
})
