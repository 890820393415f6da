import assert from "node:assert/strict"
import { test } from "node:test"
import type { DnsAnswer } from "../mail/world.ts"
import { organizationOf, walkUp } from "./alignment.ts"
import { checkDmarc, type DmarcWorld, type Voucher } from "./dmarc.ts"
import { isDmarc, parseDmarc } from "./dmarc-record.ts"

/** DNS of these records; names that begin with "silent" are not answered for. */
function world(
  zone: Readonly<Record<string, string | readonly string[]>>,
): DmarcWorld & { readonly asked: string[] } {
  const asked: string[] = []
  const exists = (name: string) => Object.keys(zone).some((one) => one === name || one.endsWith(`.${name}`))
  return {
    asked,
    async txt(name): Promise<DnsAnswer<string>> {
      asked.push(name)
      if (name.includes("silent") && zone[name] === undefined)
        return { found: "unavailable", why: "SERVFAIL" }
      const found = zone[name]
      if (found === undefined)
        return { found: "nothing", why: exists(name) ? "no such record" : "no such name", secure: false }
      return {
        found: "records",
        records: typeof found === "string" ? [found] : found,
        secure: false,
        ttl: 60,
      }
    },
    async addresses(name): Promise<DnsAnswer<string>> {
      if (name.startsWith("unknown.")) return { found: "unavailable", why: "SERVFAIL" }
      return { found: "nothing", why: exists(name) ? "no such record" : "no such name", secure: false }
    },
  }
}

const dkim = (domain: string, result = "pass"): Voucher => ({ by: "dkim", domain, result })
const spf = (domain: string, result = "pass"): Voucher => ({ by: "spf", domain, result })

const plain = { "_dmarc.napier.ac.uk": "v=DMARC1; p=reject", "cs.napier.ac.uk": "x" }

