// BIMI's records and where they are looked for, by the sections and examples of draft-brand-indicators-for-message-identification-10.
import assert from "node:assert/strict"
import { test } from "node:test"
import type { DnsAnswer } from "../mail/world.ts"
import { type BimiVerdict, findBimi, whyNotEnforced } from "./bimi.ts"
import { isBimi, localPartSelector, parseBimi, parseSelector } from "./bimi-record.ts"
import { checkDmarc } from "./dmarc.ts"
import { bimiFieldsFor, bimiResult } from "./results.ts"

type Zone = Readonly<Record<string, string | readonly string[]>>

/** DNS of these records; names that begin with "silent" are not answered for. */
function world(zone: Zone) {
  const asked: string[] = []
  return {
    asked,
    async txt(name: string): Promise<DnsAnswer<string>> {
      asked.push(name)
      if (name.startsWith("silent")) return { found: "unavailable", why: "SERVFAIL" }
      const found = zone[name]
      if (found === undefined) return { found: "nothing", why: "no such name", secure: false }
      return {
        found: "records",
        records: typeof found === "string" ? [found] : found,
        secure: false,
        ttl: 60,
      }
    },
    addresses: async (): Promise<DnsAnswer<string>> => ({
      found: "nothing",
      why: "no such record",
      secure: false,
    }),
  }
}

const svg = "https://image.example.com/bimi/logo.svg"
const good = `v=BIMI1; l=${svg}`

const records: readonly (readonly [text: string, location: string, evidence: string, preference?: string])[] =
  [
    [good, svg, ""],
    [`v = BIMI1 ;l=${svg};`, svg, ""],
    [
      `v=BIMI1; a=https://ca.example.org/m.pem; l=${svg}; avp=brand;`,
      svg,
      "https://ca.example.org/m.pem",
      "brand",
    ],
    [`v=BIMI1; l=${svg}; a=; avp=personal`, svg, "", "personal"],
    [`v=BIMI1; l=${svg}; avp=Personal`, svg, ""], // §4.3: capitals are not mended; what is no preference is ignored
    [`v=BIMI1; l=${svg}; x=tomorrow; L=no`, svg, ""], // unknown tags, and names are case-sensitive
    ["v=BIMI1; l=https://image.example.com/bimi/logo/", "https://image.example.com/bimi/logo/", ""], // C.3
    ["v=BIMI1; l=HTTPS://image.example.com/a%2Cb.svgz?x=1", "HTTPS://image.example.com/a%2Cb.svgz?x=1", ""],
    ["v=BIMI1; l=; a=;", "", ""],
    ["v=BIMI1; l=", "", ""],
  ]

for (const [text, location, evidence, preference] of records) {
  test(`a record: ${text}`, () => {
    const read = parseBimi(text)
    assert.ok(isBimi(text) && read.ok, read.ok ? "" : read.error)
    assert.deepEqual(
      [read.value.location, read.value.evidence, read.value.preference],
      [location, evidence, preference],
    )
  })
}

const wrongRecords: readonly (readonly [text: string, says: RegExp])[] = [
  ["v=BIMI1", /it has no l=/],
  ["v=BIMI1; a=https://ca.example.org/m.pem", /it has no l=/],
  ["v=BIMI1; l=; a=https://ca.example.org/m.pem", /l= is empty, and a= is not/],
  [`v=BIMI1; L=${svg}`, /it has no l=/],
  [`${good}; l=${svg}`, /l= stands twice/],
  [`v=BIMI1; l=${svg},https://b.example.org/b.svg`, /l= is no https: URI/],
  ["v=BIMI1; l=http://image.example.com/a.svg", /l= is no https: URI/],
  ["v=BIMI1; l=image.example.com/a.svg", /l= is no https: URI/],
  ["v=BIMI1; l=https://image.example.com/a b.svg", /l= is no https: URI/],
  ["v=BIMI1; l=https://image.example.com/100%.svg", /l= is no https: URI/],
  ["v=BIMI1; l=https://[2001:db8::1/a.svg", /l= is no https: URI/],
  ["v=BIMI1; l=https://localhost/a.svg", /l= names no host in full/],
  ["v=BIMI1; l=https://192.0.2.1/a.svg", /l= names no host in full/],
  [`${good}; a=http://ca.example.org/m.pem`, /a= is no https: URI/],
  ["v=BIMI1; l=https://image.example.com/logo.PNG?v=2", /l= names no SVG/], // §4.3.2
  [`v=BIMI1; l=https://image.example.com/${"x".repeat(320)}`, /more than 320 octets/],
]

