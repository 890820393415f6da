import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { printMailbox } from "../mail/address.ts"
import { printOrigin } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import { siteOf } from "../../test/kit/site.ts"
import { canonify } from "./canonify.ts"

const site = siteOf({
  name: "mail.hello.com",
  classes: { w: ["mail.hello.com", "hello.com", "localhost", "[127.0.0.1]"] },
  tables: { domaintable: "# old names\nold.example.org hello.com\nalias.example.org napier.ac.uk" },
})

/** `mailbox`, `mailbox (local)`, `mailbox (bare)` or the refusal. */
async function seen(typed: string, world = site): Promise<string> {
  const decision = await canonify(typed, world)
  if (decision.outcome === "yes") {
    const { mailbox, bare, local } = decision.value
    return `${printMailbox(mailbox)}${bare ? " (bare)" : local ? " (local)" : ""}`
  }
  return decision.outcome === "pass" ? "pass" : replyLine(decision.reply)
}

const cases: readonly (readonly [string, string])[] = [
  ["bob", "bob@mail.hello.com (bare)"],
  ["postmaster", "postmaster@mail.hello.com (bare)"],
  ["bob@hello.com", "bob@hello.com (local)"],
  ["bob@HELLO.com.", "bob@HELLO.com (local)"],
  ["Bob@napier.ac.uk", "Bob@napier.ac.uk"],
  ["bob@localhost", "bob@mail.hello.com (local)"],
  ["bob@localhost.hello.com", "bob@mail.hello.com (local)"],
  ["bob@[127.0.0.1]", "bob@mail.hello.com (local)"],
  ["bob@[192.0.2.1]", "bob@[192.0.2.1]"],
  ["bob@[IPv6:2001:DB8::1]", "bob@[IPv6:2001:db8::1]"],
  ["bob+tag@hello.com", "bob+tag@hello.com (local)"],
  // source routes: the last part wins
  ["@hello.com:user@napier.ac.uk", "user@napier.ac.uk"],
  ["@a.example.org,@b.example.org:user@napier.ac.uk", "user@napier.ac.uk"],
  ["@[IPv6:2001:db8::1]:user@napier.ac.uk", "user@napier.ac.uk"],
  ["@hello.com:bob", "bob@mail.hello.com (bare)"],
  // the percent hack is undone at home, and only there
  ["user%napier.ac.uk@hello.com", "user@napier.ac.uk"],
  ["user%napier.ac.uk", "user@napier.ac.uk"],
  ["user%a.example.org%b.example.org@hello.com", "user%a.example.org@b.example.org"],
  ["user%napier.ac.uk@example.org", "user%napier.ac.uk@example.org"],
  // bang paths
  ["host!user", "user@host.uucp"],
  ["napier.ac.uk!user", "user@napier.ac.uk"],
  ["hello.com!bob", "bob@hello.com (local)"],
  ["hello.com!napier.ac.uk!x", "x@napier.ac.uk"],
  ["napier.ac.uk!x@hello.com", "x@napier.ac.uk"],
  ["a!b!user", "b!user@a.uucp"],
  ["user::node", '"user::node"@mail.hello.com (bare)'],
  // quotes
  ['"bob"@hello.com', "bob@hello.com (local)"],
  ['"bob"', "bob@mail.hello.com (bare)"],
  ['"quo ted"@napier.ac.uk', '"quo ted"@napier.ac.uk'],
  ['"x@napier.ac.uk"@hello.com', "x@napier.ac.uk"],
  ['"x@napier.ac.uk"', "x@napier.ac.uk"],
  ['"x%napier.ac.uk"@localhost', "x@napier.ac.uk"],
  ['"\\"x@napier.ac.uk\\""@hello.com', "x@napier.ac.uk"],
  ['"x@napier.ac.uk"@example.org', '"x@napier.ac.uk"@example.org'],
  // blanks
  [" bob@hello.com ", "bob@hello.com (local)"],
  ["bob @ hello.com", "bob@hello.com (local)"],
  ["Jim Smith", "Jim.Smith@mail.hello.com (bare)"],
  ["a b@napier.ac.uk", "a.b@napier.ac.uk"],
  // domaintable
  ["bob@old.example.org", "bob@hello.com (local)"],
  ["x@alias.example.org", "x@napier.ac.uk"],
  ["x%napier.ac.uk@old.example.org", "x@napier.ac.uk"],
  // refusals, in sendmail's words
  ["", "553 5.1.3 User address required"],
  ["@napier.ac.uk", "553 5.1.3 User address required"],
  ["bob@", "553 5.1.3 Hostname required"],
  ["x@@napier.ac.uk", "553 5.1.3 Invalid route address"],
  ["x@hello.com@napier.ac.uk", "553 5.1.3 Invalid route address"],
  ["a@.example.org", "553 5.1.2 Invalid host name"],
  ["a@example..org", "553 5.1.2 Invalid host name"],
  ["a@[1.2.3]", "553 5.1.2 Invalid address"],
  ["a@[127.0.0.1]x", "553 5.1.2 Invalid address"],
  ["victim@example.org:25", "553 5.1.3 Colon illegal in host name part"],
  ["List: bob;", "553 5.1.3 List:; syntax illegal for recipient addresses"],
  ['"bob@hello.com', "553 5.1.3 Unbalanced '\"'"],
  ["a@[127.0.0.1", "553 5.1.3 Unbalanced '['"],
  ["victim@hello.com\u0000.example.org", "553 5.1.2 Invalid host name"],
  ["victim@example.org(@hello.com)", "553 5.1.3 Invalid route address"],
  ['""@hello.com', "553 5.1.3 User address required"],
  ['""', "553 5.1.3 User address required"],
]

