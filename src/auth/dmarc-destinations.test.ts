// Where reports may go: the record, what DNS says beside it, and what becomes of each address.
import assert from "node:assert/strict"
import { test } from "node:test"
import { dnsOf, type Zone } from "../../test/kit/mailhost.ts"
import { printPath } from "../mail/address.ts"
import type { AskTxt } from "./alignment.ts"
import { type Destination, destinationsOf } from "./dmarc-destinations.ts"
import { parseDmarc } from "./dmarc-record.ts"

const zone: Zone = {
  "_dmarc.example.org": { TXT: "v=DMARC1; p=none; rua=mailto:d@example.org" },
  "_dmarc.reports.test": { TXT: "v=DMARC1; p=none" },
  "example.org._report._dmarc.reports.test": { TXT: "v=DMARC1;" },
  "example.org._report._dmarc.moved.test": { TXT: "v=DMARC1; rua=mailto:new@moved.test!5k" },
  "example.org._report._dmarc.away.test": { TXT: "v=DMARC1; rua=mailto:victim@other.test" },
  "example.org._report._dmarc.odd.test": { TXT: ["v=spf1 -all", "V=DMARC1", "x; v=DMARC1"] },
}

const txt: AskTxt = async (name) =>
  name.includes("silent") ? { found: "unavailable", why: "timeout" } : await dnsOf(zone).txt(name)

async function found(rua: string): Promise<readonly string[]> {
  const record = parseDmarc(`v=DMARC1; p=none; rua=${rua}`)
  assert.ok(record.ok)
  return (await destinationsOf("example.org", record.value, txt)).map(inShort)
}

function inShort(one: Destination): string {
  if (one.is !== "wanted") return `${one.is}: ${one.why}`
  return `${printPath(one.mailbox)}${one.mostOctets === undefined ? "" : `, at most ${one.mostOctets}`}`
}

const cases: readonly (readonly [string, string, readonly string[]])[] = [
  ["the domain's own", "mailto:d@example.org", ["d@example.org"]],
  ["one of its organization", "mailto:d@mail.example.org", ["d@mail.example.org"]],
  ["a size", "mailto:d@example.org!10m", ["d@example.org, at most 10485760"]],
  ["a size in octets", "MAILTO:d@example.org!500", ["d@example.org, at most 500"]],
  ["escaped", "mailto:d%2Bnew@example.org", ["d+new@example.org"]],
  ["elsewhere, where it is wanted", "mailto:d@reports.test", ["d@reports.test"]],
  [
    "elsewhere, where nobody asked for it",
    "mailto:victim@other.test",
    ["refused: example.org._report._dmarc.other.test does not say that it wants it"],
  ],
  [
    "elsewhere, where the record is none of DMARC",
    "mailto:d@odd.test",
    ["refused: example.org._report._dmarc.odd.test does not say that it wants it"],
  ],
  ["elsewhere, with another address there", "mailto:old@moved.test", ["new@moved.test, at most 5120"]],
  [
    "elsewhere, with an address of a third",
    "mailto:d@away.test",
    ["refused: example.org._report._dmarc.away.test names it, which is of another host"],
  ],
  [
    "elsewhere, and DNS is silent",
    "mailto:d@silent.test",
    ["unknown: DNS does not say whose silent.test is"],
  ],
  ["not by mail", "https://example.org/", ["refused: it is no mailto: address"]],
  ["an address that is none", "mailto:example.org", ["refused: its address is none"]],
  ["an address literal", "mailto:d@[192.0.2.7]", ["refused: its address is none"]],
  [
    "several, each for itself",
    "mailto:d@example.org, mailto:d@reports.test",
    ["d@example.org", "d@reports.test"],
  ],
]

for (const [name, rua, want] of cases) {
  test(`rua=, ${name}`, async () => assert.deepEqual(await found(rua), want))
}

test("no more than five addresses are looked at", async () => {
  const many = Array.from({ length: 9 }, (_, n) => `mailto:d${n}@example.org`)
  assert.equal((await found(many.join(","))).length, 5)
})
