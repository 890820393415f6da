import assert from "node:assert/strict"
import { test } from "node:test"
import { printIssue } from "./issues.ts"
import { readRule } from "./rule.ts"

const at = { file: "/etc/mail/sendmail.mc", line: 12, column: 1 }
const read = (line: string) =>
  readRule(line, at, (name) => (name === "j" ? "grussell.org" : undefined), ".:@!%")

test("a rule is a pattern, what it becomes, and how often", () => {
  const { rule, issues } = read("R$+ < @ $j >\t\t$: $1 < @ hub >\tto the hub")
  assert.deepEqual(issues, [])
  assert.deepEqual(rule?.pattern, [{ match: "$+" }, "<", "@", "grussell", ".", "org", ">"])
  assert.deepEqual(rule?.becomes, [{ copy: 1 }, "<", "@", "hub", ">"])
  assert.equal(rule?.after, "next")
  assert.equal(read("R$*\t$@ $1").rule?.after, "return")
  assert.equal(read("R$*\t$1").rule?.after, "again")
})

test("a rule's text inside quotes is told as it stands", () => {
  const { rule, issues } = read('R$*\t$#error $: "553 $1 is unknown"')
  assert.equal(rule?.becomes.at(-1), '"553 $1 is unknown"')
  assert.match(issues.map(printIssue).join(), /warning: nothing is put in for \$ inside the quotes/)
})

const wrong: readonly (readonly [line: string, says: RegExp])[] = [
  ["R$* $1", /no tab in the rule/],
  ["R\t$1", /the rule has no pattern/],
  ["R$*\t", /no tab in the rule/],
  ["R$*\t$2", /\$2: the pattern has only 1 wildcards/],
  ["R$* $: x\t$1", /\$: has no meaning in a pattern/],
  ["R$* $1\t$1", /\$1 has no meaning in a pattern/],
  ["R$*\t$+", /\$\+ belongs in the pattern/],
  ["R$*\t$(host $1", /\$\( has no \$\)/],
  ["R$*\t$[ $( x $) $]", /a lookup cannot stand in another/],
  [`R${"$- ".repeat(10)}\t$1`, /more than 9 wildcards/],
]

for (const [line, says] of wrong) {
  test(`${JSON.stringify(line)} is refused, with its line`, () => {
    const { issues } = read(line)
    const text = issues.map(printIssue).join("\n")
    assert.match(text, says)
    assert.match(text, /^\/etc\/mail\/sendmail\.mc:12:1: error/)
  })
}
