import assert from "node:assert/strict"
import { test } from "node:test"
import { LoginThrottle } from "./login-throttle.ts"

function throttle() {
  const waits: number[] = []
  let now = 0
  const limits = { free: 2, most: 6, mostAtAccount: 4, longestWait: 4000, window: 60_000 }
  const made = new LoginThrottle(
    () => now,
    limits,
    async (milliseconds) => void waits.push(milliseconds),
  )
  return { made, waits, pass: (milliseconds: number) => (now += milliseconds) }
}

test("an address that guesses waits longer each time, up to a limit, then may not try until the window has passed", async () => {
  const { made, waits, pass } = throttle()
  for (let n = 0; n < 6; n++) await made.tried("192.0.2.7", `user${n}`, false)
  assert.deepEqual(waits, [500, 1000, 2000, 4000])
  assert.equal(made.tooOften("192.0.2.7"), 6)
  assert.equal(made.tooOften("192.0.2.8"), undefined)
  pass(60_000)
  assert.equal(made.tooOften("192.0.2.7"), undefined)
})

test("an account that is guessed at from many addresses is slow for all who guess, whether it exists or not", async () => {
  const { made, waits } = throttle()
  for (let n = 0; n < 5; n++) await made.tried(`192.0.2.${n}`, "Gor", false)
  assert.deepEqual(waits, [4000])
  await made.tried("192.0.2.99", "gor", true)
  assert.deepEqual(waits, [4000])
})

test("a right password is answered at once and forgives its address", async () => {
  const { made, waits } = throttle()
  await made.tried("192.0.2.7", "gor", false)
  await made.tried("192.0.2.7", "gor", true)
  for (let n = 0; n < 2; n++) await made.tried("192.0.2.7", "gor", false)
  assert.deepEqual(waits, [])
})
