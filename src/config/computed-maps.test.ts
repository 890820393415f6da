import assert from "node:assert/strict"
import { test } from "node:test"
import { computedMap } from "./computed-maps.ts"
import { fillAnswer, type MapAnswer, readRuleMapFlags, type RuleMap } from "./rule-maps.ts"

const world = { map: () => undefined, random: () => 0.5 }

function mapOf(kind: string, args: string): RuleMap {
  const made = computedMap({ name: "m", kind, args, at: undefined }, world)
  if (!made.ok) throw new Error(made.error)
  return made.value
}

async function answer(kind: string, args: string, key: string, ...more: string[]): Promise<string> {
  const found: MapAnswer = await mapOf(kind, args).lookup(key, [key, ...more], () => {})
  return found.found === "value" ? found.value : found.found
}

// As sendmail 8.17.1 answers /map.
const cases: readonly (readonly [
  kind: string,
  args: string,
  key: string,
  result: string,
  ...more: string[],
])[] = [
  ["arith", "", "+", "10", "7", "3"],
  ["arith", "", "-", "4", "7", "3"],
  ["arith", "", "*", "21", "7", "3"],
  ["arith", "", "/", "2", "7", "3"],
  ["arith", "", "/", "nothing", "7", "0"],
  ["arith", "", "%", "1", "7", "3"],
  ["arith", "", "&", "3", "7", "3"],
  ["arith", "", "|", "7", "7", "3"],
  ["arith", "", "l", "TRUE", "3", "7"],
  ["arith", "", "=", "FALSE", "3", "7"],
  ["arith", "", "r", "5", "3", "7"],
  ["arith", "", "r", "nothing", "7", "3"],
  ["arith", "", "+", "nothing", "7"],
  ["arith", "", "+", "4", "4x", "y"],
  ["regex", "-a@MATCH ^a+$", "aaa", "@MATCH"],
  ["regex", "-a@MATCH ^a+$", "b", "nothing"],
  ["regex", "-n -a@MATCH ^a+$", "b", "@MATCH"],
  ["regex", "-m -a.F ^a", "abc", "abc.F"],
  ["regex", "-s1,2 -d; ^(a|ab)(c|bcd)(d*)", "abcd", "a;bcd"],
  ["regex", "-s1 (.*)", "x", "x"],
  ["regex", "^A", "abc", ""],
  ["regex", "-f ^A", "abc", "nothing"],
  ["dequote", "", '"me"', "me"],
  ["dequote", "", "me", "nothing"],
  ["dequote", "", '"Gordon Russell"', "nothing"],
  ["dequote", "-s.", '"Gordon Russell"', "Gordon.Russell"],
  ["dequote", "", '"a<b"', "nothing"],
  ["dequote", "", '"a\\', "nothing"],
  ["dequote", "-a.q", '"a"', "a.q"],
  ["null", "", "x", "nothing"],
]

for (const [kind, args, key, result, ...more] of cases) {
  test(`${kind} ${args}: ${key} ${more.join(" ")} is ${result}`, async () => {
    assert.equal(await answer(kind, args, key, ...more), result)
  })
}

test("the macro map sets a macro, and takes it away without a value", async () => {
  const set: [string, string | undefined][] = []
  const map = mapOf("macro", "")
  for (const parameters of [["{x}", "new"], ["{x}"], ["y", "1"]]) {
    const found = await map.lookup(parameters[0] ?? "", parameters, (name, value) => set.push([name, value]))
    assert.deepEqual(found, { found: "value", value: "", at: undefined })
  }
  assert.deepEqual(set, [
    ["x", "new"],
    ["x", undefined],
    ["y", "1"],
  ])
})

test("a sequence asks one map after the other, and stops at one that cannot tell", async () => {
  const base = {
    kind: "hash",
    at: undefined,
    blank: undefined,
    keepQuotes: false,
    onFailure: undefined,
    neverDefers: false,
  }
  const answers: Record<string, MapAnswer> = {
    first: { found: "nothing" },
    second: { found: "value", value: "two", at: undefined },
    gone: { found: "unavailable", why: "no file" },
  }
  const map = (name: string): RuleMap | undefined => {
    const found = answers[name]
    return found && { ...base, name, lookup: () => found }
  }
  const asked = async (args: string) => {
    const made = computedMap({ name: "s", kind: "sequence", args, at: undefined }, { map, random: () => 0 })
    assert.ok(made.ok)
    return made.value.lookup("k", ["k"], () => {})
  }
  assert.deepEqual(await asked("first second"), answers["second"])
  assert.deepEqual(await asked("first gone second"), answers["gone"])
  assert.deepEqual(await asked("first nosuch"), { found: "unavailable", why: "there is no map nosuch" })
})

test("what is wrong with a declaration is said", () => {
  for (const [kind, args, says] of [
    ["regex", "(a", /"\(a": Unmatched/],
    ["regex", "-sx a", /-sx does not name groups/],
    ["sequence", "", /needs the names of maps/],
    ["sequence", "m", /names itself/],
  ] as const) {
    const made = computedMap({ name: "m", kind, args, at: undefined }, world)
    assert.ok(!made.ok)
    assert.match(made.error, says)
  }
})

test("flags are read with their values, quoted ones too", () => {
  const flags = readRuleMapFlags('-o -a"two words" -T<TMPF> -k 0 -z: /etc/mail/file rest')
  assert.deepEqual(
    [flags.optional, flags.append, flags.onFailure, flags.all.get("k"), flags.all.get("z"), flags.rest],
    [true, "two words", "<TMPF>", "0", ":", "/etc/mail/file rest"],
  )
})

test("parameters are put into an answer", () => {
  assert.equal(
    fillAnswer("%1@%2 100%% of %0 %9", ["key", "user", "host"], ".end"),
    "user@host 100% of key .end",
  )
})
