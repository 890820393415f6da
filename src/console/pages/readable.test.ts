import assert from "node:assert/strict"
import { test } from "node:test"
import { decodeWords } from "../../message/encoded-words.ts"
import { readable } from "./readable.ts"

const subjects: readonly (readonly [string, string])[] = [
  ["Lunch on Friday", "Lunch on Friday"],
  ["=?utf-8?q?Gr=C3=BC=C3=9Fe_aus_Napier?=", "Grüße aus Napier"],
  ["=?UTF-8?B?R3LDvMOfZQ==?= =?utf-8?b?IHVuZCBLw7xzc2U=?=", "Grüße und Küsse"],
  ["=?iso-8859-1?Q?Andr=E9?= writes", "André writes"],
  ["=?koi8-r?B?8NLJ18XU?=", "Привет"],
  ["=?no-such-charset?q?a?=", "=?no-such-charset?q?a?="],
  ["=?utf-8?q?=FF?=", "=?utf-8?q?=FF?="],
  ["Gr\u00c3\u00bc\u00c3\u009fe", "Grüße"],
  ["already Grüße", "already Grüße"],
  ["=?utf-8?q?", "=?utf-8?q?"],
]

for (const [raw, wanted] of subjects)
  test(`${raw} reads ${wanted}, as everywhere in the house`, () => {
    assert.equal(readable(raw), wanted)
    assert.equal(decodeWords(raw), wanted)
  })

test("a subject does not turn the words around it about", () => {
  assert.equal(readable("=?utf-8?b?4oCuZ3BqLmV4ZQ==?="), "gpj.exe")
  assert.equal(readable("\u202Egnp.exe\u0007"), "gnp.exe")
})
