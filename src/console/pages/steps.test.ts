import assert from "node:assert/strict"
import { test } from "node:test"
import { because, type Reason } from "../../mail/decision.ts"
import { printReason } from "../../routing/explain.ts"
import { readStep, stepsOf } from "./steps.ts"

const at = (line: number) => ({ file: "/etc/mail/sendmail.mc", line, column: 1 })

const trail: Reason = {
  ...because("mailertable", '".example.org" says "esmtp:[192.0.2.25]"', {
    ...at(12),
    file: "/etc/mail/mailertable",
  }),
  after: [
    { ...because("local?", "a.example.org is not in class w"), role: "passed" },
    { ...because("virtusertable", "bob is now jim", at(7)), role: "changed" },
    { ...because("access", "the table does not answer"), role: "unknown" },
    { ...because("mailertable", "because of FEATURE(mailertable)", at(9)), role: "cause" },
  ],
}

test("what the mail system prints is read back into its columns", () => {
  assert.deepEqual(printReason(trail).map(readStep), [
    { step: "local?", word: "no", says: "a.example.org is not in class w", at: undefined },
    { step: "virtusertable", word: "now", says: "bob is now jim", at: "/etc/mail/sendmail.mc:7" },
    { step: "access", word: "??", says: "the table does not answer", at: undefined },
    {
      step: "mailertable",
      word: "yes",
      says: '".example.org" says "esmtp:[192.0.2.25]"',
      at: "/etc/mail/mailertable:12",
    },
    { step: "", word: "", says: "consulted because of FEATURE(mailertable)", at: "/etc/mail/sendmail.mc:9" },
  ])
})

test("a line that is no step stands as a head, and loses nothing", () => {
  assert.deepEqual(readStep("me@vm → mailer local, user me"), {
    step: "",
    word: "",
    says: "me@vm → mailer local, user me",
    at: undefined,
    head: true,
  })
  for (const line of ["", "   ", "yes: but by whom", "<script>harm()</script>"])
    assert.equal(readStep(line).says, line.trim())
})

test("steps of the API stand in the same columns", () => {
  const reasons = [
    { step: "local?", role: "passed", says: "no", at: undefined },
    { step: "aliases", role: "decided", says: "me", at: "/etc/aliases:3" },
    { step: "aliases", role: "cause", says: "because of ALIAS_FILE", at: "/etc/mail/sendmail.mc:4" },
  ]
  assert.deepEqual(
    stepsOf(reasons).map(({ step, word, says }) => [step, word, says]),
    [
      ["local?", "no", "no"],
      ["aliases", "yes", "me"],
      ["", "", "consulted because of ALIAS_FILE"],
    ],
  )
})
