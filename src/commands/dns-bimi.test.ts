// waypost dns check and BIMI: a record is nobody's duty, but one that is there should be right.
import assert from "node:assert/strict"
import { test } from "node:test"
import { dnsOf, type Zone } from "../../test/kit/mailhost.ts"
import { checkBimi } from "./dns-bimi.ts"

const enforced = { "_dmarc.napier.ac.uk": { TXT: "v=DMARC1; p=reject" } }
const place = "default._bimi.napier.ac.uk"
const good = "v=BIMI1; l=https://img.napier.ac.uk/logo.svg"

const cases: readonly (readonly [says: string, zone: Zone, state: string, advice: RegExp | undefined])[] = [
  ["no record", enforced, "optional", /^nothing has to be done; to have .*, publish TXT v=BIMI1; l=/],
  [
    "no record, and no DMARC either",
    {},
    "optional",
    /first let DMARC be enforced \(.*has no DMARC record\), then publish/,
  ],
  [
    "a record with evidence",
    { ...enforced, [place]: { TXT: `${good}; a=https://ca.test/m.pem` } },
    "ok",
    undefined,
  ],
  [
    "a record without evidence",
    { ...enforced, [place]: { TXT: good } },
    "ok",
    /only with a mark certificate/,
  ],
  ["a domain that declines", { ...enforced, [place]: { TXT: "v=BIMI1; l=; a=" } }, "ok", undefined],
  [
    "a wrong record",
    { ...enforced, [place]: { TXT: "v=BIMI1; l=http://x.test/a.svg" } },
    "wrong",
    /^correct it: .*l= is no https: URI/,
  ],
  ["two records", { ...enforced, [place]: { TXT: [good, good] } }, "wrong", /2 records/],
  [
    "a good record, and DMARC that enforces nothing",
    { "_dmarc.napier.ac.uk": { TXT: "v=DMARC1; p=none; rua=mailto:a@napier.ac.uk" }, [place]: { TXT: good } },
    "optional",
    /^nobody looks for it yet: DMARC of napier\.ac\.uk is not enforced: p=none/,
  ],
]

for (const [says, zone, state, advice] of cases) {
  test(`dns check: ${says} is ${state}`, async () => {
    const checked = await checkBimi("napier.ac.uk", dnsOf(zone))
    assert.deepEqual([checked.state, checked.wanted.name], [state, place])
    if (advice === undefined) assert.equal(checked.advice, undefined)
    else assert.match(checked.advice ?? "", advice)
  })
}

test("dns check: where DNS is silent nothing is known", async () => {
  for (const silent of ["_dmarc.", "default._bimi."]) {
    const known = dnsOf(enforced)
    const txt: typeof known.txt = async (name) =>
      name.startsWith(silent) ? { found: "unavailable", why: "SERVFAIL" } : known.txt(name)
    const checked = await checkBimi("napier.ac.uk", { ...known, txt })
    assert.equal(checked.state, "unknown")
    assert.match(checked.advice ?? "", /^ask again later: /)
  }
})

test("dns check: the organization's record is a department's", async () => {
  const { state, found } = await checkBimi("cs.napier.ac.uk", dnsOf({ ...enforced, [place]: { TXT: good } }))
  assert.deepEqual([state, found], ["ok", [good]])
})
