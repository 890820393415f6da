// Signatures and keys that are not plain, one by one: what is taken, what is not, and with what words. Each is looked at by the quick
// look too, which passes none that mailauth does not.
import assert from "node:assert/strict"
import { createHash, generateKeyPairSync, sign } from "node:crypto"
import { Readable } from "node:stream"
import { test } from "node:test"
import { relaxedField } from "../auth/dkim-canon.ts"
import { signatureInWords } from "../auth/results.ts"
import type { Signature } from "../auth/verification.ts"
import { scanHeader } from "../message/header.ts"
import { resolverOf } from "./key-questions.ts"
import type { TxtAnswer } from "./mailauth-requests.ts"
import { verifyThoroughly } from "./mailauth-verify.ts"
import { quickVerify } from "./quick-verify.ts"

const pairs = [0, 1].map(() => generateKeyPairSync("rsa", { modulusLength: 1024 }))
const [p = "", other = ""] = pairs.map(({ publicKey }) =>
  publicKey.export({ type: "spki", format: "der" }).toString("base64"),
)
const key = `v=DKIM1; k=rsa; p=${p}`

const fields = { from: " gordon@napier.ac.uk", subject: " hello" }
const body = "Hello.\r\nBye.\r\n"
const now = Math.floor(Date.now() / 1000)

type Letter = {
  /** Tags of the signature, besides and instead of the usual ones. */
  readonly tags?: Readonly<Record<string, string | number>>
  readonly body?: string
  /** What somebody puts behind the body, or on top of the header, on the way. */
  readonly behind?: string
  readonly above?: string
}

function signed({ tags = {}, body: own = body, behind = "", above = "" }: Letter): Buffer {
  const covered = own.slice(0, Number(tags["l"] ?? own.length))
  const bh = createHash("sha256").update(covered).digest("base64")
  const all = {
    v: "1",
    a: "rsa-sha256",
    c: "relaxed/relaxed",
    d: "napier.ac.uk",
    s: "k",
    h: "from:subject",
    bh,
  }
  const value = ` ${Object.entries({ ...all, ...tags })
    .map(([name, text]) => `${name}=${text}`)
    .join("; ")}; b=`
  const text = String(tags["h"] ?? all.h)
    .split(":")
    .map((name) => (name === "from" || name === "subject" ? `${relaxedField(name, fields[name])}\r\n` : ""))
  const octets = Buffer.from(text.join("") + relaxedField("DKIM-Signature", value))
  const b = sign("sha256", octets, pairs[0]?.privateKey ?? "").toString("base64")
  const header = `DKIM-Signature:${value}${b}\r\nFrom:${fields.from}\r\nSubject:${fields.subject}\r\n`
  return Buffer.from(`${above}${header}\r\n${own}${behind}`)
}

async function found(letter: Letter, records: readonly string[]): Promise<string> {
  const octets = signed(letter)
  const ask = async (): Promise<TxtAnswer> =>
    records.length === 0 ? { found: "nothing", why: "no such name" } : { found: "records", records, ttl: 60 }
  const wants = { dkim: true, arc: false }
  const header = scanHeader(octets)
  const quick = await quickVerify(header, octets.subarray(header.bodyStart), wants, { ask, now })
  const { signatures } = await verifyThoroughly(Readable.from([octets]), wants, resolverOf(ask))
  if (quick !== undefined) assert.deepEqual(quick.signatures, signatures)
  return signatures.map(said).join()
}

function said(signature: Signature): string {
  return signatureInWords(signature).replace("the signature of napier.ac.uk (s=k, rsa-sha256)", "").trim()
}