for (const [text, says] of wrongRecords) {
  test(`no record: ${text.slice(0, 80)}`, () => {
    const read = parseBimi(text)
    assert.ok(isBimi(text) && !read.ok)
    assert.match(read.error, says)
  })
}

test("a text that does not begin with exactly v=BIMI1 means to be something else", () => {
  for (const text of ["v=bimi1; l=", "v=BIMI2; l=", "v=BIMI11; l=", `l=${svg}; v=BIMI1`, "google-site=1", ""])
    assert.ok(!isBimi(text), text)
})

test("BIMI-Selector names a selector, or is as good as none", () => {
  const of = (value: string) => {
    const read = parseSelector(value)
    return read.ok ? read.value : `no: ${read.error}`
  }
  assert.equal(of("v=BIMI1; s=brand"), "brand")
  assert.equal(of("v=BIMI1; s=Spring.Sale-2;"), "spring.sale-2")
  assert.equal(of("s=brand; v=BIMI1"), "no: it does not begin with v=BIMI1")
  assert.equal(of("s=myselector;"), "no: it does not begin with v=BIMI1") // A.5
  assert.equal(of("v=BIMI1;"), "no: it has no s=")
  for (const wrong of ["", "a..b", "_a", "-a", "a-", "a b", "x".repeat(64), "über"])
    assert.match(of(`v=BIMI1; s=${wrong}`), /^no: /, wrong)
})

test("a local part is a selector when what is left of it is a label", () => {
  const cases = {
    "news+2026": "news",
    "Spring.Sale__now": "spring-sale-now",
    "._x_.": "x",
    "+x": undefined,
    "a!b": undefined,
    __: undefined,
    ["y".repeat(64)]: undefined,
  }
  for (const [localPart, selector] of Object.entries(cases))
    assert.equal(localPartSelector(localPart), selector, localPart)
})

const author = {
  domain: "sub.example.com",
  organization: "example.com",
  localPart: "sender",
  selector: "default",
}

type Found = readonly [result: string, at: string | undefined, why: RegExp, asked: readonly string[]]
const both = ["default._bimi.sub.example.com", "default._bimi.example.com"]

