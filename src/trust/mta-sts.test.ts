// Which policy binds when: while its record, its server or the disk say something else, or nothing (RFC 8461 §3.3, §5.1, §10.2).
import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type TestContext, test } from "node:test"
import { fail, ok } from "../mail/result.ts"
import type { DnsAnswer } from "../mail/world.ts"
import { type StsFound, StsPolicies } from "./mta-sts.ts"

const text = (mode: string, mx: string, age = 86_400) =>
  `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: ${age}\n`

const record = (id: string): DnsAnswer<string> => ({
  found: "records",
  records: [`v=STSv1; id=${id};`],
  secure: false,
  ttl: 60,
})
const noRecord: DnsAnswer<string> = { found: "nothing", why: "no such name", secure: false }
const silence: DnsAnswer<string> = { found: "unavailable", why: "SERVFAIL" }

/** A world in which everything can change between two questions. */
function world(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "waypost-sts-"))
  t.after(() => rmSync(directory, { recursive: true }))
  const now = { dns: record("1"), served: text("enforce", "mx.hello.com") as string | undefined, clock: 1e12 }
  let fetched = 0
  const begin = () =>
    new StsPolicies({
      directory,
      dns: { txt: async () => now.dns },
      clock: () => now.clock,
      log: () => {},
      fetch: async () => {
        fetched++
        if (now.served !== undefined) return ok(now.served)
        return fail({ result: "sts-policy-fetch-error", says: "Connection refused" })
      },
    })
  let policies = begin()
  return {
    now,
    directory,
    find: () => policies.find("hello.com"),
    restart: () => {
      policies = begin()
    },
    fetched: () => fetched,
  }
}

const brief = ({ policy }: StsFound) => (policy === undefined ? "none" : `${policy.mode} ${policy.mx.join()}`)
const hour = 3_600_000

test("a policy binds while its record is gone, DNS silent or its server away, over a restart, until it expires", async (t) => {
  const { now, find, restart } = world(t)
  assert.equal(brief(await find()), "enforce mx.hello.com")
  now.served = undefined
  for (const dns of [noRecord, silence, record("2"), record("1")]) {
    now.dns = dns
    now.clock += 5 * hour
    restart()
    const found = await find()
    assert.equal(brief(found), "enforce mx.hello.com", JSON.stringify(dns))
    assert.match(found.says, /id 1/)
  }
  now.clock += 5 * hour
  const over = await find()
  assert.equal(brief(over), "none")
  assert.match(over.says, /no MTA-STS policy of hello\.com: Connection refused/)
  assert.equal(over.failure?.result, "sts-policy-fetch-error")
})

test("a new id brings the new policy; one that makes no sense leaves the old one, and both are told", async (t) => {
  const { now, find } = world(t)
  await find()
  now.dns = record("2")
  now.served = "version: STSv1\nmode: enforc\n"
  const kept = await find()
  assert.equal(brief(kept), "enforce mx.hello.com")
  assert.match(kept.says, /the one before: it has no mode that there is/)
  now.clock += hour
  now.served = text("testing", "*.hello.com")
  assert.equal(brief(await find()), "testing *.hello.com")
})

test("a server that failed is not asked again at once, and one question is asked at a time", async (t) => {
  const { now, find, fetched } = world(t)
  now.served = undefined
  await Promise.all([find(), find(), find()])
  await find()
  assert.equal(fetched(), 1)
  now.clock += 6 * 60_000
  now.served = text("enforce", "mx.hello.com")
  assert.equal(brief(await find()), "enforce mx.hello.com")
})

test("a policy in use is looked at anew before it expires", async (t) => {
  const { now, find, fetched } = world(t)
  await find()
  now.clock += 13 * hour
  await find()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(fetched(), 2)
  now.clock += 23 * hour
  now.served = undefined
  assert.equal(brief(await find()), "enforce mx.hello.com", "counted from the second look")
})

test("without a record there is none; where DNS is silent that is what is said", async (t) => {
  const { now, find, fetched } = world(t)
  now.dns = noRecord
  assert.equal((await find()).says, "hello.com has no MTA-STS record")
  now.dns = silence
  assert.equal((await find()).says, "DNS does not say whether hello.com has an MTA-STS record: SERVFAIL")
  assert.equal(fetched(), 0)
})

test("a file that makes no sense, or is another domain's, is as none", async (t) => {
  const { now, directory, find, restart } = world(t)
  await find()
  const [file = ""] = readdirSync(directory)
  now.served = undefined
  for (const spoilt of [
    "",
    "{",
    "[]",
    '{"domain":"evil.org","id":"1","fetchedAt":1e12,"policy":{"mode":"none"}}',
  ]) {
    writeFileSync(join(directory, file), spoilt)
    restart()
    assert.equal(brief(await find()), "none", spoilt)
  }
})
