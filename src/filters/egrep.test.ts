// procmail's expressions: what they match, where matches end, and that nothing makes them slow.
import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { noMatch } from "./automaton.ts"
import { parseExpression } from "./egrep.ts"
import { matched, search } from "./procmail-match.ts"

function endOf(source: string, text: string, distinguishCase = false): number {
  const expression = parseExpression(source, distinguishCase)
  assert.ok(expression !== undefined)
  return search(expression, Buffer.from(text, "latin1"))
}

const matching: readonly (readonly [source: string, text: string, end: number])[] = [
  ["^Subject: hello", "From: a\nSubject: Hello\n", 22],
  ["^From", "From: a\n", 4],
  ["a*", "", -1],
  ["a$", "xa", 3],
  ["a$", "xa\nb", 3],
  ["a^^", "xa", 2],
  ["^^a", "ab", 1],
  ["x|b+", "abb", 2],
  ["(a|b)?c", "ac", 2],
  ["[^a]", "ab", 2],
  ["[]a]+c", "]ac", 3],
  ["[-a]b", "-b", 2],
  ["[a-]b", "-b", 2],
  ["\\<best\\>", "the best.", 9],
  ["\\<best\\>", "best", 5],
  ["a.c", "abc", 3],
  ["*b", "a*b", 3],
  ["a\\.b", "a.b", 3],
  ["\xe4+", "\xe4\xe4", 1],
]

for (const [source, text, end] of matching) {
  test(`${JSON.stringify(source)} matches ${JSON.stringify(text)} up to ${end}`, () => {
    assert.equal(endOf(source, text), end)
  })
}

const failing: readonly (readonly [source: string, text: string])[] = [
  ["^Subject: hello", "X-Subject: hello\n"],
  ["a.c", "a\nc"],
  ["a^^", "xa\n"],
  ["^^a", "b\na"],
  ["[^a]", "a"],
  ["\\<best\\>", "bests"],
  ["a\\.b", "acb"],
]

for (const [source, text] of failing) {
  test(`${JSON.stringify(source)} does not match ${JSON.stringify(text)}`, () => {
    assert.equal(endOf(source, text), noMatch)
  })
}

test("case counts only when it is to", () => {
  assert.equal(endOf("Hello", "hello", false), 5)
  assert.equal(endOf("Hello", "hello", true), noMatch)
  assert.equal(endOf("[A-C]x", "bx", true), noMatch)
})

test("MATCH is the longest text behind the first mark", () => {
  const text = Buffer.from("X: 1\nSubject: a foo b foo\n", "latin1")
  const behind = (source: string) => {
    const expression = parseExpression(source, false)
    return expression === undefined ? undefined : matched(expression, text)
  }
  assert.equal(behind("^Subject:.*\\/foo.*"), "foo b foo")
  assert.equal(behind("^Subject: \\/[^ ]+"), "a")
  assert.equal(behind("^Subject: a"), undefined)
  assert.equal(behind("^None\\/.*"), undefined)
})

const hostile = ["(x+x+)+y", "(x*)*y", "((x|xx)+)+$^y", ".*.*.*.*.*y", "(x?x?x?x?x?x?x?x?)*y"]

for (const source of hostile) {
  test(`${source} is done with a mebibyte in linear time`, () => {
    const began = performance.now()
    assert.equal(endOf(source, "x".repeat(1024 * 1024)), noMatch)
    assert.ok(performance.now() - began < 3000)
  })
}

test("an expression of states without end is bounded, and what is too large is refused", () => {
  assert.equal(endOf(`(a|b)*a${"(a|b)".repeat(16)}c`, "ab".repeat(50_000)), noMatch)
  assert.equal(parseExpression("(a|b|c)".repeat(20_000), false), undefined)
  assert.equal(parseExpression("(".repeat(10_000), false)?.invalid, true)
})

const letter = fc.constantFrom("a", "b", "c", "A", "\n", " ", ".")
const simple = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("a", "b", "c", ".", "[ab]", "[^a]", "x"),
    fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => `${String(a)}${String(b)}`),
    fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => `(${String(a)}|${String(b)})`),
    tie("tree").map((a) => `(${String(a)})*`),
    tie("tree").map((a) => `(${String(a)})+`),
    tie("tree").map((a) => `(${String(a)})?`),
  ),
})).tree

test("where JavaScript's expressions find something, ours do, and where they do not, ours do not", () => {
  fc.assert(
    fc.property(simple, fc.string({ unit: letter, maxLength: 12 }), (source, text) => {
      const theirs = new RegExp(String(source).replaceAll("[^a]", String.raw`[^a\n]`)).test(text)
      // Nothing at the beginning of a line is the end of the line before, which is no place of JavaScript's.
      assert.equal(endOf(String(source), text, true) !== noMatch, theirs)
    }),
    { numRuns: 500 },
  )
})
