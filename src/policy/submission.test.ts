import assert from "node:assert/strict"
import { test } from "node:test"
import type { Arrival } from "../mail/arrival.ts"
import { parseMailbox } from "../mail/address.ts"
import { arrivalOf, gateOf, said } from "../../test/kit/gate.ts"

const site = {
  users: ["gor", "bob"],
  tables: {
    access: "Connect:192.0.2.76 RELAY",
    aliases: "sales: gor\ntwo: gor, bob",
    sender_login: "list@grussell.org gor, bob\n@leaf.napier.ac.uk gor",
  },
  features: { sender_login: [], accept_unresolvable_domains: [] },
}
const gate = gateOf(site)
const stranger = "192.0.2.5"
const loggedIn = { authenticated: "gor", authType: "PLAIN" } as const

async function mail(
  address: string,
  client: string | undefined,
  more: Partial<Arrival> = {},
  asked = gate,
): Promise<string> {
  const parsed = parseMailbox(address)
  assert.ok(parsed.ok)
  const path = { kind: "mailbox", text: address } as const
  return said(await asked.sender(arrivalOf(client, { door: "MSA", submission: true, ...more }), path, 0))
}

for (const [client, more, expected] of [
  [stranger, {}, "530 5.7.0 Authentication required"],
  [stranger, loggedIn, "yes"],
  ["192.0.2.76", {}, "yes"],
  ["127.0.0.1", {}, "yes"],
  [undefined, {}, "yes"],
  [stranger, { submission: false, door: "MTA" }, "yes"],
] as const) {
  const who = `${client ?? "this host"}${"authenticated" in more ? ", logged in," : ""}`
  test(`RFC 6409 §4.3: ${who} at ${"door" in more ? more.door : "MSA"} hears ${expected}`, async () => {
    assert.equal(await mail("gor@grussell.org", client, more), expected)
  })
}

for (const [address, expected] of [
  ["gor@grussell.org", "yes"],
  ["gor+lists@grussell.org", "yes"],
  ["sales@grussell.org", "yes"],
  ["two@grussell.org", "yes"],
  ["list@grussell.org", "yes"],
  ["anybody@leaf.napier.ac.uk", "yes"],
  ["bob@grussell.org", "553 5.7.1 Sender address is not one of gor"],
  ["nobody@grussell.org", "553 5.7.1 Sender address is not one of gor"],
  ["gor@example.org", "553 5.7.1 Sender address is not one of gor"],
] as const) {
  test(`FEATURE(sender_login): gor sends as ${address}: ${expected}`, async () => {
    assert.equal(await mail(address, stranger, loggedIn), expected)
  })
}

test("FEATURE(sender_login): a table that does not answer is no refusal", async () => {
  const silent = gateOf({ ...site, tables: { access: site.tables.access }, silent: ["sender_login"] })
  assert.match(await mail("gor@grussell.org", stranger, loggedIn, silent), /^4\d\d /)
})
