import assert from "node:assert/strict"
import { test } from "node:test"
import { parseMailbox } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import type { Pending } from "../queue/entry.ts"
import { mailhost } from "../../test/kit/mailhost.ts"
import { siteOf } from "../../test/kit/site.ts"
import { expandFrom } from "./expansion.ts"

function pendingFor(address: string): Pending {
  const path = parseMailbox(address)
  assert.ok(path.ok)
  return {
    number: 0,
    recipient: { path: path.value, original: undefined, notify: [], admitted: because("test", "fine") },
    route: undefined,
    expandedFrom: undefined,
    attempts: 0,
    nextAttempt: 0,
    lastStatus: undefined,
    warned: false,
  }
}

test("compat_check parts a list's members: some get the mail, some are refused, for some it is thrown away", async () => {
  const routing = siteOf({
    users: ["bob", "jim", "gor"],
    features: { access_db: [], compat_check: [] },
    tables: {
      aliases: "list: bob, jim, gor",
      access:
        "Compat:ann@example.org<@>jim@grussell.org ERROR:550 no\nCompat:ann@example.org<@>gor@grussell.org DISCARD",
    },
  })
  const ann = parseMailbox("ann@example.org")
  assert.ok(ann.ok)
  const { leaves, dead } = await expandFrom(ann.value, pendingFor("list@grussell.org"), routing)
  assert.deepEqual(
    leaves.map(({ route }) => `${route.mailer} ${route.user}`),
    ["local bob", "discard "],
  )
  assert.deepEqual(
    dead.map((one) => replyLine(one.reply)),
    ["550 5.0.0 no error from check_compat"],
  )
})

test("the site's own check_compat refuses, puts off and throws away, each with its line", async () => {
  const { routing } = mailhost({
    name: "grussell.org",
    accounts: ["bob", "jim", "gor"],
    files: {
      "/etc/mail/sendmail.mc": `OSTYPE(\`linux')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=192.0.2.1, Port=smtp')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
LOCAL_RULESETS
Scheck_compat
R<ann@$*> $| <jim@$*>\t$#error $@ 5.7.1 $: "550 these two do not speak"
R<ann@$*> $| <gor@$*>\t$#discard
`,
      "/etc/mail/aliases": "list: bob, jim, gor\n",
    },
  })
  const ann = parseMailbox("ann@example.org")
  assert.ok(ann.ok)
  const { leaves, dead } = await expandFrom(ann.value, pendingFor("list@grussell.org"), routing)
  assert.deepEqual(
    leaves.map(({ route }) => `${route.mailer} ${route.user}`),
    ["local bob", "discard "],
  )
  assert.deepEqual(
    dead.map((one) => `${replyLine(one.reply)} ${one.reason.at?.line}`),
    ["550 5.7.1 these two do not speak 7"],
  )
  const bob = parseMailbox("bob@example.org")
  assert.ok(bob.ok)
  assert.equal((await expandFrom(bob.value, pendingFor("list@grussell.org"), routing)).leaves.length, 3)
})

test("with MeToo off, who writes to a list that he is on gets no copy; his own address and an alias of his do", async () => {
  const lists = { aliases: "list: bob, jim@example.org, Ann@Example.org\nmyself: bob" }
  const users = ["bob", "jim"]
  const to = async (from: string, list: string, meToo: boolean) => {
    const routing = siteOf({ users, tables: lists, options: meToo ? {} : { MeToo: false } })
    const sender = parseMailbox(from)
    assert.ok(sender.ok)
    const { leaves } = await expandFrom(sender.value, pendingFor(list), routing)
    return leaves.map(({ route }) => String(route.user)).join(" ")
  }
  assert.equal(await to("bob@grussell.org", "list@grussell.org", true), "bob jim@example.org Ann@Example.org")
  assert.equal(await to("bob@grussell.org", "list@grussell.org", false), "jim@example.org Ann@Example.org")
  assert.equal(await to("ann@example.org", "list@grussell.org", false), "bob jim@example.org")
  assert.equal(await to("bob@example.org", "list@grussell.org", false), "bob jim@example.org Ann@Example.org")
  assert.equal(await to("bob@grussell.org", "bob@grussell.org", false), "bob")
  assert.equal(await to("bob@grussell.org", "myself@grussell.org", false), "bob")
})