const discoveries: readonly (readonly [says: string, zone: Zone, question: Partial<typeof author>, Found])[] =
  [
    [
      "the author's own domain is asked first",
      { [both[0] ?? ""]: good, [both[1] ?? ""]: "v=BIMI1; l=" },
      {},
      [
        "pass",
        "default sub.example.com",
        /names https:\/\/image\.example\.com\/bimi\/logo\.svg/,
        both.slice(0, 1),
      ],
    ],
    ["B.2: no record anywhere", {}, {}, ["none", undefined, /nor at its organization, example\.com/, both]],
    [
      "B.3: a domain declines",
      { "default._bimi.example.com": "v=BIMI1; l=; a=;" },
      { domain: "example.com" },
      ["declined", "default example.com", /wants none shown/, both.slice(1)],
    ],
    [
      "B.4: the organization has one",
      { [both[1] ?? ""]: good },
      {},
      ["pass", "default example.com", /names/, both],
    ],
    [
      "B.5: a selector does not fall back to the default one",
      { [both[1] ?? ""]: good },
      { selector: "my" },
      ["none", undefined, /no record at my\._bimi/, ["my._bimi.sub.example.com", "my._bimi.example.com"]],
    ],
    [
      "B.6: but to the organization's of that name",
      { "my._bimi.example.com": good },
      { selector: "my" },
      ["pass", "my example.com", /names/, ["my._bimi.sub.example.com", "my._bimi.example.com"]],
    ],
    [
      "other texts at the name are none",
      { [both[0] ?? ""]: ["site=1", good] },
      {},
      ["pass", "default sub.example.com", /names/, both.slice(0, 1)],
    ],
    [
      "several records end it",
      { [both[0] ?? ""]: [good, good], [both[1] ?? ""]: good },
      {},
      ["fail", "default sub.example.com", /2 records/, both.slice(0, 1)],
    ],
    [
      "a wrong record ends it",
      { [both[0] ?? ""]: "v=BIMI1; l=ftp://x", [both[1] ?? ""]: good },
      {},
      ["fail", "default sub.example.com", /no https: URI/, both.slice(0, 1)],
    ],
    [
      "DNS is silent",
      {},
      { selector: "silent" },
      ["temperror", "silent sub.example.com", /DNS does not say/, ["silent._bimi.sub.example.com"]],
    ],
    [
      "a name that is too long has no record",
      {},
      {
        domain: "example.com",
        selector: `${"x".repeat(63)}.${"x".repeat(63)}.${"x".repeat(63)}.${"x".repeat(50)}`,
      },
      ["none", undefined, /no record/, []],
    ],
    [
      "lps=true leads to the author's own",
      {
        [both[1] ?? ""]: "v=BIMI1; l=; a=; lps=true;",
        "spring-sale._bimi.example.com": good,
      },
      { localPart: "spring.sale+x" },
      ["pass", "spring-sale example.com", /names/, [...both, "spring-sale._bimi.example.com"]],
    ],
    [
      "lps=true, and the author has none",
      { [both[0] ?? ""]: `${good}; lps=true` },
      {},
      ["pass", "default sub.example.com", /names/, [both[0] ?? "", "sender._bimi.sub.example.com"]],
    ],
    [
      "lps=true, and the author's is wrong",
      { [both[0] ?? ""]: `${good}; lps=true`, "sender._bimi.sub.example.com": "v=BIMI1" },
      {},
      ["pass", "default sub.example.com", /names/, [both[0] ?? "", "sender._bimi.sub.example.com"]],
    ],
    [
      "lps=true, and DNS is silent about the author's",
      { [both[0] ?? ""]: `${good}; lps=true` },
      { localPart: "silent" },
      [
        "temperror",
        "silent sub.example.com",
        /DNS does not say/,
        [both[0] ?? "", "silent._bimi.sub.example.com"],
      ],
    ],
    [
      "lps=true of a local part that is none, or the very selector: nothing more is asked",
      { [both[0] ?? ""]: `${good}; lps=true` },
      { localPart: "default" },
      ["pass", "default sub.example.com", /names/, both.slice(0, 1)],
    ],
  ]

for (const [says, zone, question, [result, at, why, asked]] of discoveries) {
  test(`discovery: ${says}`, async () => {
    const dns = world(zone)
    const found = await findBimi({ ...author, ...question }, dns.txt)
    assert.equal(found.result, result)
    assert.equal(found.at && `${found.at.selector} ${found.at.domain}`, at)
    assert.match(found.why, why)
    assert.deepEqual(dns.asked, asked)
    const told = found.trail.map((step) => step.says.split(/[: ]/)[0])
    if (asked.length > 0) assert.deepEqual(told, asked)
  })
}

