import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { marks, printTokens, type Scan, stripQuotes, tokenize, untokenize } from "./rule-tokens.ts"

const operators = ".:%@!^/[]+"
const address: Scan = { operators, comments: "drop", balance: true }
const rule: Scan = { operators, comments: "keep", balance: false }

// What sendmail 8.17 shows for each in test mode.
const cut: readonly (readonly [text: string, tokens: string])[] = [
  ["me@grussell.org", "me @ grussell . org"],
  ["g.russell@napier.ac.uk", "g . russell @ napier . ac . uk"],
  ["host!me", "host ! me"],
  ["me+tag%hello.com@grussell.org", "me + tag % hello . com @ grussell . org"],
  ['"quo ted"@hello.com', '"quo ted" @ hello . com'],
  ['a"b"c', 'a "b" c'],
  ['"a\\"b"@c', '"a\\"b" @ c'],
  ["Gordon Russell", "Gordon Russell"],
  ["x@[192.0.2.1]", "x @ [ 192 . 0 . 2 . 1 ]"],
  ["a(comment)b", "a b"],
  ["a (one (two) three) b", "a b"],
  ["(me) me@hello.com", "me @ hello . com"],
  ["e\\!f\\@g", "e ! f\\@g"],
  ["end\\", "end"],
  ["<me@hello.com>", "< me @ hello . com >"],
  ["\tme \r\n @ hello", "me @ hello"],
  ["", ""],
]

for (const [text, tokens] of cut) {
  test(`"${text}" is the tokens ${tokens}`, () => {
    const scanned = tokenize(text, address)
    assert.equal(printTokens(scanned.tokens).trimStart(), tokens)
    assert.deepEqual(scanned.complaints, [])
  })
}

const unbalanced: readonly (readonly [text: string, tokens: string, complaint: string])[] = [
  ["a<b", "a < b >", "553 Unbalanced '<'"],
  ["a>b", "ab", "553 Unbalanced '>'"],
  ['a"b', 'a "b"', "553 Unbalanced '\"'"],
  ["a(b", "a", "553 Unbalanced '('"],
  ["a)b", "ab", "553 Unbalanced ')'"],
]

for (const [text, tokens, complaint] of unbalanced) {
  test(`"${text}" is put right as ${tokens}, and said: ${complaint}`, () => {
    const scanned = tokenize(text, address)
    assert.equal(printTokens(scanned.tokens).trimStart(), tokens)
    assert.deepEqual(scanned.complaints, [complaint])
    assert.deepEqual(tokenize(text, rule).complaints, [], "in rules nothing need be balanced")
  })
}

test("parentheses are comments in an address, and operators in a rule", () => {
  assert.deepEqual(tokenize("a(b)c", address).tokens, ["a", "c"])
  assert.deepEqual(tokenize("a(b)c", rule).tokens, ["a", "(", "b", ")", "c"])
})

test("an address is no longer than sendmail takes: its tokens are counted, and their characters", () => {
  const many = tokenize("a.".repeat(600), address)
  assert.deepEqual([many.tokens.length, many.complaints], [0, ["553 5.1.0 prescan: too many tokens"]])
  const long = tokenize(`${"a".repeat(257)}@hello.com`, address)
  assert.deepEqual([long.tokens.length, long.complaints], [0, ["553 5.1.0 prescan: token too long"]])
  assert.equal(tokenize("a".repeat(256), address).tokens.length, 1)
})

test("words side by side get BlankSub between them, and nothing else does", () => {
  assert.equal(
    untokenize(["Gordon", "Russell", "@", "hello", ".", "com"], ".", operators),
    "Gordon.Russell@hello.com",
  )
  assert.equal(untokenize(['"a b"', "c"], " ", operators), '"a b"c')
})

test("no text can be a mark", () => {
  const all = Object.values(marks)
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const token of tokenize(text, address).tokens) assert.equal(typeof token, "string")
    }),
  )
  assert.deepEqual(tokenize("$#error $: x", address).tokens, ["$#error", "$", ":", "x"])
  assert.equal(new Set(all).size, all.length)
})

test("tokens put together and cut again are the same tokens", () => {
  const part = fc.constantFrom("me", "hello", "com", ".", "@", "!", '"a b"', "[", "]", "\\@x", " ", "<", ">")
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const { tokens } = tokenize(parts.join(""), rule)
      assert.deepEqual(tokenize(untokenize(tokens, " ", operators), rule).tokens, tokens)
    }),
  )
})

test("quotes and what protects are stripped, what was protected stays", () => {
  assert.equal(stripQuotes('"550 He said \\"no\\""'), '550 He said "no"')
  assert.equal(stripQuotes("plain"), "plain")
})
