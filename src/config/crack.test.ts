import assert from "node:assert/strict"
import { test } from "node:test"
import { printCracked } from "./crack.ts"

// As sendmail 8.17.1 answers /parse.
const cases: readonly (readonly [text: string, cracked: string])[] = [
  ["me@grussell.org", "$g"],
  ["Me Myself <me> (it is I)", "Me Myself <$g> (it is I)"],
  ["(c) me (d)", "(c) $g (d)"],
  ['"a <b>" <x@y>', '"a <b>" <$g>'],
  ["<>", "<>"],
]

for (const [text, cracked] of cases) {
  test(`around the address of ${text} there is ${cracked}`, () => assert.equal(printCracked(text), cracked))
}
