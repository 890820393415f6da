import assert from "node:assert/strict"
import { test } from "node:test"
import type { Domain } from "../mail/address.ts"
import { bangForm, realMailbox, spokenBy } from "./spoken.ts"

const own: Domain = { kind: "name", ascii: "grussell.org", unicode: "grussell.org" }
const here = { own, bangs: true }
const uucp = (host: string): Domain => ({ kind: "name", ascii: `${host}.uucp`, unicode: `${host}.uucp` })

test("a mailbox at host.uucp is host!user for the world, at our own name", () => {
  const mailbox = { localPart: "b!ann", domain: uucp("a") }
  assert.equal(bangForm(mailbox), "a!b!ann")
  assert.deepEqual(realMailbox(mailbox, here), { localPart: "a!b!ann", domain: own })
  assert.equal(spokenBy("esmtp", mailbox, here), "a!b!ann@grussell.org")
  assert.equal(spokenBy("relay", mailbox, here), "a!b!ann", "the relay host knows what it means")
  const nouucp = { own, bangs: false }
  assert.equal(realMailbox(mailbox, nouucp), mailbox)
  assert.equal(spokenBy("esmtp", mailbox, nouucp), '"b!ann"@a.uucp'.replaceAll('"', ""))
})

test("every other mailbox is said as it is", () => {
  const mailbox = { localPart: "ann", domain: own }
  assert.equal(bangForm(mailbox), undefined)
  assert.equal(realMailbox(mailbox, here), mailbox)
  assert.equal(spokenBy("relay", mailbox, here), "ann@grussell.org")
  const literal = { localPart: "ann", domain: { kind: "literal", text: "[192.0.2.1]" } as const }
  assert.equal(spokenBy("esmtp", literal, here), "ann@[192.0.2.1]")
})
