// check_other: what the gate says to commands that have no question of their own (observed: sendmail 8.17.1 asks about NOOP and VERB,
// of which it would say 2xx, and about what it does not know; not about HELP and RSET).
import assert from "node:assert/strict"
import { test } from "node:test"
import { smallGate, someArrival, someMoment, someOffers } from "../../test/kit/server.ts"
import { because, later, no, pass } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { ok } from "../mail/result.ts"
import { receive } from "./dispatch.ts"
import { type Asks, begin } from "./session.ts"

const line = (text: string) => ({ kind: "line", text, ascii: true }) as const

function asking(other: NonNullable<Asks["gate"]["other"]>): Asks {
  return { gate: { ...smallGate, other }, room: () => ok(undefined), clock: () => someMoment }
}

test("the gate is asked with the line and the first digit of our reply, of these commands alone", async () => {
  const asked: string[] = []
  const asks = asking(async (_arrival, text, digit) => {
    asked.push(`${text} ${digit}`)
    return pass(because("check_other", "nothing to say"))
  })
  const session = begin(someArrival, { ...someOffers, privacy: new Set() })
  for (const text of ["NOOP now", "VERB", "HELP", "RSET", "XYZZY", "Subject: x", "MAIL FROM:", "HELO x"])
    await receive(session, line(text), asks)
  assert.deepEqual(asked, ["NOOP now 2", "VERB 2", "XYZZY 5", "Subject: x 5"])
})

test("its no is said instead, and 421 ends the session, with the reason", async () => {
  const session = begin(someArrival, someOffers)
  const why = because("check_other", "said so", { file: "sendmail.mc", line: 3, column: 1 })
  const refused = await receive(
    session,
    line("NOOP"),
    asking(async () => no(reply(550, "5.7.1", "no"), why)),
  )
  assert.deepEqual([refused.replies.map(({ code }) => code), refused.next.does], [[550], "read"])
  assert.deepEqual([refused.asked?.question, refused.asked?.reason], ["check_other", why])
  const ended = await receive(
    session,
    line("Subject: x"),
    asking(async () => later(reply(421, "4.7.0", "bad command"), why)),
  )
  assert.deepEqual([ended.replies.map(({ code }) => code), ended.next.does], [[421], "close"])
})
