import assert from "node:assert/strict"
import { test } from "node:test"
import { printMailbox } from "../mail/address.ts"
import { printOrigin } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import { type Site, siteOf } from "../../test/kit/site.ts"
import { canonify } from "./canonify.ts"
import { rewriteRecipient, rewriteSender } from "./masquerade.ts"

const hello: Site = {
  name: "mail.hello.com",
  classes: { w: ["mail.hello.com", "hello.com", "localhost"] },
}

async function sent(typed: string, where: "header" | "envelope" | "recipient", more: Site): Promise<string> {
  const world = siteOf({ ...hello, ...more, classes: { ...hello.classes, ...more.classes } })
  const read = await canonify(typed, world)
  assert.ok(read.outcome === "yes")
  const decision =
    where === "recipient"
      ? await rewriteRecipient(read.value, world)
      : await rewriteSender(read.value, where, world)
  if (decision.outcome === "yes") return printMailbox(decision.value)
  return decision.outcome === "pass" ? "pass" : replyLine(decision.reply)
}

const as = { macros: { M: "masq.example.org" } }
const envelope = { ...as, features: { masquerade_envelope: [] } }
const exposed = { ...as, classes: { E: ["root"] } }
const entire = { ...as, classes: { M: ["dom.example.org"] }, features: { masquerade_entire_domain: [] } }
const limited = { ...as, classes: { M: ["dom.example.org"] }, features: { limited_masquerade: [] } }
const except = { ...as, classes: { N: ["hello.com"] } }

const cases: readonly (readonly [string, string, "header" | "envelope" | "recipient", Site, string])[] = [
  ["no MASQUERADE_AS", "bob", "header", {}, "bob@mail.hello.com"],
  ["no MASQUERADE_AS", "bob@hello.com", "header", {}, "bob@hello.com"],
  ["MASQUERADE_AS", "bob", "header", as, "bob@masq.example.org"],
  ["MASQUERADE_AS", "bob@hello.com", "header", as, "bob@masq.example.org"],
  ["MASQUERADE_AS", "bob@localhost", "header", as, "bob@masq.example.org"],
  ["MASQUERADE_AS", "bob@ws.hello.com", "header", as, "bob@ws.hello.com"],
  ["MASQUERADE_AS", "far@napier.ac.uk", "header", as, "far@napier.ac.uk"],
  ["MASQUERADE_AS", "bob@hello.com", "envelope", as, "bob@hello.com"],
  ["MASQUERADE_AS", "bob", "recipient", as, "bob@mail.hello.com"],
  ["masquerade_envelope", "bob", "envelope", envelope, "bob@masq.example.org"],
  ["masquerade_envelope", "bob@ws.hello.com", "envelope", envelope, "bob@ws.hello.com"],
  ["EXPOSED_USER", "root", "header", exposed, "root@mail.hello.com"],
  ["EXPOSED_USER", "root@hello.com", "header", exposed, "root@hello.com"],
  ["EXPOSED_USER", "bob", "header", exposed, "bob@masq.example.org"],
  [
    "MASQUERADE_DOMAIN",
    "x@dom.example.org",
    "header",
    { ...as, classes: { M: ["dom.example.org"] } },
    "x@masq.example.org",
  ],
  [
    "MASQUERADE_DOMAIN",
    "x@sub.dom.example.org",
    "header",
    { ...as, classes: { M: ["dom.example.org"] } },
    "x@sub.dom.example.org",
  ],
  ["masquerade_entire_domain", "x@sub.dom.example.org", "header", entire, "x@masq.example.org"],
  ["limited_masquerade", "bob@hello.com", "header", limited, "bob@hello.com"],
  ["limited_masquerade", "x@dom.example.org", "header", limited, "x@masq.example.org"],
  ["MASQUERADE_EXCEPTION", "bob@hello.com", "header", except, "bob@hello.com"],
  ["allmasquerade", "bob", "recipient", { ...as, features: { allmasquerade: [] } }, "bob@masq.example.org"],
]

for (const [word, typed, where, site, expected] of cases) {
  test(`${word}: ${typed} in the ${where} leaves as ${expected}`, async () => {
    assert.equal(await sent(typed, where, site), expected)
  })
}

const generics: Site = {
  classes: { G: ["hello.com", "mail.hello.com"] },
  tables: {
    genericstable:
      "jim Jim.Smith@example.org\nbob bobby\nandrew@hello.com a.cumming@example.org\nann+* %1@example.net",
  },
}

const generic: readonly (readonly [string, string])[] = [
  ["bob", "bobby@mail.hello.com"],
  ["bob@hello.com", "bobby@mail.hello.com"],
  ["bob@ws.hello.com", "bob@ws.hello.com"],
  ["jim", "Jim.Smith@example.org"],
  ["jim@mail.hello.com", "Jim.Smith@example.org"],
  ["andrew@hello.com", "a.cumming@example.org"],
  ["andrew", "andrew@mail.hello.com"],
  ["ann+news", "news@example.net"],
  ["bob+tag@hello.com", "bobby@mail.hello.com"],
]

for (const [typed, expected] of generic) {
  test(`with a genericstable ${typed} leaves as ${expected}`, async () => {
    assert.equal(await sent(typed, "header", generics), expected)
  })
}

test("jim of email.test.com is jim@me.com to the world, and only to the world (the worked question)", async () => {
  const site: Site = {
    name: "email.test.com",
    classes: { w: ["email.test.com", "test.com", "me.com"], G: ["email.test.com", "test.com"] },
    tables: { genericstable: "jim jim@me.com", virtusertable: "jim@me.com jim" },
  }
  assert.equal(await sent("jim", "header", site), "jim@me.com")
  assert.equal(await sent("jim@test.com", "header", site), "jim@me.com")
  assert.equal(await sent("ann@test.com", "header", site), "ann@test.com")
})

test("the line that rewrote is cited, and a table that is silent makes it wait", async () => {
  const world = siteOf({ ...hello, ...generics, classes: { ...hello.classes, ...generics.classes } })
  const read = await canonify("jim", world)
  assert.ok(read.outcome === "yes")
  const decision = await rewriteSender(read.value, "header", world)
  assert.equal(decision.reason.at && printOrigin(decision.reason.at), "/etc/mail/genericstable:1")
  assert.equal(
    await sent("jim", "header", { silent: ["genericstable"] }),
    "451 4.3.0 Temporary system failure. Please try again later.",
  )
})

test("a MASQUERADE_AS that is no domain is the postmaster's to mend, not the sender's", async () => {
  assert.match(await sent("bob", "header", { macros: { M: "not/a/name" } }), /^451 4\.3\.0/)
})
