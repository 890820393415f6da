import assert from "node:assert/strict"
import { test } from "node:test"
import type { Client } from "../mail/arrival.ts"
import { printOrigin } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import type { DnsAnswer } from "../mail/world.ts"
import { arrivalOf, envelopeFrom, gateOf } from "../../test/kit/gate.ts"
import { records, type Site } from "../../test/kit/site.ts"
import { reversed } from "./dnsbl.ts"

const named = (address: string): Partial<Client> => ({ address, name: "client.example.net" })
const silence: DnsAnswer<never> = { found: "unavailable", why: "timeout" }
const nothing: DnsAnswer<never> = { found: "nothing", why: "no such name", secure: false }

/** Lists in which 192.0.2.66 stands, and one that never answers. */
const lists: NonNullable<Site["dns"]> = {
  async addresses(name) {
    if (name.endsWith(".silent.test")) return silence
    return name.startsWith("66.2.0.192.") ? records("127.0.0.2") : nothing
  },
}

async function met(
  client: Partial<Client>,
  site: Site,
  load?: { open: number; rate: number },
): Promise<string> {
  const gate = gateOf({ users: ["bob"], ...site, dns: lists })
  const decision = await gate.connect(arrivalOf(client, load === undefined ? {} : { load }))
  if (decision.outcome === "yes" || decision.outcome === "pass") return decision.outcome
  const at = decision.reason.at === undefined ? "" : ` (${printOrigin(decision.reason.at)})`
  return `${replyLine(decision.reply)}${at}`
}

const rate = {
  features: { access_db: [], ratecontrol: [] },
  tables: { access: "ClientRate:192.0.2 4\nClientRate: 10" },
}
const conn = {
  features: { access_db: [], conncontrol: ["", "terminate"] },
  tables: { access: "ClientConn:192.0.2.9 0\nClientConn: 2\nClientConn:192.0.2.8 many" },
}
const rdns = { features: { require_rdns: [] }, classes: { R: ["192.0.2.80"] } }

const cases: readonly (readonly [
  what: string,
  client: Partial<Client>,
  site: Site,
  answer: string,
  load?: [number, number],
])[] = [
  ["nothing asks", named("192.0.2.66"), {}, "yes"],
  [
    "a listed address",
    named("192.0.2.66"),
    { features: { dnsbl: ["bl.test"] } },
    "550 5.7.1 Rejected: 192.0.2.66 listed at bl.test (/etc/mail/sendmail.mc:1)",
  ],
  ["one that is not", named("192.0.2.7"), { features: { dnsbl: ["bl.test"] } }, "yes"],
  ["a list that is silent lets pass", named("192.0.2.66"), { features: { dnsbl: ["silent.test"] } }, "yes"],
  [
    "… but not with t",
    named("192.0.2.66"),
    { features: { dnsbl: ["silent.test", "", "t"] } },
    "451 4.4.3 Temporary lookup failure of 192.0.2.66 at silent.test (/etc/mail/sendmail.mc:1)",
  ],
  [
    "… and says its own words",
    named("192.0.2.66"),
    { features: { dnsbl: ["silent.test", "", '"450 4.7.1 wait " $&{client_addr}'] } },
    "450 4.7.1 wait 192.0.2.66 (/etc/mail/sendmail.mc:1)",
  ],
  [
    "codes that count",
    named("192.0.2.66"),
    { features: { enhdnsbl: ["bl.test", "", "", "127.0.0.2."] } },
    "550 5.7.1 Rejected: 192.0.2.66 listed at bl.test (/etc/mail/sendmail.mc:1)",
  ],
  [
    "codes that do not",
    named("192.0.2.66"),
    { features: { enhdnsbl: ["bl.test", "", "", "127.0.0.3.", "127.0.1.$+"] } },
    "yes",
  ],
  [
    "a listed one to be held may speak",
    named("192.0.2.66"),
    { features: { dnsbl: ["bl.test", "quarantine"] } },
    "yes",
  ],
  [
    "access has the first word",
    named("192.0.2.66"),
    { features: { dnsbl: ["bl.test"] }, tables: { access: "192.0.2.66 OK" } },
    "yes",
  ],
  ["a name that leads back", named("192.0.2.7"), rdns, "yes"],
  [
    "no name",
    { address: "192.0.2.7" },
    rdns,
    "550 5.7.1 Fix reverse DNS for 192.0.2.7 (/etc/mail/sendmail.mc:1)",
  ],
  ["no name, but relayed for", { address: "192.0.2.80" }, rdns, "yes"],
  [
    "a forged name",
    { address: "192.0.2.7", forged: "x.example.org" },
    rdns,
    "451 4.1.8 Possibly forged hostname for 192.0.2.7 (/etc/mail/sendmail.mc:1)",
  ],
  [
    "DNS does not say",
    { address: "192.0.2.7", unsure: true },
    rdns,
    "451 4.1.8 Client IP address 192.0.2.7 does not resolve (/etc/mail/sendmail.mc:1)",
  ],
  ["as often as allowed", named("192.0.2.7"), rate, "yes", [1, 4]],
  [
    "once too often",
    named("192.0.2.7"),
    rate,
    "452 4.3.2 Connection rate limit exceeded. (/etc/mail/access:1)",
    [1, 5],
  ],
  [
    "the default for everybody else",
    named("198.51.100.1"),
    rate,
    "452 4.3.2 Connection rate limit exceeded. (/etc/mail/access:2)",
    [1, 11],
  ],
  ["nobody has counted", named("192.0.2.7"), rate, "yes"],
  [
    "one connection too many",
    named("192.0.2.7"),
    conn,
    "421 4.3.2 Too many open connections. (/etc/mail/access:2)",
    [3, 3],
  ],
  ["0 is no limit", named("192.0.2.9"), conn, "yes", [300, 300]],
  [
    "a limit that is none",
    named("192.0.2.8"),
    conn,
    "451 4.3.0 Temporary system failure. Please try again later. (/etc/mail/access:3)",
    [1, 1],
  ],
]

