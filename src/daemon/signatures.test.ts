// Signatures on their whole way: keys as waypost makes them, signed in the threads, checked in the threads, judged at the end of DATA.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { mailhost, type Zone } from "../../test/kit/mailhost.ts"
import type { DnsAnswer } from "../mail/world.ts"
import { printReason } from "../routing/explain.ts"
import { makeKeys, readKeys, recordOf } from "../trust/dkim-keys.ts"
import { SignatureThreads } from "../trust/mailauth.ts"
import type { Job, SigningKey } from "../trust/mailauth-requests.ts"
import { verifier } from "./signatures.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-dkim-"))
after(() => rmSync(directory, { recursive: true }))
const made = ["napier.ac.uk", "lists.example.org", "silent.example.org"].map((domain) => {
  const keys = makeKeys(directory, domain, "nov", undefined)
  assert.ok(keys.ok, keys.ok ? "" : keys.error)
  return [domain, keys.value] as const
})
const keyring = readKeys(directory)
assert.ok(keyring.ok)
const keysOf = (domain: string): readonly SigningKey[] =>
  (keyring.ok ? keyring.value.get(domain) : undefined) ?? []

const published = new Map(
  made
    .flatMap(([domain, keys]) => keys.map((key) => recordOf(domain, key)))
    .map(({ name, text }) => [name, text]),
)

/** DNS that knows these keys; silent about one name. */
async function txt(name: string): Promise<DnsAnswer<string>> {
  if (name.includes("silent")) return { found: "unavailable", why: "timeout" }
  const text = published.get(name)
  return text === undefined
    ? { found: "nothing", why: "no such name", secure: false }
    : { found: "records", records: [text], secure: false, ttl: 60 }
}

const threads = new SignatureThreads(txt, (line) => assert.fail(line))
after(() => threads.close())

const letter = (from: string) =>
  `From: Gordon <${from}>\r\nTo: bob@mx.test\r\nSubject: a  test\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@napier.ac.uk>\r\n\r\nHello \t Bob,\r\n\r\n.  dots\r\n\r\n\r\n`

async function signed(text: string, domain: string, keys = keysOf(domain)): Promise<string> {
  const headerSize = text.indexOf("\r\n\r\n") + 4
  const job: Job = { does: "sign", domain, keys, headerSize, seconds: 1_790_000_000 }
  const done = await threads.do(job, () => [Buffer.from(text)])
  assert.ok(done.ok, done.ok ? "" : done.error)
  assert.equal(done.value.found.did, "sign")
  return `${done.value.found.did === "sign" ? done.value.found.fields : ""}${text}`
}

const base: Zone = {
  "client.test": { A: "192.0.2.7", MX: "10 client.test" },
  "napier.ac.uk": { MX: "10 client.test", A: "192.0.2.99" },
  "_dmarc.napier.ac.uk": { TXT: "v=DMARC1; p=reject; rua=mailto:d@napier.ac.uk" },
  "hello.com": { MX: "10 client.test" },
  "_dmarc.hello.com": { TXT: "v=DMARC1; p=quarantine" },
  "grussell.org": { MX: "10 client.test", TXT: "v=spf1 ip4:192.0.2.7 -all" },
  "_dmarc.grussell.org": { TXT: "v=DMARC1; p=reject" },
}

function host(features: string) {
  return mailhost({
    dns: base,
    accounts: ["bob"],
    verify: verifier(() => threads, { does: "verify", dkim: true, arc: true }),
    files: { "/etc/mail/sendmail.mc": `${features}\nMAILER(smtp)dnl` },
  })
}

async function sent(
  text: string,
  { mx = host("FEATURE(`dmarc')dnl"), from = "gordon@napier.ac.uk", ends = "250 *", client = "192.0.2.66" },
) {
  const lines = text
    .replace(/\r\n$/, "")
    .split("\r\n")
    .map((line) => `C: ${line.startsWith(".") ? "." : ""}${line}`)
  const open = [
    "S: 220 *",
    "C: HELO client.test",
    "S: 250 *",
    `C: MAIL FROM:<${from}>`,
    "S: 250 *",
    "C: RCPT TO:<bob@mx.test>",
    "S: 250 *",
    "C: DATA",
    "S: 354 *",
  ]
  await mx.play(client, [...open, ...lines, "C: .", `S: ${ends}`].join("\n"))
  const stored = mx.spool.stored.at(-1)
  return { top: (stored?.text ?? "").split("Received:")[0]?.replaceAll("\r\n\t", " ") ?? "", stored }
}

