import assert from "node:assert/strict"
import { test } from "node:test"
import type { Readings } from "../queue/steady.ts"
import { SteadyClock } from "./steady-clock.ts"

const day = 86_400_000
const year = 365 * day
const noon = Date.UTC(2026, 10, 24, 12)

/** A machine whose clocks the test moves. */
function machine() {
  let now: Readings = { wall: noon, running: 0, uptime: 1000, boot: "b1" }
  const said: string[] = []
  const clock = new SteadyClock(
    (line) => said.push(line),
    () => now,
  )
  const pass = (milliseconds: number) => {
    const { wall, running, uptime, boot } = now
    now = { wall: wall + milliseconds, running: running + milliseconds, uptime: uptime + milliseconds, boot }
  }
  const set = (by: number) => (now = { ...now, wall: now.wall + by })
  const boot = (wall: number) => (now = { wall, running: 0, uptime: 10, boot: "b2" })
  return { clock, said, pass, set, boot }
}

for (const by of [year, -year]) {
  test(`the queue's time goes on evenly while the clock is set by ${by / day} days and set right again`, () => {
    const { clock, said, pass, set } = machine()
    pass(60_000)
    set(by + 0.25)
    assert.equal(clock.now(), noon + 60_000.25, "by a whole number of milliseconds")
    assert.equal(clock.wall(), noon + 60_000.25 + by)
    pass(60_000)
    set(-by - 0.25)
    assert.equal(clock.now(), noon + 120_000)
    pass(1000)
    assert.equal(clock.now(), noon + 121_000)
    assert.equal(clock.wall(), clock.now())
    assert.equal(said.length, 2)
  })
}

test("small steps of the clock are followed, however many there are", () => {
  const { clock, said, pass, set } = machine()
  for (let n = 0; n < 50; n++) {
    pass(3_600_000)
    set(30_000)
    assert.equal(clock.now(), clock.wall())
  }
  assert.deepEqual(said, [])
})

test("what is marked is what the next run goes on from, in another boot with a wrong clock", () => {
  const { clock, pass } = machine()
  pass(60_000)
  const mark = clock.mark()
  const next = machine()
  next.boot(noon - year)
  next.clock.resume(mark)
  assert.equal(next.clock.now(), noon + 60_000)
  next.pass(5000)
  next.set(year + 3_600_000)
  assert.equal(
    next.clock.now(),
    noon + 5000 + 3_600_000,
    "the hour the machine was off counts when it is known",
  )
  assert.equal(next.said.length, 2)
})

test("the machine's own clocks are read, and agree with each other", () => {
  const said: string[] = []
  const clock = new SteadyClock((line) => said.push(line))
  assert.ok(Math.abs(clock.now() - Date.now()) < 1000)
  const mark = clock.mark()
  assert.ok(mark.uptime > 0)
  clock.resume(mark)
  assert.equal(clock.ahead(), 0)
  assert.deepEqual(said, [])
})
