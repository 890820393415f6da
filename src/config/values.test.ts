import assert from "node:assert/strict"
import { test } from "node:test"
import * as fc from "fast-check"
import { printIssue, editDistance, nearest, withSource } from "./issues.ts"
import { evaluate, printInteger } from "./m4-eval.ts"
import { formatText, translit } from "./m4-text.ts"
import { option, options, type OptionName } from "./options.ts"
import { parseDaemon } from "./daemons.ts"
import { parseSeconds, parseValue, printSeconds, printValue } from "./values.ts"

for (const [text, unit, seconds] of [
  ["5d", "s", 432_000],
  ["5", "d", 432_000],
  ["1h30m", "s", 5400],
  ["2w", "s", 1_209_600],
  ["10", "m", 600],
  ["1D", "s", 86_400],
  ["now", "s", 0],
] as const) {
  test(`${text} counted in ${unit} is ${seconds} seconds`, () => {
    assert.deepEqual(parseSeconds(text, unit), { ok: true, value: seconds })
  })
}

test("what is no time, number, size or truth is refused in words", () => {
  for (const [text, type] of [
    ["5 days", "seconds"],
    ["-1", "seconds"],
    ["ten", "number"],
    ["10X", "octets"],
    ["maybe", "boolean"],
  ] as const) {
    assert.equal(parseValue(text, type).ok, false, text)
  }
})

test("a time that is printed is read back as it was", () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), (seconds) =>
      assert.deepEqual(parseSeconds(printSeconds(seconds), "s"), { ok: true, value: seconds }),
    ),
  )
})

test("every default of the table is of the table's type, and is read back from its print", () => {
  const settings = { options: new Map() }
  for (const name of Object.keys(options) as OptionName[]) {
    const value = option(settings, name)
    if (value === undefined) continue
    const printed = printValue(value, options[name].type)
    if (printed !== "") assert.deepEqual(parseValue(printed, options[name].type), { ok: true, value }, name)
  }
})

test("an option of the wrong type is our bug, and says so", () => {
  assert.throws(() =>
    option({ options: new Map([["MaxHopCount", { value: "x", at: undefined }]]) }, "MaxHopCount"),
  )
})

test("the nearest word is found by letters left out, doubled, changed and swapped", () => {
  const known = ["access_db", "always_add_domain", "redirect", "use_cw_file"]
  for (const [typed, meant] of [
    ["acess_db", "access_db"],
    ["redirrect", "redirect"],
    ["use_cv_file", "use_cw_file"],
    ["REDIERCT", "redirect"],
  ] as const) {
    assert.equal(nearest(typed, known), meant)
  }
  assert.equal(nearest("something_else", known), undefined)
})

test("edit distance is a distance: none to itself, the same both ways, no shorter over a third", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 7 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(editDistance(a, a), 0)
      assert.equal(editDistance(a, b), editDistance(b, a))
      assert.ok(editDistance(a, b) >= Math.abs(a.length - b.length))
      assert.ok(editDistance(a, b) <= Math.max(a.length, b.length))
    }),
  )
})

test("an issue is a line to click on, a picture with a caret under tabs, a hint, and the way that led there", () => {
  const sources = new Map([["inc.m4", "one\n\tFEATUER(`x')\n"]])
  const issue = withSource(
    {
      severity: "error",
      code: "unknown-word",
      message: "there is no word FEATUER",
      at: { file: "inc.m4", line: 2, column: 2, via: { file: "sendmail.mc", line: 9, column: 1 } },
      hint: "did you mean FEATURE?",
      width: 7,
    },
    sources,
  )
  assert.equal(
    printIssue(issue),
    "inc.m4:2:2: error: there is no word FEATUER\n    2 | \tFEATUER(`x')\n      | \t^~~~~~~\n    did you mean FEATURE?\n    from sendmail.mc:9",
  )
})

for (const [text, says] of [
  ["1/0", "division by zero"],
  ["5 % 0", "modulo by zero"],
  ["2 ** -1", "negative exponent"],
  ["(1", "missing )"],
  ["1 +", "the expression ends too early"],
  ["1 2", "unexpected 2"],
  ["08", "bad digit 8"],
  ["a", 'cannot read "a"'],
] as const) {
  test(`eval refuses ${text}: ${says}`, () => assert.deepEqual(evaluate(text), { ok: false, error: says }))
}

test("eval adds and multiplies in 32 bits as C does", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), (a, b) => {
      assert.deepEqual(evaluate(`(${a})+(${b})`), { ok: true, value: (a + b) | 0 })
      assert.deepEqual(evaluate(`(${a})*(${b})`), { ok: true, value: Math.imul(a, b) })
      assert.deepEqual(evaluate(`(${a})<(${b})`), { ok: true, value: a < b ? 1 : 0 })
    }),
  )
})

test("numbers are printed in any radix with the sign in front", () => {
  assert.equal(printInteger(-255, 16, 6), "-0000ff")
  assert.equal(printInteger(3, 1, 1), "111")
})

test("translit and format do as the manual of m4 says", () => {
  assert.equal(translit("GNUs not Unix", "A-Z", "a-z"), "gnus not unix")
  assert.equal(translit("abc", "a-c", "1-2"), "12")
  assert.deepEqual(formatText("%-6s|%+d|%06.2f|%#x|%e", ["ab", "5", "3.14159", "255", "12345.678"]), {
    ok: true,
    value: "ab    |+5|003.14|0xff|1.234568e+04",
  })
  assert.equal(formatText("%y", []).ok, false)
})

test("a door's load limits are numbers: what is none is an error, and no limit is made of it", () => {
  const at = { file: "sendmail.mc", line: 4, column: 1 }
  const good = parseDaemon("Name=MTA, refuseLA=12, delayLA=8, queueLA=9", at, "daemon")
  assert.deepEqual(good.issues, [])
  assert.equal(good.daemon?.other.get("refusela"), "12")
  const bad = parseDaemon("Name=MTA, refuseLA=twelve", at, "daemon")
  assert.equal(bad.daemon, undefined)
  assert.deepEqual(
    bad.issues.map(({ message }) => message),
    ['refuseLA= is a load average, not "twelve"'],
  )
})
