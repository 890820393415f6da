import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { printOrigin } from "../mail/decision.ts"
import { computedMap } from "./computed-maps.ts"
import { rewrite } from "./rewrite.ts"
import { foundValue, nothingFound, type RuleMap } from "./rule-maps.ts"
import { newRun, type Run, type TraceEvent } from "./rule-run.ts"
import { printTokens, tokenize } from "./rule-tokens.ts"
import { makeRuleWorld } from "./rule-world.ts"
import { addRule, newRulesets, selectRuleset } from "./rulesets.ts"

const operators = ".:%@!^/[]+-"
const classes = new Map([
  [
    "W",
    new Map([
      ["foo.bar", undefined],
      ["x.y.z", undefined],
    ]),
  ],
])

function mapsOf(): Map<string, RuleMap> {
  const maps = new Map<string, RuleMap>()
  const declare = (name: string, kind: string, args = "") => {
    const made = computedMap(
      { name, kind, args, at: undefined },
      { map: (one) => maps.get(one), random: () => 0 },
    )
    assert.ok(made.ok)
    maps.set(name, made.value)
  }
  declare("d", "dequote")
  declare("d2", "dequote", "-s.")
  declare("ar", "arith")
  declare("re", "regex", "-s1,2 (.*)x(.*)")
  declare("mac", "macro")
  const table = { kind: "hash", at: undefined, blank: undefined, keepQuotes: false, neverDefers: false }
  maps.set("t", {
    ...table,
    name: "t",
    onFailure: undefined,
    lookup: (key) =>
      key === "ann" ? foundValue("bob@hello.com", { file: "/etc/mail/t", line: 3, column: 1 }) : nothingFound,
  })
  maps.set("gone", {
    ...table,
    name: "gone",
    onFailure: undefined,
    lookup: () => ({ found: "unavailable", why: "no file" }),
  })
  maps.set("tmpf", {
    ...table,
    name: "tmpf",
    onFailure: "<TMPF>",
    lookup: () => ({ found: "unavailable", why: "no file" }),
  })
  return maps
}

type Result = { readonly text: string; readonly run: Run; readonly events: readonly TraceEvent[] }

/** Runs the first ruleset of a text on an address. */
async function running(rules: string, address: string, macros: Record<string, string> = {}): Promise<Result> {
  const reader = newRulesets(operators)
  const none = () => undefined
  for (const [index, line] of rules.trim().split("\n").entries()) {
    const at = { file: "/etc/mail/sendmail.mc", line: index + 1, column: 1 }
    if (line.startsWith("S")) selectRuleset(reader, line, at, none)
    else addRule(reader, line, at, none)
  }
  assert.deepEqual(
    reader.issues.filter(({ severity }) => severity === "error"),
    [],
  )
  const maps = mapsOf()
  const events: TraceEvent[] = []
  const world = makeRuleWorld({
    classes,
    macro: (name) => macros[name],
    ownMacros: new Map(),
    ruleset: (name) => reader.rulesets.get(name.toLowerCase()),
    map: (name) => maps.get(name),
    operators,
    blank: ".",
    deepest: 50,
    trace: (event) => void events.push(event),
  })
  const run = newRun(world)
  const [first] = reader.rulesets.values()
  assert.ok(first !== undefined)
  const { tokens } = tokenize(address, { operators, comments: "keep", balance: false })
  return { text: printTokens(await rewrite(tokens, first, run)).trimStart(), run, events }
}

