// What Sieve does with bad scripts, endless includes and hostile mail: bounded, said with line and caret, and the mail is kept.
import assert from "node:assert/strict"
import { test } from "node:test"
import { compileSieve, type Script } from "./sieve-compile.ts"
import { SieveMessage } from "./sieve-message.ts"
import { runSieve } from "./sieve-run.ts"
import type { SieveAnswer, SieveAsk, SieveResult } from "./sieve-state.ts"
import { parseSieve, showIssue } from "./sieve-syntax.ts"

const mail = "From: ann@example.org\r\nSubject: hello\r\nMessage-ID: <1@example.org>\r\n\r\nbody\r\n"

function script(text: string): Script {
  const compiled = compileSieve("/home/bob/.sieve", text)
  if (!compiled.ok) assert.fail(JSON.stringify(compiled.issues))
  return compiled.script
}

const nobody = (): SieveAnswer => ({ answer: "no" })

function play(text: string, message = mail, answer: (ask: SieveAsk) => SieveAnswer = nobody): SieveResult {
  const steps = runSieve(script(text), {
    message: new SieveMessage(Buffer.from(message)),
    envelope: { from: "ann@example.org", to: "bob@grussell.org" },
    now: 0,
    zone: 0,
    tellAll: true,
  })
  let next = steps.next()
  while (next.done !== true) next = steps.next(answer(next.value))
  return next.value
}

const kinds = ({ actions }: SieveResult) =>
  actions.map((one) => (one.kind === "store" ? (one.folder ?? "keep") : one.kind))

test("a mistake is told with its line and a caret beneath it", () => {
  const text = 'require "fileinto";\nif header :is "subject" "x" {\n  fileintu "lists";\n}\n'
  const compiled = compileSieve(".sieve", text)
  assert.ok(!compiled.ok)
  assert.deepEqual(compiled.issues, [{ line: 3, column: 3, says: 'there is no command "fileintu"' }])
  const [issue] = compiled.issues
  assert.ok(issue !== undefined)
  assert.equal(
    showIssue(".sieve", text, issue),
    '.sieve:3:3: there is no command "fileintu"\n    fileintu "lists";\n    ^\n',
  )
})

test("all mistakes are told at once", () => {
  const compiled = compileSieve("s", 'fileinto "a";\nfoo;\nredirect 3;\n')
  assert.ok(!compiled.ok)
  assert.deepEqual(
    compiled.issues.map(({ line }) => line),
    [1, 2, 3],
  )
})

test("blocks and tests within each other are bounded at 32, well above RFC 5228's 15", () => {
  const nested = (n: number) => `${"if true {".repeat(n)} keep; ${"}".repeat(n)}`
  assert.ok(parseSieve(nested(15)).ok)
  assert.ok(!parseSieve(nested(1000)).ok)
  assert.ok(!parseSieve(`if ${"not ".repeat(100_000)} true { keep; }`).ok)
})

test("scripts that include each other are bounded, and the mail is kept", () => {
  const own = script('require "include"; include "self"; discard;')
  const result = play('require "include"; include "self"; discard;', mail, () => ({
    answer: "script",
    script: own,
  }))
  assert.match(result.failed ?? "", /include each other too often/)
  assert.deepEqual(kinds(result), ["keep"])
})

test("a script that includes what is not there keeps the mail, unless it says :optional", () => {
  const nothing = (): SieveAnswer => ({ answer: "nothing", why: "no such script" })
  assert.match(
    play('require "include"; include "x"; discard;', mail, nothing).failed ?? "",
    /cannot be included/,
  )
  assert.deepEqual(kinds(play('require "include"; include :optional "x"; discard;', mail, nothing)), [
    "discard",
  ])
})

test("what a script includes sees the globals it shares, and no others", () => {
  const inner = script('require ["include","variables"]; global "g"; set "g" "${g}b"; set "v" "inner";')
  const text =
    'require ["include","variables","fileinto"]; global "g"; set "g" "a"; set "v" "outer"; include "x"; fileinto "${g}-${v}";'
  assert.deepEqual(kinds(play(text, mail, () => ({ answer: "script", script: inner }))), ["ab-outer"])
})

test("more than four redirects are no longer done: the mail is kept and it is said", () => {
  const many = Array.from({ length: 5 }, (_, n) => `redirect "x${n}@example.org";`).join("")
  const result = play(many)
  assert.deepEqual(kinds(result), ["keep"])
  assert.equal(result.failed, "more than 4 redirects")
})

test("a folder's name that would lead out of the mailbox is refused", () => {
  assert.deepEqual(kinds(play('require "fileinto"; fileinto "../../etc/passwd";')), ["keep"])
})

test("duplicate asks with what it knows, and discards the second", () => {
  const asks: SieveAsk[] = []
  const result = play('require "duplicate"; if duplicate :seconds 60 { discard; }', mail, (ask) => {
    asks.push(ask)
    return { answer: "yes" }
  })
  assert.deepEqual(kinds(result), ["discard"])
  assert.deepEqual(asks, [
    { ask: "duplicate", handle: "\nmessage-id\n<1@example.org>", seconds: 60, last: false },
  ])
})

test("mailboxexists asks for each", () => {
  const text = 'require ["mailbox","fileinto"]; if mailboxexists ["a","b"] { fileinto "a"; }'
  assert.deepEqual(kinds(play(text, mail, () => ({ answer: "yes" }))), ["a"])
  assert.deepEqual(
    kinds(play(text, mail, (ask) => ({ answer: ask.ask === "mailbox" && ask.name === "a" ? "yes" : "no" }))),
    ["keep"],
  )
})

