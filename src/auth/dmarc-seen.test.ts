// What is told of a message: from the decision at the end of DATA to the row of a report.
import assert from "node:assert/strict"
import { test } from "node:test"
import { arrivalOf, envelopeFrom } from "../../test/kit/gate.ts"
import { dnsOf, mailhost, type Zone } from "../../test/kit/mailhost.ts"
import { parseMailbox } from "../mail/address.ts"
import { ok } from "../mail/result.ts"
import { type DmarcSeen, rowOf, type SeenRow } from "./dmarc-seen.ts"
import type { Chain, Signature } from "./verification.ts"

const zone: Zone = {
  "client.test": { A: "192.0.2.7", MX: "10 client.test" },
  "_dmarc.reject.test": { TXT: "v=DMARC1; p=reject; rua=mailto:d@reject.test" },
  "reject.test": { MX: "10 client.test", TXT: "v=spf1 ip4:192.0.2.7 -all" },
  "sub.reject.test": { MX: "10 client.test", TXT: "v=spf1 ip4:192.0.2.7 -all" },
  "_dmarc.quarantine.test": { TXT: "v=DMARC1; p=quarantine; rua=mailto:d@quarantine.test" },
  "_dmarc.none.test": { TXT: "v=DMARC1; p=none; rua=mailto:d@none.test" },
  "_dmarc.trying.test": { TXT: "v=DMARC1; p=reject; t=y; rua=mailto:d@trying.test" },
  "_dmarc.strict.test": { TXT: "v=DMARC1; p=none; aspf=s; rua=mailto:d@strict.test" },
  "strict.test": { MX: "10 client.test" },
  "sub.strict.test": { MX: "10 client.test", TXT: "v=spf1 ip4:192.0.2.7 -all" },
}

const noChain: Chain = { result: "none", why: undefined, sets: 0, sealer: undefined, dmarc: undefined }

type Letter = {
  readonly author: string
  readonly sender?: string
  readonly subject?: string
  /** Words of FEATURE(dmarc). */
  readonly words?: string
  readonly signature?: Pick<Signature, "domain" | "result">
  readonly chain?: Chain
}

/** What is told of a letter from 192.0.2.7, and whether it was taken. */
async function told(letter: Letter) {
  const { author, sender = "", subject = "hello", words = "", signature, chain = noChain } = letter
  const seen: DmarcSeen[] = []
  const more = { selector: "nov", identity: "", algorithm: "rsa-sha256", why: undefined, mark: "" }
  const signatures = signature === undefined ? [] : [{ ...signature, ...more }]
  const mx = mailhost({
    dns: zone,
    verify: async () => ok({ signatures, chain, asked: [] }),
    dmarcSeen: (one) => seen.push(one),
    files: {
      "/etc/mail/sendmail.mc": `FEATURE(\`dmarc'${words})dnl\nFEATURE(\`arc', \`trust=lists.test')dnl\nMAILER(smtp)dnl`,
    },
  })
  const marks = `${signature === undefined ? "" : "DKIM-Signature: x\r\n"}${chain === noChain ? "" : goodSeal}`
  const header = Buffer.from(`${marks}From: <ann@${author}>\r\nSubject: ${subject}\r\n\r\n`)
  const reversePath = sender === "" ? "null" : parseMailbox(sender)
  if (reversePath !== "null" && !reversePath.ok) throw new Error(reversePath.error)
  const envelope = envelopeFrom(reversePath === "null" ? "null" : reversePath.value)
  const arrival = arrivalOf("192.0.2.7", { helo: "client.test" })
  const { outcome } = await mx.gate.message(arrival, envelope, header, header.length)
  return { outcome, seen }
}

const goodSeal = "ARC-Seal: i=1; a=rsa-sha256; b=aaaa; cv=none; d=lists.test; s=x\r\n"

async function row(letter: Letter): Promise<SeenRow & { readonly outcome: string }> {
  const { outcome, seen } = await told(letter)
  const [only, ...others] = seen
  assert.ok(only !== undefined && others.length === 0)
  return { outcome, ...(await rowOf(only, dnsOf(zone).txt)) }
}

