import assert from "node:assert/strict"
import { test } from "node:test"
import { printOrigin } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import { mc, type Site, siteOf } from "../../test/kit/site.ts"
import { canonify } from "./canonify.ts"
import { type Leaving, rewriteAddress } from "./rewrite-address.ts"

const hello: Site = {
  name: "mail.hello.com",
  classes: { w: ["mail.hello.com", "hello.com", "localhost"] },
}

/** As sendmail -bt has it: H or E, S or R. */
const flags: Readonly<Record<string, Omit<Leaving, "mailer">>> = {
  HS: { where: "header", kind: "sender" },
  HR: { where: "header", kind: "recipient" },
  ES: { where: "envelope", kind: "sender" },
  ER: { where: "envelope", kind: "recipient" },
}

async function decided(typed: string, how: string, more: Site) {
  const world = siteOf({ ...hello, ...more, classes: { ...hello.classes, ...more.classes } })
  const read = await canonify(typed, world)
  assert.ok(read.outcome === "yes")
  const [mailer = "", place = ""] = how.split(" ")
  const leaving = flags[place]
  assert.ok(leaving !== undefined)
  return await rewriteAddress(read.value, { mailer, ...leaving }, world)
}

async function seen(typed: string, how: string, more: Site): Promise<string> {
  const decision = await decided(typed, how, more)
  if (decision.outcome === "yes") return decision.value
  return decision.outcome === "pass" ? "pass" : replyLine(decision.reply)
}

const always = { features: { always_add_domain: [] } }
const named = { features: { always_add_domain: ["example.org"] } }
const as = { macros: { M: "masq.example.org" } }
const everywhere = { ...as, features: { allmasquerade: [] } }
const generic = {
  features: { genericstable: [] },
  classes: { G: ["hello.com"] },
  tables: { genericstable: "bob bobby\nbob@hello.com bobby" },
}

const cases: readonly (readonly [typed: string, how: string, site: Site, leaves: string])[] = [
  // A mailbox of this host: names stay as they are.
  ["bob", "local HS", {}, "bob"],
  ["bob", "local HR", {}, "bob"],
  ["bob", "prog HS", {}, "bob"],
  ["bob", "local ES", as, "bob"],
  ["bob@hello.com", "local HS", {}, "bob@hello.com"],
  ["bob@localhost", "local HS", {}, "bob@mail.hello.com"],
  ["bob@hello.com", "local ER", {}, "bob"],
  ["bob", "local HS", as, "bob"],
  ["bob@hello.com", "local HS", as, "bob@masq.example.org"],
  ["bob@hello.com", "local HR", as, "bob@hello.com"],
  ["bob@hello.com", "local HR", everywhere, "bob@masq.example.org"],
  ["bob@hello.com", "local ES", as, "bob@hello.com"],
  ["bob", "local HS", generic, "bob"],
  ["bob@hello.com", "local HS", generic, "bobby@mail.hello.com"],
  ["bob@hello.com", "local HR", generic, "bob@hello.com"],
  // always_add_domain
  ["bob", "local HS", always, "bob@mail.hello.com"],
  ["bob", "local HR", always, "bob@mail.hello.com"],
  ["bob", "local HS", { ...always, ...as }, "bob@masq.example.org"],
  ["bob", "local HR", { ...always, ...as }, "bob@mail.hello.com"],
  ["bob", "local HS", named, "bob@example.org"],
  ["bob", "esmtp HS", named, "bob@mail.hello.com"],
  // local_no_masquerade
  ["bob@hello.com", "local HS", { ...as, features: { local_no_masquerade: [] } }, "bob@hello.com"],
  ["bob@hello.com", "esmtp HS", { ...as, features: { local_no_masquerade: [] } }, "bob@masq.example.org"],
  // Another host: always with a domain.
  ["bob", "esmtp HS", {}, "bob@mail.hello.com"],
  ["bob", "esmtp HS", as, "bob@masq.example.org"],
  ["bob", "esmtp HR", as, "bob@mail.hello.com"],
  ["bob", "esmtp ES", as, "bob@mail.hello.com"],
  ["bob", "esmtp ER", as, "bob@mail.hello.com"],
  ["ann@Example.ORG", "esmtp ER", as, "ann@Example.ORG"],
  // UUCP
  ["host!ann", "esmtp HS", {}, "host!ann@mail.hello.com"],
  ["host!ann", "esmtp HS", as, "host!ann@masq.example.org"],
  ["a!b!ann", "esmtp ER", {}, "a!b!ann@mail.hello.com"],
  ["ann@host.uucp", "esmtp HR", {}, "host!ann@mail.hello.com"],
  ["ann@host.uucp", "relay ER", {}, "host!ann"],
]

for (const [typed, how, site, leaves] of cases) {
  test(`${typed} by ${how} with ${JSON.stringify(site)} leaves as ${leaves}`, async () => {
    assert.equal(await seen(typed, how, site), leaves)
  })
}

test("the line that masquerades, or keeps from it, is cited", async () => {
  const masqueraded = await decided("bob@hello.com", "local HS", as)
  assert.deepEqual(masqueraded.reason.at, mc(4)) // j, m, w, then M
  const kept = await decided("bob@hello.com", "local HS", { ...as, features: { local_no_masquerade: [] } })
  assert.match(kept.reason.says, /stays here/)
  assert.equal(kept.reason.at === undefined ? "" : printOrigin(kept.reason.at), "/etc/mail/sendmail.mc:1")
})

test("a domain for always_add_domain that is none makes the mail wait, and says so", async () => {
  const site = { features: { always_add_domain: ["no domain"] } }
  assert.match(await seen("bob", "local HS", site), /^451 4\.3\.0 /)
  assert.match((await decided("bob", "local HS", site)).reason.says, /which is wrong: not a domain name/)
})

test("a genericstable that does not answer makes the mail wait", async () => {
  assert.match(
    await seen("bob@hello.com", "local HS", { ...generic, tables: {}, silent: ["genericstable"] }),
    /^451/,
  )
})
