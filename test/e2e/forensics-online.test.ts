// `waypost forensics --online` against a name server of the test's own: SPF, DKIM, ARC, DMARC, reverse names and lists, as of now; and
// that nothing is asked of anybody without it.
import assert from "node:assert/strict"
import { generateKeyPairSync } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, beforeEach, test } from "node:test"
import { run } from "../../src/commands/forensics.ts"
import { SignatureThreads } from "../../src/trust/mailauth.ts"
import { memoryIo } from "../kit/memory-io.ts"
import { type Nameserver, startNameserver, type Zone } from "../kit/nameserver.ts"

const letter =
  "From: Gordon <g.russell@napier.ac.uk>\r\nTo: me@grussell.org\r\nDate: Tue, 24 Nov 2026 07:10:38 +0000\r\n" +
  "Message-ID: <7.1@napier.ac.uk>\r\nSubject: Wow\r\n\r\nHi\r\n"
const trace =
  "Return-Path: <g.russell@napier.ac.uk>\r\n" +
  "Received: from mail.napier.ac.uk (mail.napier.ac.uk [146.176.2.10])\r\n" +
  "\tby grussell.org (8.17.1/8.17.1) with ESMTP id 6AO7Ag01100001; Tue, 24 Nov 2026 07:10:42 +0000\r\n"

const key = generateKeyPairSync("rsa", {
  modulusLength: 1024,
  publicKeyEncoding: { type: "spki", format: "der" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
})

const honest: Zone = {
  "napier.ac.uk": { TXT: ["v=spf1 ip4:146.176.2.10 -all"] },
  "_dmarc.napier.ac.uk": { TXT: ["v=DMARC1; p=reject"] },
  "s1._domainkey.napier.ac.uk": { TXT: [`v=DKIM1; k=rsa; p=${key.publicKey.toString("base64")}`] },
  "10.2.176.146.in-addr.arpa": { PTR: "mail.napier.ac.uk" },
  "mail.napier.ac.uk": { A: ["146.176.2.10"] },
}

let nameserver: Nameserver
let directory = ""

before(async () => {
  nameserver = await startNameserver(honest)
  directory = mkdtempSync(join(tmpdir(), "waypost-forensics-online-"))
  writeFileSync(join(directory, "signed"), trace + (await signed()))
})

beforeEach(() => nameserver.set(honest))

after(async () => {
  await nameserver.close()
  rmSync(directory, { recursive: true })
})

async function signed(): Promise<string> {
  const nobody = async () => ({ found: "nothing", why: "no such name", secure: false }) as const
  const threads = new SignatureThreads(nobody, (line) => assert.fail(line))
  const done = await threads.do(
    {
      does: "sign",
      domain: "napier.ac.uk",
      keys: [{ selector: "s1", algorithm: "rsa-sha256", pem: key.privateKey }],
      headerSize: letter.indexOf("\r\n\r\n") + 4,
      seconds: Date.UTC(2026, 10, 24, 7, 10, 39) / 1000,
    },
    () => [Buffer.from(letter)],
  )
  await threads.close()
  assert.ok(done.ok && done.value.found.did === "sign")
  return done.value.found.fields + letter
}

type Said = { readonly verdict: string; readonly found: ReadonlyMap<string, readonly [string, string]> }

/** The verdict, and of each check "as of now" its severity and what it says. */
async function online(...args: readonly string[]): Promise<Said> {
  const io = { ...memoryIo(""), cwd: directory }
  await run(["--receiver", "grussell.org", "--json", ...args], io)
  assert.equal(io.written.stderr, "")
  const { verdict, findings } = JSON.parse(io.written.stdout)
  const found = findings
    .filter((one: { kind: string }) => one.kind === "now")
    .map((one: { check: string; severity: string; explanation: string }) => {
      assert.match(one.explanation, /^As of now: /)
      return [one.check, [one.severity, one.explanation]]
    })
  return { verdict, found: new Map(found) }
}

const asking = (...more: readonly string[]) => online("--online", "--resolver", nameserver.resolver, ...more)

test("without --online nothing is asked of anybody", async () => {
  const before = nameserver.queries.length
  const { found, verdict } = await online("signed")
  assert.deepEqual([found.size, verdict, nameserver.queries.length], [0, "genuine", before])
})

test("honest mail has the SPF, signature, DMARC and name it ought to have", async () => {
  const { found, verdict } = await asking("signed")
  assert.equal(verdict, "genuine")
  assert.match(
    String(found.get("spf_now")),
    /^info,As of now: SPF of napier\.ac\.uk for 146\.176\.2\.10: pass/,
  )
  assert.match(
    String(found.get("dkim_now")),
    /^info,As of now: the DKIM signature of napier\.ac\.uk \(key s1\): pass/,
  )
  assert.match(
    String(found.get("dmarc_now")),
    /^info,As of now: DMARC of napier\.ac\.uk: pass.*asks for reject/,
  )
  assert.match(String(found.get("reverse_now")), /^info,As of now: 146\.176\.2\.10 has mail\.napier\.ac\.uk/)
})

test("mail that nobody vouches for is told so, and two of that make it suspicious", async () => {
  nameserver.set({ ...honest, "napier.ac.uk": { TXT: ["v=spf1 -all"] }, "s1._domainkey.napier.ac.uk": {} })
  const { found, verdict } = await asking("signed")
  assert.equal(found.get("spf_now")?.[0], "medium")
  assert.match(String(found.get("dmarc_now")), /^medium,As of now: DMARC of napier\.ac\.uk: fail/)
  assert.equal(verdict, "suspicious")
})

test("a message that was changed on its way has a bad signature, which alone says little", async () => {
  writeFileSync(join(directory, "changed"), trace + (await signed()).replace("Hi\r\n", "Hi, pay me\r\n"))
  const { found, verdict } = await asking("changed")
  assert.match(String(found.get("dkim_now")), /^low,.*(?:fail|neutral)/)
  assert.equal(verdict, "genuine")
})

test("a name server that says nothing is no sign of anything", async () => {
  nameserver.set({
    "napier.ac.uk": { fail: "SERVFAIL" },
    "_dmarc.napier.ac.uk": { fail: "SERVFAIL" },
    "s1._domainkey.napier.ac.uk": { fail: "SERVFAIL" },
    "10.2.176.146.in-addr.arpa": { fail: "SERVFAIL" },
  })
  const { found, verdict } = await asking("signed")
  assert.deepEqual(
    [...found].map(([check, [severity]]) => [check, severity]).toSorted(),
    ["dkim_now", "dmarc_now", "reverse_now", "spf_now"].map((check) => [check, "info"]),
  )
  assert.match(String(found.get("reverse_now")), /cannot be told/)
  assert.equal(verdict, "genuine")
})

test("block lists are asked where they are named, and an ARC chain that does not hold is told", async () => {
  nameserver.set({
    ...honest,
    "10.2.176.146.list.example.org": { A: ["127.0.0.2"], TXT: ["sent bad mail on Monday"] },
  })
  const seals =
    "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=hello.com; s=x; t=1; b=AAAA\r\n" +
    "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=hello.com; s=x; h=from; bh=AAAA; b=AAAA\r\n" +
    "ARC-Authentication-Results: i=1; hello.com; spf=pass\r\n"
  writeFileSync(join(directory, "sealed"), trace + seals + letter)
  const { found } = await asking("--lists", "list.example.org", "sealed")
  assert.match(
    String(found.get("block_list_now")),
    /^low,As of now: list\.example\.org says.*listed.*sent bad mail on Monday/,
  )
  assert.match(String(found.get("arc_now")), /^low,As of now: the ARC chain of 1 set.*fail/)
})
