import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { parseMailbox } from "../mail/address.ts"
import { because, printOrigin } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"
import { records, type Site, siteOf } from "../../test/kit/site.ts"
import { canonify } from "./canonify.ts"
import { type Expansion, expand, expandCanonical } from "./expand.ts"
import { printReason, printTree } from "./explain.ts"
import { errorWord } from "./target.ts"
import type { RoutingWorld } from "./world.ts"

const users = ["gor", "gordon", "andrew", "bob", "jim", "grussell", "me2"]

// The file of the documentation, to the letter.
const aliases = `
postmaster : root
root : gor
me : gor
olduser : /dev/null
automail : | /home/gordon/bin/autoregister.pl
devel : gor, me@grussell.org.uk, a.cumming
a.cumming : andrew`

async function expanded(typed: string, site: Site): Promise<Expansion> {
  const world = siteOf({ users, ...site })
  const address = await canonify(typed, world)
  assert.ok(address.outcome === "yes")
  return await expandCanonical(address.value, world)
}

/** Where it all goes, each as mailer and what the mailer is told, in alphabetical order; refusals with their reply. */
async function ends(typed: string, site: Site): Promise<readonly string[]> {
  const { leaves, dead } = await expanded(typed, site)
  return [
    ...leaves.map(({ route }) => `${route.mailer} ${withDetail(route)}`),
    ...dead.map((one) => `${one.outcome} ${replyLine(one.reply)}`),
  ].toSorted()
}

/** The detail of a local name is its mailer's host. */
function withDetail({ mailer, host, user }: Route): string {
  return mailer === "local" && host !== "" ? `${user}+${host}` : user
}

const cases: readonly (readonly [string, ...string[]])[] = [
  ["postmaster", "local gor"],
  ["Postmaster", "local gor"],
  ["me", "local gor"],
  ["ME", "local gor"],
  ["me@grussell.org", "local gor"],
  ["me@localhost", "local gor"],
  ["olduser", "*file* /dev/null"],
  ["automail", "prog /home/gordon/bin/autoregister.pl"],
  ["devel", "esmtp me@grussell.org.uk", "local andrew", "local gor"],
  ["devel+tag", "esmtp me@grussell.org.uk", "local andrew", "local gor"],
  ["bob", "local bob"],
  ["BOB", "local bob"],
  ["bob+tag", "local bob+tag"],
  ["\\me", "no 550 5.1.1 User unknown"],
  ["nobody", "no 550 5.1.1 User unknown"],
  ["ann@example.org", "esmtp ann@example.org"],
]

for (const [typed, ...expected] of cases) {
  test(`with the documented aliases, mail for ${typed} goes to ${expected.join(", ")}`, async () => {
    assert.deepEqual(await ends(typed, { tables: { aliases } }), expected)
  })
}

