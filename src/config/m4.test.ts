import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { test } from "node:test"
import * as fc from "fast-check"
import { fail, ok } from "../mail/result.ts"
import type { ReadText } from "../mail/world.ts"
import { expandM4, printM4 } from "./m4.ts"

const noFiles: ReadText = (path) => fail(`${path}: no such file`)

function expand(text: string, files: Readonly<Record<string, string>> = {}) {
  const read: ReadText = (path) => {
    const found = files[path]
    return found === undefined ? fail(`${path}: no such file`) : ok(found)
  }
  return expandM4({ file: "/etc/mail/sendmail.mc", text, read })
}

// What goes in and what comes out, by GNU m4's manual and by GNU m4 itself (below).
const corpus: readonly (readonly [title: string, input: string, output: string])[] = [
  ["plain text is copied", "hello, world (yes)\n", "hello, world (yes)\n"],
  ["a macro is replaced", "define(`foo', `Hello world.')foo", "Hello world."],
  ["quotes keep a word from being replaced", "define(`foo', `bar')`foo' foo", "foo bar"],
  ["quotes nest, and one level is taken off", "``foo''", "`foo'"],
  ["a word is replaced only as a whole", "define(`foo', `bar')foofoo foo_ 1foo", "foofoo foo_ 1bar"],
  ["parameters are filled in", "define(`ex', `$2-$1-`$0'-$#')ex(`a', b)", "b-a-ex-2"],
  ["an absent parameter is empty", "define(`ex', `[$1][$3]')ex(a)", "[a][]"],
  ["$* and $@ differ in quotes", "define(`a', `b')define(`s', `$*|$@')s(`a', `a')", "b,b|a,a"],
  ["no parenthesis, no arguments", "define(`n', `$#')n n() n(1) n(,)", "0 1 1 2"],
  [
    "blanks before an argument are dropped, those after kept",
    "define(`e', `[$1][$2]')e( a , b )",
    "[a ][b ]",
  ],
  ["parentheses inside an argument balance", "define(`e', `[$1]')e((a, b)c)", "[(a, b)c]"],
  ["commas that an expansion brings part arguments", "define(`c', `1,2')define(`n', `$#')n(c)", "2"],
  ["a word may begin in an expansion and end behind it", "define(`foo', `X')define(`x', `fo')x()o", "X"],
  ["an expansion is read again", "define(`a', `b')define(`b', `c')a", "c"],
  ["define without quotes expands first", "define(`a', `b')define(a, `c')b", "c"],
  ["undefine", "define(`a', `b')undefine(`a')a", "a"],
  ["pushdef and popdef", "define(`a', `1')pushdef(`a', `2')a popdef(`a')a", "2 1"],
  ["defn keeps the text whole", "define(`a', `b$1')define(`c', defn(`a'))c(x)", "bx"],
  ["defn renames a builtin", "define(`d', defn(`define'))d(`x', `y')x", "y"],
  ["ifdef", "define(`a')ifdef(`a', `yes', `no') ifdef(`b', `yes', `no') ifdef(`b', `yes')", "yes no "],
  [
    "ifelse with one test",
    "ifelse(a, a, `same', `other') ifelse(a, b, `same', `other') ifelse(a, b, `same')",
    "same other ",
  ],
  [
    "ifelse with several tests",
    "ifelse(a, b, 1, a, c, 2, a, a, 3, 4) ifelse(a, b, 1, a, c, 2, 4) ifelse(a,b,1,c,d,2)",
    "3 4 ",
  ],
  ["ifelse with one argument is a comment", "ifelse(`whatever')", ""],
  ["shift", "shift(`a', `b', `c')", "b,c"],
  [
    "recursion over arguments",
    "define(`rev', `ifelse(`$#', `1', ``$1'', `rev(shift($@)), `$1'')')rev(a, b, c)",
    "c, b, a",
  ],
  ["a loop by recursion", "define(`f', `ifelse($1, 0, , `$1 f(decr($1))')')f(5)", "5 4 3 2 1 "],
  [
    "len, index, substr",
    "len(`hello') index(`gnus', `nu') index(`a', `b') substr(`gnus, gnats', 6) substr(abcdef, 2, 3)",
    "5 1 -1 gnats cde",
  ],
  [
    "translit",
    "translit(`GNUs not Unix', `A-Z') translit(`abc', `a-c', `x-z') translit(abc, c-a, 1-3)",
    "s not nix xyz 321",
  ],
  ["incr and decr", "incr(4) decr(7) incr(-1)", "5 6 0"],
  [
    "eval",
    "eval(1+2*3) eval(-3 % 2) eval((1+2)*3) eval(7/2) eval(2**10) eval(1 << 4 | 1) eval(!0 && 3 > 2)",
    "7 -1 9 3 1024 17 1",
  ],
  [
    "eval in another radix",
    "eval(0xff) eval(010) eval(255, 16) eval(5, 2, 8) eval(-10, 10, 4)",
    "255 8 ff 00000101 -0010",
  ],
  ["eval counts in 32 bits", "eval(2147483647 + 1)", "-2147483648"],
  ["dnl eats the line and its end", "a dnl and so on\nb\n", "a b\n"],
  ["a comment is copied and not expanded", "define(`a', `b')# a isn't\na", "# a isn't\nb"],
  ["changecom switches comments off", "define(`a', `b')changecom()# a", "# b"],
  ["changecom to others", "define(`a', `b')changecom(`/*', `*/')# a /* a */a", "# b /* a */b"],
  ["changequote", "define(`foo', `Macro')changequote([, ])[foo] foo", "foo Macro"],
  ["long quotes", "define(`foo', `bar')changequote(`[[[', `]]]')[[[foo]]] foo changequote`x'", "foo bar x"],
  ["divert and undivert", "divert(1)late\ndivert(0)early\n", "early\nlate\n"],
  ["divert(-1) swallows", "divert(-1)nothing define(`a', `b')divert(0)dnl\na\n", "b\n"],
  ["divert without a number", "divert(2)two divert`'one undivert(2)divnum", "one two 0"],
  ["undiverted text is not read again", "divert(1)foo\ndivert(0)define(`foo', `bar')undivert(1)", "foo\n"],
  [
    "format",
    "format(`%05d|%-5s|%x|%c|%s%%', 42, ab, 255, 65, z) format(`%.2f %5.1f', 3.14159, 2.5)",
    "00042|ab   |ff|A|z% 3.14   2.5",
  ],
  [
    "a word that needs arguments is text without them",
    "define index include len",
    "define index include len",
  ],
  ["m4wrap comes at the end", "m4wrap(`end\n')begin\n", "begin\nend\n"],
  ["indir calls odd names", "define(`a-b', `got $1')indir(`a-b', `it')", "got it"],
  ["builtin calls a word that was redefined", "define(`len', `no')builtin(`len', `abc') len(abc)", "3 no"],
  ["quotes in the middle of a word part it", "define(`ab', `X')a`'b", "ab"],
  [
    "sendmail's idiom of strings put together",
    "define(`MAIL_SETTINGS_DIR', `/etc/mail/')define(`A', `MAIL_SETTINGS_DIR`'access')A",
    "/etc/mail/access",
  ],
  ["a comma in quotes does not part", "define(`n', `$#')n(`a, b')", "1"],
  ["the tenth argument", "define(`t', `$10')t(1,2,3,4,5,6,7,8,9,x)", "x"],
]

