import assert from "node:assert/strict"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import * as fc from "fast-check"
import { parseAliases, parseTargets, type Target } from "./aliases.ts"

const start = { file: "/etc/mail/aliases", line: 1, column: 1 }

function values(text: string): Record<string, string> {
  return Object.fromEntries(parseAliases(text).aliases.map(({ key, value }) => [key, value]))
}

function said(text: string): string[] {
  return parseAliases(text).problems.map(({ line, says }) => `${line}: ${says}`)
}

function kinds(text: string): (readonly [Target["kind"], string])[] {
  return parseTargets(text, start).map((target) => [target.kind, target.text])
}

test("the aliases of the course, blanks before the colon and all", () => {
  const file = parseAliases(
    [
      "postmaster : root",
      "me : gor",
      "olduser : /dev/null",
      "automail : | /home/gordon/bin/autoregister.pl",
      "devel : gor, me@grussell.org.uk, a.cumming",
      "",
    ].join("\n"),
  )
  assert.deepEqual(file.problems, [])
  const found = file.aliases.map(({ key, value, line }) => [
    key,
    line,
    parseTargets(value, { ...start, line }).map((target) => [target.kind, target.text]),
  ])
  assert.deepEqual(found, [
    ["postmaster", 1, [["address", "root"]]],
    ["me", 2, [["address", "gor"]]],
    ["olduser", 3, [["file", "/dev/null"]]],
    ["automail", 4, [["program", "/home/gordon/bin/autoregister.pl"]]],
    [
      "devel",
      5,
      [
        ["address", "gor"],
        ["address", "me@grussell.org.uk"],
        ["address", "a.cumming"],
      ],
    ],
  ])
})

test("continuation lines belong to the alias above, and the alias stands on its first line", () => {
  const file = parseAliases("# lists\nteam: andrew, bob,\n\tjim\n  , gor\n\nnext: me\n")
  assert.deepEqual(
    file.aliases.map(({ key, value, line }) => [key, value, line]),
    [
      ["team", "andrew, bob,\tjim  , gor", 2],
      ["next", "me", 6],
    ],
  )
})

test("names are found in any case, quoted or not, with a colon or blanks in quotes", () => {
  assert.deepEqual(values('Postmaster: root\n"Gordon Russell": gor\n"a:b": c\ntwo words: me\n'), {
    postmaster: "root",
    "gordon russell": "gor",
    "a:b": "c",
    "two.words": "me",
  })
})

for (const [line, says] of [
  ["b bob", "1: missing colon"],
  [": bob", "1: : bob... illegal alias name"],
  ["bad@hello.com: jim", "1: bad@hello.com... cannot alias non-local names"],
  ["empty:", "1: empty:... missing value for alias"],
  [" stray", "1: Non-continuation line starts with space"],
  ["a: b\nA: c", "2: A... Warning: duplicate alias name a"],
  ['"open: bob', "1: \"open: bob... Unbalanced '\"'"],
] as const) {
  test(`newaliases says of ${JSON.stringify(line)}: ${says}`, () => assert.deepEqual(said(line), [says]))
}

test("of two aliases with one name the later counts", () => {
  assert.deepEqual(values("a: bob\nb: me\nA: jim\n"), { b: "me", a: "jim" })
})

