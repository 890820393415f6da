import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { expandParts, expandText, printPart, readParts, withoutComment } from "./rule-text.ts"

const macros = new Map([
  ["w", "grussell"],
  ["m", "hello.com"],
  ["j", "$w.$m"],
  ["a", "$a again"],
  ["client_addr", "192.0.2.7"],
  ["empty", ""],
])
const macro = (name: string) => macros.get(name)

const expanded: readonly (readonly [text: string, result: string])[] = [
  ["$j", "grussell.hello.com"],
  ["mail to ${client_addr}!", "mail to 192.0.2.7!"],
  ["costs $$5", "costs $5"],
  ["$Y is nothing", " is nothing"],
  ["$?w yes $| no $.", " yes "],
  ["$?{empty} yes $| no $.", " no "],
  ["$?Y $?w both $. $| neither $.", " neither "],
  ["$?w $?Y inner $| other $. outer$.", "  other  outer"],
  ["a $| b", "a $| b"],
  ["$&{client_addr} later", "$&{client_addr} later"],
  ["ends in $", "ends in $"],
]

for (const [text, result] of expanded) {
  test(`${text} is "${result}"`, () => assert.equal(expandText(text, macro), result))
}

test("a macro that names itself comes to an end", () => {
  const text = expandText("$a", macro)
  assert.ok(text.length < 1000, `${text.length} characters`)
  assert.match(text, /^(?: again)+$/)
})

test("what $ means in a rule", () => {
  const parts = readParts("$* $+ $- $=w $~{Local} $1 $# $@ $: $| $> $[ $] $( $) $&s")
  assert.deepEqual(
    parts.filter((part) => part !== " "),
    [
      { match: "$*" },
      { match: "$+" },
      { match: "$-" },
      { match: "$=", class: "w" },
      { match: "$~", class: "Local" },
      { copy: 1 },
      ...["$#", "$@", "$:", "$|", "$>", "$[", "$]", "$(", "$)"].map((mark) => ({ mark })),
      { late: "s" },
    ],
  )
})

test("a comment begins with # but not with $# nor with \\#", () => {
  assert.equal(withoutComment("R$*\t$#error   # no"), "R$*\t$#error")
  assert.equal(withoutComment("Cw a \\# b"), "Cw a # b")
  assert.equal(
    withoutComment("# all of it"),
    "# all of it",
    "the first character is not looked at: such lines are left out before",
  )
  assert.equal(withoutComment("one # not this\n two"), "one\n two")
})

test("parts print as they are written", () => {
  const text = "$* < @ $=w . > $~{Local} $1 $&{client_addr} $# $| plain"
  assert.equal(
    expandParts(readParts(text), () => undefined)
      .map(printPart)
      .join(""),
    text,
  )
})

test("any text can be read and expanded", () => {
  fc.assert(fc.property(fc.string(), (text) => void expandText(text, macro)))
})
