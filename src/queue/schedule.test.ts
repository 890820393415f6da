import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import type { Origin } from "../mail/decision.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import { type Fate, givenUpAt, isOwnTrouble, nextAttempt, type Waiting } from "./schedule.ts"

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const line: Origin = { file: "/etc/mail/sendmail.mc", line: 7, column: 1 }

function settings(values: Record<string, number> = {}): Waiting["settings"] {
  return { options: new Map(Object.entries(values).map(([name, value]) => [name, { value, at: line }])) }
}

function next(changes: Partial<Waiting>): Fate {
  return nextAttempt({
    attempts: 0,
    acceptedAt: 0,
    now: 0,
    random: 0.5,
    settings: settings(),
    warned: true,
    ...changes,
  })
}

const at = (fate: Fate) => (fate.next === "give up" ? assert.fail("given up") : fate.at)

test("intervals grow from a minute to an hour and stay there", () => {
  const minutes = [0, 1, 2, 3, 4, 5, 6, 7, 50].map((attempts) => at(next({ attempts })) / minute)
  assert.deepEqual(minutes, [1, 2, 4, 8, 15, 30, 60, 60, 60])
})

test("what fails for our own trouble is tried again after seconds, before the schedule of all others begins", () => {
  const seconds = [0, 1, 2, 3, 4, 9].map((attempts) => at(next({ attempts, own: true })) / 1000)
  assert.deepEqual(seconds, [5, 15, 30, 60, 120, 3600])
})

/** Status, who spoke, whether the trouble is ours. */
const troubles: readonly (readonly [DeliveryStatus["status"], string | undefined, boolean])[] = [
  ["4.3.1", undefined, true], // our disk is full
  ["4.2.0", undefined, true], // the mailbox is locked
  ["4.3.0", undefined, true], // the agent is being started again
  ["4.3.1", "mail.napier.ac.uk [192.0.2.7]", false], // their disk is full
  ["4.4.1", undefined, false], // no host answers
  ["4.4.3", undefined, false], // DNS does not answer
]
for (const [status, remote, own] of troubles) {
  test(`${status} from ${remote ?? "nobody else"} is ${own ? "our own trouble" : "not our own trouble"}`, () => {
    assert.equal(isOwnTrouble({ status, remote }), own)
  })
}

test("messages that failed together are spread by a tenth to either side", () => {
  assert.equal(at(next({ attempts: 6, random: 0 })), 54 * minute)
  assert.equal(at(next({ attempts: 6, random: 1 - 1e-9 })), 66 * minute)
})

test("MinQueueAge lengthens the first intervals, MaxQueueAge shortens the last", () => {
  assert.equal(at(next({ settings: settings({ MinQueueAge: 1800 }) })), 30 * minute)
  assert.equal(at(next({ attempts: 9, settings: settings({ MaxQueueAge: 600 }) })), 10 * minute)
})

test("after five days mail is given up, and a line that sets another time is cited", () => {
  const byDefault = next({ attempts: 90, now: 5 * day })
  assert.equal(byDefault.next, "give up")
  assert.match(
    byDefault.reason.says,
    /^waited 5d and 91 attempts, which is all that Timeout\.queuereturn \(5d\)/,
  )
  assert.equal(byDefault.reason.at, undefined)

  const set = next({ now: 2 * hour, settings: settings({ "Timeout.queuereturn": 3600 }) })
  assert.equal(set.next, "give up")
  assert.deepEqual(set.reason.at, line)
  assert.match(set.reason.says, /waited 2h and 1 attempt,/)
})

test("the last attempt is made when the time runs out, not an hour later", () => {
  const fate = next({ attempts: 90, now: 5 * day - 10 * minute })
  assert.deepEqual([fate.next, at(fate)], ["wait", 5 * day])
})

test("the sender hears of a delay once, after four hours", () => {
  assert.equal(next({ warned: false, now: 4 * hour - 1 }).next, "wait")
  const fate = next({ warned: false, attempts: 9, now: 4 * hour + 30 * minute })
  assert.equal(fate.next, "warn")
  assert.match(fate.reason.says, /waits for 4h30m, which is longer than Timeout\.queuewarn \(4h\)/)
  assert.equal(next({ warned: true, attempts: 9, now: 5 * hour }).next, "wait")
})

test("nobody is told of a delay who did not want it, or of a report's delay, or when queuewarn is 0", () => {
  const late = { warned: false, now: 5 * hour }
  const cases: [Partial<Waiting>, Fate["next"]][] = [
    [{ notify: ["failure"] }, "wait"],
    [{ notify: ["never"] }, "wait"],
    [{ notify: ["failure", "delay"] }, "warn"],
    [{ notify: [] }, "warn"],
    [{ reversePath: "null" }, "wait"],
    [{ settings: settings({ "Timeout.queuewarn": 0 }) }, "wait"],
  ]
  for (const [changes, expected] of cases)
    assert.equal(next({ ...late, ...changes }).next, expected, JSON.stringify(changes))
})