for (const [title, input, output] of corpus) {
  test(`m4: ${title}`, () => {
    const result = expand(input)
    assert.equal(printM4(result), output)
    assert.deepEqual(
      result.issues.filter((issue) => issue.severity === "error"),
      [],
    )
  })
}

const gnu = spawnSync("m4", ["--version"], { encoding: "utf8" })
const noGnu = gnu.status === 0 && gnu.stdout.includes("GNU") ? false : "GNU m4 is not installed"

test("GNU m4 gives the same for the whole corpus", { skip: noGnu }, () => {
  for (const [title, input] of corpus) {
    const theirs = spawnSync("m4", [], { input, encoding: "utf8" })
    assert.equal(printM4(expand(input)), theirs.stdout, title)
  }
})

const atom = fc.constantFrom(
  "foo",
  "bar",
  "x",
  "`",
  "'",
  "`foo'",
  "(",
  ")",
  ",",
  " ",
  "\n",
  "1",
  "$1",
  "dnl",
  "# no\n",
  "define(`foo',`x y')",
  "define(`bar',`[$1|$#]')",
  "bar(",
  "foo(",
  "ifelse(",
  "ifdef(`foo',",
  "shift(",
  "len(",
  "incr(3)",
  "divert(1)",
  "divert(-1)",
  "divert(0)",
  "undivert",
  "eval(1+",
  "2)",
  "`bar'",
  "pushdef(`x',`foo')",
  "popdef(`x')",
  "changequote([,])",
  "changequote",
  "defn(`bar')",
  "translit(`abc',`a-b',`xy')",
  "substr(`hello',1,3)",
  "index(",
  "undefine(`x')",
  "quote",
  "$@",
  "$*",
  "$#",
)