const ofAnn = { source: "192.0.2.7", envelopeFrom: "" }
const helo = { domain: "client.test", scope: "mfrom", result: "none" }

test("a letter that SPF vouches for is told of as passing, with the sender's domain", async () => {
  assert.deepEqual(await row({ author: "reject.test", sender: "bounce@sub.reject.test" }), {
    outcome: "yes",
    source: "192.0.2.7",
    disposition: "pass",
    reasons: [],
    dkim: "fail",
    spf: "pass",
    headerFrom: "reject.test",
    envelopeFrom: "sub.reject.test",
    signatures: [],
    senders: [{ domain: "sub.reject.test", scope: "mfrom", result: "pass" }],
  })
})

test("alignment is told as the record wants it, strict or relaxed, and what passed besides", async () => {
  const strict = await row({ author: "strict.test", sender: "bounce@sub.strict.test" })
  assert.deepEqual([strict.spf, strict.senders[0]?.result, strict.disposition], ["fail", "pass", "none"])
  const signature = { domain: "other.test", result: "pass" } as const
  const other = await row({ author: "none.test", signature })
  assert.equal(other.dkim, "fail")
  assert.deepEqual(other.signatures, [{ domain: "other.test", selector: "nov", result: "pass" }])
})

type Outcome = Pick<SeenRow, "disposition" | "reasons"> & { readonly outcome: string }
const seal: Chain = { result: "pass", why: undefined, sets: 1, sealer: "lists.test", dmarc: "pass" }
const reason = (type: string, comment: string) => ({ type, comment })

const cases: readonly (readonly [string, Letter, Outcome])[] = [
  ["p=reject is done", { author: "reject.test" }, { outcome: "no", disposition: "reject", reasons: [] }],
  [
    "p=reject is only marked here",
    { author: "reject.test", words: ", `reject=mark'" },
    {
      outcome: "yes",
      disposition: "none",
      reasons: [reason("local_policy", "delivered with its Authentication-Results")],
    },
  ],
  [
    "p=quarantine is held",
    { author: "quarantine.test", words: ", `quarantine=hold'" },
    { outcome: "yes", disposition: "quarantine", reasons: [] },
  ],
  [
    "p=quarantine is thrown away",
    { author: "quarantine.test", words: ", `quarantine=discard'" },
    { outcome: "yes", disposition: "reject", reasons: [reason("local_policy", "thrown away")] },
  ],
  [
    "p=reject is tried out (t=y), and what is left of it only marks",
    { author: "trying.test" },
    {
      outcome: "yes",
      disposition: "none",
      reasons: [
        reason("policy_test_mode", ""),
        reason("local_policy", "delivered with its Authentication-Results"),
      ],
    },
  ],
  ["p=none asks for nothing", { author: "none.test" }, { outcome: "yes", disposition: "none", reasons: [] }],
  [
    "a seal that is believed",
    { author: "reject.test", chain: seal },
    {
      outcome: "yes",
      disposition: "none",
      reasons: [reason("trusted_forwarder", "arc=pass, sealed by lists.test")],
    },
  ],
]

for (const [name, letter, outcome] of cases) {
  test(`where nobody vouches: ${name}`, async () => {
    assert.deepEqual(await row(letter), {
      ...ofAnn,
      ...outcome,
      dkim: "fail",
      spf: "fail",
      headerFrom: letter.author,
      signatures: [],
      senders: [helo],
    })
  })
}

test("what is put off, and a report about reports, is not told of", async () => {
  const signature = { domain: "reject.test", result: "temperror" } as const
  assert.deepEqual(await told({ author: "reject.test", signature }), { outcome: "later", seen: [] })
  const subject = "Report Domain: mx.test\r\n Submitter: reject.test\r\n Report-ID: <1@reject.test>"
  assert.deepEqual((await told({ author: "none.test", subject })).seen, [])
})
