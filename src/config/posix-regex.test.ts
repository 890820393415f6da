import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { posixRegex, type RegexForm } from "./posix-regex.ts"

const extended: RegexForm = { syntax: "extended", ignoreCase: false }
const folded: RegexForm = { syntax: "extended", ignoreCase: true }
const basic: RegexForm = { syntax: "basic", ignoreCase: false }

function groups(
  expression: string,
  text: string,
  form = extended,
): readonly (string | undefined)[] | undefined {
  const regex = posixRegex(expression, form)
  if (!regex.ok) throw new Error(regex.error)
  return regex.value.match(text)?.map((place) => (place === undefined ? undefined : text.slice(...place)))
}

const cases: readonly (readonly [
  expression: string,
  text: string,
  found: readonly (string | undefined)[] | undefined,
  form?: RegexForm,
])[] = [
  ["^[0-9]+$", "12345", ["12345"]],
  ["^[0-9]+$", "12a45", undefined],
  ["b+", "abbbc", ["bbb"]],
  ["(a|ab)(c|bcd)(d*)", "abcd", ["abcd", "a", "bcd", ""]],
  ["a|ab|abc", "xabcx", ["abc"]],
  ["^(.*)@(.*)$", "me@hello@com", ["me@hello@com", "me@hello", "com"]],
  ["colou?r", "the color", ["color"]],
  ["x{2,3}", "xxxx", ["xxx"]],
  ["x{2}", "x", undefined],
  ["x{2,}$", "axxxx", ["xxxx"]],
  ["[^@]+@[[:alnum:].-]+", "to me@hello.com!", ["to me@hello.com"]],
  ["[]a-]+", "b]-a", ["]-a"]],
  ["\\.com$", "hello.com", [".com"]],
  ["\\.com$", "helloxcom", undefined],
  ["HELLO", "hello", undefined],
  ["HELLO", "hello", ["hello"], folded],
  ["[A-C]+", "abc", ["abc"], folded],
  ["a\\(b\\)*c", "abbc", ["abbc", "b"], basic],
  ["a(b)c", "a(b)c", ["a(b)c"], basic],
  ["^a\\{2\\}$", "aa", ["aa"], basic],
  ["a^b$c", "a^b$c", ["a^b$c"], basic],
  ["\\<me\\>", "not me, you", ["me"]],
  ["()", "x", ["", ""]],
  ["(a)|(b)", "b", ["b", undefined, "b"]],
  ["a)", "a)", ["a)"]],
]

for (const [expression, text, found, form = extended] of cases) {
  test(`${form.syntax} ${expression} finds ${JSON.stringify(found)} in "${text}"`, () => {
    assert.deepEqual(groups(expression, text, form), found)
  })
}

const wrong: readonly (readonly [expression: string, says: RegExp, form?: RegexForm])[] = [
  ["(a", /Unmatched \(/],
  ["[a", /Unmatched \[/],
  ["*a", /Invalid preceding/],
  ["a{3,2}", /Invalid content/],
  ["a{1", /Invalid content/],
  ["a\\", /Trailing backslash/],
  ["(a)\\1", /back-reference/],
  ["[[:nosuch:]]", /Invalid character class/],
  ["[z-a]", /Invalid range/],
  ["a\\)", /Unmatched \)/, basic],
  ["((((a{200}){200}){200}){200}){200}", /too large/],
]

for (const [expression, says, form = extended] of wrong) {
  test(`${expression} is no expression`, () => {
    const regex = posixRegex(expression, form)
    assert.ok(!regex.ok)
    assert.match(regex.error, says)
  })
}

test("an expression that drives others mad is as quick as any", () => {
  const began = performance.now()
  assert.equal(groups("^(a+)+$", `${"a".repeat(5000)}b`), undefined)
  assert.equal(groups("(x+x+)+y", "x".repeat(2000)), undefined)
  assert.ok(performance.now() - began < 2000)
})

test("expressions of plain words and alternatives find what JavaScript finds, and never less of it", () => {
  const word = fc.constantFrom("a", "b", "ab", "ba", "aab")
  const piece = fc.oneof(
    word,
    fc.tuple(word, word).map(([x, y]) => `(${x}|${y})`),
    word.map((x) => `(${x})*`),
  )
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 4 }),
      fc.string({ unit: fc.constantFrom("a", "b", "c") }),
      (pieces, text) => {
        const expression = pieces.join("")
        const theirs = new RegExp(expression).exec(text)
        const ours = groups(expression, text)
        assert.equal(ours === undefined, theirs === null)
        // POSIX takes the longest where JavaScript takes the first alternative.
        if (ours !== undefined && theirs !== null) assert.ok((ours[0]?.length ?? 0) >= theirs[0].length)
      },
    ),
  )
})
