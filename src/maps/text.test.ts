import assert from "node:assert/strict"
import { test } from "node:test"
import * as fc from "fast-check"
import { readColumns, readMapText, type TextForm } from "./text.ts"

function read(text: string, form: TextForm = {}) {
  const entries: [string, string, number][] = []
  const bad = readMapText(text, form, (key, value, line) => entries.push([key, value, line]))
  return { entries, bad }
}

// Each text, what it holds, and what makemap says of it.
const cases: readonly (readonly [
  title: string,
  text: string,
  form: TextForm,
  entries: readonly (readonly [string, string, number])[],
  says: readonly string[],
])[] = [
  ["key, blanks, value", "To:example.org\tRELAY\n", {}, [["to:example.org", "RELAY", 1]], []],
  ["the value keeps its blanks", "a  550 go away \n", {}, [["a", "550 go away ", 1]], []],
  ["comments and blank lines count as lines", "# c\n\n  \na b\n", {}, [["a", "b", 4]], []],
  ["the last line may lack its end", "a b", {}, [["a", "b", 1]], []],
  [
    "lines of Windows",
    "a b\r\nc d\r\n",
    {},
    [
      ["a", "b", 1],
      ["c", "d", 2],
    ],
    [],
  ],
  ["a key without a value is said", "a b\nempty\n", {}, [["a", "b", 1]], ["2 no RHS for LHS empty"]],
  ["with -e it may be empty", "empty\n", { emptyValues: true }, [["empty", "", 1]], []],
  ["a leading blank is said", " a b\nc d\n", {}, [["c", "d", 2]], ["1 syntax error (leading space)"]],
  ["-t parts at one character", "a key,a value\n", { separator: "," }, [["a key", "a value", 1]], []],
  ["-t and a missing key", ",v\n", { separator: "," }, [], ["1 syntax error (zero length key)"]],
  ["-D begins comments", "; c\n#a b\n", { comment: ";" }, [["#a", "b", 2]], []],
  ["-f keeps case", "Key v\n", { keepCase: true }, [["Key", "v", 1]], []],
]

for (const [title, text, form, entries, says] of cases) {
  test(`a map's text: ${title}`, () => {
    const { entries: found, bad } = read(text, form)
    assert.deepEqual(found, entries)
    assert.deepEqual(
      bad.map(({ line, says: what }) => `${line} ${what}`),
      says,
    )
  })
}

test("every line is an entry, a comment, blank, or said to be bad", () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom("a", "B", " ", "\t", "#", "@", ".", "é") }), {
    maxLength: 20,
  })
  fc.assert(
    fc.property(lines, (all) => {
      const { entries, bad } = read(all.join("\n"))
      const meant = all.filter((line) => line.trim() !== "" && !line.startsWith("#")).length
      assert.equal(entries.length + bad.length, meant)
      for (const [, , line] of entries) assert.ok(line >= 1 && line <= all.length)
    }),
  )
})

test("columns of a text map, as of /etc/passwd", () => {
  const found: [string, string, number][] = []
  const passwd = "root:x:0:0:Root:/root:/bin/sh\n#x:y\nGor:x:1:1:Gordon Russell:/home/gor:/bin/sh\nshort\n"
  readColumns(passwd, { key: 0, value: 4, separator: ":" }, (...entry) => found.push(entry))
  assert.deepEqual(found, [
    ["root", "Root", 1],
    ["gor", "Gordon Russell", 3],
  ])
})
