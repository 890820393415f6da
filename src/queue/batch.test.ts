import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { because } from "../mail/decision.ts"
import { group } from "./batch.ts"
import type { RoutedPending } from "./plan.ts"

function leaf(number: number, mailer: string, host: string): RoutedPending {
  return {
    number,
    recipient: { path: "postmaster", original: undefined, notify: [], admitted: because("test", "let in") },
    route: { mailer, host, user: `user${number}` },
    routed: because("MX", "test"),
    expandedFrom: undefined,
    attempts: 0,
    nextAttempt: 0,
    lastStatus: undefined,
    warned: false,
  }
}

const numbers = (leaves: readonly RoutedPending[]) => leaves.map((one) => one.number)

test("recipients at one host travel in one transaction, others in their own", () => {
  const batches = group([
    leaf(0, "esmtp", "grussell.org"),
    leaf(1, "local", ""),
    leaf(2, "esmtp", "napier.ac.uk"),
    leaf(3, "esmtp", "GRUSSELL.org"),
    leaf(4, "relay", "grussell.org"),
  ])
  assert.deepEqual(
    batches.map((batch) => [batch.mailer, batch.host, numbers(batch.recipients)]),
    [
      ["esmtp", "grussell.org", [0, 3]],
      ["local", "", [1]],
      ["esmtp", "napier.ac.uk", [2]],
      ["relay", "grussell.org", [4]],
    ],
  )
})

test("members of a list travel apart from others, as mail of its owner", () => {
  const member = {
    ...leaf(1, "esmtp", "grussell.org"),
    expandedFrom: {
      address: "staff@hello.com",
      owner: "owner-staff",
      user: undefined,
      reason: because("alias", "x"),
    },
  }
  const batches = group([leaf(0, "esmtp", "grussell.org"), member, leaf(2, "esmtp", "grussell.org")])
  assert.deepEqual(
    batches.map((batch) => [batch.owner, numbers(batch.recipients)]),
    [
      [undefined, [0, 2]],
      ["owner-staff", [1]],
    ],
  )
})

test("no transaction has more than a hundred recipients", () => {
  const batches = group(Array.from({ length: 250 }, (_, n) => leaf(n, "esmtp", "example.org")))
  assert.deepEqual(
    batches.map((batch) => batch.recipients.length),
    [100, 100, 50],
  )
})

test("nothing makes no batch, and one makes one", () => {
  assert.deepEqual(group([]), [])
  assert.equal(group([leaf(3, "local", "")])[0]?.recipients[0]?.number, 3)
})

test("grouping loses nobody, doubles nobody, and mixes no two hosts", () => {
  const place = fc.tuple(fc.constantFrom("esmtp", "local", "relay"), fc.constantFrom("", "a.test", "b.test"))
  fc.assert(
    fc.property(fc.array(place, { maxLength: 60 }), fc.integer({ min: 1, max: 7 }), (places, most) => {
      const leaves = places.map(([mailer, host], n) => leaf(n, mailer, host))
      const batches = group(leaves, most)
      const all = batches.flatMap((batch) => numbers(batch.recipients)).toSorted((a, b) => a - b)
      assert.deepEqual(all, numbers(leaves))
      for (const batch of batches) {
        assert.ok(batch.recipients.length <= most)
        assert.ok(
          batch.recipients.every(({ route }) => route.mailer === batch.mailer && route.host === batch.host),
        )
      }
    }),
  )
})

test("a queue group parts what it holds from the rest, and splits it as it says", () => {
  const slow = {
    name: "slow",
    equates: "r=2",
    at: undefined,
    interval: undefined,
    runners: undefined,
    jobs: undefined,
    recipients: 2,
  }
  const leaves = Array.from({ length: 7 }, (_, n) => leaf(n, "esmtp", "grussell.org"))
  const batches = group(leaves.map((one, n) => (n < 5 ? { ...one, queueGroup: slow } : one)))
  assert.deepEqual(
    batches.map(({ queueGroup, recipients }) => [queueGroup?.name, numbers(recipients)]),
    [
      ["slow", [0, 1]],
      ["slow", [2, 3]],
      ["slow", [4]],
      [undefined, [5, 6]],
    ],
  )
})
