// What is looked at in place, and what is left to the threads: the same letter, larger, with more to check, or changed.
import assert from "node:assert/strict"
import { after, test } from "node:test"
import { freshKeys, plainLetter, sealedLetter, threadsWith } from "../../bench/signed-letter.ts"
import { scanHeader } from "../message/header.ts"
import { verifyInPlace } from "./verify-in-place.ts"

const { keys, published } = freshKeys()
const threads = threadsWith(published)
after(() => threads.close())
const letter = (await sealedLetter(threads, keys)).toString("latin1")
const wants = { dkim: true, arc: true }

async function look(text: string) {
  const header = scanHeader(Buffer.from(text, "latin1"))
  return verifyInPlace(header, header.bytes.subarray(header.bodyStart), wants, threads.txt)
}

test("a letter with two signatures and a seal is found good", async () => {
  const found = await look(letter)
  assert.deepEqual(
    found?.signatures.map(({ algorithm, result }) => `${algorithm} ${result}`),
    ["rsa-sha256 pass", "ed25519-sha256 pass"],
  )
  assert.equal(found?.chain.result, "pass")
})

const elsewhere: readonly (readonly [string, string])[] = [
  ["a changed body", letter.replace("A line", "A lime")],
  ["a changed field", letter.replace("Subject: bench", "Subject: lunch")],
  ["a field that was added", letter.replace("Subject:", "Subject: another\r\nSubject:")],
  ["a large body", letter + "x".repeat(128 * 1024)],
  ["a large header", `X-Long: ${"x".repeat(16 * 1024)}\r\n${letter}`],
  ["more signatures than a moment allows", `${"DKIM-Signature: v=1\r\n".repeat(9)}${letter}`],
  ["a bare line feed in the header", `X-Odd: a\n b\r\n${letter}`],
]

for (const [name, text] of elsewhere) {
  test(`${name} is for the threads`, async () => assert.equal(await look(text), undefined))
}

test("a letter that is not signed has nothing to be looked at", async () => {
  const found = await look(plainLetter)
  assert.deepEqual(found, {
    signatures: [],
    chain: { result: "none", why: undefined, sets: 0, sealer: undefined, dmarc: undefined },
  })
})
