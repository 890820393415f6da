// The quick look beside mailauth: where it says anything it says the same, to the letter, and it says nothing of what was changed.
import assert from "node:assert/strict"
import { Readable } from "node:stream"
import { after, test } from "node:test"
import fc from "fast-check"
import {
  fieldsOf,
  freshKeys,
  plainLetter,
  sealedLetter,
  signingOf,
  threadsWith,
} from "../../bench/signed-letter.ts"
import { keysOf, onTheWire, validations } from "../../test/kit/arc-suite.ts"
import { scanHeader } from "../message/header.ts"
import type { Dns } from "../mail/world.ts"
import { verifyThoroughly } from "./mailauth-verify.ts"
import type { TxtAnswer } from "./mailauth-requests.ts"
import { resolverOf } from "./key-questions.ts"
import { quickVerify } from "./quick-verify.ts"

const { keys, published } = freshKeys()
const threads = threadsWith(published)
after(() => threads.close())
const once = await sealedLetter(threads, keys)
const [key] = keys
assert.ok(key !== undefined)
const seal = {
  does: "seal",
  domain: "napier.ac.uk",
  key,
  results: "mx2.test; arc=pass; dmarc=fail",
  cv: "pass",
} as const
const twice = Buffer.concat([
  Buffer.from(await fieldsOf(threads, { ...seal, seconds: 1_790_000_100 }, once.toString("latin1"))),
  once,
])

type Ask = (name: string) => Promise<TxtAnswer>

const ask: Ask = async (name) => {
  const text = published.get(name)
  return text === undefined
    ? { found: "nothing", why: "no such name" }
    : { found: "records", records: [text], ttl: 60 }
}

const both = { dkim: true, arc: true }
const now = 1_795_000_000

const quick = (octets: Buffer, asking = ask) => {
  const header = scanHeader(octets)
  return quickVerify(header, octets.subarray(header.bodyStart), both, { ask: asking, now })
}
const thorough = async (octets: Buffer, asking = ask) => {
  const { signatures, chain } = await verifyThoroughly(Readable.from([octets]), both, resolverOf(asking))
  return { signatures, chain }
}

test("a letter with two signatures and one seal or two is found good at once, as mailauth finds it", async () => {
  for (const letter of [once, twice]) {
    const found = await quick(letter)
    assert.equal(found?.signatures.length, 2)
    assert.equal(found?.chain.result, "pass")
    assert.deepEqual(found, await thorough(letter))
  }
  assert.equal((await quick(twice))?.chain.dmarc, "fail")
})

test("the public suite of ARC: the quick look passes nothing that mailauth does not, and says the same of it", async (context) => {
  let passed = 0
  for (const scenario of validations) {
    const txt: Dns["txt"] = keysOf(scenario)
    const asking: Ask = (name) => txt(name)
    for (const [name, { message }] of Object.entries(scenario.tests)) {
      const octets = onTheWire(message)
      const found = await quick(octets, asking)
      if (found === undefined) continue
      passed++
      assert.deepEqual(found, await thorough(octets, asking), name)
    }
  }
  context.diagnostic(`${passed} of the suite's messages are judged by the quick look`)
  assert.ok(passed >= 20)
})

/** Changes that a message may meet, or be made to meet. */
const change = fc.tuple(
  fc.nat(),
  fc.constantFrom(
    "",
    " ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    "\r\n ",
    ";",
    "x",
    "=",
    "b=",
    "\0",
    "é",
    "From: x@y.org\r\n",
    "; l=1",
    "; x=1",
  ),
  fc.nat(3),
)

function changed(letter: Buffer, changes: readonly (readonly [number, string, number])[]): Buffer {
  let octets = letter
  for (const [place, text, gone] of changes) {
    // Most of what matters stands in the header.
    const at = place % (place % 5 === 0 ? octets.length : octets.indexOf("\r\n\r\n") + 4)
    octets = Buffer.concat([octets.subarray(0, at), Buffer.from(text), octets.subarray(at + gone)])
  }
  return octets
}

test("whatever is changed in a letter: the quick look passes nothing that mailauth does not", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const octets = changed(twice, changes)
      const found = await quick(octets)
      if (found !== undefined) assert.deepEqual(found, await thorough(octets))
    }),
    { numRuns: 1500 },
  )
})

const letters: readonly [what: string, change: (text: string) => string][] = [
  ["another subject", (text) => text.replace("Subject: bench", "Subject: bank")],
  ["another body", (text) => text.replace("A line", "A lie")],
  ["a second author", (text) => text.replace("From: gordon", "From: x@y.org\r\nFrom: gordon")],
  ["an envelope line of an mbox", (text) => `From gordon Tue Nov 24 09:00:00 2026\r\n${text}`],
  ["no signature of the author", (text) => text.replace("h=from:from:", "h=")],
  [
    "a body that counts only in part",
    (text) => text.replace("t=1790000000;\r\n\th=from", "t=1790000000; l=5;\r\n\th=from"),
  ],
  [
    "a signature that is over",
    (text) => text.replace("t=1790000000;\r\n\th=from", "t=1790000000; x=1790000001;\r\n\th=from"),
  ],
  ["a bare line feed", (text) => text.replace("To: bob@mx.test\r\n", "To: bob@mx.test\n")],
  ["a chain that says it is broken", (text) => text.replace("cv=pass", "cv=fail")],
  ["a set of the chain gone", (text) => text.replace(/ARC-Authentication-Results: i=1;[^\r]*\r\n/, "")],
]

for (const [what, alter] of letters) {
  test(`${what} is not for the quick look`, async () => {
    const text = alter(twice.toString("latin1"))
    assert.notEqual(text, twice.toString("latin1"))
    assert.equal(await quick(Buffer.from(text, "latin1")), undefined)
  })
}

const records: readonly [what: string, (record: string) => string][] = [
  ["in testing", (text) => text.replace("; p=", "; t=y; p=")],
  ["of another service", (text) => text.replace("; p=", "; s=tlsrpt; p=")],
  ["of another kind", (text) => text.replace(/k=\w+/, "k=dsa")],
  ["that was taken back", (text) => text.replace(/p=.*/, "p=")],
  ["of another version", (text) => text.replace("DKIM1", "DKIM2")],
]

for (const [what, alter] of records) {
  test(`a key ${what} is not for the quick look`, async () => {
    const asking: Ask = async (name) => {
      const answer = await ask(name)
      return answer.found === "records" ? { ...answer, records: answer.records.map(alter) } : answer
    }
    assert.equal(await quick(once, asking), undefined)
  })
}

test("a key that cannot be asked for now is not for the quick look", async () => {
  assert.equal(await quick(once, async () => ({ found: "unavailable", why: "SERVFAIL" })), undefined)
})

const bodies = fc
  .array(fc.constantFrom("a", "b c", " ", "\t", "  ", "\r\n", "\r\n\r\n", "\n", "\r", " \r\n"), {
    maxLength: 12,
  })
  .map((parts) => parts.join(""))

test("any body of a letter of ours is hashed as the signer hashed it", async () => {
  const [header = ""] = plainLetter.split("\r\n\r\n")
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const text = `${header}\r\n\r\n${body}`
      const letter = Buffer.from((await fieldsOf(threads, signingOf(keys), text)) + text, "latin1")
      const found = await quick(letter)
      assert.equal(found?.signatures.length, 2)
      // mailauth makes whole line ends of half ones: it judges another body.
      if (!/\r(?!\n)|(?<!\r)\n/.test(body)) assert.deepEqual(found, await thorough(letter))
    }),
    { numRuns: 200 },
  )
})
