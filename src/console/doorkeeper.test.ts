import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { LoginThrottle } from "../daemon/login-throttle.ts"
import { layoutOf } from "../daemon/layout.ts"
import { hashPassword } from "../host/password-hash.ts"
import { Refused } from "./asking.ts"
import { Doorkeeper } from "./doorkeeper.ts"
import { hashed } from "./sessions.ts"

/** A door with one administrator, gordon; waits are noted, not waited. */
async function door(t: TestContext) {
  const state = mkdtempSync(join(tmpdir(), "waypost-door-"))
  t.after(() => rmSync(state, { recursive: true }))
  const layout = layoutOf(state)
  writeFileSync(layout.usersFile, `gordon:${await hashPassword("secret of gor")}\n`)
  writeFileSync(layout.admins, "gordon:\n")
  writeFileSync(layout.tokens, `ci:${hashed("0123456789abcdef")}:read:2026-11-24T13:00:00Z\n`)
  const clock = () => 1_000_000
  const waits: number[] = []
  const limits = { free: 3, most: 8, mostAtAccount: 50, longestWait: 4000, window: 600_000 } // a hundred cost their time here
  const throttle = new LoginThrottle(clock, limits, async (time) => void waits.push(time))
  const keeper = new Doorkeeper(layout, clock, throttle)
  const login = async (name: string, password: string, from = "192.0.2.7") => {
    try {
      return (await keeper.login({ name, password }, from)).person.user
    } catch (error) {
      assert.ok(error instanceof Refused)
      return error.status
    }
  }
  return { keeper, login, waits }
}

test("whoever guesses waits longer each time, and after too many wrong ones is not heard at all", async (t) => {
  const { login, waits } = await door(t)
  for (let n = 0; n < 6; n++) assert.equal(await login("gordon", "guess"), 401)
  assert.deepEqual(waits, [500, 1000, 2000])
  for (let n = 6; n < 8; n++) assert.equal(await login("gordon", "guess"), 401)
  assert.equal(await login("gordon", "secret of gor"), 429)
  assert.equal(await login("gordon", "secret of gor", "192.0.2.8"), "gordon")
})

test("a crowd that logs in at once is sent away, and whoever comes after it is let in", async (t) => {
  const { login } = await door(t)
  const crowd = await Promise.all(
    Array.from({ length: 20 }, (_, n) => login("gordon", "guess", `192.0.2.${n}`)),
  )
  assert.deepEqual([...new Set(crowd)].toSorted(), [401, 429])
  assert.equal(await login("gordon", "secret of gor", "198.51.100.1"), "gordon")
})

test("a name that nobody has is answered as a wrong password is", async (t) => {
  const { login } = await door(t)
  assert.equal(await login("nobody", "secret of gor"), 401)
  assert.equal(await login("../gordon", "secret of gor"), 401)
  assert.equal(await login("gordon", ""), 401)
})

test("a token is known by its hash alone", async (t) => {
  const { keeper } = await door(t)
  assert.deepEqual(keeper.token("0123456789abcdef"), { user: "token ci", rights: "read", csrf: undefined })
  assert.equal(keeper.token(hashed("0123456789abcdef")), undefined)
  assert.deepEqual(Object.keys(keeper.tokens[0] ?? {}), ["name", "rights", "createdAt"])
  assert.equal(keeper.hasAdministrator, true)
})
