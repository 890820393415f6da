import assert from "node:assert/strict"
import { test } from "node:test"
import { arrivalOf, said } from "../../test/kit/gate.ts"
import { dnsOf, mailhost } from "../../test/kit/mailhost.ts"
import { printOrigin } from "../mail/decision.ts"
import { commandDelay, leftByLoad, loadLimit } from "./load-average.ts"
import { makeSiteGate } from "./site-checks.ts"

function hostWith(lines: string) {
  const host = mailhost({
    accounts: ["bob"],
    files: { "/etc/mail/sendmail.mc": `${lines}\nMAILER(local)dnl\nMAILER(smtp)dnl\n` },
  })
  const { settings, routing } = host
  return { settings, gate: makeSiteGate({ settings, routing, dns: dnsOf({}), clock: () => 0 }) }
}

const client = (average: number, door = "MTA") =>
  arrivalOf("192.0.2.7", { door, load: { open: 1, rate: 1, average } })

test("from confREFUSE_LA on clients are sent away, for a reason that cites the line", async () => {
  const { gate } = hostWith("FEATURE(`delay_checks')\ndefine(`confREFUSE_LA', `12')")
  assert.equal(said(await gate.connect(client(11))), "yes")
  const away = await gate.connect(client(12))
  assert.equal(said(away), "421 4.3.2 mx.test Load average too high, try again later")
  const { step, at } = away.reason
  assert.equal(step, "RefuseLA")
  assert.equal(at === undefined ? "" : printOrigin(at), "/etc/mail/sendmail.mc:2")
})

test("a door's own refuseLA= is what counts there", async () => {
  const lines = "define(`confREFUSE_LA', `12')\nDAEMON_OPTIONS(`Name=MSA, Port=587, refuseLA=40')"
  const { gate } = hostWith(lines)
  assert.equal(said(await gate.connect(client(20, "MSA"))), "yes")
  assert.match(said(await gate.connect(client(20, "MTA"))), /^421 /)
  assert.match(said(await gate.connect(client(40, "MSA"))), /^421 /)
})

test("where no line sets a limit, no load is one", async () => {
  const { gate, settings } = hostWith("")
  assert.equal(said(await gate.connect(client(1000))), "yes")
  assert.equal(loadLimit(settings, "MTA", "DelayLA"), undefined)
  const weight = { door: "MTA", size: 1e9, recipients: 1000, precedence: 0 }
  assert.equal(leftByLoad(weight, 1000, settings), undefined)
})

test("from confDELAY_LA on each command waits a second, but for those of who leaves", () => {
  const { settings } = hostWith("define(`confDELAY_LA', `8')")
  const limit = loadLimit(settings, "MTA", "DelayLA")
  assert.ok(limit !== undefined)
  assert.deepEqual(
    ["MAIL FROM:<a@b>", "EHLO x", "QUIT", "quit", "RSET", ""].map((line) => commandDelay(line, 8, limit)),
    [1000, 1000, 0, 0, 0, 1000],
  )
  assert.equal(commandDelay("MAIL FROM:<a@b>", 7, limit), 0)
})

test("from confQUEUE_LA on mail waits, heavy mail first (sendmail: conf.c shouldqueue)", () => {
  const { settings } = hostWith("define(`confQUEUE_LA', `8')")
  const light = { door: "MTA", size: 1000, recipients: 1, precedence: 0 }
  const large = { ...light, size: 700_000 }
  const many = { ...light, recipients: 20 }
  const waits = (average: number) =>
    [light, large, many].map((weight) => leftByLoad(weight, average, settings) !== undefined)
  assert.deepEqual(waits(7), [false, false, false])
  assert.deepEqual(waits(8), [false, true, true]) // 600,000 would go
  assert.deepEqual(waits(26), [false, true, true]) // 31,578
  assert.deepEqual(waits(27), [true, true, true]) // 30,000
  assert.equal(leftByLoad({ ...light, precedence: 100 }, 27, settings), undefined, "special-delivery goes")
  assert.ok(leftByLoad({ ...light, precedence: -100 }, 12, settings) !== undefined, "junk waits earlier")
  const reason = leftByLoad(large, 8, settings)
  assert.equal(
    reason?.says,
    "the load average is 8, and from 8 on mail of priority 730000 waits (600000 would go)",
  )
  assert.equal(reason?.at?.line, 1)
})

test("the weights are the configuration's: confQUEUE_FACTOR and its kin", () => {
  const { settings } = hostWith(
    "define(`confQUEUE_LA', `8')\ndefine(`confQUEUE_FACTOR', `100')\ndefine(`confWORK_RECIPIENT_FACTOR', `1')\ndefine(`confWORK_CLASS_FACTOR', `2')",
  )
  const weight = { door: "MTA", size: 50, recipients: 10, precedence: -20 }
  assert.equal(leftByLoad(weight, 8, settings), undefined, "50 + 10 + 40 is no more than 100")
  assert.ok(leftByLoad({ ...weight, recipients: 11 }, 8, settings) !== undefined)
})
