import assert from "node:assert/strict"
import { test } from "node:test"
import { verifierOf } from "../auth/scram.ts"
import { checkPassword, deriveVerifier, hashPassword, nobodysHash, verifierIn } from "./password-hash.ts"

test("a password is known by its hash, and by no other", async () => {
  const hash = await hashPassword("open sesame")
  assert.match(hash, /^\$scrypt\$ln=15,r=8,p=3\$/)
  assert.equal(await checkPassword("open sesame", hash), true)
  assert.equal(await checkPassword("open sesam", hash), false)
  assert.notEqual(await hashPassword("open sesame"), hash)
})

test("an empty or broken hash lets nobody in", async () => {
  const key = "A".repeat(43)
  const broken = [
    "",
    "x",
    "$scrypt$",
    `$scrypt$ln=0,r=8,p=1$AAAA$${key}`,
    `$scrypt$ln=99,r=8,p=1$AAAA$${key}`,
  ]
  for (const hash of broken) assert.equal(await checkPassword("", hash), false)
})

test("what is kept of a password serves SCRAM too, and an older hash does not", async () => {
  const verifier = verifierIn(await hashPassword("open sesame"))
  assert.ok(verifier !== undefined)
  assert.deepEqual(verifier, verifierOf("open sesame", verifier.salt, verifier.iterations))
  assert.deepEqual(await deriveVerifier("open sesame", verifier.salt), verifier)
  assert.equal(verifierIn("$scrypt$ln=15,r=8,p=3$a$b"), undefined)
  assert.equal(verifierIn(""), undefined)
  assert.equal(await checkPassword("", nobodysHash), false)
})