const policies: readonly (readonly [zone: Zone, author: string, weak: RegExp | undefined])[] = [
  [{ "_dmarc.example.com": "v=DMARC1; p=reject" }, "example.com", undefined],
  [{ "_dmarc.example.com": "v=DMARC1; p=quarantine" }, "sub.example.com", undefined],
  [{ "_dmarc.example.com": "v=DMARC1; p=quarantine; pct=100; sp=reject" }, "example.com", undefined],
  [{ "_dmarc.example.com": "v=DMARC1; p=reject; pct=5" }, "example.com", undefined], // §7.1 step 9 speaks of quarantine
  [{ "_dmarc.example.com": "v=DMARC1; p=quarantine; pct=50" }, "example.com", /example\.com .*pct=50/],
  [{ "_dmarc.example.com": "v=DMARC1; p=none; rua=mailto:a@example.com" }, "example.com", /p=none/],
  [{ "_dmarc.example.com": "v=DMARC1; p=reject; sp=none" }, "example.com", /sp=none/],
  [{ "_dmarc.example.com": "v=DMARC1; p=reject; t=y" }, "example.com", /t=y/],
  [{ "_dmarc.example.com": "v=DMARC1; p=reject; np=none" }, "gone.example.com", undefined],
  [{}, "example.com", /no DMARC record/],
  [
    { "_dmarc.sub.example.com": "v=DMARC1; p=reject", "_dmarc.example.com": "v=DMARC1; p=none" },
    "sub.example.com",
    /DMARC of example\.com is not enforced: p=none/,
  ],
  [
    { "_dmarc.sub.example.com": "v=DMARC1; p=reject", "_dmarc.example.com": "v=DMARC1; p=reject; sp=none" },
    "sub.example.com",
    /DMARC of example\.com is not enforced: sp=none/,
  ],
  [
    { "_dmarc.sub.example.com": "v=DMARC1; p=none", "_dmarc.example.com": "v=DMARC1; p=reject" },
    "sub.example.com",
    /DMARC of sub\.example\.com is not enforced: p=none/,
  ],
]

for (const [zone, domain, weak] of policies) {
  test(`DMARC of ${domain} with ${JSON.stringify(zone)} is ${weak === undefined ? "" : "not "}enforced`, async () => {
    const verdict = await checkDmarc(domain, [{ by: "dkim", domain, result: "pass" }], world(zone))
    const why = whyNotEnforced(verdict)
    if (weak === undefined) assert.equal(why, undefined)
    else assert.match(why ?? "", weak)
  })
}

test("np=none asks for nothing for names that do not exist", async () => {
  const zone = { "_dmarc.example.com": "v=DMARC1; p=reject; np=none" }
  const addresses = async () => ({ found: "nothing", why: "no such name", secure: false }) as const
  const verdict = await checkDmarc("gone.example.com", [], { ...world(zone), addresses })
  assert.match(whyNotEnforced(verdict) ?? "", /asks for nothing for gone\.example\.com/)
})

test("what is told of a pass, and that nobody here has looked at the evidence", async () => {
  const text = `${good}; a=https://ca.example.org/m.pem; avp=personal`
  const found = await findBimi(author, world({ [both[1] ?? ""]: text }).txt)
  assert.deepEqual(bimiResult(found), {
    method: "bimi",
    result: "pass",
    properties: {
      "header.d": "example.com",
      "header.selector": "default",
      "policy.authority": "none",
      "policy.authority-uri": "https://ca.example.org/m.pem",
      "policy.logo-preference": "personal",
    },
  })
  assert.equal(
    bimiFieldsFor(found),
    `BIMI-Location: v=BIMI1; l=${svg}\r\nBIMI-Logo-Preference: avp=personal;\r\n`,
  )
})

test("nothing but a pass writes fields", () => {
  const read = parseBimi(good)
  assert.ok(read.ok)
  for (const result of ["none", "fail", "temperror", "declined", "skipped"] as const) {
    const verdict: BimiVerdict = { result, at: undefined, record: read.value, why: "so", trail: [] }
    assert.equal(bimiFieldsFor(verdict), "")
    assert.deepEqual(bimiResult(verdict), { method: "bimi", result, comment: "so", properties: {} })
  }
})
