import assert from "node:assert/strict"
import { test } from "node:test"
import { arrivalOf, gateOf, said } from "../../test/kit/gate.ts"
import { records, type Site } from "../../test/kit/site.ts"
import type { Decision, Reason } from "../mail/decision.ts"
import type { Dns, DnsAnswer } from "../mail/world.ts"
import { dnsOf, mailhost } from "../../test/kit/mailhost.ts"
import { makeGate } from "./check.ts"

const nothing: DnsAnswer<never> = { found: "nothing", why: "no such name", secure: false }

/** Lists by the client's last octet: at zen, what it says of 192.0.2.N is 127.0.0.N. */
const lists: Partial<Dns> = {
  async ipv4(name) {
    const [last = "", , , , ...zone] = name.split(".")
    switch (zone.join(".")) {
      case "zen.spamhaus.org":
        return last === "250" ? records("127.255.255.254") : records(`127.0.0.${last}`)
      case "parked.test":
        return records("203.0.113.9")
      case "text.test":
        return records("127.0.0.2")
      case "white.test":
        return last === "4" ? records("127.0.5.1") : nothing
      default:
        return nothing
    }
  },
  txt: async (name) =>
    name.endsWith(".text.test") ? records("Spam seen, see\r\nhttps://text.test/?a") : nothing,
}

function met(address: string, features: NonNullable<Site["features"]>): Promise<Decision<undefined>> {
  return gateOf({ features, dns: lists }).connect(arrivalOf(address))
}

function allOf(reason: Reason): string {
  return [reason.says, ...reason.after.map(allOf)].join("\n")
}

const zen = [
  ["192.0.2.2", "SBL: addresses of spammers; see https://check.spamhaus.org/query/ip/192.0.2.2"],
  ["192.0.2.3", "CSS: addresses of snowshoe spammers; see https://check.spamhaus.org/query/ip/192.0.2.3"],
  [
    "192.0.2.4",
    "XBL: hosts that are exploited or infected; see https://check.spamhaus.org/query/ip/192.0.2.4",
  ],
  [
    "192.0.2.11",
    "PBL: addresses that should not send mail by themselves; see https://check.spamhaus.org/query/ip/192.0.2.11",
  ],
] as const

for (const [address, why] of zen) {
  test(`zen: ${address} is told ${why.slice(0, 3)}, and where to look`, async () => {
    const decision = await met(address, { dnsbl: ["zen.spamhaus.org"] })
    assert.equal(said(decision), `550 5.7.1 Rejected: ${address} listed at zen.spamhaus.org: ${why}`)
    assert.match(allOf(decision.reason), /192\.zen\.spamhaus\.org is 127\.0\.0\.\d+ \(/)
  })
}

test("127.255.255.x is the list's trouble with us: it refuses nobody, and the operator learns why", async () => {
  const decision = await met("192.0.2.250", { dnsbl: ["zen.spamhaus.org"] })
  assert.equal(said(decision), "yes")
  assert.match(allOf(decision.reason), /does not answer public resolvers/)
  const strict = await met("192.0.2.250", { dnsbl: ["zen.spamhaus.org", "", "t"] })
  assert.match(said(strict), /^451 4\.4\.3 /)
})

test("a zone that answers with other addresses is no list any more", async () => {
  const decision = await met("192.0.2.7", { dnsbl: ["parked.test"] })
  assert.equal(said(decision), "yes")
  assert.match(allOf(decision.reason), /no list any more/)
})

test("what a list says itself is told, in one line", async () => {
  assert.equal(
    said(await met("192.0.2.7", { dnsbl: ["text.test"] })),
    "550 5.7.1 Rejected: 192.0.2.7 listed at text.test: Spam seen, see https://text.test/?a",
  )
})

test("whom a list of welcome clients has, no other list refuses", async () => {
  const features = { dnswl: ["white.test"], dnsbl: ["zen.spamhaus.org"] }
  assert.equal(said(await met("192.0.2.4", features)), "yes")
  assert.match(said(await met("192.0.2.5", features)), /^550 5\.7\.1 .*XBL/)
})

test("rhsbl: a sender's domain is asked for at all its lists at once, and is told what kind of domain it is", async () => {
  const asked: string[] = []
  const resolver = {
    ...dnsOf({ "spam.example.org": { MX: "10 mx.example.org" } }),
    ipv4: async (name: string) => {
      asked.push(name)
      return name.endsWith(".dbl.spamhaus.org") ? records("127.0.1.4") : nothing
    },
  }
  const mc = "FEATURE(`rhsbl', `a.test')\nFEATURE(`rhsbl', `dbl.spamhaus.org')\nMAILER(`smtp')\n"
  await mailhost({ resolver, files: { "/etc/mail/sendmail.mc": mc } }).talk("192.0.2.7")`
    S: 220 *
    C: MAIL FROM:<ann@spam.example.org>
    S: 550 5.7.1 <ann@spam.example.org>... Rejected: spam.example.org listed at dbl.spamhaus.org: a domain of phishing; see https://check.spamhaus.org/query/domain/spam.example.org
  `
  assert.deepEqual(asked, ["spam.example.org.a.test", "spam.example.org.dbl.spamhaus.org"])
})

test("a list of domains that says it was asked for an address refuses nobody", async () => {
  const resolver = {
    ...dnsOf({ "example.org": { MX: "10 mx.example.org" } }),
    ipv4: async () => records("127.0.1.255"),
  }
  const mc = "FEATURE(`rhsbl', `dbl.spamhaus.org')\nMAILER(`smtp')\n"
  await mailhost({ resolver, files: { "/etc/mail/sendmail.mc": mc } }).talk("192.0.2.7")`
    S: 220 *
    C: MAIL FROM:<ann@example.org>
    S: 250 2.1.0 *
  `
})

/** Three lists that answer when all have been asked; the middle one never does. */
test("all lists are asked at once, and one that never answers is waited for no longer than its time", async () => {
  const asked: string[] = []
  const all = Promise.withResolvers<void>()
  const resolver: Partial<Dns> = {
    ipv4: async (name) => {
      asked.push(name)
      if (asked.length === 3) all.resolve()
      if (name.endsWith("b.test")) return new Promise(() => {})
      await all.promise
      return name.endsWith("c.test") ? records("127.0.0.2") : nothing
    },
  }
  const patience = async <T>(answer: Promise<T>, milliseconds: number): Promise<T | undefined> =>
    milliseconds < 5000
      ? await answer
      : Promise.race([
          answer,
          all.promise.then(() => new Promise<undefined>((done) => setImmediate(() => done(undefined)))),
        ])
  const host = mailhost({
    resolver: { ...dnsOf({}), ...resolver },
    files: {
      "/etc/mail/sendmail.mc":
        "FEATURE(`dnsbl', `a.test')\nFEATURE(`dnsbl', `b.test')\nFEATURE(`dnsbl', `c.test')\n",
    },
  })
  const parts = { settings: host.settings, routing: host.routing, clock: () => 0, patience }
  const gate = makeGate({ ...parts, dns: { ...dnsOf({}), ...resolver } })
  const decision = await gate.connect(arrivalOf("192.0.2.7"))
  assert.deepEqual(asked.length, 3)
  assert.equal(said(decision), "550 5.7.1 Rejected: 192.0.2.7 listed at c.test")
  assert.match(allOf(decision.reason), /b\.test does not answer for 192\.0\.2\.7: no answer within 5 seconds/)
})
