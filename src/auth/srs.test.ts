import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { parseMailbox, printMailbox } from "../mail/address.ts"
import { isSrs, originalSender, rewriteSender, type Srs } from "./srs.ts"

const srs: Srs = { domain: "grussell.org", secret: "a secret of grussell.org", days: 21 }
const now = Date.UTC(2026, 10, 24)
const day = 86_400_000

function mailbox(text: string) {
  const read = parseMailbox(text)
  assert.ok(read.ok)
  return read.value
}

function localPart(address: string): string {
  return address.slice(0, address.lastIndexOf("@"))
}

function back(address: string, at = now, by = srs): string {
  const read = originalSender(localPart(address), by, at)
  return read.ok ? printMailbox(read.value) : read.error
}

test("a forwarded sender is of our domain, and leads back for as long as it may", () => {
  const sent = rewriteSender(mailbox("ann@example.org"), srs, now)
  assert.match(sent, /^SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=example\.org=ann@grussell\.org$/)
  assert.equal(back(sent), "ann@example.org")
  assert.equal(back(sent.toLowerCase()), "ann@example.org")
  assert.equal(back(sent, now + 21 * day), "ann@example.org")
  assert.equal(back(sent, now + 22 * day), "it is older than 21 days")
})

test("nobody without the secret makes one, and nobody changes one", () => {
  const sent = rewriteSender(mailbox("ann@example.org"), srs, now)
  assert.equal(back(sent.replace("=ann", "=bob")), "its hash is not ours")
  assert.equal(back(sent, now, { ...srs, secret: "another" }), "its hash is not ours")
  assert.equal(back("SRS0=x@grussell.org"), "it is none of the forms of SRS")
})

test("what another forwarder rewrote goes back by way of it, and does not grow with every hop", () => {
  const first = rewriteSender(mailbox("ann@example.org"), { ...srs, domain: "hello.com" }, now)
  const second = rewriteSender(mailbox(first), srs, now)
  assert.match(
    second,
    /^SRS1=[A-Z2-7]{8}=hello\.com==[A-Z2-7]{8}=[A-Z2-7]{2}=example\.org=ann@grussell\.org$/,
  )
  assert.equal(back(second), first)
  const third = rewriteSender(mailbox(second), { ...srs, domain: "napier.ac.uk" }, now)
  assert.equal(third.length, second.length)
  assert.equal(back(third), first)
})

test("any sender comes back as it was", () => {
  const local = fc.stringMatching(/^[a-zA-Z0-9_+=.-]{1,40}$/).filter((text) => !/^\.|\.$|\.\./.test(text))
  fc.assert(
    fc.property(local, fc.domain(), fc.nat(20), (user, host, age) => {
      fc.pre(!isSrs(user))
      const read = parseMailbox(`${user}@${host}`)
      fc.pre(read.ok)
      if (!read.ok) return
      assert.equal(
        back(rewriteSender(read.value, srs, now), now + age * day),
        `${user}@${host.toLowerCase()}`,
      )
    }),
  )
})