const cases: readonly (readonly [what: string, letter: Letter, records: readonly string[], said: string])[] =
  [
    ["plain", {}, [key], "is good"],
    ["l= of the whole body", { tags: { l: body.length } }, [key], "is good"],
    [
      "l= of the whole body, and blank lines behind",
      { tags: { l: body.length }, behind: "\r\n\r\n" },
      [key],
      "is good",
    ],
    [
      "l= of the whole body, and more behind",
      { tags: { l: body.length }, behind: "<b>Pay!</b>\r\n" },
      [key],
      ": policy, l= leaves 13 octets of the body unsigned",
    ],
    ["l= of a part", { tags: { l: 8 } }, [key], ": policy, l= leaves 6 octets of the body unsigned"],
    ["l=0", { tags: { l: 0 } }, [key], ": policy, l= leaves 14 octets of the body unsigned"],
    ["l=0 of a body of nothing", { tags: { l: 0 }, body: "" }, [key], "is good"],
    ["l= that is no number", { tags: { l: "-1" } }, [key], ": neutral, signature syntax error"],
    ["more behind, without l=", { behind: "x\r\n" }, [key], ": fail, body hash did not verify"],
    ["a key for tests", {}, [`${key}; t=y`], "is good, its key is for tests (t=y)"],
    ["t=s, and i= of d=", { tags: { i: "me@napier.ac.uk" } }, [`${key}; t=s`], "is good"],
    [
      "t=s, and i= below d=",
      { tags: { i: "me@cs.napier.ac.uk" } },
      [`${key}; t=y:s`],
      ": neutral, domain mismatch",
    ],
    ["i= below d=", { tags: { i: "me@cs.napier.ac.uk" } }, [key], "is good"],
    ["i= that only ends alike", { tags: { i: "@evilnapier.ac.uk" } }, [key], ": neutral, domain mismatch"],
    ["a key for mail", {}, [`${key}; s=email`], "is good"],
    ["a key for something else", {}, [`${key}; s=tlsrpt`], ": neutral, key not for email"],
    ["a key for SHA-1 alone", {}, [`${key}; h=sha1`], ": neutral, inappropriate hash algorithm"],
    ["a key that was revoked", {}, ["v=DKIM1; k=rsa; p="], ": neutral, its key was revoked (p= is empty)"],
    ["a key without v=", {}, [`k=rsa; p=${p}`], "is good"],
    ["a key of another version", {}, [`v=DKIM2; p=${p}`], ": neutral, unknown key version"],
    ["a key of another kind than it says", {}, [`v=DKIM1; k=ed25519; p=${p}`], ": neutral, unknown key type"],
    ["no key", {}, [], ": neutral, no key"],
    ["another's key", {}, [`v=DKIM1; p=${other}`], ": fail, bad signature"],
    ["a key behind other texts", {}, ["v=spf1 -all", "verification=abc", key], "is good"],
    ["two keys, ours first", {}, [key, `v=DKIM1; p=${other}`], "is good"],
    ["over, and made", { tags: { t: now - 100, x: now - 10 } }, [key], ": neutral, expired"],
    ["over before it was made", { tags: { t: now, x: now - 10 } }, [key], ": neutral, invalid expiration"],
    ["From: not signed", { tags: { h: "subject" } }, [key], ": neutral, From field not signed"],
    ["a second From: above", { above: "From: boss@napier.ac.uk\r\n" }, [key], "is good"],
    [
      "a field added that h= says is not there",
      { tags: { h: "from:subject:sender" }, above: "Sender: x@example.org\r\n" },
      [key],
      ": fail, bad signature",
    ],
    ["d= with a dot at its end", { tags: { d: "napier.ac.uk." } }, [key], "neutral"],
    [
      "another way to ask for the key",
      { tags: { q: "dns/other" } },
      [key],
      ": neutral, unsupported query method",
    ],
    ["a name of a tag in upper case is another tag", { tags: { D: "hello.com" } }, [key], "is good"],
  ]

for (const [what, letter, records, expected] of cases) {
  test(`a signature, ${what}: ${expected}`, async () => {
    const words = await found(letter, records)
    assert.ok(expected === "neutral" ? words.includes("neutral") : words === expected, words)
  })
}