test("GNU m4 gives the same for made-up inputs that both take whole", { skip: noGnu }, () => {
  const inputs = fc.sample(fc.array(atom, { minLength: 1, maxLength: 14 }), { numRuns: 250, seed: 7 })
  let compared = 0
  for (const atoms of inputs) {
    const input = `${atoms.join("")}\n`
    const ours = expand(input)
    if (ours.issues.some((issue) => issue.severity === "error")) continue
    const theirs = spawnSync("m4", [], { input, encoding: "utf8", timeout: 5000 })
    assert.equal(printM4(ours), theirs.stdout, JSON.stringify(input))
    compared++
  }
  assert.ok(compared > 100, `only ${compared} were compared`)
})

test("what cannot be a loop in a file is never one here: every input ends, with a result", () => {
  fc.assert(
    fc.property(fc.array(atom, { maxLength: 30 }), (atoms) => {
      const result = expandM4({
        file: "f",
        text: atoms.join(""),
        read: noFiles,
        limits: { expansions: 2000 },
      })
      assert.equal(typeof printM4(result), "string")
    }),
    { numRuns: 300 },
  )
})

test("text without a macro, quote or comment goes through unchanged", () => {
  const letters = fc.string({ unit: fc.constantFrom("q", "Z", "7", " ", "\n", "(", ")", ",", ".", "$", "é") })
  fc.assert(fc.property(letters, (text) => assert.equal(printM4(expand(text)), text)))
})

test("a macro that calls itself without end is an error that names its line", () => {
  const result = expand("define(`x', `x')\nx\n")
  assert.equal(result.issues[0]?.code, "limit")
  assert.match(result.issues[0]?.message ?? "", /x seems to call itself/)
})

test("a macro that doubles itself is stopped before it eats the memory", () => {
  const result = expand("define(`x', `x x')x")
  assert.equal(result.issues[0]?.code, "limit")
})

test("files that include each other are an error, not a hang", () => {
  const result = expand("include(`a')", { a: "include(`b')", b: "include(`a')" })
  assert.match(result.issues[0]?.message ?? "", /include each other/)
})

test("arguments and quotes that are not closed name the line where they were opened", () => {
  assert.deepEqual(expand("one\ndefine(`a', b").issues[0]?.at, {
    file: "/etc/mail/sendmail.mc",
    line: 2,
    column: 1,
  })
  assert.deepEqual(expand("one\n `a").issues[0]?.at, { file: "/etc/mail/sendmail.mc", line: 2, column: 2 })
})

test("calls nested too deeply are an error", () => {
  assert.match(expand("len(".repeat(600)).issues[0]?.message ?? "", /nested more than 500/)
})

test("a file that is missing is an error for include and nothing for sinclude", () => {
  assert.match(expand("include(`/no')").issues[0]?.message ?? "", /cannot include: \/no: no such file/)
  assert.deepEqual(expand("sinclude(`/no')").issues, [])
})

test("programs are never started: syscmd is an error", () => {
  assert.equal(expand("syscmd(`rm -rf /')").issues[0]?.code, "not-supported")
})

test("errprint is kept for the operator", () => {
  assert.deepEqual(
    expand("errprint(`careful', `now')").said.map((piece) => piece.text),
    ["careful now"],
  )
})

test("what comes out knows its line, through includes and macro calls", () => {
  const result = expand("one\ndefine(`site', `\nsecond $1\n')dnl\ninclude(`inc')\n", {
    inc: "first\nsite(`argument')\n",
  })
  const found = (text: string) => {
    const pieces = [...(result.diversions.get(0) ?? [])]
    return pieces.find((piece) => piece.text.includes(text))?.at
  }
  const mc = "/etc/mail/sendmail.mc"
  const via = { file: mc, line: 5, column: 1 }
  assert.deepEqual(found("first"), { file: "inc", line: 1, column: 1, via })
  assert.deepEqual(found("second"), {
    file: mc,
    line: 3,
    column: 1,
    via: { file: "inc", line: 2, column: 1, via },
  })
  assert.deepEqual(found("argument"), { file: "inc", line: 2, column: 7, via })
})
