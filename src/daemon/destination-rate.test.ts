import assert from "node:assert/strict"
import { test } from "node:test"
import { siteOf } from "../../test/kit/site.ts"
import { makeDestinationRate } from "./destination-rate.ts"

const access = "DestRate:example.org 2\nDestRate: 1\nDestRate:free.example.net 0\nDestRate:bad.test many\n"

function rateAt(time: { now: number }, features: Readonly<Record<string, readonly string[]>>) {
  return makeDestinationRate(siteOf({ features, tables: { access } }), () => time.now)
}

test("so many messages a minute go to a destination, and no more; the next minute brings room", async () => {
  const time = { now: 0 }
  const rate = rateAt(time, { destination_rate: [] })
  assert.equal(await rate("mail.example.org"), undefined)
  assert.equal(await rate("mail.example.org"), undefined)
  const reason = await rate("MAIL.example.org")
  assert.match(
    reason?.says ?? "",
    /"destrate:example\.org" says "2", and 2 messages went to mail\.example\.org/i,
  )
  assert.notEqual(reason?.at, undefined)
  time.now = 61_000
  assert.equal(await rate("mail.example.org"), undefined)
})

test("DestRate: alone is for all others, 0 is no limit, and what is no number holds mail back and is told", async () => {
  const rate = rateAt({ now: 0 }, { destination_rate: [] })
  assert.equal(await rate("[192.0.2.7]"), undefined)
  assert.match((await rate("[192.0.2.7]"))?.says ?? "", /192\.0\.2\.7 in the last minute/)
  for (let n = 0; n < 5; n++) assert.equal(await rate("free.example.net"), undefined)
  assert.match((await rate("bad.test"))?.says ?? "", /no number/)
})

test("without the FEATURE nothing is counted", async () => {
  const rate = rateAt({ now: 0 }, {})
  for (let n = 0; n < 5; n++) assert.equal(await rate("mail.example.org"), undefined)
})