const forwards: readonly (readonly [string, Site, string, ...string[]])[] = [
  [
    "a .forward with two lines delivers to both",
    { files: { "/home/me2/.forward": "grussell\nandrew\n" } },
    "me2",
    "local andrew",
    "local grussell",
  ],
  [
    "a backslash means my own mailbox; the other name goes on through the aliases",
    { tables: { aliases: "andrew: jim" }, files: { "/home/gordon/.forward": "\\gordon\nandrew\n" } },
    "gordon",
    "local gordon",
    "local jim",
  ],
  [
    "my own name without a backslash does not loop",
    { files: { "/home/gordon/.forward": "gordon\nandrew\n" } },
    "gordon",
    "local andrew",
    "local gordon",
  ],
  [
    "two users who forward to each other both get the mail",
    { files: { "/home/bob/.forward": "jim", "/home/jim/.forward": "bob" } },
    "bob",
    "local bob",
    "local jim",
  ],
  [
    "a name in its own alias is the user, whose .forward still counts",
    { tables: { aliases: "gordon: gordon, andrew" }, files: { "/home/gordon/.forward": "bob" } },
    "gordon",
    "local andrew",
    "local bob",
  ],
  [
    "a loop of aliases is broken where somebody lives",
    { tables: { aliases: "gordon.russell: gordon\ngordon: gordon.russell@grussell.org" } },
    "gordon.russell",
    "local gordon",
  ],
  [
    "a loop in which nobody lives is a failure, and only for that address",
    { tables: { aliases: "a: b, jim\nb: a" } },
    "a",
    "local jim",
    "no 554 5.4.6 aliasing/forwarding loop broken",
  ],
  [
    "one address by two ways is one delivery",
    { tables: { aliases: "all: andrew, bob, some\nsome: bob, Andrew@GRUSSELL.org, jim" } },
    "all",
    "local andrew",
    "local bob",
    "local jim",
  ],
  [
    "an unknown member of a list is its own failure",
    { tables: { aliases: "list: nobody, bob" } },
    "list",
    "local bob",
    "no 550 5.1.1 User unknown",
  ],
  [
    "a .forward that is not safe is passed over",
    { files: { "/home/bob/.forward": "!world writable" } },
    "bob",
    "local bob",
  ],
  [
    "a .forward that cannot be read now makes the mail wait",
    { files: { "/home/bob/.forward": "?the home is not mounted" } },
    "bob",
    "later 451 4.3.0 Temporary system failure. Please try again later.",
  ],
  ["an empty .forward is none", { files: { "/home/bob/.forward": "# nothing\n" } }, "bob", "local bob"],
  [
    "programs and files of a .forward",
    { files: { "/home/bob/.forward": '"|/usr/bin/procmail -f-", /home/bob/copy, \\bob\n' } },
    "bob",
    "*file* /home/bob/copy",
    "local bob",
    "prog /usr/bin/procmail -f-",
  ],
  [
    "a detail chooses its own .forward",
    {
      options: { ForwardPath: "$z/.forward+$h:$z/.forward" },
      files: { "/home/bob/.forward+lists": "jim", "/home/bob/.forward": "andrew" },
    },
    "bob+lists",
    "local jim",
  ],
  [
    "a detail is no way to another directory",
    { options: { ForwardPath: "$z/.forward+$h" }, files: { "/home/bob/.forward+/../../jim/x": "jim" } },
    '"bob+/../../jim/x"@grussell.org',
    "local bob+/../../jim/x",
  ],
  [
    "lists are read from files, with names, comments and other lists",
    {
      tables: { aliases: "list: :include:/etc/mail/lists/members" },
      files: {
        "/etc/mail/lists/members":
          "# ours\nJim Smith <jim@grussell.org>\nbob (Bob), :include:/etc/mail/lists/more\n",
        "/etc/mail/lists/more": "ann@example.org\n",
      },
    },
    "list",
    "esmtp ann@example.org",
    "local bob",
    "local jim",
  ],
  [
    "a list whose file is not there fails",
    { tables: { aliases: "list: :include:/nowhere" } },
    "list",
    "no 550 5.2.4 The list of members cannot be read",
  ],
  [
    "a list whose file cannot be read now waits",
    { tables: { aliases: "list: :include:/slow" }, files: { "/slow": "?a dead NFS server" } },
    "list",
    "later 451 4.3.0 Temporary system failure. Please try again later.",
  ],
  [
    "aliases that do not answer are not empty",
    { silent: ["aliases"] },
    "bob",
    "later 451 4.3.0 Temporary system failure. Please try again later.",
  ],
  [
    "eleven aliases in a row are too many",
    { tables: { aliases: Array.from({ length: 12 }, (_, n) => `a${n}: a${n + 1}`).join("\n") } },
    "a0",
    "no 554 5.4.6 aliasing/forwarding loop broken (11 aliases deep; 10 max)",
  ],
  [
    "error: in an alias refuses with its own words",
    { tables: { aliases: "gone: error:5.1.6:551 gone to example.org" } },
    "gone",
    "no 551 5.1.6 gone to example.org",
  ],
  [
    "REDIRECT says where somebody went",
    { features: { redirect: [] }, tables: { aliases: "left: left@example.org.REDIRECT" } },
    "left",
    "no 551 5.1.1 User has moved; please try <left@example.org>",
  ],
  [
    "LUSER_RELAY takes those nobody knows",
    { macros: { L: "esmtp:hub.example.org" } },
    "nobody",
    "esmtp nobody@hub.example.org",
  ],
  [
    "stickyhost: user@here goes to the hub before any alias",
    {
      features: { stickyhost: [] },
      macros: { H: "hub.example.org" },
      tables: { aliases: "bob: jim" },
    },
    "bob@grussell.org",
    "relay bob@grussell.org",
  ],
  [
    "stickyhost: a bare name is an alias first",
    {
      features: { stickyhost: [] },
      macros: { H: "hub.example.org" },
      tables: { aliases: "bob: ann@example.org" },
    },
    "bob",
    "esmtp ann@example.org",
  ],
  [
    "stickyhost: LOCAL_RELAY and LUSER_RELAY take bare names alone",
    { features: { stickyhost: [] }, macros: { R: "hub.example.org", L: "esmtp:hub.example.org" } },
    "nobody@grussell.org",
    "no 550 5.1.1 User unknown",
  ],
  [
    "stickyhost: … and they do take them",
    { features: { stickyhost: [] }, macros: { R: "hub.example.org" } },
    "bob",
    "relay bob@hub.example.org",
  ],
  ["a hub that is this host is none", { macros: { H: "grussell.org" } }, "bob", "local bob"],
  [
    "a smart host that is this host is none",
    { macros: { S: "grussell.org" } },
    "ann@example.org",
    "esmtp ann@example.org",
  ],
  [
    "a mailertable that names this host names no way",
    { tables: { mailertable: "example.org grussell.org" } },
    "ann@example.org",
    "esmtp ann@example.org",
  ],
  ["LUSER_RELAY leaves those who are here", { macros: { L: "esmtp:hub.example.org" } }, "bob", "local bob"],
  ["LUSER_RELAY local:name gives them to one user", { macros: { L: "local:bob" } }, "nobody", "local bob"],
  ["MAIL_HUB takes everybody", { macros: { H: "hub.example.org" } }, "bob", "relay bob@hub.example.org"],
  [
    "MAIL_HUB leaves the aliases and the users of LOCAL_USER",
    {
      macros: { H: "hub.example.org" },
      classes: { L: ["root", "jim"] },
      tables: { aliases: "staff: jim, andrew" },
    },
    "staff",
    "local jim",
    "relay andrew@hub.example.org",
  ],
]