const cases: readonly (readonly [
  says: string,
  zone: Parameters<typeof world>[0],
  author: string,
  vouchers: readonly Voucher[],
  result: string,
  wish: string,
])[] = [
  ["the domain's own signature", plain, "napier.ac.uk", [dkim("napier.ac.uk")], "pass", "reject"],
  ["nobody vouches", plain, "napier.ac.uk", [], "fail", "reject"],
  ["another's signature", plain, "napier.ac.uk", [dkim("hello.com")], "fail", "reject"],
  ["a signature that fails", plain, "napier.ac.uk", [dkim("napier.ac.uk", "fail")], "fail", "reject"],
  ["SPF of a name below, relaxed", plain, "napier.ac.uk", [spf("bounces.napier.ac.uk")], "pass", "reject"],
  ["the organization for its department", plain, "cs.napier.ac.uk", [dkim("napier.ac.uk")], "pass", "reject"],
  ["a sister for a department", plain, "cs.napier.ac.uk", [dkim("ee.napier.ac.uk")], "pass", "reject"],
  ["a name that only ends alike", plain, "napier.ac.uk", [dkim("evilnapier.ac.uk")], "fail", "reject"],
  ["the suffix alone", plain, "napier.ac.uk", [dkim("ac.uk")], "fail", "reject"],
  ["no record anywhere", {}, "hello.com", [dkim("hello.com")], "none", "none"],
  ["upper case and a last dot", plain, "Napier.AC.UK.", [dkim("napier.ac.uk")], "pass", "reject"],
  [
    "strict wants the very name",
    { "_dmarc.napier.ac.uk": "v=DMARC1; p=reject; adkim=s" },
    "napier.ac.uk",
    [dkim("cs.napier.ac.uk")],
    "fail",
    "reject",
  ],
  [
    "strict for SPF leaves DKIM relaxed",
    { "_dmarc.napier.ac.uk": "v=DMARC1; p=reject; aspf=s" },
    "napier.ac.uk",
    [spf("cs.napier.ac.uk"), dkim("cs.napier.ac.uk")],
    "pass",
    "reject",
  ],
  [
    "sp= is for names below",
    { "_dmarc.napier.ac.uk": "v=DMARC1; p=reject; sp=quarantine", "cs.napier.ac.uk": "x" },
    "cs.napier.ac.uk",
    [],
    "fail",
    "quarantine",
  ],
  [
    "np= is for names that do not exist",
    { "_dmarc.napier.ac.uk": "v=DMARC1; p=none; np=reject" },
    "nowhere.napier.ac.uk",
    [],
    "fail",
    "reject",
  ],
  [
    "np= is not for names that do",
    { "_dmarc.napier.ac.uk": "v=DMARC1; p=none; np=reject", "cs.napier.ac.uk": "x" },
    "cs.napier.ac.uk",
    [],
    "fail",
    "none",
  ],
  [
    "t=y takes a step back",
    { "_dmarc.napier.ac.uk": "v=DMARC1; p=reject; t=y" },
    "napier.ac.uk",
    [],
    "fail",
    "quarantine",
  ],
  [
    "a department's own record comes first",
    { ...plain, "_dmarc.cs.napier.ac.uk": "v=DMARC1; p=none" },
    "cs.napier.ac.uk",
    [],
    "fail",
    "none",
  ],
  [
    "psd=n: a department that is an organization of its own",
    { ...plain, "_dmarc.cs.napier.ac.uk": "v=DMARC1; p=reject; psd=n" },
    "cs.napier.ac.uk",
    [dkim("napier.ac.uk")],
    "fail",
    "reject",
  ],
  [
    "psd=n of the one who signs parts it from its mother",
    { ...plain, "_dmarc.cs.napier.ac.uk": "v=DMARC1; p=reject; psd=n" },
    "napier.ac.uk",
    [dkim("cs.napier.ac.uk")],
    "fail",
    "reject",
  ],
  [
    "psd=y: sisters below a public suffix are strangers",
    { "_dmarc.ac.uk": "v=DMARC1; p=reject; psd=y" },
    "napier.ac.uk",
    [dkim("other.ac.uk")],
    "fail",
    "reject",
  ],
  [
    "psd=y: below its own name they are not",
    { "_dmarc.ac.uk": "v=DMARC1; p=reject; psd=y" },
    "cs.napier.ac.uk",
    [dkim("ee.napier.ac.uk")],
    "pass",
    "reject",
  ],
  [
    "two records are none",
    { "_dmarc.hello.com": ["v=DMARC1; p=reject", "v=DMARC1; p=none"] },
    "hello.com",
    [],
    "none",
    "none",
  ],
  [
    "other texts do not count",
    { "_dmarc.hello.com": ["v=spf1 -all", "v=DMARC1; p=reject"] },
    "hello.com",
    [],
    "fail",
    "reject",
  ],
  [
    "no p= but an address for reports asks for none",
    { "_dmarc.hello.com": "v=DMARC1; rua=mailto:d@hello.com" },
    "hello.com",
    [],
    "fail",
    "none",
  ],
  [
    "no p= and no address is no record",
    { "_dmarc.hello.com": "v=DMARC1; sp=reject" },
    "hello.com",
    [],
    "none",
    "none",
  ],
  [
    "no p= and no address is no record, and the organization's is not asked for it",
    { ...plain, "_dmarc.cs.napier.ac.uk": "v=DMARC1; p=rejct" },
    "cs.napier.ac.uk",
    [],
    "none",
    "none",
  ],
  [
    "sp= that is no policy, with an address: as p=none",
    { "_dmarc.hello.com": "v=DMARC1; p=reject; sp=quarantin; rua=mailto:d@hello.com" },
    "hello.com",
    [],
    "fail",
    "none",
  ],
  [
    "np= that is no policy, without an address: no record",
    { "_dmarc.hello.com": "v=DMARC1; p=reject; np=x" },
    "hello.com",
    [],
    "none",
    "none",
  ],
  [
    "an organization whose record has no policy, below a suffix that has one",
    { "_dmarc.com": "v=DMARC1; p=reject; psd=y", "_dmarc.hello.com": "v=DMARC1; p=x" },
    "mail.hello.com",
    [],
    "none",
    "none",
  ],
  [
    "a key that could not be had",
    plain,
    "napier.ac.uk",
    [dkim("napier.ac.uk", "temperror")],
    "temperror",
    "reject",
  ],
  [
    "a key that could not be had, beside a pass",
    plain,
    "napier.ac.uk",
    [dkim("napier.ac.uk", "temperror"), spf("napier.ac.uk")],
    "pass",
    "reject",
  ],
  [
    "a stranger's key that could not be had",
    plain,
    "napier.ac.uk",
    [dkim("hello.com", "temperror")],
    "fail",
    "reject",
  ],
  [
    "DNS silent above the author's own record: who is vouched for exactly needs no more",
    { "_dmarc.cs.silent.org": "v=DMARC1; p=quarantine" },
    "cs.silent.org",
    [dkim("cs.silent.org")],
    "pass",
    "quarantine",
  ],
  [
    "DNS silent above the author's own record, and nobody vouches at all",
    { "_dmarc.cs.silent.org": "v=DMARC1; p=quarantine" },
    "cs.silent.org",
    [dkim("hello.com", "fail")],
    "fail",
    "quarantine",
  ],
  [
    "DNS silent above the author's own record, and a sister vouches",
    { "_dmarc.cs.silent.org": "v=DMARC1; p=quarantine" },
    "cs.silent.org",
    [dkim("ee.silent.org")],
    "temperror",
    "quarantine",
  ],
  [
    "DNS does not say whether the name exists, and sp= and np= differ",
    { "_dmarc.napier.ac.uk": "v=DMARC1; p=reject; sp=none; np=reject" },
    "unknown.napier.ac.uk",
    [],
    "temperror",
    "none",
  ],
  [
    "DNS does not say whether the name exists, but its organization vouches",
    { "_dmarc.napier.ac.uk": "v=DMARC1; p=reject; sp=none; np=reject" },
    "unknown.napier.ac.uk",
    [dkim("napier.ac.uk")],
    "pass",
    "none",
  ],
  ["a NUL in the author's domain", plain, "napier.ac.uk\0.hello.com", [], "permerror", "none"],
  ["a NUL at its end", plain, "napier.ac.uk\0", [], "permerror", "none"],
  ["DNS silent about the author", plain, "silent.napier.ac.uk", [], "temperror", "none"],
  [
    "DNS silent about the one who signs",
    plain,
    "napier.ac.uk",
    [dkim("silent.napier.ac.uk")],
    "temperror",
    "reject",
  ],
  ["an author whose domain is none", plain, "localhost", [], "permerror", "none"],
]

