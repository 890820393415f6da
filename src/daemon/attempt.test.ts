import assert from "node:assert/strict"
import { test } from "node:test"
import { queuedFor } from "../../test/kit/queued.ts"
import { Leaving } from "../host/leaving.ts"
import { inMemory } from "../mail/content.ts"
import { because } from "../mail/decision.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Outcome, Pending } from "../queue/entry.ts"
import type { RoutedPending } from "../queue/plan.ts"
import type { Event } from "../spool/spool.ts"
import { attempt, type AttemptWorld } from "./attempt.ts"

const now = Date.UTC(2026, 10, 24)
const content = inMemory(Buffer.from("Subject: lunch\r\n\r\nat one\r\n"), 18)
const files = ["/home/bob/.forward"]

/** A system whose agent answers so for bob's mailbox; whether he has a .forward is found out at the delivery, where that is asked for. */
function systemOf(answer: (one: RoutedPending) => Partial<DeliveryStatus>) {
  const expanded: string[] = []
  const sent: string[] = []
  const recorded: Outcome[] = []
  const noted: Event[] = []
  const record = async (outcome: Outcome) => {
    recorded.push(outcome)
    return { ok: true, value: undefined } as const
  }
  const world: AttemptWorld = {
    spool: { record, recordLate: record, note: (events) => void noted.push(...events) },
    clock: () => now,
    forward: "at delivery",
    expand: async (pending, _, forward) => {
      expanded.push(forward)
      const later = forward === "at delivery"
      const route = later ? mailbox : { mailer: "esmtp", host: "hello.com", user: "bob@hello.com" }
      const leaf = { path: pending.recipient.path, route, owner: undefined, user: undefined, reason }
      return { pending, leaves: [{ ...leaf, ...(later ? { forward: files } : {}) }], dead: [] }
    },
    deliver: async (_, { mailer, recipients }) => {
      sent.push(mailer)
      return recipients.map((one) => statusOf(one, answer(one)))
    },
    fate: () => ({ next: "wait", at: now + 60_000, reason }),
    report: async () => assert.fail("nobody is told"),
    log: () => {},
    leaving: new Leaving(),
  }
  return { world, expanded, sent, recorded, noted }
}

const mailbox = { mailer: "local", host: "", user: "bob" }
const reason = because("test", "it is so")

function statusOf({ recipient }: Pending, more: Partial<DeliveryStatus>): DeliveryStatus {
  const usual = { action: "delivered", status: "2.0.0", diagnostic: undefined, remote: undefined } as const
  return { recipient, ...usual, at: new Date(now), reason, ...more }
}

test("who has a .forward after all gets nothing into his mailbox: his mail goes where it says, in the same attempt", async () => {
  const { world, expanded, sent, recorded, noted } = systemOf(({ forward }) =>
    forward === undefined ? {} : { action: "delayed", status: "4.2.0", forwards: true },
  )
  assert.equal(await attempt(queuedFor({ to: ["bob@grussell.org"] }), content, world), undefined)
  assert.deepEqual(
    [expanded, sent],
    [
      ["at delivery", "now"],
      ["local", "esmtp"],
    ],
  )
  assert.deepEqual(
    recorded.map(({ done }) => done),
    [[0]],
  )
  assert.deepEqual(
    noted.map(({ what }) => what),
    ["delivered"],
  )
})

test("of whom nobody could look for a .forward it is found out anew at the next attempt", async () => {
  const { world, recorded } = systemOf(() => ({ action: "delayed", status: "4.3.0" }))
  assert.equal(await attempt(queuedFor({ to: ["bob@grussell.org"] }), content, world), now + 60_000)
  const [waits] = recorded[0]?.update ?? []
  assert.deepEqual([waits?.attempts, waits?.route], [1, undefined])
})

test("for several recipients, and for a large message, a .forward is looked for first", async () => {
  const several = systemOf(() => ({}))
  await attempt(queuedFor({ to: ["bob@grussell.org", "jim@grussell.org"] }), content, several.world)
  assert.deepEqual(several.expanded, ["now", "now"])
  const large = systemOf(() => ({}))
  await attempt(queuedFor(), inMemory(Buffer.alloc(100_000, "x"), 18), large.world)
  assert.deepEqual(large.expanded, ["now"])
})
