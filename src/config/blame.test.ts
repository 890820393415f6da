import assert from "node:assert/strict"
import { test } from "node:test"
import { blameIssues, bornRules, notSafeFor } from "./blame.ts"

const at = { file: "/etc/mail/sendmail.mc", line: 7, column: 1 }
const blamed = (...value: readonly string[]) => ({
  options: new Map([["DontBlameSendmail", { value, at }]]),
})

test("each word bears what it says, for its kind of file alone", () => {
  for (const [word, kind, rules] of [
    ["GroupWritableForwardFile", "forward", ["group writable file"]],
    ["WorldWritableIncludeFile", "include", ["world writable file"]],
    ["ForwardFileInGroupWritableDirPath", "forward", ["group writable directory"]],
    [
      "IncludeFileInUnsafeDirPath",
      "include",
      ["group writable directory", "world writable directory", "directory of another"],
    ],
  ] as const) {
    assert.deepEqual(bornRules(blamed(word), kind), rules, word)
    assert.deepEqual(bornRules(blamed(word), kind === "forward" ? "include" : "forward"), [], word)
  }
  assert.deepEqual(bornRules({ options: new Map() }, "forward"), [])
})

test("a word that ends in Safe bears nothing alone: it says what a file that is borne may name", () => {
  const safe = blamed("GroupWritableForwardFileSafe")
  assert.deepEqual(bornRules(safe, "forward"), [])
  const broken = ["group writable file", "group writable directory"] as const
  assert.deepEqual(notSafeFor(safe, "forward", broken), ["group writable directory"])
  assert.deepEqual(notSafeFor(blamed("GroupWritableDirPathSafe"), "include", broken), ["group writable file"])
})

test("words for what nobody is blamed for here say nothing; what is not borne is told, and what is no word", () => {
  assert.deepEqual(blameIssues(blamed("Safe", "GroupReadableKeyFile", "AssumeSafeChown")), [])
  assert.deepEqual(
    blameIssues(blamed("LinkedForwardFileInWritableDir", "GroupWritableForwardFiel")).map(
      ({ severity, message, at: where, hint }) => `${severity} ${where?.line}: ${message}: ${hint}`,
    ),
    [
      "warning 7: confDONT_BLAME_SENDMAIL: LinkedForwardFileInWritableDir has no effect: a .forward that is a symbolic link is never followed: undefined",
      "error 7: confDONT_BLAME_SENDMAIL: there is no word GroupWritableForwardFiel: did you mean groupwritableforwardfile?",
    ],
  )
})
