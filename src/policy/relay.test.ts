import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { parseMailbox, printMailbox, type ReversePath } from "../mail/address.ts"
import { arrivalOf, gateOf, rcpt, said } from "../../test/kit/gate.ts"
import { records, type Site } from "../../test/kit/site.ts"

const hello: Site = {
  name: "mail.hello.com",
  classes: { w: ["mail.hello.com", "hello.com", "localhost", "[127.0.0.1]"] },
  users: ["andrew", "bob", "jim"],
}
const stranger = arrivalOf({ address: "127.0.0.5", name: "client.example.net" })
const denied = "550 5.7.1 Relaying denied"

// Real sendmail's answers to a stranger (its default configuration).
const answers: readonly (readonly [string, string])[] = [
  ["x@napier.ac.uk", denied],
  ["x%napier.ac.uk@hello.com", denied],
  ["x%napier.ac.uk@mail.hello.com", denied],
  ['"x@napier.ac.uk"@hello.com', denied],
  ['"x%napier.ac.uk"', denied],
  ["x%napier.ac.uk", denied],
  ["@hello.com:x@napier.ac.uk", denied],
  ["@hello.com,@example.org:x@napier.ac.uk", denied],
  ["napier.ac.uk!x", denied],
  ["napier.ac.uk!x@hello.com", denied],
  ["hello.com!napier.ac.uk!x", denied],
  ["hello.com!bob", "yes"],
  ["bob@hello.com", "yes"],
  ["bob", "yes"],
  ["bob@[127.0.0.1]", "yes"],
  ["x@[127.0.0.20]", denied],
  ["x@sub.hello.com", denied],
  ["x@example.org", denied],
  ["x@mail.hello.com@napier.ac.uk", "553 5.1.3 Invalid route address"],
  ["x@@napier.ac.uk", "553 5.1.3 Invalid route address"],
  ["postmaster", "550 5.1.1 User unknown"],
  ['"bob"@hello.com', "yes"],
  ["x%napier.ac.uk%example.org@hello.com", denied],
  ["bob+tag@hello.com", "yes"],
  ["nobody@hello.com", "550 5.1.1 User unknown"],
]

for (const [typed, expected] of answers) {
  test(`a stranger who names ${typed} hears ${expected}`, async () => {
    assert.equal(said(await rcpt(gateOf(hello), stranger, typed)), expected)
  })
}

const clients: readonly (readonly [string, Parameters<typeof arrivalOf>, Site, string])[] = [
  ["127.0.0.1 is this host", ["127.0.0.1"], {}, "yes"],
  ["::1 is this host", ["::1"], {}, "yes"],
  ["127.0.0.2 is not", [{ address: "127.0.0.2", name: "x.example.net" }], {}, denied],
  ["what is handed in on this host goes anywhere", [undefined], {}, "yes"],
  ["a login goes anywhere", ["192.0.2.7", { authenticated: "ann" }], {}, "yes"],
  ["a client with one of our names", [{ address: "192.0.2.7", name: "mail.hello.com" }], {}, "yes"],
  ["a client of our domain, without relay_entire_domain", [{ name: "ws.hello.com" }], {}, denied],
  [
    "a client of our domain, with relay_entire_domain",
    [{ name: "ws.hello.com" }],
    { macros: { m: "hello.com" }, features: { relay_entire_domain: [] } },
    "yes",
  ],
  [
    "a name that does not lead back",
    [{ address: "192.0.2.7", forged: "mail.hello.com" }],
    {},
    `${denied}. IP name possibly forged [192.0.2.7]`,
  ],
  ["no name", ["192.0.2.7"], {}, `${denied}. IP name lookup failed [192.0.2.7]`],
  ["an address in relay-domains", ["192.0.2.7"], { classes: { R: ["192.0.2"] } }, "yes"],
  [
    "an address that only begins like one",
    ["192.0.25.7"],
    { classes: { R: ["192.0.2"] } },
    `${denied}. IP name lookup failed [192.0.25.7]`,
  ],
  ["an IPv6 network in relay-domains", ["2001:db8::7"], { classes: { R: ["IPv6:2001:db8"] } }, "yes"],
  [
    "a host of a domain in relay-domains",
    [{ name: "a.example.org" }],
    { classes: { R: ["example.org"] } },
    "yes",
  ],
  [
    "a host of a domain in relay-domains, with relay_hosts_only",
    [{ name: "a.example.org" }],
    { classes: { R: ["example.org"] }, features: { relay_hosts_only: [] } },
    denied,
  ],
  ["access Connect:address RELAY", ["192.0.2.7"], { tables: { access: "Connect:192.0.2 RELAY" } }, "yes"],
  [
    "access Connect:domain RELAY",
    [{ name: "a.example.org" }],
    { tables: { access: "Connect:example.org RELAY" } },
    "yes",
  ],
  [
    "access Connect: OK lets speak, not relay",
    [{ name: "a.example.org" }],
    { tables: { access: "Connect:example.org OK" } },
    denied,
  ],
  [
    "access that does not answer",
    [{ name: "a.example.org" }],
    { silent: ["access"] },
    "451 4.3.0 Temporary system failure. Please try again later.",
  ],
  ["promiscuous_relay", ["192.0.2.7"], { features: { promiscuous_relay: [] } }, "yes"],
]