for (const [says, zone, author, vouchers, result, wish] of cases) {
  test(`DMARC: ${says}: ${result}, ${wish}`, async () => {
    const verdict = await checkDmarc(author, vouchers, world(zone))
    assert.deepEqual([verdict.result, verdict.wish], [result, wish], verdict.why)
    assert.notEqual(verdict.why, "")
  })
}

test("the tree is walked from the name up, and a long name from its seventh label (RFC 9989 §4.10)", async () => {
  const dns = world({})
  await walkUp("a.b.c.d.e.f.g.h.i.j.mail.example.org", dns.txt)
  assert.deepEqual(
    dns.asked,
    [
      "a.b.c.d.e.f.g.h.i.j.mail.example.org",
      "g.h.i.j.mail.example.org",
      "h.i.j.mail.example.org",
      "i.j.mail.example.org",
      "j.mail.example.org",
      "mail.example.org",
      "example.org",
      "org",
    ].map((name) => `_dmarc.${name}`),
  )
})

test("the organization is the highest name with a record, or the name itself", async () => {
  const zone = { "_dmarc.b.example.org": "v=DMARC1; p=none", "_dmarc.example.org": "v=DMARC1; p=none" }
  assert.equal(organizationOf(await walkUp("a.b.example.org", world(zone).txt)), "example.org")
  assert.equal(organizationOf(await walkUp("a.b.example.org", world({}).txt)), "a.b.example.org")
})

test("what is a DMARC record: v= first, exactly so", () => {
  for (const text of ["v=DMARC1", "v=DMARC1;p=none", "v = DMARC1 ; p=none"]) assert.ok(isDmarc(text), text)
  for (const text of ["v=DMARC2; p=none", "p=none; v=DMARC1", "V=DMARC1; p=none", " v=DMARC1", "v=DMARC10"])
    assert.ok(!isDmarc(text), text)
})

test("tags that are unknown or wrong are passed over", () => {
  const read = parseDmarc(
    "v=DMARC1; p=Reject; adkim=x; pct=50; t=maybe; psd=?; rua=mailto:a@hello.com, nonsense",
  )
  assert.ok(read.ok)
  assert.deepEqual(
    [read.value.p, read.value.adkim, read.value.testing, read.value.psd, read.value.rua],
    ["reject", "r", false, "u", ["mailto:a@hello.com"]],
  )
})
