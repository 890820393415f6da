// waypost dnsbl and waypost spf as a user types them: the program in bin/, a real name server, what it prints and how it ends.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { type Nameserver, startNameserver } from "../kit/nameserver.ts"
import { freePort, project, type Ran, run } from "../kit/system.ts"

const folder = mkdtempSync(join(tmpdir(), "dns-commands-"))
let dns: Nameserver

before(async () => {
  dns = await startNameserver({
    "example.org": { TXT: ["other", "v=spf1 ip4:192.0.2.0/24 include:hello.com -all"] },
    "hello.com": { TXT: ["v=spf1 a:mx.hello.com ?all"] },
    "mx.hello.com": { A: ["198.51.100.9"] },
    "reasons.example.org": { TXT: ["v=spf1 -all exp=why.example.org"] },
    "why.example.org": { TXT: ["%{i} sends nothing for %{d}"] },
    "loop.example.org": { TXT: ["v=spf1 include:loop.example.org -all"] },
    "open.example.org": { TXT: ["v=spf1 +all"] },
    "broken.example.org": { fail: "SERVFAIL" },
    "7.2.0.192.zen.spamhaus.org": { A: ["127.0.0.2", "127.0.0.11"], TXT: ["see the list"] },
    "7.2.0.192.wrong.test": { A: ["127.255.255.252"] },
    "7.2.0.192.gone.test": { A: ["203.0.113.1"] },
    "7.2.0.192.down.test": { fail: "SERVFAIL" },
    [`${"0.".repeat(24)}8.b.d.0.1.0.0.2.zen.spamhaus.org`]: { A: ["127.0.0.4"] },
  })
})

after(async () => {
  await dns.close()
  rmSync(folder, { recursive: true })
})

/** `waypost WORDS`, with our name server; nothing runs in that state directory. */
function waypost(words: string, ...more: readonly string[]): Promise<Ran> {
  const args = [...words.split(" "), ...more, "--resolver", dns.resolver]
  return run(join(project, "bin", "waypost"), args, "", { WAYPOST_STATE: join(folder, "state") })
}

type Case = readonly [words: string, code: number, stdout: RegExp]

const cases: readonly Case[] = [
  ["spf check 192.0.2.7 ann@example.org", 0, /^pass: [^]*\n {2}example\.org: ip4:192\.0\.2\.0\/24 matches/],
  ["spf check 198.51.100.9 ann@example.org", 0, /^pass: [^]*\n {2}hello\.com: a:mx\.hello\.com matches/],
  [
    "spf check 203.0.113.5 ann@example.org",
    0,
    /^fail: [^]*\n {2}example\.org: -all matches 203\.0\.113\.5\n/,
  ],
  ["spf check 203.0.113.5 <> example.org", 0, /^fail: /],
  [
    "spf check 203.0.113.5 reasons.example.org",
    0,
    /\nit explains: 203\.0\.113\.5 sends nothing for reasons\.ex/,
  ],
  ["spf check 203.0.113.5 ann@nowhere.test", 0, /^none: /],
  ["spf check 203.0.113.5 ann@loop.example.org", 0, /^permerror: /],
  ["spf check 203.0.113.5 ann@broken.example.org", 75, /^temperror: /],
  ["spf check 2001:db8::1 ann@open.example.org", 0, /^pass: /],
  ["spf lint example.org", 0, /^note: example\.org says "v=spf1 [^]*\nok: nothing is wrong with it\n$/],
  ["spf lint open.example.org", 65, /\nerror: \+all lets everybody send/],
  ["spf lint loop.example.org", 65, /\nerror: loop\.example\.org includes itself/],
  ["spf lint nowhere.test", 65, /^error: nowhere\.test has no SPF record\n/],
  ["spf lint broken.example.org", 65, /^error: DNS does not say what broken\.example\.org publishes: /],
  [
    "dnsbl check 192.0.2.7 zen.spamhaus.org",
    0,
    /^zen\.spamhaus\.org: 192\.0\.2\.7 is listed: 127\.0\.0\.2 \(SBL[^)]*\), 127\.0\.0\.11 \(PBL[^)]*\); see the list\n$/,
  ],
  ["dnsbl check 192.0.2.8 zen.spamhaus.org", 0, /^zen\.spamhaus\.org: 192\.0\.2\.8 is not listed\n$/],
  [
    "dnsbl check 2001:db8:: zen.spamhaus.org",
    0,
    /^zen\.spamhaus\.org: 2001:db8:: is listed: 127\.0\.0\.4 \(XBL/,
  ],
  ["dnsbl check 192.0.2.7 wrong.test", 75, /^wrong\.test: cannot tell: /],
  ["dnsbl check 192.0.2.7 gone.test", 75, /^gone\.test: cannot tell: it is no list any more\n$/],
  [
    "dnsbl check 192.0.2.7 down.test zen.spamhaus.org",
    75,
    /^down\.test: cannot tell: .*\nzen\.spamhaus\.org: 192\.0\.2\.7 is listed: /,
  ],
]

