import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable, Writable } from "node:stream"
import { after, before, test } from "node:test"
import { type Nameserver, startNameserver } from "../../test/kit/nameserver.ts"
import { run as dnsbl } from "./dnsbl.ts"
import { type Io, Refusal } from "./io.ts"
import { run as spf } from "./spf.ts"

const folder = mkdtempSync(join(tmpdir(), "spf-"))
let dns: Nameserver

before(async () => {
  dns = await startNameserver({
    "example.org": { TXT: ["v=spf1 ip4:192.0.2.0/24 include:hello.com ~all"], MX: [[10, "mx.example.org"]] },
    "hello.com": { TXT: ["v=spf1 a:none.hello.com ptr ?all"] },
    "twice.example.org": { TXT: ["v=spf1 -all", "v=spf1 +all"] },
    "typo.example.org": { TXT: ["v=spf2 -all"] },
    "loop.example.org": { TXT: ["v=spf1 include:loop.example.org +all"] },
    "7.2.0.192.zen.spamhaus.org": { A: ["127.0.0.4"], TXT: ["https://check.example/7"] },
    "7.2.0.192.bl.test": { A: ["127.255.255.254"] },
  })
})

after(async () => {
  await dns.close()
  rmSync(folder, { recursive: true })
})

async function said(command: typeof spf, args: string): Promise<{ code: number; text: string }> {
  const pieces: Buffer[] = []
  const stream = new Writable({
    write(piece: Buffer, _encoding, done) {
      pieces.push(Buffer.from(piece))
      done()
    },
  })
  const io: Io = { stdin: Readable.from([]), stdout: stream, stderr: stream, env: {}, cwd: folder, entry: "" }
  const code = await command([...args.split(" "), "--resolver", dns.resolver], io)
  return { code, text: Buffer.concat(pieces).toString("utf8") }
}

test("waypost spf check says the result first, then each term that was looked at", async () => {
  const { code, text } = await said(spf, "check 198.51.100.7 ann@example.org")
  assert.equal(code, 0)
  assert.match(
    text,
    /^softfail: domain example\.org does not expect 198\.51\.100\.7 to send: its record says ~all\n/,
  )
  assert.match(text, /\n {2}example\.org: ip4:192\.0\.2\.0\/24 does not match 198\.51\.100\.7\n/)
  assert.match(text, /\n {2}hello\.com: \?all matches 198\.51\.100\.7\n/)
  assert.match(text, /asked by 3 of 10 terms, 2 of 2 in vain\n$/)
})

test("a null sender is judged by HELO, and JSON has the whole verdict", async () => {
  const { text } = await said(spf, "check 192.0.2.7 <> example.org --json")
  const verdict = JSON.parse(text) as { result: string; domain: string; term: string }
  assert.deepEqual(
    [verdict.result, verdict.domain, verdict.term],
    ["pass", "example.org", "ip4:192.0.2.0/24"],
  )
})

const lint = [
  ["example.org", 0, /note: ip4:192\.0\.2\.0\/24: addresses in 192\.0\.2\.0\/24 may send\n/],
  ["example.org", 0, /note: ~all is for trying it out/],
  ["example.org", 0, /warning: a:none\.hello\.com finds nothing/],
  ["hello.com", 0, /warning: ptr is slow/],
  ["twice.example.org", 65, /error: twice\.example\.org has 2 SPF records, one is allowed/],
  ["typo.example.org", 65, /warning: "v=spf2 -all" is none/],
  [
    "loop.example.org",
    65,
    /error: loop\.example\.org includes itself .*\n(?:.*\n)*error: \+all|error: \+all lets everybody/,
  ],
  ["empty.example.org", 65, /error: empty\.example\.org has no SPF record/],
] as const

for (const [domain, exit, wanted] of lint) {
  test(`waypost spf lint ${domain} says ${wanted.source.slice(0, 40)}`, async () => {
    const { code, text } = await said(spf, `lint ${domain}`)
    assert.match(text, wanted)
    assert.equal(code, exit)
  })
}

test("waypost dnsbl check says what each list says, and where to look", async () => {
  const { code, text } = await said(dnsbl, "check 192.0.2.7 zen.spamhaus.org bl.test clean.test")
  assert.match(
    text,
    /^zen\.spamhaus\.org: 192\.0\.2\.7 is listed: 127\.0\.0\.4 \(XBL: [^)]*\); https:\/\/check/,
  )
  assert.match(text, /\nbl\.test: cannot tell: it does not answer public resolvers/)
  assert.match(text, /\nclean\.test: 192\.0\.2\.7 is not listed\n$/)
  assert.equal(code, 75)
})

test("without names the lists of the configuration are asked", async () => {
  const file = join(folder, "sendmail.mc")
  writeFileSync(file, "FEATURE(`dnsbl', `zen.spamhaus.org')\nFEATURE(`dnswl', `clean.test')\n")
  const { text } = await said(dnsbl, `check 192.0.2.7 --state ${folder} --config ${file}`)
  assert.match(text, /^clean\.test: .*\nzen\.spamhaus\.org: .*\n$/)
})

test("what cannot be asked is refused in one line", async () => {
  await assert.rejects(said(spf, "check here ann@example.org"), Refusal)
  await assert.rejects(said(spf, "lint localhost"), /"localhost" is no domain/)
  await assert.rejects(said(dnsbl, "check 300.1.1.1"), /no IP address/)
})