for (const [what, site, typed, ...expected] of forwards) {
  test(what, async () => assert.deepEqual(await ends(typed, site), expected))
}

test("a list has an owner: the one address behind owner-list, else owner-list itself", async () => {
  const site: Site = {
    tables: { aliases: "list: ann@example.org, bob\nowner-list: jim\npair: bob\nowner-pair: jim, andrew" },
  }
  assert.deepEqual(new Set((await expanded("list", site)).leaves.map((leaf) => leaf.owner)), new Set(["jim"]))
  assert.equal((await expanded("pair", site)).leaves[0]?.owner, "owner-pair")
  assert.equal((await expanded("owner-list", site)).leaves[0]?.owner, undefined)
})

test("programs run with the rights of the user whose .forward names them, aliases' with the default user's", async () => {
  const site: Site = {
    tables: { aliases: "prog: |/bin/all\nvia: bob" },
    files: { "/home/bob/.forward": "|/bin/mine" },
  }
  assert.equal((await expanded("prog", site)).leaves[0]?.user, undefined)
  assert.equal((await expanded("via", site)).leaves[0]?.user, "bob")
})

test("what the envelope says is never a program or a file", async () => {
  for (const typed of ["|/bin/sh", '"|/bin/sh"', "/etc/passwd", '":include:/etc/passwd"@grussell.org']) {
    assert.deepEqual(await ends(typed, {}), ["no 550 5.1.1 User unknown"], typed)
  }
})

test("the reason of a leaf names every line that led to it", async () => {
  const site: Site = {
    tables: { aliases: "staff: :include:/etc/mail/staff" },
    files: { "/etc/mail/staff": "jim\n\nbob\n", "/home/bob/.forward": "andrew" },
  }
  const { leaves, tree } = await expanded("staff", site)
  const andrew = leaves.find((leaf) => leaf.route.user === "andrew")
  assert.ok(andrew !== undefined)
  const text = printReason(andrew.reason).join("\n")
  for (const place of [
    "/etc/mail/aliases:1",
    "/etc/mail/staff:3",
    "/home/bob/.forward:1",
    "/etc/passwd:22",
  ]) {
    assert.ok(text.includes(place), `${place} in\n${text}`)
  }
  assert.deepEqual(printTree(tree), [
    'staff: alias "staff"',
    "  :include:/etc/mail/staff: a list of 2  /etc/mail/aliases:1",
    "    jim: mailer local, user jim  /etc/mail/staff:1",
    "    bob: forwards  /etc/mail/staff:3",
    "      andrew: mailer local, user andrew  /home/bob/.forward:1",
  ])
})

test("a failure cites the line that named the address", async () => {
  const { dead } = await expanded("list", { tables: { aliases: "\n\nlist: bob, nobody" } })
  const named = dead[0]?.reason.after[0]?.at
  assert.equal(named && printOrigin(named), "/etc/mail/aliases:3")
})

async function cname(name: string) {
  return name === "cn.example.org" ? records("napier.ac.uk") : records<string>()
}