for (const [words, code, stdout] of cases) {
  test(`waypost ${words}: ends with ${code}, says ${stdout.source.slice(0, 40)}`, async () => {
    const said = await waypost(words)
    assert.match(said.stdout, stdout)
    assert.equal(said.stderr, "")
    assert.equal(said.code, code)
  })
}

const refused: readonly Case[] = [
  ["spf check here ann@example.org", 64, /^waypost: "here" is no IP address\n$/],
  ["spf check 192.0.2.7", 64, /^waypost: waypost spf check IP FROM \[HELO\], or waypost spf lint DOMAIN\n$/],
  ["spf check 192.0.2.7 ann@@example.org", 64, /^waypost: "ann@@example\.org" is no address: /],
  ["spf lint localhost", 64, /^waypost: "localhost" is no domain\n$/],
  ["spf lint", 64, /^waypost: waypost spf check/],
  ["dnsbl check 300.1.1.1 zen.spamhaus.org", 64, /^waypost: "300\.1\.1\.1" is no IP address\n$/],
  ["dnsbl check", 64, /^waypost: waypost dnsbl check IP \[LIST…\]\n$/],
  ["dnsbl look 192.0.2.7", 64, /^waypost: waypost dnsbl check IP \[LIST…\]\n$/],
  ["spf check 192.0.2.7 ann@example.org --jason", 64, /--jason.*--json/],
]

for (const [words, code, stderr] of refused) {
  test(`waypost ${words} is refused in one line`, async () => {
    const said = await waypost(words)
    assert.match(said.stderr, stderr)
    assert.equal(said.stderr.split("\n").length, 2, said.stderr)
    assert.equal(said.stdout, "")
    assert.equal(said.code, code)
  })
}

test("--json: a verdict, remarks and listings that programs read", async () => {
  const verdict = JSON.parse((await waypost("spf check 203.0.113.5 ann@example.org --json")).stdout) as {
    result: string
    domain: string
    term: string
    trail: readonly { says: string }[]
  }
  assert.deepEqual([verdict.result, verdict.domain, verdict.term], ["fail", "example.org", "-all"])
  assert.equal(verdict.trail.at(-1)?.says, "example.org: -all matches 203.0.113.5")
  const lint = JSON.parse((await waypost("spf lint open.example.org --json")).stdout) as {
    domain: string
    worst: string
    lines: readonly { level: string; says: string }[]
  }
  assert.deepEqual([lint.domain, lint.worst], ["open.example.org", "error"])
  assert.ok(lint.lines.some(({ level, says }) => level === "error" && says.startsWith("+all")))
  const lists = (await waypost("dnsbl check 192.0.2.7 zen.spamhaus.org clean.test --json")).stdout
  const answers = lists
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { server: string; is: string; records: string[] })
  assert.deepEqual(
    answers.map(({ server, is, records }) => [server, is, records]),
    [
      ["zen.spamhaus.org", "listed", ["127.0.0.2", "127.0.0.11"]],
      ["clean.test", "not listed", []],
    ],
  )
})

test("without names the configuration's lists are asked; one that asks none is told so", async () => {
  const file = join(folder, "sendmail.mc")
  writeFileSync(file, "FEATURE(`dnsbl', `zen.spamhaus.org')\nFEATURE(`enhdnsbl', `clean.test')\n")
  const said = await waypost("dnsbl check 192.0.2.7 --config", file)
  assert.match(
    said.stdout,
    /^zen\.spamhaus\.org: 192\.0\.2\.7 is listed: .*\nclean\.test: 192\.0\.2\.7 is not listed\n$/,
  )
  assert.equal(said.code, 0, said.stderr)
  writeFileSync(file, "OSTYPE(`linux')\n")
  const none = await waypost("dnsbl check 192.0.2.7 --config", file)
  assert.match(none.stderr, /^waypost: the configuration asks no list: name one, as in zen\.spamhaus\.org\n$/)
  assert.equal(none.code, 64)
  writeFileSync(file, "FEATURE(`dnsbl'\n")
  const wrong = await waypost("dnsbl check 192.0.2.7 --config", file)
  assert.match(wrong.stderr, /sendmail\.mc:1/)
  assert.equal(wrong.code, 78)
})

test("a name server that is not there is said, and cannot tell is 75; a resolver that is none is refused", async () => {
  const port = await freePort()
  const args = (resolver: string) => [
    "dnsbl",
    "check",
    "192.0.2.7",
    "zen.spamhaus.org",
    "--resolver",
    resolver,
  ]
  const gone = await run(join(project, "bin", "waypost"), args(`127.0.0.1:${port}`))
  assert.match(gone.stdout, /^zen\.spamhaus\.org: cannot tell: /)
  assert.equal(gone.code, 75)
  const none = await run(join(project, "bin", "waypost"), args("somewhere"))
  assert.match(none.stderr, /^waypost: .*somewhere/)
  assert.equal(none.code, 64)
})
