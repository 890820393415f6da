// FEATURE(bimi) on its whole way: signed letters come in, DNS says what their authors want shown, and what is told of it stands on top;
// each step is in the trail.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { dnsOf, mailhost, type Zone } from "../../test/kit/mailhost.ts"
import type { Dns } from "../mail/world.ts"
import { makeKeys, readKeys, recordOf } from "../trust/dkim-keys.ts"
import { SignatureThreads } from "../trust/mailauth.ts"
import { verifier } from "./signatures.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-bimi-"))
after(() => rmSync(directory, { recursive: true }))
const made = makeKeys(directory, "napier.ac.uk", "nov", undefined)
assert.ok(made.ok, made.ok ? "" : made.error)
const keyring = readKeys(directory)
assert.ok(keyring.ok)
const keys = keyring.value.get("napier.ac.uk") ?? []

const svg = "https://img.napier.ac.uk/logo.svg"
const zone: Zone = {
  ...Object.fromEntries(
    made.value.map((key) => recordOf("napier.ac.uk", key)).map(({ name, text }) => [name, { TXT: text }]),
  ),
  "client.test": { A: "192.0.2.66", MX: "10 client.test" },
  "napier.ac.uk": { MX: "10 client.test", A: "192.0.2.99", TXT: "v=spf1 ip4:192.0.2.77 -all" },
  "cs.napier.ac.uk": { MX: "10 client.test" },
  "_dmarc.napier.ac.uk": { TXT: "v=DMARC1; p=reject" },
  "default._bimi.napier.ac.uk": { TXT: `v=BIMI1; l=${svg}; a=https://ca.test/m.pem` },
  "spring._bimi.napier.ac.uk": { TXT: "v=BIMI1; l=https://img.napier.ac.uk/spring.svg; avp=personal" },
  "none._bimi.napier.ac.uk": { TXT: "v=BIMI1; l=; a=;" },
  "wrong._bimi.napier.ac.uk": { TXT: "v=BIMI1; l=http://img.napier.ac.uk/logo.svg" },
}

/** DNS of the zone; silent about one selector. */
function dns(changed: Zone = {}): Dns & { readonly asked: string[] } {
  const known = dnsOf({ ...zone, ...changed })
  const asked: string[] = []
  return {
    ...known,
    asked,
    async txt(name) {
      asked.push(name)
      return name.startsWith("silent._bimi") ? { found: "unavailable", why: "SERVFAIL" } : known.txt(name)
    },
  }
}

const threads = new SignatureThreads(dnsOf(zone).txt, (line) => assert.fail(line))
after(() => threads.close())

function host(lines = "FEATURE(`dmarc')dnl\nFEATURE(`bimi')dnl", resolver: Dns = dns()) {
  return mailhost({
    resolver,
    accounts: ["bob"],
    verify: verifier(() => threads, { does: "verify", dkim: true, arc: true }),
    files: { "/etc/mail/sendmail.mc": `${lines}\nMAILER(smtp)dnl` },
  })
}

const letter = (fields = "", from = "Gordon <gordon@napier.ac.uk>") =>
  `From: ${from}\r\nTo: bob@mx.test\r\nSubject: a test\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@napier.ac.uk>\r\n${fields}\r\nHello Bob,\r\n`

async function signed(text = letter()): Promise<string> {
  const headerSize = text.indexOf("\r\n\r\n") + 4
  const job = { does: "sign", domain: "napier.ac.uk", keys, headerSize, seconds: 1_790_000_000 } as const
  const done = await threads.do(job, () => [Buffer.from(text)])
  assert.ok(done.ok && done.value.found.did === "sign")
  return done.value.found.fields + text
}

async function sent(text: string, { mx = host(), client = "192.0.2.66", from = "gordon@napier.ac.uk" } = {}) {
  const lines = text
    .replace(/\r\n$/, "")
    .split("\r\n")
    .map((line) => `C: ${line}`)
  const open = ["S: 220 *", "C: HELO client.test", "S: 250 *", `C: MAIL FROM:<${from}>`, "S: 250 *"]
  const data = ["C: RCPT TO:<bob@mx.test>", "S: 250 *", "C: DATA", "S: 354 *"]
  await mx.play(client, [...open, ...data, ...lines, "C: .", "S: 250 *"].join("\n"))
  const stored = mx.spool.stored.at(-1)
  const whole = stored?.text ?? assert.fail("nothing was stored")
  const top = whole.split("Received:")[0]?.replaceAll("\r\n\t", " ") ?? ""
  const trail = JSON.stringify(stored?.queued.pending[0]?.recipient.admitted)
  return { top, whole, trail, bimi: /bimi=[^;\r]*/.exec(top)?.[0] ?? "" }
}