for (const [typed, expected] of cases) {
  test(`${JSON.stringify(typed)} is ${expected}`, async () => assert.equal(await seen(typed), expected))
}

test("a leading backslash stays, for it means no aliases", async () => {
  const decision = await canonify("\\gordon", site)
  assert.ok(decision.outcome === "yes")
  assert.equal(decision.value.mailbox.localPart, "\\gordon")
  assert.ok(decision.value.bare)
})

test("without UUCP an exclamation mark is a letter like any other", async () => {
  const world = siteOf({ features: { nouucp: ["reject"] } })
  assert.equal(await seen("host!user", world), "host!user@grussell.org (bare)")
  assert.equal(await seen("napier.ac.uk!user@grussell.org", world), "napier.ac.uk!user@grussell.org (local)")
})

test("each rewriting is in the trail, and a line that rewrote is cited", async () => {
  const decision = await canonify("user%alias.example.org@hello.com", site)
  assert.ok(decision.outcome === "yes")
  const { after } = decision.reason
  assert.deepEqual(
    after.map((one) => `${one.step}: ${one.says}`),
    [
      "canonify: hello.com is this host, so user%alias.example.org counts",
      "canonify: user%alias.example.org is user@alias.example.org",
      'domaintable: "alias.example.org" says "napier.ac.uk"',
    ],
  )
  const at = after[2]?.at
  assert.equal(at && printOrigin(at), "/etc/mail/domaintable:3")
})

test("a domaintable that does not answer is no reason to refuse for good", async () => {
  assert.equal(
    await seen("bob@napier.ac.uk", siteOf({ silent: ["domaintable"] })),
    "451 4.3.0 Temporary system failure. Please try again later.",
  )
})

test("a domaintable line that is no domain is told to the postmaster, not taken", async () => {
  const world = siteOf({ tables: { domaintable: "a.example.org not/a/domain" } })
  const decision = await canonify("bob@a.example.org", world)
  assert.ok(decision.outcome === "later")
  assert.equal(decision.reason.at?.line, 1)
})

test("whatever is typed, it ends, and what is local has no address of another host left in it", async () => {
  const piece = fc.constantFrom(
    "bob",
    "@",
    "%",
    "!",
    '"',
    "\\",
    ":",
    ",",
    " ",
    "hello.com",
    "napier.ac.uk",
    "localhost",
    "[127.0.0.1]",
    "[",
    "]",
    ".",
  )
  const typed = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""))
  await fc.assert(
    fc.asyncProperty(typed, async (text) => {
      const decision = await canonify(text, site)
      if (decision.outcome !== "yes" || !decision.value.local) return
      const name = decision.value.mailbox.localPart
      assert.doesNotMatch(name.replace(/^\\+/, ""), /[@%!]/)
    }),
    { numRuns: 3000 },
  )
})

for (const [typed, expected] of [
  ["user%napier.ac.uk@hello.com", "user%napier.ac.uk@hello.com"],
  ["napier.ac.uk!user@hello.com", "napier.ac.uk!user@hello.com"],
  ['"user@napier.ac.uk"@hello.com', '"user@napier.ac.uk"@hello.com'],
  ["user%napier.ac.uk", "user@napier.ac.uk"],
] as const) {
  test(`in a header ${typed} is ${expected}: what is no way there stays as it is`, async () => {
    const decision = await canonify(typed, site, "form")
    assert.equal(decision.outcome === "yes" && printMailbox(decision.value.mailbox), expected)
  })
}
