import assert from "node:assert/strict"
import { test } from "node:test"
import { type Domain, type Mailbox, parseMailbox } from "../mail/address.ts"
import { aliasKeys, domainKeys, foldKey, splitDetail, userKeys } from "./keys.ts"

function mailbox(text: string): Mailbox {
  const parsed = parseMailbox(text)
  assert.ok(parsed.ok, text)
  return parsed.value
}

function domain(name: string): Domain {
  return mailbox(`me@${name}`).domain
}

test("mailertable is asked for the domain, its parents with a dot, and the dot alone", () => {
  assert.deepEqual(domainKeys(domain("a.example.org")), ["a.example.org", ".example.org", ".org", "."])
  assert.deepEqual(domainKeys(domain("org")), ["org", "."])
  assert.deepEqual(domainKeys(domain("[192.0.2.1]")), ["[192.0.2.1]"])
})

test("virtusertable is asked with detail, with any detail, without, and for the whole domain", () => {
  assert.deepEqual(userKeys(mailbox("gor@hello.com")), ["gor@hello.com", "@hello.com"])
  assert.deepEqual(userKeys(mailbox("gor+news@hello.com")), [
    "gor+news@hello.com",
    "gor+*@hello.com",
    "gor@hello.com",
    "@hello.com",
  ])
  assert.deepEqual(userKeys(mailbox("gor+@hello.com")), ["gor+@hello.com", "gor@hello.com", "@hello.com"])
})

test("aliases are asked with detail first", () => {
  assert.deepEqual(aliasKeys("me+x+y"), ["me+x+y", "me+*", "me"])
  assert.deepEqual(aliasKeys("me"), ["me"])
  assert.deepEqual(splitDetail("+x"), { user: "+x", detail: undefined })
})

test("keys fold A to Z and nothing else", () => {
  assert.equal(foldKey("To:Example.ORG"), "to:example.org")
  assert.equal(foldKey("ÄRGER@X.org"), "Ärger@x.org")
})