for (const [what, client, site, answer, load] of cases) {
  test(`a client is met: ${what}`, async () => {
    const counted = load === undefined ? undefined : { open: load[0], rate: load[1] }
    assert.equal(await met(client, site, counted), answer)
  })
}

test("an address is asked for backwards, octet by octet, or digit by digit for IPv6 (RFC 5782)", () => {
  assert.equal(reversed("192.0.2.99"), "99.2.0.192")
  assert.equal(
    reversed("2001:db8:1:2:3:4:567:89ab"),
    "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2",
  )
})

test("a list that holds or throws away is asked when the message is there", async () => {
  const kept = async (instead: string, client: string) => {
    const gate = gateOf({ users: ["bob"], dns: lists, features: { dnsbl: ["bl.test", instead] } })
    const decision = await gate.message(arrivalOf(named(client)), envelopeFrom("null"), Buffer.alloc(0), 100)
    assert.ok(decision.outcome === "yes")
    return decision.value.keep
  }
  assert.equal(await kept("quarantine", "192.0.2.66"), "hold")
  assert.equal(await kept("discard", "192.0.2.66"), "discard")
  assert.equal(await kept("quarantine", "192.0.2.7"), "deliver")
})

test("mail that is handed in on this host meets no list", async () => {
  const gate = gateOf({ dns: lists, ...rdns })
  assert.equal((await gate.connect(arrivalOf(undefined))).outcome, "yes")
})

const pauses: readonly (readonly [
  what: string,
  client: Partial<Client>,
  Site,
  milliseconds: number | string,
])[] = [
  ["no feature", named("192.0.2.7"), {}, "pass"],
  ["the feature's time", named("192.0.2.7"), { features: { greet_pause: ["5000"] } }, 5000],
  [
    "access, by name",
    named("192.0.2.7"),
    { features: { greet_pause: ["5000"] }, tables: { access: "GreetPause:example.net 0" } },
    "pass",
  ],
  [
    "access, by address",
    { address: "192.0.2.7" },
    { features: { greet_pause: ["5000"] }, tables: { access: "GreetPause:192.0 2000" } },
    2000,
  ],
  [
    "access, that is silent",
    named("192.0.2.7"),
    { features: { greet_pause: ["5000"] }, silent: ["access"] },
    "pass",
  ],
  [
    "nobody waits longer than clients do",
    named("192.0.2.7"),
    { features: { greet_pause: ["999999999"] } },
    300_000,
  ],
]

for (const [what, client, site, milliseconds] of pauses) {
  test(`before its greeting a client waits: ${what}`, async () => {
    const decision = await gateOf(site).pause?.(arrivalOf(client))
    assert.equal(decision?.outcome === "yes" ? decision.value : decision?.outcome, milliseconds)
  })
}
