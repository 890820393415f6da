// What filters are told: sendmail's lists for each stage (proto.m4), those of the configuration, those of the filter.
import assert from "node:assert/strict"
import { test } from "node:test"
import { mail, play } from "../../test/kit/milter-play.ts"
import { settingsOf } from "../../test/kit/site.ts"
import type { Arrival } from "../mail/arrival.ts"
import { envelopeMacros, interfaceMacros, macrosFor, sessionMacros } from "./milter-macros.ts"

test("a filter is told which address of ours the client came to, and where routing takes sender and recipient", async () => {
  const world = {
    names: async () => ({ found: "records", records: ["mx2.grussell.org"], secure: false, ttl: 60 }) as const,
    async route(address: string) {
      if (address.endsWith("napier.ac.uk")) return { mailer: "smart", host: "relay.hello.com", user: address }
      return { mailer: "cyrus", host: "", user: "gordon" }
    },
  }
  const { filters } = await play(mail, { filters: [{}], world, reached: "192.0.2.25" })
  const at = (step: string) => Object.fromEntries(filters[0]?.macros.get(step) ?? [])
  assert.equal(at("C")["{if_addr}"], "192.0.2.25")
  assert.equal(at("C")["{if_name}"], "mx2.grussell.org")
  assert.deepEqual(
    ["{mail_mailer}", "{mail_host}", "{mail_addr}"].map((name) => at("M")[name]),
    ["smart", "relay.hello.com", "andrew@napier.ac.uk"],
  )
  assert.deepEqual(at("R"), { "{rcpt_mailer}": "cyrus", "{rcpt_addr}": "gordon" })
})

test("an address of ours without a name is told as such, one of the loopback net is not told", async () => {
  const nameless = async () => ({ found: "unavailable", why: "SERVFAIL" }) as const
  const macros = (address: string) => interfaceMacros(address, nameless)
  assert.deepEqual(await macros("2001:db8::25"), {
    if_addr: "IPv6:2001:db8::25",
    if_family: "10",
    if_name: "[IPv6:2001:db8::25]",
  })
  assert.deepEqual(await macros("127.0.0.1"), { if_name: "localhost" })
  assert.deepEqual(await interfaceMacros(undefined, nameless), {})
})

test("a filter has the macros that it asks for, the configuration those it names", async () => {
  const { filters } = await play(mail, {
    filters: [{ symbols: { 0: "{client_addr} j", 5: "i {msg_id}" } }, {}],
    options: { "Milter.macros.connect": ["{client_name}", "v"] },
  })
  assert.deepEqual(Object.fromEntries(filters[0]?.macros.get("C") ?? []), {
    "{client_addr}": "10.4.5.6",
    j: "grussell.org",
  })
  assert.deepEqual(Object.fromEntries(filters[0]?.macros.get("E") ?? []), { i: "6AO7Ag00000001" })
  assert.deepEqual([...(filters[1]?.macros.get("C")?.keys() ?? [])], ["{client_name}", "v"])
})

const arrival: Arrival = {
  session: "s",
  protocol: "ESMTP",
  client: { address: "192.0.2.7", port: 40000, name: "pc236b.napier.ac.uk" },
  helo: "pc236b.napier.ac.uk",
  authenticated: "gordon",
  authType: "PLAIN",
  door: "MTA",
  submission: false,
  tls: "TLSv1.3 TLS_AES_256_GCM_SHA384",
  tlsFacts: {
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    bits: 256,
    verify: "OK",
    certificate: {
      subject: "/CN=pc236b.napier.ac.uk",
      issuer: "/O=Napier/CN=CA",
      cnSubject: "pc236b.napier.ac.uk",
      cnIssuer: "CA",
      altNames: [],
      fingerprint: "00",
    },
  },
}

const stages = [
  ["connect", { j: "grussell.org", _: "pc236b.napier.ac.uk [192.0.2.7]", "{daemon_name}": "MTA" }],
  [
    "helo",
    {
      "{tls_version}": "TLSv1.3",
      "{cipher}": "TLS_AES_256_GCM_SHA384",
      "{cipher_bits}": "256",
      "{cert_subject}": "/CN=pc236b.napier.ac.uk",
      "{cert_issuer}": "/O=Napier/CN=CA",
    },
  ],
  [
    "mail",
    {
      i: "6AO7Ag00000001",
      "{auth_type}": "PLAIN",
      "{auth_authen}": "gordon",
      "{auth_ssf}": "0",
      "{mail_mailer}": "local",
      "{mail_addr}": "<>",
    },
  ],
  ["data", {}],
  ["eoh", {}],
  ["eom", { "{msg_id}": "<1@napier.ac.uk>" }],
] as const

for (const [stage, expected] of stages) {
  test(`at ${stage} a filter is told what sendmail tells`, () => {
    const settings = settingsOf({})
    const envelope = {
      reversePath: "null",
      recipients: [],
      body: "7bit",
      smtputf8: false,
      ret: undefined,
      envid: undefined,
    } as const
    const known = {
      ...sessionMacros(arrival, settings),
      ...envelopeMacros(envelope, "6AO7Ag00000001", settings),
      msg_id: "<1@napier.ac.uk>",
    }
    const told = macrosFor(stage, undefined, known, settings)
    const pairs = Array.from({ length: told.length / 2 }, (_, n) => told.slice(2 * n, 2 * n + 2))
    assert.deepEqual(Object.fromEntries(pairs), expected)
  })
}
