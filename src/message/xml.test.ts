import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { child, children, parseXml, textOf, xmlText } from "./xml.ts"

test("elements, their text and their order are read; prefixes, attributes, comments and declarations are passed over", () => {
  const read = parseXml(
    '\uFEFF<?xml version="1.0"?><!-- a > b --><x:a xmlns:x="u>v"><b k=\'1\'> one </b><c/><b><![CDATA[<&amp;]]> &lt;2&#x41;&#66;</b></x:a>\n',
  )
  assert.ok(read.ok, read.ok ? "" : read.error)
  assert.deepEqual(
    children(read.value, "b").map(({ text }) => text),
    ["one", "<&amp; <2AB"],
  )
  assert.equal(child(read.value, "c")?.text, "")
  assert.equal(textOf(read.value, "nothing"), "")
})

const wrong: readonly (readonly [string, RegExp])[] = [
  ["", /no element/],
  ["words", /outside/],
  ["<a>", /<a> is not closed/],
  ["<a></b>", /<\/b> closes nothing/],
  ["<a/><b/>", /more than one root/],
  ["<a", /not closed/],
  ['<a b="', /not closed/],
  ["<a>&nbsp;</a>", /no entity/],
  ["<a>&#xD800;</a>", /no entity/],
  ["<a>& b</a>", /no entity/],
  ['<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', /document type/],
  [`${"<a>".repeat(40)}${"</a>".repeat(40)}`, /deep/],
]

for (const [text, says] of wrong) {
  test(`"${text.slice(0, 30)}" is no XML that is read here`, () => {
    const read = parseXml(text)
    assert.ok(!read.ok)
    assert.match(read.error, says)
  })
}

test("any text that is written is read again", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "<", ">", "&", "]]>", "&lt;", "-", '"') })
  fc.assert(
    fc.property(text, (words) => {
      const read = parseXml(`<a>${xmlText(words)}</a>`)
      assert.ok(read.ok)
      assert.equal(read.value.text, words.trim())
    }),
  )
})