// Each was asked of sendmail 8.17.1 in test mode.
const answers: readonly (readonly [rules: string, address: string, result: string])[] = [
  ["Sa\nR$+ @ $+\t$: $1 < @ $2 >", "a@b@c", "a < @ b @ c >"],
  ["Sa\nR$- $-\t$@ $2 $1", "a b", "b a"],
  ["Sa\nR$- $-\t$@ $2 $1", "ab", "ab"],
  ["Sa\nR$* $=W $*\t$@ $1 | $2 | $3", "aa foo.bar bb", "aa | foo . bar | bb"],
  ["Sa\nR$* $=W $*\t$@ $1 | $2 | $3", "X.Y.z", "| X . Y . z |"],
  ["Sa\nR$* . $~W\t$@ $2", "a.b", "b"],
  ["Sa\nR$+\t$: $(d $1 $) $| $(d2 $1 $)", '"a"', "a $| a"],
  ["Sa\nR$+\t$: $(d $1 $) $| $(d2 $1 $)", '"a b"', '"a b" $| a . b'],
  ["Sa\nR$+\t$: $(d $1 $) $| $(d2 $1 $)", '"a@b"', "a @ b $| a @ b"],
  ["Sa\nR$*\t$: $(ar $1 $@ 7 $@ 3 $)", "+", "10"],
  ["Sa\nR$*\t$: $(ar $1 $@ 7 $@ 3 $)", "%", "1"],
  ["Sa\nR$*\t$: $(ar $1 $@ 7 $@ 3 $)", "l", "FALSE"],
  ["Sa\nR$*\t$: < $(re $1 $: none $) >", "b", "< none >"],
  ["Sa\nR$*\t$: < $(re $1 $: none $) >\nR< $* $| $* >\t$@ $1 or $2", "axb", "a or b"],
  ["Sa\nR$*\t$: $(t $1 $: no match $)", "x", "no . match"],
  ["Sa\nR$*\t$: $(t $1 $)", "ann", "bob @ hello . com"],
  ["Sa\nR$*\t$: $(t $1 $)", "x.y", "x . y"],
  ["Sa\nR$*\t$: $(tmpf $1 $: nothing $)", "x", "x < TMPF >"],
  ["Sa\nR$* $| $*\t$@ both\nR$*\t$@ one", "a $| b", "one"],
  ['Sa\nR$*\t$#error $@ 5.7.1 $: "550 hi"', "x", '$# error $@ 5 . 7 . 1 $: "550 hi"'],
  ['Sa\nR$*\t$: a $>q $1\nSq\nR$*\t$#error $: "550 hi"', "y", 'a $# error $: "550 hi"'],
  ["Sa\nR$+\t$: $>b $1 $| $>b z\nSb\nR$* $| $*\t$@ < $1 > $2\nR$*\t$@ < $1 >", "y", "< y > < z >"],
  ["Sa\nR$*\t$: $>empty $1 kept\nSempty", "y", "y kept"],
  ["Sa\nR. $*\t$1", "...x", "x"],
  ["Sa\nR$@\t$@ nothing", "", "nothing"],
  ["Sa\nR$*\t$: $(mac {x} $@ new $) $1\nR$*\t$@ $1 $&{x}", "y", "y new"],
  ["Sa\nR$*\t$: $(mac {x} $@ new $) $1 $&{x}", "y", "y old"],
]

for (const [rules, address, result] of answers) {
  test(`${address} by ${JSON.stringify(rules)} is ${result}`, async () => {
    const { text, run } = await running(rules, address, { x: "old" })
    assert.equal(text, result)
    assert.equal(run.status, "ok")
  })
}

test("$&x in a pattern is the macro's tokens, takes no number, and cannot stand at the end of an address", async () => {
  const rules = "Sa\nR$* $&{x} $*\t$@ yes $1 / $2\nR$*\t$@ no"
  assert.equal((await running(rules, "q a.b c", { x: "a.b" })).text, "yes q / c")
  assert.equal((await running(rules, "A.B c", { x: "a.b" })).text, "yes / c")
  assert.equal((await running(rules, "a.c c", { x: "a.b" })).text, "no")
  assert.equal((await running("Sa\nRa $&{x}\t$@ yes\nR$*\t$@ no", "a", {})).text, "no")
})

test("each step is told with the line of its rule, and the line of the map entry", async () => {
  const { run } = await running("Sa\nRx\t$: ann\nR$*\t$: $(t $1 $)\nR$*\t$@ $1", "x")
  const [first, second] = run.steps
  assert.deepEqual(
    run.steps.map((step) => step.at && printOrigin(step.at)),
    [2, 3, 4].map((line) => `/etc/mail/sendmail.mc:${line}`),
  )
  assert.equal(first?.says, '"x" is "ann"')
  assert.equal(second?.after[0]?.at && printOrigin(second.after[0].at), "/etc/mail/t:3")
  assert.equal(second?.after[0]?.says, '"ann" is "bob@hello.com"')
})

