import assert from "node:assert/strict"
import { test } from "node:test"
import { arrivalOf, envelopeFrom, rcpt, said } from "../../test/kit/gate.ts"
import { dnsOf, mailhost } from "../../test/kit/mailhost.ts"
import type { Arrival } from "../mail/arrival.ts"
import { classify } from "../mail/address.ts"
import { WindowCounts } from "./counts.ts"
import type { Tried } from "./greylist.ts"
import { networkOf } from "./known.ts"
import { makeSiteGate } from "./site-checks.ts"

const minute = 60_000

/** A host whose clock the test moves. */
function hostAt(features: string, access = "") {
  const time = { now: Date.UTC(2026, 10, 24) }
  const host = mailhost({
    accounts: ["bob", "ann", "postmaster"],
    files: {
      "/etc/mail/sendmail.mc": `FEATURE(access_db)dnl\n${features}\nMAILER(local)dnl\nMAILER(smtp)dnl\n`,
      "/etc/mail/access": access,
    },
  })
  const remembered = new Map<string, Tried>()
  const greylist = {
    get: (key: string) => remembered.get(key),
    set: (key: string, tried: Tried) => void remembered.set(key, tried),
  }
  const { settings, routing } = host
  const gate = makeSiteGate({ settings, routing, dns: dnsOf({}), clock: () => time.now, greylist })
  const to = async (user: string, arrival: Arrival) => said(await rcpt(gate, arrival, `${user}@mx.test`))
  return { time, gate, to }
}

const stranger = arrivalOf("192.0.2.66")

test("who guesses recipients hears 421, at RCPT and at its next connection, until the time has passed", async () => {
  const { gate, to, time } = hostAt("FEATURE(`harvest_guard', `most=3, per=1h')")
  for (const name of ["a", "b"]) assert.match(await to(name, stranger), /^550 5\.1\.1 /)
  assert.equal(await to("bob", stranger), "yes")
  assert.equal(await to("c", stranger), "421 4.7.0 Too many unknown recipients, try again later")
  assert.match(said(await gate.connect(stranger)), /^421 4\.7\.0 /)
  assert.equal(said(await gate.connect(arrivalOf("192.0.2.67"))), "yes")
  time.now += 61 * minute
  assert.equal(said(await gate.connect(stranger)), "yes")
})

test("hosts we relay for may misspell as often as they like", async () => {
  const { to } = hostAt("FEATURE(`harvest_guard', `most=1')", "Connect:192.0.2.66 RELAY\n")
  for (const name of ["a", "b", "c"]) assert.match(await to(name, stranger), /^550 5\.1\.1 /)
})

test("a login sends to so many recipients in a time, and each login has its own count", async () => {
  const { to, time, gate } = hostAt("FEATURE(`user_limits', `recipients=2, messages=1, per=10m')")
  const login = arrivalOf("192.0.2.66", { authenticated: "ann" })
  assert.deepEqual([await to("bob", login), await to("ann", login)], ["yes", "yes"])
  assert.equal(
    await to("bob", login),
    "450 4.7.1 You have sent to too many recipients lately, try again later",
  )
  assert.equal(await to("bob", arrivalOf("192.0.2.66", { authenticated: "bob" })), "yes")
  const sender = classify("ann@mx.test")
  assert.equal(said(await gate.sender(login, sender, 0)), "yes")
  await gate.message(login, envelopeFrom("null"), Buffer.from(""), 10)
  assert.equal(
    said(await gate.sender(login, sender, 0)),
    "450 4.7.1 You have sent too many messages lately, try again later",
  )
  time.now += 11 * minute
  assert.equal(await to("bob", login), "yes")
})

test("greylisting: the first try is put off, who comes again in time passes, and is not asked any more", async () => {
  const { to, time } = hostAt("FEATURE(`greylist')")
  assert.equal(await to("bob", stranger), "451 4.7.1 Greylisted, please try again in 300 seconds")
  time.now += 4 * minute
  assert.equal(await to("bob", stranger), "451 4.7.1 Greylisted, please try again in 60 seconds")
  time.now += minute
  assert.equal(await to("bob", arrivalOf("192.0.2.67")), "yes", "another host of the same /24 comes again")
  time.now += 30 * 24 * 60 * minute
  assert.equal(await to("bob", stranger), "yes")
  time.now += 37 * 24 * 60 * minute
  assert.match(await to("bob", stranger), /^451 4\.7\.1 Greylisted/)
})

test("greylisting: nobody learns of users by it, postmaster is always there, and known clients wait for nothing", async () => {
  const { to } = hostAt("FEATURE(`greylist', `delay=1m')", "Connect:192.0.2.80 OK\n")
  assert.match(await to("nobody", stranger), /^550 5\.1\.1 /)
  assert.equal(await to("postmaster", stranger), "yes")
  assert.equal(await to("bob", arrivalOf("192.0.2.80")), "yes")
  assert.equal(await to("bob", arrivalOf("127.0.0.1")), "yes")
  assert.equal(await to("bob", arrivalOf("192.0.2.66", { authenticated: "ann" })), "yes")
})

test("greylisting: who comes again only after days begins anew", async () => {
  const { to, time } = hostAt("FEATURE(`greylist', `delay=5m, window=1d')")
  await to("bob", stranger)
  time.now += 25 * 60 * minute
  assert.match(await to("bob", stranger), /^451 .* 300 seconds$/)
})

test("a window counts what happened in it, and forgets piece by piece", () => {
  const counts = new WindowCounts(60_000)
  assert.deepEqual([counts.add("a", 1, 0), counts.add("a", 2, 30_000), counts.count("b", 0)], [1, 3, 0])
  assert.equal(counts.count("a", 59_999), 3)
  assert.equal(counts.count("a", 60_000), 2)
  assert.equal(counts.count("a", 600_000), 0)
})

test("a network is an address's /24, or the /64 of a host of IPv6", () => {
  assert.equal(networkOf("192.0.2.7", 24), "192.0.2.0/24")
  assert.equal(networkOf("192.0.2.7", 32), "192.0.2.7")
  assert.equal(networkOf("2001:db8::1", 32), "2001:db8:0:0::/64")
})