// Right-hand sides, and what they lead to.
for (const [text, targets] of [
  ["gor", [["address", "gor"]]],
  [
    "gor, jim ,, bob",
    [
      ["address", "gor"],
      ["address", "jim"],
      ["address", "bob"],
    ],
  ],
  ['"|/usr/bin/prog a, b"', [["program", "/usr/bin/prog a, b"]]],
  [
    "| /usr/bin/prog a b, gor",
    [
      ["program", "/usr/bin/prog a b"],
      ["address", "gor"],
    ],
  ],
  ['"| /bin/say \\"hello\\""', [["program", '/bin/say "hello"']]],
  ['|"/bin/prog a, b"', [["program", '"/bin/prog a, b"']]],
  ["/var/mail/archive", [["file", "/var/mail/archive"]]],
  ['"/var/mail/a b"', [["file", "/var/mail/a b"]]],
  [":include:/etc/mail/list", [["include", "/etc/mail/list"]]],
  [":Include: /etc/mail/list", [["include", "/etc/mail/list"]]],
  ['":include:/etc/mail/my list"', [["include", "/etc/mail/my list"]]],
  ["error:5.1.6:550 gone", [["error", "5.1.6:550 gone"]]],
  ["Gordon Russell <gor@hello.com>", [["address", "Gordon Russell <gor@hello.com>"]]],
  [
    "gor (Gordon, at home), jim",
    [
      ["address", "gor (Gordon, at home)"],
      ["address", "jim"],
    ],
  ],
  ['"a, b"@hello.com', [["address", '"a, b"@hello.com']]],
  ['"gordon"', [["address", '"gordon"']]],
  ["\\gordon", [["address", "gordon"]]],
  ["", []],
] as const) {
  test(`a right-hand side: ${text}`, () => assert.deepEqual(kinds(text), targets))
}

test("a .forward: each line is an alias, # begins a comment, a backslash ends aliasing", () => {
  const targets = parseTargets("# mine\n\\gordon\n  andrew\n\njim, bob\n", {
    file: "/home/gordon/.forward",
    line: 1,
    column: 1,
  })
  assert.deepEqual(
    targets.map(({ text, plain, at }) => [text, plain, at.line, at.column]),
    [
      ["gordon", true, 2, 1],
      ["andrew", false, 3, 3],
      ["jim", false, 5, 1],
      ["bob", false, 5, 6],
    ],
  )
})

test("targets that are printed one a line are read back as they were", () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9.]{0,8}(@[a-z]{1,8}\.org)?$/)
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 30 }),
      fc.constantFrom(",", ", ", "\n", " ,\n"),
      (words, mark) => {
        assert.deepEqual(
          kinds(words.join(mark)),
          words.map((text) => ["address", text]),
        )
      },
    ),
  )
})

test("any text is read without a fault, each alias with a name and a value", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "B", ":", '"', "\\", ",", " ", "\t", "\n", "#", "@", "|", "/"),
  })
  fc.assert(
    fc.property(text, (octets) => {
      for (const { key, value, line } of parseAliases(octets).aliases) {
        assert.ok(key !== "" && value !== "" && line >= 1)
        parseTargets(value, start)
      }
    }),
  )
})

test("a list of 100,000 members is read in a fraction of a second", () => {
  const text = Array.from({ length: 100_000 }, (_, index) => `user${index}@example.org`).join("\n")
  const started = performance.now()
  assert.equal(parseTargets(text, start).length, 100_000)
  assert.ok(performance.now() - started < 1500)
})

const cases = join(dirname(fileURLToPath(import.meta.url)), "../../../shared/sendmail-cases")
const sites = existsSync(cases)
  ? readdirSync(cases).filter((name) => existsSync(join(cases, name, "aliases")))
  : []

test("newaliases says and counts for every measured site what sendmail's does", {
  skip: sites.length === 0 && "../shared is not here",
}, () => {
  for (const name of sites) {
    const expected: unknown = JSON.parse(readFileSync(join(cases, name, "expected.json"), "utf8"))
    const { setup } = expected as { setup: { newaliases?: { stdout?: string[] } } }
    const theirs = setup.newaliases?.stdout?.map((line) => line.replace(/^\S+aliases: /, ""))
    if (theirs === undefined) continue // a null client has no aliases
    const { problems, count, longest, octets } = parseAliases(
      readFileSync(join(cases, name, "aliases"), "utf8"),
    )
    const lines = problems.map(({ line, says }) => `line ${line}: ${says}`)
    lines.push(`${count} aliases, longest ${longest} bytes, ${octets} bytes total`)
    assert.deepEqual(lines, theirs, name)
  }
})
