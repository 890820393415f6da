// waypost dkim and waypost dns against a name server: what setup prints is what check finds good.
import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import type { DnsAnswer, Dns } from "../mail/world.ts"
import { makeKeys, readKeys } from "../trust/dkim-keys.ts"
import { run as dkim, zoneLine } from "./dkim.ts"
import { checkRecord } from "./dns-check.ts"
import { type Site, wantedRecords } from "./dns-records.ts"
import { run as dns } from "./dns.ts"
import { Refusal } from "./io.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-dns-"))
after(() => rmSync(directory, { recursive: true }))
const config = join(directory, "sendmail.mc")
writeFileSync(config, "define(`confDOMAIN_NAME', `mail.napier.ac.uk')dnl\nMAILER(`smtp')dnl\n")

test("dkim new makes both keys, readable to us alone, prints what to publish, and never writes over one", async () => {
  const io = memoryIo()
  assert.equal(
    await dkim(["new", "napier.ac.uk", "--dir", join(directory, "dkim"), "--selector", "nov"], io),
    0,
  )
  assert.match(
    io.written.stdout,
    /^nove\._domainkey\.napier\.ac\.uk\. IN TXT "v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}="$/m,
  )
  assert.match(io.written.stdout, /^novr\._domainkey\.napier\.ac\.uk\. IN TXT \(\n {2}"v=DKIM1; k=rsa; p=/m)
  const folder = join(directory, "dkim/napier.ac.uk")
  assert.deepEqual(readdirSync(folder).toSorted(), ["nove.pem", "novr.pem"])
  assert.equal(statSync(join(folder, "novr.pem")).mode & 0o007, 0)
  await assert.rejects(
    dkim(["new", "napier.ac.uk", "--dir", join(directory, "dkim"), "--selector", "nov"], memoryIo()),
    Refusal,
  )
})

test("the newest key of each algorithm signs", () => {
  const place = join(directory, "rotated")
  assert.ok(makeKeys(place, "hello.com", "20261101").ok)
  assert.ok(makeKeys(place, "hello.com", "20261124").ok)
  const ring = readKeys(place)
  assert.ok(ring.ok)
  assert.deepEqual(
    ring.value.get("hello.com")?.map(({ selector }) => selector),
    ["20261124e", "20261124r"],
  )
})

test("a new key that would not sign, for another comes after it, is not made", async () => {
  const place = join(directory, "order")
  const make = (selector: string) =>
    dkim(["new", "hello.com", "--dir", place, "--selector", selector], memoryIo())
  await make("key")
  for (const selector of ["20261125", "kex", "key"])
    await assert.rejects(make(selector), /take a --selector that comes after keyr$/)
  await make("kez")
  const ring = readKeys(place)
  assert.ok(ring.ok)
  assert.deepEqual(
    ring.value.get("hello.com")?.map(({ selector }) => selector),
    ["keze", "kezr"],
  )
})

test("keys that cannot sign are named", () => {
  const place = join(directory, "wrong")
  assert.ok(makeKeys(place, "hello.com", "x").ok)
  writeFileSync(join(place, "hello.com/y.pem"), "no key")
  const ring = readKeys(place)
  assert.ok(!ring.ok && ring.error.includes("y.pem"), ring.ok ? "read" : ring.error)
  const none = readKeys(join(directory, "nowhere"))
  assert.ok(!none.ok && none.error.includes("waypost dkim new"))
})

const site: Site = {
  domain: "napier.ac.uk",
  host: "mail.napier.ac.uk",
  addresses: ["192.0.2.25", "2001:db8::25"],
  keys: [],
  certificate: undefined,
  today: "20261124",
}

function wanted(): ReturnType<typeof wantedRecords> {
  const ring = readKeys(join(directory, "dkim"))
  assert.ok(ring.ok)
  return wantedRecords({ ...site, keys: ring.value.get("napier.ac.uk") ?? [] })
}

/** DNS that publishes what setup prints, but for what is changed. */
function world(changed: Readonly<Record<string, readonly string[] | "silent">> = {}): Dns {
  const find = (name: string, type: string): DnsAnswer<string> => {
    const own = changed[`${name} ${type}`]
    if (own === "silent") return { found: "unavailable", why: "SERVFAIL" }
    const records =
      own ??
      wanted()
        .filter((one) => one.name === name && one.type === type)
        .map(({ text }) => text)
    return records.length === 0
      ? { found: "nothing", why: "no such name", secure: false }
      : { found: "records", records, secure: false, ttl: 60 }
  }
  return {
    async mx(name) {
      const answer = find(name, "MX")
      if (answer.found !== "records") return answer
      return {
        ...answer,
        records: answer.records.map((text) => ({ preference: 10, exchange: text.slice(3, -1) })),
      }
    },
    addresses: async (name) => find(name, "A"),
    ipv4: async (name) => find(name, "A"),
    ipv6: async (name) => find(name, "AAAA"),
    async names(address) {
      const answer = find(
        address.includes(":")
          ? "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
          : `${address.split(".").toReversed().join(".")}.in-addr.arpa`,
        "PTR",
      )
      return answer.found === "records"
        ? { ...answer, records: answer.records.map((text) => text.slice(0, -1)) }
        : answer
    },
    txt: async (name) => find(name, "TXT"),
    cname: async () => ({ found: "nothing", why: "no such name", secure: false }),
  }
}

test("what setup prints, check finds good, record by record", async () => {
  const kinds = wanted().map(({ what }) => what)
  assert.deepEqual(kinds, [
    "MX",
    "address",
    "PTR",
    "address",
    "PTR",
    "SPF",
    "SPF",
    "DKIM",
    "DKIM",
    "DMARC",
    "MTA-STS",
    "TLS-RPT",
  ])
  for (const one of wanted()) {
    const checked = await checkRecord(one, world())
    assert.deepEqual([checked.state, checked.advice], ["ok", undefined], `${one.what} ${one.name}`)
  }
})

const wrongs: readonly (readonly [
  name: string,
  records: readonly string[] | "silent",
  state: string,
  advice: RegExp,
])[] = [
  ["napier.ac.uk MX", [], "missing", /publish MX 10 mail\.napier\.ac\.uk\./],
  ["napier.ac.uk MX", ["10 other.hello.com."], "wrong", /name this host/],
  [
    "25.2.0.192.in-addr.arpa PTR",
    ["host25.isp.example.org."],
    "wrong",
    /publish mail\.napier\.ac\.uk\. in the place of host25/,
  ],
  ["napier.ac.uk TXT", ["v=spf1 mx -all", "v=spf1 -all"], "wrong", /keep one of the 2/],
  ["novr._domainkey.napier.ac.uk TXT", ["v=DKIM1; k=rsa; p=AAAA"], "wrong", /publish our key/],
  ["nove._domainkey.napier.ac.uk TXT", "silent", "unknown", /ask again later/],
  ["_dmarc.napier.ac.uk TXT", ["v=DMARC1; p=rejct"], "wrong", /p=rejct is none, quarantine or reject/],
  [
    "_dmarc.napier.ac.uk TXT",
    ["v=DMARC1; p=reject; sp=rejct; rua=mailto:postmaster@napier.ac.uk"],
    "wrong",
    /correct it: sp=rejct is none, quarantine or reject/,
  ],
  [
    "_dmarc.napier.ac.uk TXT",
    ["v=DMARC1; p=reject; rua=mailto:d@reports.test"],
    "wrong",
    /no reports go to mailto:d@reports\.test: napier\.ac\.uk\._report\._dmarc\.reports\.test does not say/,
  ],
  ["_dmarc.napier.ac.uk TXT", ["v=DMARC1; p=reject"], "wrong", /rua=mailto:/],
  ["_mta-sts.napier.ac.uk TXT", ["v=STSv1; id=not-so!"], "wrong", /publish v=STSv1/],
  ["_smtp._tls.napier.ac.uk TXT", ["v=TLSRPTv1; rua="], "wrong", /rua=mailto:/],
]

for (const [place, records, state, advice] of wrongs) {
  test(`dns check: ${place} ${JSON.stringify(records)} is ${state}, and it is said what to do`, async () => {
    const one = wanted().find(({ name, type }) => `${name} ${type}` === place)
    assert.ok(one !== undefined)
    const checked = await checkRecord(one, world({ [place]: records }))
    assert.equal(checked.state, state)
    assert.match(checked.advice ?? "", advice)
  })
}

test("dns setup prints a zone file's lines and the policy of MTA-STS", async () => {
  const io = memoryIo()
  const given = [
    "setup",
    "napier.ac.uk",
    "--config",
    config,
    "--state",
    directory,
    "--address",
    "192.0.2.25",
    "--keys",
    join(directory, "dkim"),
  ]
  assert.equal(await dns(given, io), 0, io.written.stderr)
  for (const line of [
    "napier.ac.uk. IN MX 10 mail.napier.ac.uk.",
    "mail.napier.ac.uk. IN A 192.0.2.25",
    "25.2.0.192.in-addr.arpa. IN PTR mail.napier.ac.uk.",
    'napier.ac.uk. IN TXT "v=spf1 mx -all"',
    '_dmarc.napier.ac.uk. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@napier.ac.uk"',
    ";   mx: mail.napier.ac.uk",
  ]) {
    assert.ok(io.written.stdout.includes(`${line}\n`), line)
  }
})

test("a long text is parted into strings of 255 octets, and a quote is guarded", () => {
  assert.equal(zoneLine({ name: "a.org", text: 'say "x"' }), 'a.org. IN TXT "say \\"x\\""')
  assert.match(
    zoneLine({ name: "a.org", text: "x".repeat(300) }),
    /^a\.org\. IN TXT \(\n {2}"x{255}"\n {2}"x{45}" \)$/,
  )
})

test("what is no domain is refused", async () => {
  for (const typed of ["", "localhost", "a..b", "x/../y"])
    await assert.rejects(dkim(["new", typed, "--dir", directory], memoryIo()), Refusal, typed)
})