test("a lookup without an answer is never taken for nothing there", async () => {
  const { text, run } = await running("Sa\nR$*\t$: $(gone $1 $: nothing $)", "x")
  assert.equal(text, "nothing")
  assert.equal(run.status, "unavailable")
})

test("a rule that goes in circles is stopped and said", async () => {
  const { run, text } = await running("Sa\nR$*\t$1 .", "a")
  assert.equal(run.status, "wrong")
  assert.deepEqual(run.complaints, ["554 5.3.5 Infinite loop in ruleset a, rule 1"])
  assert.equal(text.split(" ").length, 101)
})

test("rulesets that call each other without end are stopped and said", async () => {
  const { run } = await running("Sa\nR$*\t$: $>b $1\nSb\nR$*\t$: $>a $1", "x")
  assert.equal(run.status, "wrong")
  assert.match(run.complaints.join(), /excessive recursion \(max 50\), ruleset [ab]/)
})

test("rulesets that multiply each other's loops end soon", async () => {
  const rules = "Sa\nR$*\t$>b $1\nSb\nR$*\t$>c $1\nSc\nR$*\t$>d $1\nSd\nR$*\t$1"
  const began = performance.now()
  const { run } = await running(rules, "x")
  assert.equal(run.status, "wrong")
  assert.ok(performance.now() - began < 5000)
})

test("a pattern of many wildcards on a long address ends soon", async () => {
  const began = performance.now()
  const { text } = await running(`Sa\nR${"$* a $* ".repeat(4)}b\t$@ found\nR$*\t$@ none`, "a ".repeat(900))
  assert.equal(text, "none")
  assert.ok(performance.now() - began < 3000)
})

test("any rules on any address come to an end, and never throw", async () => {
  const pattern = fc.array(
    fc.constantFrom("$*", "$+", "$-", "$=W", "$~W", "$@", "$&{x}", "a", "b", ".", "<", ">", "@", "$|", "$#"),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  const result = fc.array(
    fc.constantFrom(
      "a",
      "b",
      ".",
      "<",
      ">",
      "$|",
      "$#",
      "$@",
      "$>b",
      "$>a",
      "$&{x}",
      "$(t ann $)",
      "$(gone x $: y $)",
      "$(d a $)",
    ),
    { minLength: 1, maxLength: 6 },
  )
  const rule = fc.tuple(pattern, fc.constantFrom("", "$: ", "$@ "), result).map(([left, how, right]) => {
    const wildcards = left.filter((part) => /^\$[*+-]|^\$[=~]/.test(part)).length
    const copies = Array.from({ length: wildcards }, (_, n) => `$${n + 1}`)
    return `R${left.join(" ")}\t${how}${[...right, ...copies].join(" ")}`
  })
  const address = fc.array(fc.constantFrom("a", "b", "foo.bar", "<", ">", "@", "x.y.z"), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(rule, { minLength: 1, maxLength: 5 }),
      rule,
      address,
      async (first, second, tokens) => {
        const { run } = await running(`Sa\n${first.join("\n")}\nSb\n${second}`, tokens.join(" "), {
          x: "a.b",
        })
        assert.ok(["ok", "unavailable", "wrong"].includes(run.status))
      },
    ),
    { numRuns: 60 },
  )
})

test("an unknown ruleset or map is said", async () => {
  const missing = await running("Sa\nR$*\t$: $>nosuch $1", "x")
  assert.deepEqual([missing.text, missing.run.status], ["$> nosuch x", "wrong"])
  const { run, text } = await running("Sa\nR$*\t$: $(nomap $1 $)", "x")
  assert.deepEqual([text, run.complaints], ["x", ["554 5.3.0 rewrite: map nomap not found"]])
})

test("a trace tells what goes into each ruleset and what comes out", async () => {
  const { events } = await running("Sa\nR$*\t$: $>b $1\nSb\nRx\t$@ y", "x")
  const told = events.flatMap((event) =>
    event.kind === "input" || event.kind === "returns"
      ? [`${event.ruleset} ${event.kind}${printTokens(event.tokens)}`]
      : [],
  )
  assert.deepEqual(told, ["a input x", "b input x", "b returns y", "a returns y"])
})
