import assert from "node:assert/strict"
import { test } from "node:test"
import { exitOfReply } from "./exit-of-reply.ts"

const cases: readonly (readonly [reply: string, exit: number])[] = [
  ["550 5.1.1 User unknown", 67],
  ["551 5.1.1 User has moved; please try <left@example.org>", 67],
  ["553 5.1.3 Invalid route address", 64],
  ["550 5.1.2 Host unknown", 68],
  ["550 5.7.1 Access denied", 65],
  ["553 5.3.5 Local configuration error", 78],
  ["554 5.4.6 Address rewriting loop", 78],
  ["552 5.2.2 Mailbox full", 69],
  ["554 5.5.0 Protocol error", 76],
  ["451 4.3.0 Temporary system failure", 75],
  ["450 later", 75],
  ["553 just text", 69],
  ["553 5.9.9 a subject nobody has defined", 69],
]

for (const [reply, exit] of cases) {
  test(`"${reply}" is exit code ${exit}`, () => {
    assert.equal(exitOfReply(reply), exit)
  })
}

test("a word of the table that refused counts before the reply's code", () => {
  assert.equal(exitOfReply("550 5.0.0 No such user here", "nouser"), 67)
  assert.equal(exitOfReply("450 4.0.0 later", "tempfail"), 75)
  assert.equal(exitOfReply("550 5.7.0 Go away", "5.7.0"), 65)
  assert.equal(exitOfReply("553 5.0.0 odd", "D.S.N"), 78)
  assert.equal(exitOfReply("553 5.3.0 text", "just"), 71)
})
