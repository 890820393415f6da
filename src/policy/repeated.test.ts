import assert from "node:assert/strict"
import { test } from "node:test"
import { arrivalOf } from "../../test/kit/gate.ts"
import { classify } from "../mail/address.ts"
import { because, type Decision, no, yes } from "../mail/decision.ts"
import type { ReversePath } from "../mail/address.ts"
import { reply } from "../mail/reply.ts"
import type { Soon } from "../mail/soon.ts"
import { addressOncePerSecond, senderOncePerSecond, verdictOncePerSecond } from "./repeated.ts"

const accepted: Decision<ReversePath> = yes("null", because("sender?", "fine"))
const ann = classify("ann@example.org")
const bob = classify("bob@example.org")

/** A gate that counts, and the clock it is asked by. */
function counting(answer: Soon<Decision<ReversePath>>) {
  const counted = { asked: 0, now: 5000 }
  const ask = senderOncePerSecond(
    () => {
      counted.asked++
      return answer
    },
    () => counted.now,
  )
  return { counted, ask }
}

test("the same sender of the same session is asked about once a second", () => {
  const { counted, ask } = counting(accepted)
  const arrival = arrivalOf("192.0.2.7")
  for (let n = 0; n < 10; n++) assert.equal(ask(arrival, ann, 100), accepted)
  assert.equal(counted.asked, 1)
  counted.now += 1000
  void ask(arrival, ann, 100)
  assert.equal(counted.asked, 2)
  counted.now -= 5000 // a clock that was set back makes nothing younger
  void ask(arrival, ann, 100)
  assert.equal(counted.asked, 3)
})

test("another sender, another session, a larger message and the null sender are asked about", () => {
  const { counted, ask } = counting(accepted)
  const arrival = arrivalOf("192.0.2.7")
  void ask(arrival, ann, 100)
  void ask(arrival, ann, 101)
  void ask(arrival, bob, 100)
  void ask(arrivalOf("192.0.2.7"), bob, 100)
  void ask(arrival, "null", 100)
  void ask(arrival, "null", 100)
  assert.equal(counted.asked, 6)
})

test("a refusal, and an answer that came later, is never kept", async () => {
  const refusal = no(reply(550, "5.7.1", "no"), because("access", "REJECT"))
  for (const answer of [refusal, Promise.resolve(accepted)]) {
    const { counted, ask } = counting(answer)
    const arrival = arrivalOf("192.0.2.7")
    await ask(arrival, ann, 0)
    await ask(arrival, ann, 0)
    assert.equal(counted.asked, 2)
  }
})

test("an address is read once a second, the same value each time, and a thousand are remembered", () => {
  let now = 0
  let reads = 0
  const read = addressOncePerSecond(
    () => {
      reads++
      return yes({ mailbox: reads }, because("canonify", "as it stands"))
    },
    () => now,
  )
  const first = read(ann)
  assert.equal(read(classify("ann@example.org")), first)
  now += 1000
  assert.notEqual(read(ann), first)
  assert.equal(reads, 2)
  for (let n = 0; n < 1000; n++) void read(classify(`u${n}@example.org`))
  void read(ann)
  assert.equal(reads, 1003, "the oldest are forgotten, all at once")
})

test("what becomes of a session's messages is asked once a second for each sender", () => {
  let now = 0
  const asked: string[] = []
  const ask = verdictOncePerSecond(
    (arrival, sender) => {
      asked.push(`${arrival.session} ${sender === "null" ? "<>" : sender.localPart}`)
      return yes({ keep: "deliver" } as const, because("message?", "nothing speaks against it"))
    },
    () => now,
  )
  const sender = (localPart: string) =>
    ({ localPart, domain: { kind: "literal", text: "[192.0.2.1]" } }) as const
  const bills = sender("bill")
  const arrival = arrivalOf("192.0.2.7")
  for (const from of [bills, bills, sender("bill"), "null", "null"] as const) void ask(arrival, from)
  void ask(arrivalOf("192.0.2.8", { session: "s2" }), "null")
  now += 1000
  void ask(arrival, "null")
  assert.deepEqual(asked, ["s1 bill", "s1 bill", "s1 <>", "s2 <>", "s1 <>"])
})
