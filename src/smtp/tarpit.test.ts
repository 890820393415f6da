import assert from "node:assert/strict"
import { test } from "node:test"
import { smallGate, someArrival, someOffers } from "../../test/kit/server.ts"
import { ok } from "../mail/result.ts"
import { receive } from "./dispatch.ts"
import { begin } from "./session.ts"

const asks = { gate: smallGate, room: () => ok(undefined), clock: () => 0 }

/** What comes after each command of a client that says nothing but nonsense. */
async function afterNonsense(times: number, badCommandThrottle: number): Promise<readonly string[]> {
  let session = begin(someArrival, { ...someOffers, maxBadCommands: 25, badCommandThrottle })
  const next: string[] = []
  for (let n = 0; n < times; n++) {
    const outcome = await receive(session, { kind: "line", text: "NONSENSE", ascii: true }, asks)
    session = outcome.session
    next.push(outcome.next.does === "pause" ? `${outcome.next.milliseconds}` : outcome.next.does)
  }
  return next
}

test("BadCommandThrottle: nonsense beyond it costs a second, then two, then three, up to ten, and in the end the session", async () => {
  const next = await afterNonsense(26, 3)
  assert.deepEqual(next.slice(0, 6), ["read", "read", "read", "1000", "2000", "3000"])
  assert.deepEqual(next.slice(-3), ["10000", "10000", "close"])
})

test("without it nonsense costs nothing but the session", async () => {
  assert.deepEqual(new Set((await afterNonsense(26, 0)).slice(0, 25)), new Set(["read"]))
})