test("a letter signed with RSA and Ed25519 at once passes twice, and DMARC by it; the trail says what DNS said", async () => {
  const { top, stored } = await sent(await signed(letter("gordon@napier.ac.uk"), "napier.ac.uk"), {})
  assert.match(top, /^Authentication-Results: mx\.test; spf=none /)
  assert.match(
    top,
    /dkim=pass header\.d=napier\.ac\.uk header\.i=@napier\.ac\.uk header\.s=novr header\.a=rsa-sha256 header\.b=/,
  )
  assert.match(
    top,
    /dkim=pass header\.d=napier\.ac\.uk header\.i=@napier\.ac\.uk header\.s=nove header\.a=ed25519-sha256/,
  )
  assert.match(
    top,
    /dmarc=pass \(p=reject sp=reject, dkim of napier\.ac\.uk passes, and speaks for napier\.ac\.uk\) header\.from=napier\.ac\.uk/,
  )
  const trail = JSON.stringify(stored?.queued.pending[0]?.recipient.admitted)
  assert.match(trail, /novr\._domainkey\.napier\.ac\.uk says \\"v=DKIM1; k=rsa; p=/)
  assert.match(trail, /_dmarc\.napier\.ac\.uk says \\"v=DMARC1; p=reject/)
  assert.match(trail, /the signature of napier\.ac\.uk \(s=nove, ed25519-sha256\) is good/)
})

test("a letter nobody vouches for is refused where its author's domain asks for that, and put in no mailbox", async () => {
  const mx = host("FEATURE(`dmarc')dnl")
  await sent(letter("gordon@napier.ac.uk"), {
    mx,
    ends: "550 5.7.26 Mail in the name of napier.ac.uk is refused, as it asks (DMARC p=reject): neither SPF nor DKIM vouches for it",
  })
  assert.equal(mx.spool.stored.length, 0)
})

test("p=quarantine only marks, unless the FEATURE says to hold it", async () => {
  const marked = await sent(letter("me@hello.com"), {})
  assert.match(
    marked.top,
    /dmarc=fail \(p=quarantine sp=quarantine, nobody who speaks for hello\.com vouches for it, by SPF or DKIM\)/,
  )
  assert.equal(marked.stored?.queued.entry.held, undefined)
  const held = await sent(letter("me@hello.com"), { mx: host("FEATURE(`dmarc', `quarantine=hold')dnl") })
  assert.match(held.stored?.queued.entry.held?.reason ?? "", /^fail: nobody who speaks for hello\.com/)
})

test("of authors of too many domains no quiet one covers for that; refused for it, the letter hears so", async () => {
  const from = [..."abcdef"].map((one) => `me@${one}.example.org`).join(", ")
  const many = letter("x").replace("Gordon <x>", from)
  const { top } = await sent(many, {})
  assert.match(top, /dmarc=permerror \(its authors are of 6 domains, which is more than are judged\)/)
  const mx = host("FEATURE(`dmarc', `permerror=reject')dnl")
  await sent(many, { mx, ends: "550 5.7.26 Mail whose author DMARC cannot judge is refused here" })
  assert.equal(mx.spool.stored.length, 0)
})

test("in the timeline what was found is a yes, what was not is a no, and silence is neither", async () => {
  const words = async (text: string, from: string) => {
    const { stored } = await sent(text, { from })
    const reason = stored?.queued.pending[0]?.recipient.admitted
    return reason === undefined ? "" : printReason(reason).join("\n")
  }
  const good = await words(await signed(letter("gordon@napier.ac.uk"), "napier.ac.uk"), "gordon@napier.ac.uk")
  assert.match(good, /dkim +yes: novr\._domainkey\.napier\.ac\.uk says "v=DKIM1/)
  assert.match(good, /dkim +yes: the signature of napier\.ac\.uk \(s=nove, ed25519-sha256\) is good/)
  assert.match(good, /dmarc +yes: _dmarc\.napier\.ac\.uk says "v=DMARC1; p=reject/)
  assert.match(good, /dmarc +yes: pass: dkim of napier\.ac\.uk passes/)
  const bad = await words(letter("me@hello.com"), "me@hello.com")
  assert.match(bad, /dkim +no: +the message is not signed/)
  assert.match(bad, /dmarc +no: +_dmarc\.com: no record/)
  assert.match(bad, /dmarc +no: +fail: nobody who speaks for hello\.com/)
})

test("SPF that passes for the author's domain is enough for DMARC", async () => {
  const { top } = await sent(letter("ann@grussell.org"), { from: "bounce@grussell.org", client: "192.0.2.7" })
  assert.match(
    top,
    /spf=pass .*dkim=none \(the message is not signed\); dmarc=pass \(p=reject sp=reject, spf of grussell\.org passes/,
  )
})

test("a letter changed on its way fails, and each change of blanks that relaxed allows does not", async () => {
  const good = await signed(letter("gordon@napier.ac.uk"), "napier.ac.uk")
  const blanks = good
    .replace("Hello \t Bob,", "Hello Bob,  ")
    .replace("Subject: a  test", "SUBJECT:  a\r\n test")
  assert.match((await sent(blanks, {})).top, /dmarc=pass/)
  await sent(good.replace("Bob,", "Rob,"), { ends: "550 5.7.26 *" })
  await sent(good.replace("Date:", "Subject: another\r\nDate:"), { ends: "550 5.7.26 *" }) // oversigned
})

test("where DNS is silent about the key the letter is put off, not refused", async () => {
  const [key] = keysOf("napier.ac.uk")
  assert.ok(key !== undefined)
  const text = await signed(letter("gordon@napier.ac.uk"), "napier.ac.uk", [{ ...key, selector: "silent" }])
  await sent(text, { ends: "451 4.7.0 DMARC of napier.ac.uk could not be checked, try again later" })
})

test("when signatures cannot be checked at all the letter is put off", async () => {
  const mx = mailhost({
    dns: base,
    accounts: ["bob"],
    verify: async () => ({ ok: false, error: "the thread has ended" }),
    files: { "/etc/mail/sendmail.mc": "FEATURE(`dkim_verify')dnl\nMAILER(smtp)dnl" },
  })
  await sent(await signed(letter("gordon@napier.ac.uk"), "napier.ac.uk"), { mx, ends: "451 4.3.0 *" })
})

test("without a FEATURE nothing is asked and nothing is written", async () => {
  const mx = mailhost({
    dns: base,
    accounts: ["bob"],
    verify: () => assert.fail("asked"),
    files: { "/etc/mail/sendmail.mc": "MAILER(smtp)dnl" },
  })
  const { top } = await sent(await signed(letter("gordon@napier.ac.uk"), "napier.ac.uk"), { mx })
  assert.equal(top, "")
})

async function sealed(
  text: string,
  results: string,
  cv: "none" | "pass" | "fail",
  domain = "lists.example.org",
): Promise<string> {
  const [key] = keysOf(domain)
  assert.ok(key !== undefined)
  const job: Job = { does: "seal", domain, key, results, cv, seconds: 1_790_000_000 }
  const done = await threads.do(job, () => [Buffer.from(text)])
  assert.ok(done.ok, done.ok ? "" : done.error)
  return `${done.value.found.did === "seal" ? done.value.found.fields : ""}${text}`
}

test("a list's seal is checked; believed, its word counts where DMARC fails; and a second seal stands on the first", async () => {
  const first = await sealed(
    letter("gordon@napier.ac.uk"),
    "lists.example.org; dmarc=pass header.from=napier.ac.uk",
    "none",
  )
  await sent(first, { mx: host("FEATURE(`dmarc')dnl\nFEATURE(`arc')dnl"), ends: "550 5.7.26 *" })
  const trusting = host("FEATURE(`dmarc')dnl\nFEATURE(`arc', `trust=lists.example.org')dnl")
  const { top } = await sent(first, { mx: trusting })
  assert.match(
    top,
    /arc=pass \(i=1, sealed last by lists\.example\.org, who says dmarc=pass\) smtp\.remote-ip=192\.0\.2\.66; dmarc=fail/,
  )
  const second = await sealed(
    first,
    "lists.example.org; arc=pass; dmarc=pass header.from=napier.ac.uk",
    "pass",
  )
  assert.match((await sent(second, { mx: trusting })).top, /arc=pass \(i=2/)
  const broken = second.replace("i=1; lists", "i=1; lasts")
  await sent(broken, { mx: trusting, ends: "550 5.7.26 *" })
})

test("where DNS is silent about a seal that would be believed, the letter is put off, not refused", async () => {
  const silent = "silent.example.org"
  const text = await sealed(letter("gordon@napier.ac.uk"), `${silent}; dmarc=pass`, "none", silent)
  const trusting = (name: string) => host(`FEATURE(\`dmarc')dnl\nFEATURE(\`arc', \`trust=${name}')dnl`)
  await sent(text, { mx: trusting(silent), ends: "451 4.7.0 *" })
  await sent(text, { mx: trusting("lists.example.org"), ends: "550 5.7.26 *" })
  const own = await sealed(letter("me@hello.com"), `${silent}; dmarc=pass`, "none", silent)
  const { top } = await sent(own, { mx: trusting(silent) })
  assert.match(top, /arc=fail \(i=1: DNS does not answer for nove\._domainkey\.silent\.example\.org\)/)
})

test("of very many signatures the topmost are looked at, and no more is asked of DNS", async () => {
  const whole = await signed(letter("gordon@napier.ac.uk"), "napier.ac.uk")
  const other =
    "DKIM-Signature: v=1; a=rsa-sha256; d=hello.com; s=x; h=from; bh=KWSe46TZKCcDbH4klJPo+tjk5LWJnVRlP5pvjXFZYLQ=; b=AAAA\r\n"
  const { top } = await sent(whole, {})
  assert.equal(top.match(/dkim=/g)?.length, 2)
  const many = await sent(whole.replace("From:", `${other.repeat(500)}From:`), {})
  assert.equal(many.top.match(/dkim=/g)?.length, 10)
  assert.match(many.top, /dmarc=pass/)
})

test("a thread that has ended is followed by another, and what could not be read is said", async () => {
  const own = new SignatureThreads(txt, (line) => assert.fail(line))
  const job: Job = { does: "verify", dkim: true, arc: true }
  const text = Buffer.from(letter("gordon@napier.ac.uk"))
  assert.ok((await own.do(job, () => [text])).ok)
  await own.close()
  assert.ok((await own.do(job, () => [text])).ok)
  async function* broken() {
    yield text
    throw new Error("EIO: the disk is dying")
  }
  assert.deepEqual(await own.do(job, broken), { ok: false, error: "EIO: the disk is dying" })
  await own.close()
})

test("a large letter goes through the threads by piece", async () => {
  const body = `${"A line of text, as there are many.\r\n".repeat(60_000)}end\r\n`
  const text = await signed(letter("gordon@napier.ac.uk") + body, "napier.ac.uk")
  const verify = verifier(() => threads, { does: "verify", dkim: true, arc: false })
  const headerSize = text.indexOf("\r\n\r\n") + 4
  const octets = Buffer.from(text)
  async function* pieces() {
    for (let at = headerSize; at < octets.length; at += 10_007) yield octets.subarray(at, at + 10_007)
  }
  const found = await verify(octets.subarray(0, headerSize), pieces)
  assert.deepEqual(found.ok && found.value.signatures.map(({ result }) => result), ["pass", "pass"])
})

test("each key is asked for once, whoever looks: in place, and then a thread; what is silent is not waited for twice", async () => {
  const asked: string[] = []
  const counting = new SignatureThreads(
    async (name) => {
      asked.push(name)
      return name.startsWith("nove") ? { found: "unavailable", why: "timeout" } : await txt(name)
    },
    (line) => assert.fail(line),
  )
  const verify = verifier(() => counting, { does: "verify", dkim: true, arc: false })
  const octets = Buffer.from(await signed(letter("gordon@napier.ac.uk"), "napier.ac.uk"))
  const size = octets.indexOf("\r\n\r\n") + 4
  const found = await verify(octets.subarray(0, size), async function* () {
    yield octets.subarray(size)
  })
  await counting.close()
  assert.ok(found.ok)
  assert.deepEqual(found.value.signatures.map(({ selector, result }) => `${selector} ${result}`).toSorted(), [
    "nove temperror",
    "novr pass",
  ])
  assert.deepEqual(asked.toSorted(), ["nove._domainkey.napier.ac.uk", "novr._domainkey.napier.ac.uk"])
  assert.equal(found.value.asked.length, 2)
})