test("a good letter of a domain that enforces DMARC gets the place of its indicator, and the trail says what DNS said", async () => {
  const { top, bimi, trail } = await sent(await signed())
  assert.equal(
    bimi,
    'bimi=pass header.d=napier.ac.uk header.selector=default policy.authority=none policy.authority-uri="https://ca.test/m.pem"',
  )
  assert.match(top, new RegExp(`dmarc=pass .*; bimi=pass .*\r\nBIMI-Location: v=BIMI1; l=${svg}\r\n$`, "s"))
  assert.match(trail, /default\._bimi\.napier\.ac\.uk says \\"v=BIMI1; l=https/)
  assert.match(trail, /pass: default\._bimi\.napier\.ac\.uk names https:\/\/img\.napier\.ac\.uk\/logo\.svg/)
  assert.match(trail, /"step":"bimi"[^}]*"at":\{"file":"\/etc\/mail\/sendmail\.mc","line":2/)
})

test("SPF alone is enough for DMARC, and so for BIMI", async () => {
  const { bimi } = await sent(letter(), { client: "192.0.2.77" })
  assert.match(bimi, /^bimi=pass header\.d=napier\.ac\.uk/)
})

test("a department without a record has its organization's", async () => {
  const { bimi, trail } = await sent(await signed(letter("", "ann@cs.napier.ac.uk")))
  assert.match(bimi, /^bimi=pass header\.d=napier\.ac\.uk header\.selector=default/)
  assert.match(trail, /default\._bimi\.cs\.napier\.ac\.uk: no record/)
})

const selectors: readonly (readonly [selector: string, told: RegExp])[] = [
  [
    "spring",
    /^bimi=pass header\.d=napier\.ac\.uk header\.selector=spring policy\.authority=none policy\.logo-preference=personal$/,
  ],
  [
    "none",
    /^bimi=declined \(none\._bimi\.napier\.ac\.uk wants none shown\) header\.d=napier\.ac\.uk header\.selector=none$/,
  ],
  ["absent", /^bimi=none \(there is no record at absent\._bimi\.napier\.ac\.uk\)$/],
  ["wrong", /^bimi=fail \(wrong\._bimi\.napier\.ac\.uk: l= is no https: URI: http:\/\/img/],
  ["silent", /^bimi=temperror \(DNS does not say what silent\._bimi\.napier\.ac\.uk publishes\)/],
]

for (const [selector, told] of selectors) {
  test(`BIMI-Selector: ${selector} is asked for where it is signed, and the letter is taken`, async () => {
    const { top, bimi } = await sent(await signed(letter(`BIMI-Selector: v=BIMI1; s=${selector};\r\n`)))
    assert.match(bimi, told)
    assert.equal(/^BIMI-Location:/m.test(top), selector === "spring")
    assert.equal(/^BIMI-Logo-Preference: avp=personal;\r$/m.test(top), selector === "spring")
  })
}

test("a selector that nobody signed, or that is none, is as if it were not there", async () => {
  const unsigned = `BIMI-Selector: v=BIMI1; s=spring\r\n${await signed()}`
  const { bimi, trail } = await sent(unsigned)
  assert.match(bimi, /header\.selector=default/)
  assert.match(trail, /BIMI-Selector does not count: no signature that speaks for the author covers it/)
  const none = await sent(await signed(letter("BIMI-Selector: s=spring\r\n")))
  assert.match(none.bimi, /header\.selector=default/)
  assert.match(none.trail, /does not count: it does not begin with v=BIMI1/)
})

test("a selector counts when one of several signatures covers it, and only one that speaks for the author", async () => {
  const broken =
    "DKIM-Signature: v=1; a=rsa-sha256; d=hello.com; s=x; h=from; bh=KWSe46TZKCcDbH4klJPo+tjk5LWJnVRlP5pvjXFZYLQ=; b=AAAA\r\n"
  const selector = "BIMI-Selector: v=BIMI1; s=spring\r\n"
  assert.match((await sent(broken + (await signed(letter(selector))))).bimi, /header\.selector=spring/)
  const resolver = dns({
    "hello.com": { MX: "10 client.test", TXT: "v=spf1 ip4:192.0.2.77 -all" },
    "_dmarc.hello.com": { TXT: "v=DMARC1; p=reject" },
    "default._bimi.hello.com": { TXT: "v=BIMI1; l=https://hello.com/a.svg" },
    "spring._bimi.hello.com": { TXT: "v=BIMI1; l=https://hello.com/b.svg" },
  })
  const other = await sent(await signed(letter(selector, "me@hello.com")), {
    mx: host(undefined, resolver),
    client: "192.0.2.77",
    from: "me@hello.com",
  })
  assert.match(other.bimi, /^bimi=pass header\.d=hello\.com header\.selector=default/)
  assert.match(other.trail, /no signature that speaks for the author covers it/)
})

test("a likeness of a signature whose h= names the selector does not make it signed", async () => {
  const good = await signed()
  const likeness = good.slice(0, good.indexOf("\r\nFrom:") + 2).replaceAll(/h=from/g, "h=bimi-selector:from")
  const { bimi, trail } = await sent(`BIMI-Selector: v=BIMI1; s=spring\r\n${likeness}${good}`)
  assert.match(bimi, /^bimi=pass .*header\.selector=default/)
  assert.match(trail, /no signature that speaks for the author covers it/)
})

test("of several selectors nobody can tell which was meant", async () => {
  const text = `BIMI-Selector: v=BIMI1; s=spring\r\n${await signed(letter("BIMI-Selector: v=BIMI1; s=none\r\n"))}`
  assert.equal((await sent(text)).bimi, "bimi=fail (2 BIMI-Selector fields)")
})

const forged =
  "BIMI-Location: v=BIMI1; l=https://evil.test/x.svg\r\nbimi-indicator: PHN2Zz4=\r\n PHN2Zz4=\r\nBIMI-Logo-Preference: avp=brand\r\n"

test("fields that only we write are taken out of what comes in, from whomever, and signatures hold all the same", async () => {
  const { whole, bimi, trail } = await sent(forged + (await signed()))
  assert.match(bimi, /^bimi=pass/)
  assert.doesNotMatch(whole, /evil|PHN2|avp=brand/)
  assert.equal(whole.match(/^bimi-/gim)?.length, 1)
  assert.match(trail, /bimi-indicator is ours to write: what came is taken away/)
  const ours = await sent(forged + letter(), { client: "127.0.0.1" })
  assert.doesNotMatch(ours.whole, /bimi/i, "nobody has to vouch for a client of ours, and nobody is believed")
})

test("without FEATURE(bimi) nothing is asked, written or taken away", async () => {
  const resolver = dns()
  const { whole, top } = await sent(forged + (await signed()), { mx: host("FEATURE(`dmarc')dnl", resolver) })
  assert.doesNotMatch(top, /bimi/i)
  assert.ok(whole.includes(forged))
  assert.ok(!resolver.asked.some((name) => name.includes("_bimi")))
})

const skipped: readonly (readonly [says: string, text: () => Promise<string>, changed: Zone, why: RegExp])[] =
  [
    [
      "two authors",
      () => signed(letter("", "gordon@napier.ac.uk, ann@napier.ac.uk")),
      {},
      /From: does not name one author/,
    ],
    [
      "two From: fields",
      async () => (await signed()).replace("\r\nTo:", "\r\nFrom: gordon@napier.ac.uk\r\nTo:"),
      { "_dmarc.napier.ac.uk": { TXT: "v=DMARC1; p=none; rua=mailto:a@napier.ac.uk" } },
      /From: does not name one author/,
    ],
    [
      "DMARC fails",
      async () => letter(),
      { "_dmarc.napier.ac.uk": { TXT: "v=DMARC1; p=quarantine" } },
      /DMARC says fail/,
    ],
    ["no DMARC record", () => signed(), { "_dmarc.napier.ac.uk": {} }, /DMARC says none/],
    ["no author", async () => letter("", "undisclosed:;"), {}, /From: does not name one author/],
    [
      "DMARC is not enforced",
      () => signed(),
      { "_dmarc.napier.ac.uk": { TXT: "v=DMARC1; p=reject; sp=none" } },
      /DMARC of napier\.ac\.uk is not enforced: sp=none/,
    ],
  ]

for (const [says, text, changed, why] of skipped) {
  test(`skipped, and DNS is not asked for an indicator: ${says}`, async () => {
    const resolver = dns(changed)
    const { bimi, top } = await sent(await text(), { mx: host(undefined, resolver) })
    assert.match(bimi, /^bimi=skipped \(/)
    assert.match(bimi, why)
    assert.doesNotMatch(top, /^BIMI-/m)
    assert.ok(!resolver.asked.some((name) => name.includes("_bimi")))
  })
}

test("a signature over a part of the body vouches for no indicator", async () => {
  const likeness = (await signed()).replace(/; t=/, "; l=0; t=")
  const part = likeness.slice(0, likeness.indexOf("\r\nFrom:") + 2)
  const { bimi } = await sent(part + (await signed()))
  assert.match(bimi, /^bimi=skipped \(a signature covers only a part of the body/)
})

test("a letter that DMARC has held keeps its reason, and nothing is looked up for it", async () => {
  const resolver = dns({ "_dmarc.napier.ac.uk": { TXT: "v=DMARC1; p=quarantine" } })
  const mx = host("FEATURE(`dmarc', `quarantine=hold')dnl\nFEATURE(`bimi')dnl", resolver)
  const { top } = await sent(letter(), { mx })
  assert.doesNotMatch(top, /bimi/i)
  assert.match(mx.spool.stored.at(-1)?.queued.entry.held?.reason ?? "", /^fail: nobody who speaks/)
})
