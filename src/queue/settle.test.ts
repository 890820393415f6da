import assert from "node:assert/strict"
import { test } from "node:test"
import { queuedFor } from "../../test/kit/queued.ts"
import { because } from "../mail/decision.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import { outcomeOf, settle } from "./settle.ts"

const [pending] = queuedFor({ id: "6AO7AgXX000001", to: ["you@hello.com"], acceptedAt: 1000 }).pending
assert.ok(pending !== undefined)

const status = (more: Partial<DeliveryStatus>): DeliveryStatus => ({
  recipient: pending.recipient,
  action: "delayed",
  status: "4.4.1",
  diagnostic: "Connection refused",
  remote: "mx.hello.com [192.0.2.7]",
  at: new Date(5000),
  reason: because("smtp", "Connection refused"),
  ...more,
})

const inAMinute = () => ({ next: "wait", at: 65_000, reason: because("schedule", "a minute") }) as const

test("what failed for now waits as the schedule says, with the words and one attempt more", () => {
  const { waits, tell } = settle({ pending, status: status({}), routed: undefined }, inAMinute)
  assert.deepEqual([waits?.attempts, waits?.nextAttempt], [pending.attempts + 1, 65_000])
  assert.equal(waits?.lastStatus?.text, "Connection refused")
  assert.equal(tell, undefined)
})

test("what a stop interrupted is as it was: no attempt, no words, and nobody asks the schedule", () => {
  const left = status({ status: "4.3.2", diagnostic: "Shutting down", remote: undefined, interrupted: true })
  const fate = () => assert.fail("the schedule was asked")
  const settled = settle({ pending, status: left, routed: undefined }, fate)
  assert.deepEqual([settled.waits, settled.tell], [pending, undefined])
  assert.deepEqual(outcomeOf("6AO7AgXX000001", [settled]).done, [])
})
