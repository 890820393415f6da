// What a rehearsal tells: the tree of an address, with loops as loops, and a header before and after, with the lines that changed it.
import assert from "node:assert/strict"
import { test } from "node:test"
import { type Site, siteOf } from "../../test/kit/site.ts"
import { rewrittenFields, type Tree, treeOf } from "./rehearsal.ts"

/** A tree on one line: `team(me=delivered jim=delivered)`. */
function sketch({ address, fate, up, under }: Tree): string {
  const name = `${address}=${fate}${up === undefined ? "" : `^${up}`}`
  return under.length === 0 ? name : `${name}(${under.map(sketch).join(" ")})`
}

const trees: readonly (readonly [string, Site, string, string])[] = [
  [
    "a list is what it stands for",
    { users: ["me", "jim"], tables: { aliases: "team: me, jim" } },
    "team",
    "team=expanded(me=delivered jim=delivered)",
  ],
  [
    "two aliases that lead to each other are a loop, two levels up",
    { tables: { aliases: "round: about\nabout: round" } },
    "round",
    "round=expanded(about=expanded(round=loop^2))",
  ],
  [
    "an alias that names itself means the mailbox, which is no loop",
    { tables: { aliases: "me: me, jim" }, users: ["me", "jim"] },
    "me",
    "me=expanded(me=delivered jim=delivered)",
  ],
  [
    "a .forward that leads back is a loop; the mail stays where somebody lives",
    { users: ["me", "jim"], files: { "/home/me/.forward": "jim\n", "/home/jim/.forward": "me\n" } },
    "me",
    "me=expanded(jim=expanded(me=loop^2))",
  ],
  [
    "who is named twice gets one message, and that is no loop",
    { users: ["me"], tables: { aliases: "team: me, staff\nstaff: me" } },
    "team",
    "team=expanded(me=delivered staff=expanded(me=again))",
  ],
  [
    "who is not there is refused",
    { users: ["me"], tables: { aliases: "team: me, nobody-here" } },
    "team",
    "team=expanded(me=delivered nobody-here=refused)",
  ],
]

for (const [sentence, site, address, wanted] of trees)
  test(sentence, async () => {
    const tree = await treeOf(address, siteOf(site))
    assert.ok(tree !== undefined)
    assert.equal(sketch(tree), wanted)
  })

test("what is no address has no tree", async () => {
  assert.equal(await treeOf("a@b@", siteOf({})), undefined)
})

const masqueraded: Site = {
  name: "mail.hello.com",
  macros: { M: "hello.com" },
  classes: { w: ["mail.hello.com"], G: ["mail.hello.com"] },
  tables: { genericstable: "bob Robert.Smith@hello.com" },
}

test("a rewritten field names the lines that changed it, and one that stays has none", async () => {
  const header = Buffer.from("From: Bob <bob@mail.hello.com>\r\nTo: far@napier.ac.uk\r\nSubject: bob\r\n\r\n")
  const fields = await rewrittenFields(header, "esmtp", siteOf(masqueraded))
  assert.deepEqual(
    fields.map(({ name, after, mailer }) => [name, after.trim(), mailer]),
    [
      ["From", "Bob <Robert.Smith@hello.com>", "esmtp"],
      ["To", "far@napier.ac.uk", "esmtp"],
    ],
  )
  assert.match(fields[0]?.why.join("\n") ?? "", /genericstable +\S+ .*\/etc\/mail\/genericstable:1/)
  assert.deepEqual(fields[1]?.why, [])
})

test("of several senders only those that changed are told", async () => {
  const header = Buffer.from("From: a@napier.ac.uk, alice@mail.hello.com\r\n\r\n")
  const [field] = await rewrittenFields(header, "esmtp", siteOf(masqueraded))
  assert.equal(field?.after.trim(), "a@napier.ac.uk, alice@hello.com")
  assert.match(field.why.join("\n"), /masquerade/)
  assert.doesNotMatch(field.why.join("\n"), /napier/)
})

test("the real name of a domain that DNS calls an alias is told", async () => {
  const cname = async (domain: string) =>
    domain === "www.example.org"
      ? ({ found: "records", records: ["example.org"], secure: false, ttl: 60 } as const)
      : ({ found: "nothing", why: "no such name", secure: false } as const)
  const header = Buffer.from("To: me@www.example.org\r\n\r\n")
  const [field] = await rewrittenFields(header, "esmtp", siteOf({ dns: { cname } }))
  assert.equal(field?.after.trim(), "me@example.org")
  assert.match(field.why.join("\n"), /real name of me@www\.example\.org's domain is example\.org/)
})

test("what stays on this host keeps its bare names", async () => {
  const [field] = await rewrittenFields(Buffer.from("From: bob\r\n\r\n"), "local", siteOf(masqueraded))
  assert.deepEqual([field?.after.trim(), field?.mailer, field?.why], ["bob", "local", []])
})
