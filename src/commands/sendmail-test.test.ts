import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { type Nameserver, startNameserver } from "../../test/kit/nameserver.ts"
import { smallCf } from "../../test/kit/small-cf.ts"
import { run } from "./sendmail.ts"
import { testAddresses } from "./sendmail-test.ts"

const folder = mkdtempSync(join(tmpdir(), "waypost-bt-"))
let dns: Nameserver
before(async () => {
  dns = await startNameserver({
    "example.org": {
      MX: [
        [20, "b.example.org"],
        [10, "a.example.org"],
      ],
    },
    "napier.ac.uk": { A: ["192.0.2.1"] },
    "www.hello.com": { CNAME: "hello.com" },
    "hello.com": { A: ["192.0.2.2"] },
    "broken.example.org": { fail: "SERVFAIL" },
  })
})
after(async () => {
  await dns.close()
  rmSync(folder, { recursive: true })
})

const mc = `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mx.grussell.org')dnl
define(\`ALIAS_FILE', \`${folder}/aliases')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`virtusertable', \`hash -o ${folder}/virtusertable')dnl
FEATURE(\`mailertable', \`hash -o ${folder}/mailertable')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
MASQUERADE_AS(\`grussell.org')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
LOCAL_CONFIG
Kdigits regex -a@NUMBER ^[0-9]+$
LOCAL_RULE_3
R$* < @ oldname.org > $*	$: $1 < @ grussell.org > $2
LOCAL_RULESETS
SWhere
R$+		$: $1 $| $>canonify $1
R$+ $| $+ < @ $=w . >	$@ $2 is ours
R$+ $| $*	$: $1 $| $>parse $1
R$+ $| $# $- $*	$@ $1 goes by $2
`
writeFileSync(join(folder, "site.mc"), mc)
writeFileSync(
  join(folder, "virtusertable"),
  "lost@grussell.org\terror:nouser 550 No such user\nodd@grussell.org\terror:D.S.N:553 odd\n",
)
writeFileSync(
  join(folder, "mailertable"),
  "closed.org\terror:5.7.1:550 closed\nhub.org\trelay:[hub.example.org]\n",
)
writeFileSync(join(folder, "small.cf"), smallCf())

/** The answers between the prompts, one for each line that was typed. */
async function answers(lines: readonly string[], config = "site.mc"): Promise<readonly string[]> {
  const io = memoryIo(`${lines.join("\n")}\n`, { WAYPOST_RESOLVER: dns.resolver })
  assert.equal(await testAddresses({ config: join(folder, config), state: folder }, io), 0)
  const [greeting = "", ...rest] = io.written.stdout.split(/^> /m)
  assert.equal(
    greeting,
    "ADDRESS TEST MODE (ruleset 3 NOT automatically invoked)\nEnter <ruleset> <address>\n",
  )
  // Two prompts in one line: the first had no answer.
  return rest
    .flatMap((part) => part.split("> ").slice(0, part.startsWith("> ") ? undefined : 1))
    .slice(0, lines.length)
}

async function answer(...lines: string[]): Promise<string> {
  const io = memoryIo(`${lines.join("\n")}\n`, { WAYPOST_RESOLVER: dns.resolver })
  const config = lines[0] === "#cf" ? "small.cf" : "site.mc"
  await testAddresses({ config: join(folder, config), state: folder }, io)
  return io.written.stdout
    .split("\n")
    .slice(2)
    .join("\n")
    .replaceAll(/^(?:> )+/gm, "")
    .trim()
}

const parsed: readonly (readonly [address: string, mailer: string])[] = [
  ["me", "mailer local, user me"],
  ["Me@GRUSSELL.org", "mailer local, user me"],
  ["ann@example.org", "mailer esmtp, host example.org., user ann@example.org"],
  ["ann@Example.ORG", "mailer esmtp, host example.org., user ann@Example.ORG"],
  ["ann@nowhere.example.org", "mailer esmtp, host nowhere.example.org, user ann@nowhere.example.org"],
  ["x@hub.org", "mailer relay, host [hub.example.org], user x@hub.org"],
  ["x@[192.0.2.9]", "mailer esmtp, host [192.0.2.9], user x@[192.0.2.9]"],
  ["<>", "mailer local, user"],
  ["me@oldname.org", "mailer local, user me"],
  ["bob@", 'bob@... Hostname required\nmailer *error*, host 5.1.3, user "553 Hostname required"'],
  ["x@closed.org", "x@closed.org... closed\nmailer *error*, host 5.7.1, user 550 closed"],
  [
    "lost@grussell.org",
    "lost@grussell.org... No such user\nmailer *error*, host nouser, user 550 No such user",
  ],
]

for (const [address, mailer] of parsed) {
  test(`/parse ${address} answers ${mailer.split("\n").at(-1)}`, async () => {
    assert.equal(
      await answer(`/parse ${address}`),
      `Cracked address = ${address === "<>" ? "<>" : "$g"}\nParsing envelope recipient address\n${mailer}`,
    )
  })
}

test("what stands around an address is left out, and shown", async () => {
  assert.match(
    await answer("/parse Me Myself <me> (it is I)"),
    /^Cracked address = Me Myself <\$g> \(it is I\)\n[^]*mailer local, user me$/,
  )
})

const forms: readonly (readonly [flags: string, address: string, form: string])[] = [
  ["HS", "me", "me@grussell.org"],
  ["HS", "Me Myself <me@mx.grussell.org>", "Me Myself <me@grussell.org>"],
  ["ES", "me", "me@mx.grussell.org"],
  ["HR", "me", "me@mx.grussell.org"],
  ["HS", "ann@example.org", "ann@example.org"],
]

for (const [flags, address, form] of forms) {
  test(`/tryflags ${flags}, /try esmtp ${address} answers ${form}`, async () => {
    const text = await answer(`/tryflags ${flags}`, `/try esmtp ${address}`)
    assert.match(
      text,
      new RegExp(
        `^Trying (?:header|envelope) (?:sender|recipient) address .* for mailer esmtp\nRcode = 0, addr = `,
      ),
    )
    assert.equal(text.split("addr = ")[1], form)
  })
}

test("3,0 shows our decisions as sendmail's rulesets would leave them", async () => {
  assert.equal(
    await answer("3,0 ann@example.org"),
    [
      "canonify           input: ann @ example . org",
      "canonify         returns: ann < @ example . org . >",
      "parse              input: ann < @ example . org . >",
      "parse            returns: $# esmtp $@ example . org . $: ann < @ example . org . >",
    ].join("\n"),
  )
})

test("a site's rules may call our rulesets, and each call is shown", async () => {
  assert.match(
    await answer("Where me@oldname.org"),
    /canonify +input: me @ oldname \. org\ncanonify +returns: me < @ grussell \. org \. >\nWhere +returns: me is ours$/,
  )
  assert.match(
    await answer("Where ann@example.org"),
    /parse +returns: \$# esmtp [^]*\nWhere +returns: ann @ example \. org goes by esmtp$/,
  )
})

test("rules are traced one by one with -d21.12, and reasons told with -d21", async () => {
  const traced = await answer("-d21.12", "Where me")
  assert.match(traced, /-----trying rule: \$\+\n-----rule matches: \$: \$1 \$\| \$> canonify \$1\n/)
  assert.match(traced, /----- rule fails\n/)
  assert.match(
    await answer("-d21.1", "/parse me@oldname.org"),
    /LOCAL_RULE_3 +now: .*site\.mc:14\n[^]*mailer local, user me$/,
  )
})

const others: readonly (readonly [line: string, says: RegExp])[] = [
  [
    "/mx example.org",
    /^getmxrr\(example\.org\) returns 2 value\(s\):\n\ta\.example\.org\.\n\tb\.example\.org\.$/,
  ],
  ["/mx napier.ac.uk", /returns 1 value\(s\):\n\tnapier\.ac\.uk\.$/],
  ["/mx nowhere.org", /returns 0 value\(s\)/],
  ["/canon www.hello.com", /^getcanonname\(www\.hello\.com\) returns hello\.com$/],
  ["/canon broken.example.org", /returns broken\.example\.org \(.*\)$/],
  ["/map digits 123", /^map_lookup: digits \(123\) returns @NUMBER \(0\)$/],
  ["/map digits a", /^map_lookup: digits \(a\) no match \(68\)$/],
  ["/map host www.hello.com", /returns hello\.com\. \(0\)$/],
  ["/map mailertable closed.org", /returns error:5\.7\.1:550 closed \(0\)$/],
  ["/map nosuch x", /^Map named "nosuch" not found$/],
  ["/gethostbyname napier.ac.uk", /192\.0\.2\.1/],
  ["/dnslookup example.org MX", /a\.example\.org/],
  ["/expand mail to ${nosuch}$j", /^mail to mx\.grussell\.org$/],
  ["$j", /^mx\.grussell\.org$/],
  ["$Y", /^Undefined$/],
  ["$=w", /^grussell\.org\nmx\.grussell\.org\nlocalhost\n/],
  ["=SWhere", /^R\$\+ \t\t\$: \$1 \$\| \$> canonify \$1 \nR/],
  ["=Scanonify", /^Ruleset canonify is a decision of Waypost/],
  ["=Snosuch", /^Undefined ruleset nosuch$/],
  ["=M", /mailer \d+ \(esmtp\): P=\[IPC\].* A=TCP \$h/],
  ["?", /^Help for test mode:\n/],
  ["nosuch me", /^Undefined ruleset nosuch$/],
  ["3", /^No address!$/],
  ["/try", /^Usage: \/try mailer address$/],
  ["/try nosuch me", /^Unknown mailer nosuch$/],
  ["/tryflags X", /^Usage: \/tryflags/],
  ["/nosuch", /^Unknown "\/" command \/nosuch$/],
  [".X", /^Unknown "\." command \.X$/],
]

for (const [line, says] of others) {
  test(`${line} is answered`, async () => assert.match(await answer(line), says))
}

test("macros and classes that are added are those of the rest of the session", async () => {
  assert.equal(await answer(".D{x}new", "${x}"), "new")
  assert.equal(
    await answer(".Cwannex.example.org", "/parse me@annex.example.org").then((text) =>
      text.split("\n").at(-1),
    ),
    "mailer local, user me",
  )
})

test("every line has its prompt, empty ones and those without an answer too", async () => {
  const io = memoryIo("\n# a comment\n.Dxy\n$x\n")
  await testAddresses({ config: join(folder, "site.mc"), state: folder }, io)
  assert.match(io.written.stdout, /address>\n> > > > y\n> $/)
})

test("/quit ends the session", async () => {
  const io = memoryIo("/quit\n$j\n")
  await testAddresses({ config: join(folder, "site.mc"), state: folder }, io)
  assert.match(io.written.stdout, /address>\n> $/)
})

test("a compiled sendmail.cf answers by its own rules, as sendmail shows them", async () => {
  assert.equal(
    await answer("#cf", "/parse me@grussell.org"),
    [
      "Cracked address = $g",
      "Parsing envelope recipient address",
      "canonify           input: me @ grussell . org",
      "canonify         returns: me < @ grussell . org . >",
      "parse              input: me < @ grussell . org . >",
      "parse            returns: $# local $: me",
      "2                  input: me",
      "2                returns: me",
      "final              input: me",
      "final            returns: me",
      "mailer local, user me",
    ].join("\n"),
  )
  assert.match(
    await answer("#cf", "/tryflags HS", "/try esmtp me"),
    /Rcode = 0, addr = me@mx\.grussell\.org$/,
  )
  assert.match(await answer("#cf", "=SToRemote"), /^R\$\+ < @ \$\* > \t\t\$@ \$1 < @ \$2 > \n/)
  assert.match(
    await answer("#cf", "=M"),
    /^mailer 0 \(prog\)[^]*mailer 4 \(esmtp\): P=\[IPC\] S=ToRemote\/ToRemote/,
  )
})

test("hundreds of questions are answered in one session, quickly", async () => {
  const lines = Array.from({ length: 600 }, (_, n) => `/parse user${n}@grussell.org`)
  const began = performance.now()
  const all = await answers(lines)
  assert.equal(all.length, 600)
  assert.match(all[599] ?? "", /mailer local, user user599/)
  assert.ok(performance.now() - began < 3000)
})

test("what check_relay and its like are asked of has parts, with $| between them", async () => {
  const file = join(folder, "parts.mc")
  writeFileSync(file, `${mc}SLocal_check_relay\nR$* $| 192.0.2.9\t$#error $@ 5.7.1 $: "550 not you"\n`)
  const io = memoryIo("Local_check_relay x.org $| 192.0.2.9\nLocal_check_relay x.org $| 192.0.2.1\n")
  await testAddresses({ config: file, state: folder, resolver: dns.resolver }, io)
  assert.deepEqual(
    io.written.stdout.split("\n").filter((line) => line.includes("returns:")),
    [
      'Local_check_rela returns: $# error $@ 5 . 7 . 1 $: "550 not you"',
      "Local_check_rela returns: x . org $| 192 . 0 . 2 . 1",
    ],
  )
})

async function sendmail(...argv: readonly string[]) {
  const io = memoryIo("", { WAYPOST_STATE: folder, WAYPOST_RESOLVER: dns.resolver })
  const code = await run([...argv], io)
  return { code, ...io.written }
}

test("-bv -C FILE tells where mail would go by a configuration that no system runs on", async () => {
  writeFileSync(join(folder, "aliases"), "list: root, ann@example.org\n")
  const { code, stdout } = await sendmail("-C", join(folder, "site.mc"), "-bv", "list", "x@closed.org")
  assert.deepEqual(stdout.split("\n").slice(0, -1), [
    "root... deliverable: mailer local, user root",
    "ann@example.org... deliverable: mailer esmtp, host example.org., user ann@example.org",
    "x@closed.org... closed",
  ])
  assert.equal(code, 65)
})

test("-bi -C FILE makes the aliases of that configuration", async () => {
  writeFileSync(join(folder, "aliases"), "list: root\n")
  const { code, stdout } = await sendmail("-bi", "-C", join(folder, "site.mc"))
  assert.equal(stdout, `${folder}/aliases: 1 aliases, longest 4 bytes, 8 bytes total\n`)
  assert.equal(code, 0)
  rmSync(join(folder, "aliases.cdb"))
})

test("-d0.1 tells which program this is and its names, before what else is asked; other flags of -d do not", async () => {
  writeFileSync(join(folder, "aliases"), "list: root\n")
  const file = join(folder, "site.mc")
  const { stdout } = await sendmail("-d0.1", "-C", file, "-bv", "list")
  assert.match(stdout, /^Version \S+ \(Waypost\)\n Compiled with: .*\bMILTER\b/)
  assert.match(stdout, /^ {2}\(canonical domain name\) \$j = mx\.grussell\.org$/m)
  assert.match(stdout, /^ {9}\(subdomain name\) \$m = \S+$/m)
  assert.match(stdout, /\nroot\.\.\. deliverable: mailer local, user root\n$/)
  for (const flags of ["-d0.0", "-d21.12", "-d8"])
    assert.doesNotMatch((await sendmail(flags, "-C", file, "-bv", "list")).stdout, /Version/)
  assert.match((await sendmail("-d0-99.4", "-C", file, "-bv", "list")).stdout, /Version/)
})