test("reports have a time of their own when Timeout.queuereturn.dsn is set", () => {
  const own = settings({ "Timeout.queuereturn.dsn": 3600 })
  assert.equal(next({ settings: own, reversePath: "null", now: hour }).next, "give up")
  assert.equal(next({ settings: own, now: hour }).next, "wait")
  assert.equal(next({ settings: settings({ "Timeout.queuereturn.normal": 60 }), now: hour }).next, "give up")
})

test("urgent and non-urgent mail have times of their own where they are set, else those of all mail", () => {
  const own = settings({ "Timeout.queuereturn.urgent": 3600, "Timeout.queuereturn.non-urgent": 7200 })
  assert.equal(next({ settings: own, priority: "urgent", now: hour }).next, "give up")
  assert.equal(next({ settings: own, priority: "non-urgent", now: hour }).next, "wait")
  assert.equal(next({ settings: own, priority: "non-urgent", now: 2 * hour }).next, "give up")
  assert.equal(next({ settings: own, now: 2 * hour }).next, "wait")
  assert.equal(next({ priority: "urgent", now: 2 * hour }).next, "wait")
})

test("a next attempt is always later than now and never later than the end", () => {
  const times = fc.record({
    attempts: fc.nat(2000),
    now: fc.integer({ min: 0, max: 6 * day }),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
    warned: fc.boolean(),
  })
  fc.assert(
    fc.property(times, (changes) => {
      const fate = next(changes)
      if (fate.next === "give up") return changes.now >= 5 * day
      return fate.at > changes.now && fate.at <= 5 * day
    }),
  )
})

test("BY: at the sender's time there is one more attempt; then the message comes back, or its sender is told", () => {
  const by = (mode: "return" | "notify") => ({ at: 30_000, mode, trace: false })
  assert.equal(at(next({ deliverBy: by("return") })), 30_000)
  assert.equal(next({ deliverBy: by("return"), now: 30_000 }).next, "give up")
  const late = next({ deliverBy: by("notify"), now: 30_000, warned: false })
  assert.deepEqual([late.next, at(late)], ["warn", 30_000 + minute])
  assert.equal(next({ deliverBy: by("notify"), now: 30_000, warned: true }).next, "wait")
})

test("a queue group's interval counts instead of the growing ones, whatever the attempt, and is named", () => {
  const queueGroup = {
    name: "slow",
    equates: "I=90m",
    at: line,
    interval: 5400,
    runners: undefined,
    jobs: undefined,
    recipients: undefined,
  }
  const fates = [0, 3, 9].map((attempts) => next({ attempts, queueGroup }))
  assert.deepEqual(
    fates.map((fate) => at(fate) / minute),
    [90, 90, 90],
  )
  assert.match(fates[0]?.reason.says ?? "", /tried again in 1h30m \(queue group slow\)/)
  assert.equal(at(next({ attempts: 3, queueGroup: { ...queueGroup, interval: undefined } })) / minute, 8)
})

test("a report of a delay tells the end that its message has: its priority's, a report's, else that of all mail", () => {
  const own = settings({ "Timeout.queuereturn.urgent": 3600, "Timeout.queuereturn.dsn": 7200 })
  assert.equal(givenUpAt({ acceptedAt: 1, settings: own, priority: "urgent" }), 1 + hour)
  assert.equal(givenUpAt({ acceptedAt: 1, settings: own, reversePath: "null" }), 1 + 2 * hour)
  assert.equal(givenUpAt({ acceptedAt: 1, settings: own }), 1 + 5 * day)
})

test("mail in bulk and mail of a list's owner is not told of delays, unless it asked for that; bulk has the limits of non-urgent mail", () => {
  const late = { warned: false, now: 5 * hour }
  const from = (localPart: string) => ({
    reversePath: { localPart, domain: { kind: "name", ascii: "hello.com", unicode: "hello.com" } as const },
  })
  const told = (changes: Partial<Waiting>) => next({ ...late, ...changes }).next
  assert.equal(told(from("bob")), "warn")
  assert.equal(told({ ...from("bob"), precedence: -60 }), "wait")
  assert.equal(told({ ...from("bob"), precedence: -60, notify: ["delay"] }), "warn")
  for (const owner of ["owner-staff", "staff-request"]) assert.equal(told(from(owner)), "wait")
  const own = settings({ "Timeout.queuereturn.non-urgent": 3600, "Timeout.queuereturn.urgent": 7200 })
  assert.equal(givenUpAt({ acceptedAt: 0, settings: own, precedence: -60 }), hour)
  assert.equal(givenUpAt({ acceptedAt: 0, settings: own, precedence: 100 }), 2 * hour)
  assert.equal(givenUpAt({ acceptedAt: 0, settings: own, precedence: -60, priority: "urgent" }), 2 * hour)
})