test("in DNS an alias name is written as its real one before the mail goes out", async () => {
  assert.deepEqual(await ends("x@cn.example.org", { dns: { cname } }), ["esmtp x@napier.ac.uk"])
  const site: Site = { dns: { cname }, features: { nocanonify: [] } }
  assert.deepEqual(await ends("x@cn.example.org", site), ["esmtp x@cn.example.org"])
})

test("a recipient of the queue expands as it did when it was typed", async () => {
  const world = siteOf({ users, tables: { aliases } })
  const mailbox = parseMailbox("devel@grussell.org")
  assert.ok(mailbox.ok)
  assert.equal((await expand(mailbox.value, world)).leaves.length, 3)
  assert.equal((await expand("postmaster", world)).leaves[0]?.route.user, "gor")
  assert.equal((await expand("postmaster", world)).leaves[0]?.path, "postmaster")
})

function list(members: number): string {
  return Array.from({ length: members }, (_, n) => `m${n}@example.org`).join("\n")
}

test("a list of 100,000 members takes time in proportion", async () => {
  const site: Site = {
    tables: { aliases: "small: :include:/small\nlarge: :include:/large" },
    files: { "/small": list(10_000), "/large": list(100_000) },
  }
  const started = performance.now()
  assert.equal((await expanded("small", site)).leaves.length, 10_000)
  const small = performance.now() - started
  assert.equal((await expanded("large", site)).leaves.length, 100_000)
  const large = performance.now() - started - small
  assert.ok(large < 40 * small + 1000, `${small} ms for 10,000, ${large} ms for 100,000`)
})

test("whatever the aliases are, it ends, and nobody's mail is lost without a word", async () => {
  const names = ["a", "b", "c", "d", "bob", "jim"]
  const name = fc.constantFrom(...names)
  const lines = fc.uniqueArray(fc.tuple(name, fc.array(name, { minLength: 1, maxLength: 4 })), {
    selector: ([key]) => key,
  })
  const forward = fc.array(fc.constantFrom(...names, "\\bob", "\\jim"), { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(lines, fc.option(forward, { nil: undefined }), name, async (table, bob, typed) => {
      const { leaves, dead } = await expanded(typed, {
        users: ["bob", "jim"],
        tables: { aliases: table.map(([key, to]) => `${key}: ${to.join(", ")}`).join("\n") },
        files: bob === undefined ? {} : { "/home/bob/.forward": bob.join("\n") },
      })
      assert.ok(leaves.length + dead.length > 0)
      const places = leaves.map((leaf) => leaf.route.user)
      assert.equal(new Set(places).size, places.length)
    }),
    { numRuns: 1000 },
  )
})

test("the word behind error: is what the exit code is taken from", () => {
  const refusedBy = (step: string, value: string) => because(step, `"x@example.org" says "${value}"`)
  assert.equal(errorWord(refusedBy("virtusertable", "error:nouser 550 No such user")), "nouser")
  assert.equal(errorWord(refusedBy("mailertable", "error:nohost:no such host")), "nohost")
  assert.equal(errorWord(refusedBy("mailertable", "error:nohost no such host")), undefined)
  assert.equal(errorWord(refusedBy("virtusertable", "error:D.S.N:553 odd")), "D.S.N")
  assert.equal(errorWord(because("user?", "nobody is neither an alias nor an account")), undefined)
})

test("a .forward may be left to the delivery: only of whom the address itself names, and its reason is the same", async () => {
  const read: string[] = []
  const now = siteOf({
    users,
    tables: { aliases: "root: gor" },
    options: { ForwardPath: "$z/.forward.$h:$z/.forward" },
  })
  const later: RoutingWorld = {
    ...now,
    forward: "at delivery",
    readUserFile: async (path) => {
      read.push(path)
      return { found: "nothing" }
    },
  }
  const leafOf = async (address: string, world: RoutingWorld) => {
    const path = parseMailbox(address)
    assert.ok(path.ok)
    const { leaves, dead } = await expand(path.value, world)
    assert.deepEqual([leaves.length, dead], [1, []])
    return leaves[0]
  }
  const [bob, tagged] = [await leafOf("bob@grussell.org", later), await leafOf("bob+tag@grussell.org", later)]
  assert.deepEqual(bob?.forward, ["/home/bob/.forward"])
  assert.deepEqual(tagged?.forward, ["/home/bob/.forward.tag", "/home/bob/.forward"])
  assert.deepEqual(
    { ...bob, forward: undefined },
    { ...(await leafOf("bob@grussell.org", now)), forward: undefined },
  )
  assert.deepEqual(read, [])
  assert.equal((await leafOf("root@grussell.org", later))?.forward, undefined)
  assert.deepEqual(read, ["/home/gor/.forward"])
})