for (const [what, [client, more], site, expected] of clients) {
  test(`mail to another place: ${what}: ${expected}`, async () => {
    const gate = gateOf({ ...hello, ...site, classes: { ...hello.classes, ...site.classes } })
    assert.equal(said(await rcpt(gate, arrivalOf(client, more), "x@napier.ac.uk")), expected)
  })
}

const destinations: readonly (readonly [string, string, Site, string])[] = [
  ["a relay domain", "x@example.org", { classes: { R: ["example.org"] } }, "yes"],
  ["a host of a relay domain", "x@a.example.org", { classes: { R: ["example.org"] } }, "yes"],
  [
    "the same with relay_hosts_only",
    "x@a.example.org",
    { classes: { R: ["example.org"] }, features: { relay_hosts_only: [] } },
    denied,
  ],
  [
    "an address hidden behind a relay domain",
    "x%napier.ac.uk@example.org",
    { classes: { R: ["example.org"] } },
    denied,
  ],
  ["a quoted one", '"x@napier.ac.uk"@example.org', { classes: { R: ["example.org"] } }, denied],
  ["a bang path behind it", "napier.ac.uk!x@example.org", { classes: { R: ["example.org"] } }, denied],
  [
    "a hidden address that is admitted itself",
    "x%a.example.org@example.org",
    { classes: { R: ["example.org"] } },
    "yes",
  ],
  ["access To: RELAY", "x@a.example.org", { tables: { access: "To:example.org RELAY" } }, "yes"],
  [
    "access To: with a user is no relay",
    "x@example.org",
    { tables: { access: "To:x@example.org RELAY" } },
    denied,
  ],
  [
    "an address hidden behind access To:",
    "x%napier.ac.uk@example.org",
    { tables: { access: "To:example.org RELAY" } },
    denied,
  ],
  [
    "a virtual domain",
    "info@example.org",
    { classes: { VirtHost: ["example.org"] }, tables: { virtusertable: "@example.org bob" } },
    "yes",
  ],
  [
    "a domain whose MX we are",
    "x@example.org",
    {
      features: { relay_based_on_MX: [] },
      dns: { mx: async () => records({ preference: 10, exchange: "mail.hello.com" }) },
    },
    "yes",
  ],
  [
    "a domain whose MX we are not",
    "x@example.org",
    {
      features: { relay_based_on_MX: [] },
      dns: { mx: async () => records({ preference: 10, exchange: "mail.example.org" }) },
    },
    denied,
  ],
  [
    "a domain whose MX is not known now",
    "x@example.org",
    {
      features: { relay_based_on_MX: [] },
      dns: { mx: async () => ({ found: "unavailable", why: "timeout" }) },
    },
    "451 4.3.0 Temporary system failure. Please try again later.",
  ],
]

for (const [what, typed, site, expected] of destinations) {
  test(`a stranger's mail to ${what}: ${expected}`, async () => {
    const gate = gateOf({ ...hello, ...site, classes: { ...hello.classes, ...site.classes } })
    assert.equal(said(await rcpt(gate, stranger, typed)), expected)
  })
}

test("a claimed local sender opens nothing, unless FEATURE(relay_local_from) says so", async () => {
  const senders = ["bob@hello.com", "postmaster@hello.com", "bob@mail.hello.com"].map(mailboxOf)
  for (const from of ["null", ...senders] as const) {
    assert.equal(said(await rcpt(gateOf(hello), stranger, "x@napier.ac.uk", from)), denied)
  }
  const gate = gateOf({ ...hello, features: { relay_local_from: [] } })
  assert.equal(said(await rcpt(gate, stranger, "x@napier.ac.uk", mailboxOf("bob@hello.com"))), "yes")
  assert.equal(said(await rcpt(gate, stranger, "x@napier.ac.uk", "null")), denied)
})

test("FEATURE(relay_mail_from) asks access for the sender, and for its domain only when told so", async () => {
  const tables = { access: "From:ann@example.org RELAY\nFrom:example.net RELAY" }
  const by = (args: readonly string[]) => gateOf({ ...hello, tables, features: { relay_mail_from: args } })
  const ask = async (args: readonly string[], from: string) =>
    said(await rcpt(by(args), stranger, "x@napier.ac.uk", mailboxOf(from)))
  assert.equal(await ask([], "ann@example.org"), "yes")
  assert.equal(await ask([], "ann@example.net"), denied)
  assert.equal(await ask(["domain"], "ann@example.net"), "yes")
})

function mailboxOf(text: string): Exclude<ReversePath, "null"> {
  const mailbox = parseMailbox(text)
  assert.ok(mailbox.ok)
  return mailbox.value
}