test("edited headers are what is stored", () => {
  const message = new SieveMessage(Buffer.from(mail))
  const text = 'require "editheader"; addheader "X-A" "b"; deleteheader "subject";'
  runSieve(script(text), { message, envelope: { from: "", to: "" }, now: 0, zone: 0, tellAll: false }).next()
  assert.equal(
    message.changedHeader()?.toString(),
    "X-A: b\r\nFrom: ann@example.org\r\nMessage-ID: <1@example.org>\r\n",
  )
})

const hostile = [
  'require "regex"; if header :regex "subject" "(x+x+)+y" { discard; }',
  'require "regex"; if header :regex "subject" "(x|xx)*{1,20}y" { discard; }',
  'if header :matches "subject" "*x*x*x*x*x*x*x*y" { discard; }',
]

for (const text of hostile) {
  test(`${text} is done with a header line of 5 MiB`, () => {
    const began = performance.now()
    assert.deepEqual(kinds(play(text, `Subject: ${"x".repeat(5 * 1024 * 1024)}\r\n\r\n`)), ["keep"])
    assert.ok(performance.now() - began < 5000)
  })
}

test("each test of an if is told with its line", () => {
  const { told } = play('require "fileinto";\nif header :contains "subject" "hello" {\n  fileinto "x";\n}\n')
  assert.deepEqual(
    told.map(({ at, says, matches }) => [at.line, says, matches]),
    [
      [2, "if", true],
      [3, 'fileinto "x"', undefined],
    ],
  )
})

const mistakes: readonly (readonly [script: string, says: string])[] = [
  ['require "vacation"; vacation :from "nobody" "x";', '"nobody" is no address'],
  ['redirect "a@example.org, b@example.org";', '"a@example.org, b@example.org" is no address'],
  ['if address "subject" "x" { keep; }', '"subject" is no field of addresses: header looks into it'],
  ['require "envelope"; if envelope "cc" "x" { keep; }', 'the envelope has no "cc" here: from and to'],
  ['if header "subject" [] { keep; }', "header wants at least one string"],
  ['require "editheader"; addheader "Bad Name" "x";', '"Bad Name" is no field\'s name'],
  ['require "include"; global "x";', 'global needs require "variables"'],
  [
    'require "comparator-i;ascii-numeric"; if header :contains :comparator "i;ascii-numeric" "a" "1" { keep; }',
    "i;ascii-numeric compares numbers, not with :contains",
  ],
  [
    'require "encoded-character"; if header "a" "${unicode:D800}" { keep; }',
    "${unicode:D800} is no character of Unicode",
  ],
  ['require "mailbox"; if mailboxexists 3 { keep; }', "mailboxexists wants a string or a list of strings"],
]

for (const [text, says] of mistakes)
  test(`a script is told: ${says}`, () => {
    const compiled = compileSieve("s", text)
    assert.deepEqual(compiled.ok ? [] : compiled.issues.map((issue) => issue.says), [says])
  })

test("an address with a name is an address, and one made of variables is looked at when it is there", () => {
  assert.deepEqual(kinds(play('redirect "Ann <ann@example.org>";')), ["redirect"])
  const made = 'require "variables"; set "who" "nobody"; redirect "${who}";'
  assert.equal(play(made).failed, '"nobody" is no address to redirect to')
})

for (const after of [
  "keep;",
  'fileinto "a";',
  'redirect "a@example.org";',
  'vacation "away";',
  'reject "more";',
])
  test(`${after} after a reject goes wrong, and the message is kept`, () => {
    const result = play(`require ["reject","fileinto","vacation"]; reject "no"; ${after}`)
    assert.deepEqual(kinds(result), ["keep"])
    assert.match(result.failed ?? "", /RFC 5429/)
  })

test("ereject refuses as reject does; a regular expression can be quoted", () => {
  assert.deepEqual(kinds(play('require "ereject"; ereject "no";')), ["reject"])
  const quoted =
    'require ["variables","regex","fileinto"]; set :quoteregex "a" "h.l+"; if header :regex "subject" "${a}" { fileinto "x"; }'
  assert.deepEqual(kinds(play(quoted)), ["keep"])
})

test("vacation-seconds brings vacation with it (RFC 6131 §2)", () => {
  const [action] = play('require "vacation-seconds"; vacation :seconds 60 "away";').actions
  assert.equal(action?.kind === "vacation" && action.vacation.seconds, 60)
})

test("include :once comes once, and return goes back to who included", () => {
  const scripts: Readonly<Record<string, Script>> = {
    a: script('require ["include","fileinto","copy"]; fileinto :copy "a"; return; fileinto "never";'),
  }
  const result = play(
    'require ["include","fileinto"]; include :once "a"; include :once "a"; include "a"; fileinto "last";',
    mail,
    (ask) =>
      ask.ask === "script" ? { answer: "script", script: scripts[ask.name] ?? script("") } : { answer: "no" },
  )
  assert.deepEqual(kinds(result), ["a", "last"])
  assert.equal(result.told.filter(({ says }) => says === 'fileinto "a"').length, 2)
})

// RFC 5260 §6.
for (const [index, minute] of [
  [":index 1", "00"],
  [":index 2", "59"],
  [":index 1 :last", "59"],
] as const)
  test(`date ${index} looks at that field of the name`, () => {
    const trace =
      "Received: from x by y; Mon, 23 Nov 2026 22:00:00 -0500\r\nReceived: from z by x; Mon, 23 Nov 2026 21:59:00 -0500\r\n"
    const text = `require ["index","date","fileinto"]; if date ${index} :is "received" "minute" "${minute}" { fileinto "x"; }`
    assert.deepEqual(kinds(play(text, trace + mail)), ["x"])
  })
