import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { parseMailbox } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import {
  afterSetting,
  afterStart,
  asDated,
  longestAbsence,
  type Readings,
  setBetween,
  type TimeMark,
  tolerance,
} from "./steady.ts"

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day
const noon = Date.UTC(2026, 10, 24, 12)

const begin: Readings = { wall: noon, running: 0, uptime: 5 * day, boot: "b1" }

/** The clocks after so much time has passed, asleep for a part of it, the wall clock set by so much. */
function later(passed: number, { set = 0, slept = 0 } = {}): Readings {
  const { wall, running, uptime, boot } = begin
  return { wall: wall + passed + set, running: running + passed - slept, uptime: uptime + passed, boot }
}

for (const [what, now, expected] of [
  ["an hour goes by", later(hour), 0],
  ["the machine sleeps for a night", later(9 * hour, { slept: 8 * hour }), 0],
  ["the clock is set forward by a year", later(minute, { set: year }), year],
  ["the clock is set back by a year", later(minute, { set: -year }), -year],
  ["it is set by a year while the machine sleeps", later(9 * hour, { slept: 8 * hour, set: year }), year],
  ["it is set by a minute, which changes nothing that matters", later(hour, { set: minute }), 0],
] as const) {
  test(`when ${what}, the clock was set by ${expected / day} days`, () => {
    assert.equal(setBetween(begin, now), expected)
  })
}

const sure = { ahead: 0, unsure: false }

test("a clock that is set and set right again leaves nothing behind", () => {
  const wrong = afterSetting(year, sure)
  assert.equal(wrong.ahead, year)
  assert.match(
    wrong.says ?? "",
    /^the clock was set forward by 365 days: mail that waits keeps its age and its times/,
  )
  const right = afterSetting(-year, wrong)
  assert.deepEqual({ ahead: right.ahead, unsure: right.unsure }, sure)
  assert.match(right.says ?? "", /agrees with the queue again$/)
})

const mark: TimeMark = { at: noon, ahead: 0, unsure: false, uptime: 5 * day, boot: "b1" }
const booted = (wall: number): Readings => ({ wall, running: 0, uptime: minute, boot: "b2" })

test("a queue in which nothing waits takes the clock at its word", () => {
  assert.equal(afterStart(undefined, booted(noon - year)).ahead, 0)
})

test("a restart within the same boot knows how long we were away, whatever the clock says", () => {
  for (const set of [0, year, -year]) {
    const { ahead, says } = afterStart(mark, later(2 * hour, { set }))
    assert.equal(ahead, set)
    assert.equal(says === undefined, set === 0)
  }
})

test("after a boot, a clock that is beyond the last sign of life by a weekend is believed", () => {
  assert.deepEqual(afterStart(mark, booted(noon + longestAbsence)), { ...sure, says: undefined })
})

for (const [what, off, says] of [
  [
    "a year behind",
    -year,
    /^the clock says 2025-11-24T12:00Z, 365 days before the newest .* set the clock right/,
  ],
  [
    "a year ahead",
    year,
    /^the clock says 2027-11-24T12:00Z, 365 days after the newest .* nothing is given up/,
  ],
] as const) {
  test(`after a boot with a clock that is ${what}, mail keeps its age, and the log says what to do`, () => {
    const found = afterStart(mark, booted(noon + off))
    assert.deepEqual({ ahead: found.ahead, unsure: found.unsure }, { ahead: off, unsure: true })
    assert.match(found.says ?? "", says)
  })
}

test("a clock that is set right after such a boot is believed from then on, with the time the machine was off", () => {
  const wrong = afterStart(mark, booted(noon - year))
  const right = afterSetting(year + 2 * hour, wrong)
  assert.deepEqual({ ahead: right.ahead, unsure: right.unsure }, sure)
})

test("a clock that was wrong and stays wrong over a boot is no news", () => {
  const { ahead, says } = afterStart({ ...mark, ahead: year }, booted(noon + year + hour))
  assert.deepEqual([ahead, says], [year, undefined])
})

test("a clock that was wrong and is right after a boot is believed", () => {
  const { ahead, says } = afterStart({ ...mark, ahead: year }, booted(noon + hour))
  assert.deepEqual([ahead, says], [0, undefined])
})

test("a container whose uptime begins anew is not taken for the same run", () => {
  const { ahead } = afterStart(mark, { wall: noon + hour, running: 0, uptime: minute, boot: "b1" })
  assert.equal(ahead, 0)
})

test("whatever happens to the clock, the queue's time never goes back and never counts more than was away", () => {
  const anyMark = fc.record({
    at: fc.integer({ min: noon - day, max: noon + day }),
    ahead: fc.constantFrom(0, year, -year, hour),
    unsure: fc.boolean(),
    uptime: fc.integer({ min: 0, max: year }),
    boot: fc.constantFrom("b1", "b2", ""),
  })
  const anyWall = fc.integer({ min: noon - 3 * year, max: noon + 3 * year })
  fc.assert(
    fc.property(anyMark, anyWall, (left, wall) => {
      const now = booted(wall)
      const passed = now.wall - afterStart(left, now).ahead - left.at
      assert.ok(passed >= -tolerance, `went back by ${-passed}`)
      const counted = left.boot === now.boot && now.uptime >= left.uptime ? now.uptime - left.uptime : 0
      assert.ok(passed <= Math.max(longestAbsence, counted + tolerance), `counts ${passed}`)
    }),
  )
})

const nobody = {
  reversePath: "null",
  body: "7bit",
  smtputf8: false,
  ret: undefined,
  envid: undefined,
} as const
const here = {
  session: "s",
  protocol: "local",
  client: undefined,
  helo: undefined,
  authenticated: undefined,
  door: "test",
  submission: false,
  tls: undefined,
} as const
const sizes = {
  size: 1,
  headerSize: 1,
  summary: { messageId: "", subject: "", from: "" },
  held: undefined,
}

test("people see the machine's dates, also of what was accepted before it was set", () => {
  const you = parseMailbox("you@napier.ac.uk")
  assert.ok(you.ok)
  const pending = {
    number: 0,
    recipient: { path: you.value, original: undefined, notify: [], admitted: because("test", "ok") },
    route: undefined,
    expandedFrom: undefined,
    attempts: 1,
    nextAttempt: noon + hour,
    lastStatus: { status: "4.4.1", text: "refused", remote: undefined, at: noon },
    warned: false,
  } as const
  const entry = { id: "6AO7AgXX000001", envelope: nobody, arrival: here, acceptedAt: noon, ...sizes }
  const dated = asDated({ entry, pending: [pending, { ...pending, nextAttempt: 0 }] }, year)
  assert.equal(dated.entry.acceptedAt, noon + year)
  assert.deepEqual(
    dated.pending.map((one) => [one.nextAttempt, one.lastStatus?.at]),
    [
      [noon + hour + year, noon + year],
      [0, noon + year],
    ],
  )
})
