// Configurations and tables that nobody would write, or only an enemy: each ends in bounded time and memory, with an error that names
// its place, or is safely read.
import assert from "node:assert/strict"
import { test } from "node:test"
import { loadSettings } from "../src/config/load.ts"
import { fail, ok } from "../src/mail/result.ts"
import { parseAliases, parseTargets } from "../src/maps/aliases.ts"
import { compileMap } from "../src/maps/compile.ts"
import { readCf } from "../src/config/cf.ts"

const tail = "\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n"
/** The most that one of these may take, on a machine with other work. */
const seconds = 5
/** The most memory that one may still hold afterwards. */
const megabytes = 300

function load(text: string, files: Readonly<Record<string, string>> = {}) {
  return loadSettings({
    source: { file: "sendmail.mc", text },
    read: (path) => {
      const found = files[path]
      return found === undefined ? fail(`${path}: there is no such file`) : ok(found)
    },
    place: { hostname: "mail.hello.com", addresses: [], state: "/var/lib/waypost", root: true },
  })
}

function bounded<T>(run: () => T): T {
  const began = performance.now()
  const before = process.memoryUsage.rss()
  const value = run()
  assert.ok(performance.now() - began < seconds * 1000, `it took ${performance.now() - began} ms`)
  assert.ok(process.memoryUsage.rss() - before < megabytes * 1024 * 1024, "it took too much memory")
  return value
}

const junk = Buffer.from(Array.from({ length: 200_000 }, (_, n) => (n * 7919 + (n >> 3)) % 256)).toString(
  "latin1",
)
const long = "x".repeat(10 * 1024 * 1024)

const wrong: readonly (readonly [what: string, mc: string, says: RegExp])[] = [
  ["a macro that calls itself", `define(\`a', \`a')a${tail}`, /sendmail\.mc:1.*(?:end|recurs|deep)/i],
  ["a macro that grows without end", `define(\`a', \`a a')a${tail}`, /sendmail\.mc:1/],
  [
    "two macros that call each other with more each time",
    `define(\`a', \`b(\`$1x')')define(\`b', \`a(\`$1y')')a(z)${tail}`,
    /sendmail\.mc:1/,
  ],
  [
    "doubling, forty times",
    `define(\`d', \`$1$1')${"d(".repeat(40)}x${")".repeat(40)}${tail}`,
    /sendmail\.mc:1/,
  ],
  [
    "a quote that is never closed",
    `\ndefine(\`confMAX_HOP', \`25\n${tail}`,
    /sendmail\.mc:2.*(?:quote|closed|end)/i,
  ],
  ["an argument that is never closed", `FEATURE(\`access_db'\nMAILER(\`smtp'`, /sendmail\.mc:[12]/],
  ["binary junk", junk, /sendmail\.mc:\d+/],
  ["a line of 10 MB that is no word", `${long}${tail}`, /sendmail\.mc:1/],
  ["a value of 10 MB", `define(\`confMAX_HOP', \`${long}')dnl${tail}`, /sendmail\.mc:1/],
  ["100,000 open parentheses", `define(\`a', ${"(".repeat(100_000)}${tail}`, /sendmail\.mc:1/],
  [
    "an include that is not there",
    `include(\`/etc/mail/nothing.m4')dnl${tail}`,
    /sendmail\.mc:1.*nothing\.m4: there is no such file/,
  ],
  ["a rule without an end", `${tail}LOCAL_RULESETS\nSx\nR$*${"$*".repeat(200)}\t$1\n`, /sendmail\.mc:6/],
]
for (const [what, mc, says] of wrong) {
  test(`a sendmail.mc with ${what} cannot be used, and its place is told`, () => {
    const { settings, issues } = bounded(() => load(mc))
    assert.equal(settings, undefined)
    const said = issues.map(({ at, message }) => `${at?.file}:${at?.line}: ${message.slice(0, 300)}`)
    assert.match(said.join("\n").slice(0, 10_000), says)
    assert.ok(
      said.every((line) => line.length < 1000),
      "no message is as long as what it is about",
    )
  })
}

test("files that include each other in a circle are an error that names the file", () => {
  const files = { "/a.m4": "include(`/b.m4')", "/b.m4": "include(`/a.m4')" }
  const { settings, issues } = bounded(() => load(`include(\`/a.m4')dnl${tail}`, files))
  assert.equal(settings, undefined)
  assert.match(issues.map(({ message }) => message).join("\n"), /\/[ab]\.m4/)
})

test("100,000 members of a class, and a class file of 100,000 lines, are read", () => {
  const names = Array.from({ length: 100_000 }, (_, n) => `d${n}.hello.com`)
  const mc = `LOCAL_DOMAIN(\`${names.join(" ")}')dnl\nRELAY_DOMAIN_FILE(\`/relay')dnl${tail}`
  const { settings } = bounded(() => load(mc, { "/relay": names.join("\n") }))
  assert.equal(settings?.classes.get("R")?.size, 100_000)
})

test("a sendmail.cf of binary junk ends in issues", () => {
  const { issues } = bounded(() =>
    readCf("sendmail.cf", junk, () => fail("no file"), { hostname: "mail.hello.com", addresses: [] }),
  )
  assert.ok(issues.some(({ severity }) => severity === "error"))
})

test("a map of binary junk, of a line of 10 MB and of a million keys alike is compiled, with its bad lines told", () => {
  for (const text of [junk, `${long}\n`, `key ${long}\n`, "same value\n".repeat(1_000_000)]) {
    const made = bounded(() => compileMap(text, { keepCase: false }))
    assert.ok(made.ok)
  }
  const made = compileMap("a 1\na 2\nb\n", { keepCase: false })
  assert.deepEqual(made.ok && made.value.problems.map(({ line }) => line), [2, 3])
})

test("aliases of binary junk, of a line of 10 MB and of 100,000 members are read, with their bad lines told", () => {
  assert.ok(bounded(() => parseAliases(junk)).problems.length > 0)
  bounded(() => parseAliases(`list: ${long}\n`))
  const members = Array.from({ length: 100_000 }, (_, n) => `u${n}@hello.com`).join(",\n\t")
  const { aliases } = bounded(() => parseAliases(`list: ${members}\n`))
  const at = { file: "aliases", line: 1, column: 1 }
  assert.equal(bounded(() => parseTargets(aliases[0]?.value ?? "", at)).length, 100_000)
})
