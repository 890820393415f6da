import assert from "node:assert/strict"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import type { Account, Found } from "../mail/world.ts"
import { makeAccounts } from "./accounts.ts"
import { askGetent } from "./getent.ts"
import { groupsByName, nameSources, parseGroups } from "./groups.ts"
import { parsePasswdLine } from "./passwd.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-accounts-"))
after(() => rmSync(directory, { recursive: true }))
const passwd = join(directory, "passwd")
const usersFile = join(directory, "users")
writeFileSync(
  passwd,
  `root:x:0:0:root:/root:/bin/bash
# a comment
+@netgroup
gordon:x:1000:100:Gordon Russell,room 5:/home/gordon:/bin/sh
BIG:x:1001:100::/home/big:
gordon:x:9:9:the second:/x:/x
broken line
`,
)
writeFileSync(usersFile, "# ours\nandrew::/srv/andrew:2000:2001:Andrew\nvirtual:\n")

const nobodyElse = (): Promise<Found<Account>> => Promise.resolve({ found: "nothing" })
const asRoot = makeAccounts({ passwd, usersFile, asRoot: true, ask: nobodyElse })
const asUser = makeAccounts({ passwd, usersFile, asRoot: false, ask: nobodyElse })

async function entry(found: Found<Account> | Promise<Found<Account>>): Promise<Account> {
  const answer = await found
  assert.ok(answer.found === "entry")
  return answer.entry
}

test("an account of /etc/passwd comes with the line it stands on", async () => {
  assert.deepEqual(await entry(asRoot.lookup("gordon")), {
    name: "gordon",
    uid: 1000,
    gid: 100,
    home: "/home/gordon",
    shell: "/bin/sh",
    gecos: "Gordon Russell",
    at: { file: passwd, line: 4, column: 1 },
  })
})

test("a name is looked up as written, then in small letters", async () => {
  assert.equal((await entry(asRoot.lookup("BIG"))).uid, 1001)
  assert.equal((await entry(asRoot.lookup("Gordon"))).uid, 1000)
  assert.deepEqual(await asRoot.lookup("big"), { found: "nothing" })
})

test("the users file is asked first, and its users without ids are the mail system's own", async () => {
  const andrew = await entry(asRoot.lookup("Andrew"))
  const { uid, gid, home, at } = andrew
  assert.deepEqual(
    { uid, gid, home, at },
    { uid: 2000, gid: 2001, home: "/srv/andrew", at: { file: usersFile, line: 2, column: 1 } },
  )
  const virtual = await entry(asRoot.lookup("virtual"))
  assert.deepEqual([virtual.uid, virtual.home], [process.geteuid?.(), join(directory, "homes", "virtual")])
})

test("without root nobody has a uid: all mail is ours", async () => {
  for (const name of ["gordon", "andrew", "virtual"])
    assert.equal((await entry(asUser.lookup(name))).uid, undefined)
})

test("a changed file is noticed within about a second", async () => {
  assert.deepEqual(await asRoot.lookup("fresh"), { found: "nothing" })
  writeFileSync(usersFile, "fresh:\n")
  const until = Date.now() + 5000
  while ((await asRoot.lookup("fresh")).found === "nothing" && Date.now() < until) await sleep(50)
  assert.equal((await entry(asRoot.lookup("fresh"))).name, "fresh")
  assert.deepEqual(await asRoot.lookup("andrew"), { found: "nothing" })
})

test("a directory is no answer, and a file that is not there has nobody", async () => {
  const none = makeAccounts({
    passwd: join(directory, "none"),
    usersFile: undefined,
    asRoot: true,
    ask: nobodyElse,
  })
  assert.deepEqual(await none.lookup("gordon"), { found: "nothing" })
  const folder = makeAccounts({ passwd: directory, usersFile: undefined, asRoot: true, ask: nobodyElse })
  assert.deepEqual(await folder.lookup("gordon"), { found: "unavailable", why: `${directory}: EISDIR` })
})

test("a file that is closed to us is no answer", {
  skip: process.getuid?.() === 0 && "as root no file is closed to us",
}, async () => {
  const closed = join(directory, "closed")
  writeFileSync(closed, "")
  chmodSync(closed, 0)
  const shut = makeAccounts({ passwd: closed, usersFile: undefined, asRoot: true, ask: nobodyElse })
  assert.equal((await shut.lookup("gordon")).found, "unavailable")
})

test("a bad line of the users file is said", async () => {
  const log: string[] = []
  const bad = join(directory, "bad")
  writeFileSync(bad, "gordon:\nnonsense\n")
  const accounts = makeAccounts({
    passwd,
    usersFile: bad,
    asRoot: true,
    ask: nobodyElse,
    log: (line) => log.push(line),
  })
  await accounts.lookup("gordon")
  assert.deepEqual(log, [`${bad}: line 2: not name:hash:home:uid:gid:full name`])
})

test("other sources are asked last, and are silent rather than wrong", async () => {
  const asked: string[] = []
  const ask = async (name: string): Promise<Found<Account>> => {
    asked.push(name)
    return { found: "unavailable", why: "LDAP is silent" }
  }
  const accounts = makeAccounts({ passwd, usersFile: undefined, asRoot: true, ask })
  await accounts.lookup("gordon")
  assert.deepEqual(await accounts.lookup("ldapuser"), { found: "unavailable", why: "LDAP is silent" })
  assert.deepEqual(asked, ["ldapuser"])
})

test("getent knows who we are, not who nobody is, and is not asked for what is no name", async () => {
  const { username, uid } = userInfo()
  assert.equal((await entry(askGetent(username))).uid, uid)
  assert.equal(askGetent(username), askGetent(username), "remembered")
  assert.deepEqual(await askGetent("no-such-user-here"), { found: "nothing" })
  for (const name of ["-h", "a b", "a\nb", "", "x".repeat(300), "/etc"]) {
    assert.deepEqual(await askGetent(name), { found: "nothing" })
  }
})

test("a line that is no account is none", () => {
  for (const line of [
    "",
    "#x:x:1:1:::",
    "+::::::",
    "-gordon::1:1:::",
    "gordon:x:a:1:::",
    "gordon:x:1::::",
    ":x:1:1:::",
  ]) {
    assert.equal(parsePasswdLine(line, undefined), undefined)
  }
})

test("a user's groups are his own and those that list him", async () => {
  const members = parseGroups("root:x:0:\nmail:x:8:gordon,andrew\nlist:x:38:gordon\nbroken\nbad:x:y:gordon\n")
  assert.deepEqual(members.get("gordon"), [8, 38])
  assert.deepEqual(members.get("andrew"), [8])
  const groups = await groupsByName("no-such-user-here", 4711)
  assert.deepEqual(groups, [4711])
})

test("nsswitch.conf says which sources there are; without it there are the files", () => {
  const file = join(directory, "nsswitch.conf")
  writeFileSync(file, "# passwd: nis\npasswd:\tfiles [NOTFOUND=return] sss ldap # as ever\ngroup: files\n")
  assert.deepEqual(nameSources("passwd", file), ["files", "sss", "ldap"])
  assert.deepEqual(nameSources("shadow", file), ["files"])
  assert.deepEqual(nameSources("passwd", join(directory, "none")), ["files"])
})