// The forms of the relay battery: each asks for a foreign mailbox, whatever it is wrapped in.
const wraps: readonly ((foreign: string, user: string, domain: string) => string)[] = [
  (foreign) => foreign,
  (_, user, domain) => `"${user}"@${domain}`,
  (foreign) => `"${foreign}"`,
  (_, user, domain) => `${user}%${domain}@hello.com`,
  (_, user, domain) => `${user}%${domain}@[127.0.0.1]`,
  (_, user, domain) => `${user}%${domain}`,
  (_, user, domain) => `${user}%${domain}@localhost`,
  (foreign) => `"${foreign}"@hello.com`,
  (foreign) => `"${foreign}"@localhost`,
  (_, user, domain) => `"${user}%${domain}"@hello.com`,
  (foreign) => `${foreign}@hello.com`,
  (_, user, domain) => `${user}@hello.com@${domain}`,
  (foreign) => `@hello.com:${foreign}`,
  (foreign) => `@localhost:${foreign}`,
  (foreign) => `@[127.0.0.1]:${foreign}`,
  (foreign, _, domain) => `@hello.com,@${domain}:${foreign}`,
  (_, user, domain) => `${domain}!${user}`,
  (_, user, domain) => `${domain}!${user}@hello.com`,
  (_, user, domain) => `hello.com!${domain}!${user}`,
  (foreign) => `${foreign}.`,
  (foreign) => foreign.toUpperCase(),
  (foreign) => `${foreign}:25`,
  (_, user, domain) => `${user}@ ${domain}`,
  (_, user, domain) => `${user} @${domain}`,
  (foreign) => ` ${foreign}`,
  (foreign) => `${foreign} `,
  (_, user) => `${user}@[10.1.2.3]`,
  (_, user) => `${user}@[IPv6:2001:db8::1]`,
  (_, user) => `${user}@127.0.0.1`,
  (_, user) => `${user}@2130706433`,
  (_, user, domain) => `${user}@sub.${domain}`,
  (_, user) => `${user}@sub.hello.com.example.org`,
  (_, user) => `${user}@xhello.com`,
  (_, user, domain) => `${user}@hello.com\u0000.${domain}`,
  (_, user, domain) => `${user}@${domain}\u0000@hello.com`,
  (_, user, domain) => `${user}@${domain}(@hello.com)`,
  (_, user, domain) => `${user}(@hello.com)@${domain}`,
  (foreign) => `${foreign}\t`,
  (foreign) => `${foreign},bob@hello.com`,
  (foreign) => `bob@hello.com,${foreign}`,
  (_, user, domain) => `${user}@${domain}\\@hello.com`,
]

test("no form of a foreign address is admitted for a stranger", async () => {
  const gate = gateOf(hello)
  for (const wrap of wraps) {
    const typed = wrap("victim@foreign.test", "victim", "foreign.test")
    assert.notEqual(said(await rcpt(gate, stranger, typed)), "yes", typed)
  }
})

test("forms in forms, to any depth: nothing foreign is ever admitted for a stranger", async () => {
  const gate = gateOf({ ...hello, classes: { ...hello.classes, R: ["relayed.example.org"] } })
  const user = fc.constantFrom("victim", "v.v", "bob", "v+d", "\\victim")
  const domain = fc.constantFrom("foreign.test", "a.foreign.test", "[192.0.2.9]", "foreign")
  const ours = fc.constantFrom(
    "hello.com",
    "localhost",
    "[127.0.0.1]",
    "relayed.example.org",
    "mail.hello.com",
  )
  type Layer = (inner: string, host: string) => string
  const layer = fc.constantFrom<Layer>(
    (inner, host) => `${inner.replaceAll("@", "%")}@${host}`,
    (inner, host) => `"${inner.replaceAll(/["\\]/g, "\\$&")}"@${host}`,
    (inner) => `"${inner.replaceAll(/["\\]/g, "\\$&")}"`,
    (inner, host) => `@${host}:${inner}`,
    (inner, host) => `@${host},@${host}:${inner}`,
    (inner, host) => `${inner}@${host}`,
    (inner, host) => {
      const at = inner.lastIndexOf("@")
      return at < 0 ? inner : `${host}!${inner.slice(at + 1)}!${inner.slice(0, at)}`
    },
    (inner) => inner.replaceAll("@", "%"),
    (inner) => ` ${inner} `,
    (inner) => `${inner}.`,
  )
  const layers = fc.array(fc.tuple(layer, ours), { maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(user, domain, layers, async (name, host, around) => {
      const typed = around.reduce((inner, [wrap, own]) => wrap(inner, own), `${name}@${host}`)
      const decision = await rcpt(gate, stranger, typed)
      if (decision.outcome !== "yes" || decision.value === "postmaster") return
      const { domain: where, localPart } = decision.value
      const shown = `${JSON.stringify(typed)} became ${printMailbox(decision.value)}`
      assert.equal(where.kind, "name", shown)
      const ascii = where.kind === "name" ? where.ascii : ""
      assert.match(ascii, /^(?:(?:mail\.)?hello\.com|relayed\.example\.org)$/, shown)
      assert.doesNotMatch(localPart, /foreign|192/, shown)
    }),
    { numRuns: 5000 },
  )
})
