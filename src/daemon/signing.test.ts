// What leaves signed or sealed, and what does not: FEATURE(dkim_sign) and FEATURE(arc) with real keys and threads.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import type { Arrival } from "../mail/arrival.ts"
import { type Content, inMemory } from "../mail/content.ts"
import { ok, type Result } from "../mail/result.ts"
import type { DnsAnswer } from "../mail/world.ts"
import type { Entry } from "../queue/entry.ts"
import { makeKeys, recordOf } from "../trust/dkim-keys.ts"
import { type Done, SignatureThreads } from "../trust/mailauth.ts"
import { verifier } from "./signatures.ts"
import { makeSigning, type Sign } from "./signing.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-signing-"))
after(() => rmSync(directory, { recursive: true }))
const published = new Map(
  ["napier.ac.uk", "mx.test"].flatMap((domain) => {
    const made = makeKeys(directory, domain, "nov")
    assert.ok(made.ok, made.ok ? "" : made.error)
    return made.value.map((key) => recordOf(domain, key)).map(({ name, text }) => [name, text] as const)
  }),
)
async function txt(name: string): Promise<DnsAnswer<string>> {
  const text = published.get(name)
  return text === undefined
    ? { found: "nothing", why: "no such name", secure: false }
    : { found: "records", records: [text], secure: false, ttl: 60 }
}
const threads = new SignatureThreads(txt, (line) => assert.fail(line))
after(() => threads.close())
const verify = verifier(() => threads, { does: "verify", dkim: true, arc: true })

const arrival: Arrival = {
  session: "s",
  protocol: "ESMTP",
  client: { address: "192.0.2.7", port: 40000, name: "client.test" },
  helo: "client.test",
  authenticated: undefined,
  door: "MTA",
  submission: false,
  tls: undefined,
}

const entry: Entry = {
  id: "aOO9F0o0000001",
  envelope: { reversePath: "null", body: "8bitmime", smtputf8: false, ret: undefined, envid: undefined },
  arrival,
  acceptedAt: 0,
  size: 0,
  headerSize: 0,
  summary: { messageId: "", subject: "", from: "" },
  held: undefined,
}

function content(text: string): Content {
  return inMemory(Buffer.from(text), text.indexOf("\r\n\r\n") + 4)
}

function signing(
  features: string,
  ours: boolean,
  does?: () => Promise<Result<Done>>,
): Result<Sign | undefined> {
  const { settings } = mailhost({ files: { "/etc/mail/sendmail.mc": `${features}\nMAILER(smtp)dnl` } })
  const used =
    does === undefined ? threads : Object.assign(Object.create(threads) as SignatureThreads, { do: does })
  return makeSigning({
    settings,
    clock: () => 1_790_000_000_000,
    threads: () => used,
    isOurs: async () => ours,
    log: () => {},
  })
}

function must(made: Result<Sign | undefined>): Sign {
  assert.ok(made.ok, made.ok ? "" : made.error)
  return made.value ?? assert.fail("nothing signs")
}

async function textOf(out: Content): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of out.chunks()) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces).toString()
}

async function look(text: string) {
  const octets = Buffer.from(text)
  const headerSize = octets.indexOf("\r\n\r\n") + 4
  const found = await verify(octets.subarray(0, headerSize), async function* () {
    yield octets.subarray(headerSize)
  })
  assert.ok(found.ok, found.ok ? "" : found.error)
  return found.value
}

const sign = `FEATURE(\`dkim_sign', \`${directory}')dnl`
const letter = (from: string) => `From: ${from}\r\nTo: ann@hello.com\r\nSubject: signed\r\n\r\nHello\r\n`

test("our own mail leaves with both signatures, and they are good; the reason names keys and line", async () => {
  const decision = await must(signing(sign, true))(entry, content(letter("gordon@napier.ac.uk")))
  assert.ok(decision.outcome === "yes")
  const { signatures } = await look(await textOf(decision.value))
  assert.deepEqual(
    signatures.map(({ result, domain, algorithm }) => `${result} ${domain} ${algorithm}`),
    ["pass napier.ac.uk ed25519-sha256", "pass napier.ac.uk rsa-sha256"],
  )
  assert.match(
    decision.reason.says,
    /^signed as napier\.ac\.uk \(s=nove, ed25519-sha256 and s=novr, rsa-sha256\)$/,
  )
  assert.equal(decision.reason.at?.file, "/etc/mail/sendmail.mc")
  assert.equal(decision.value.size, (await textOf(decision.value)).length)
})

test("a name below a domain with keys is signed with those; a name without any is not", async () => {
  const below = await must(signing(sign, true))(entry, content(letter("gordon@cs.napier.ac.uk")))
  assert.match(below.reason.says, /^signed as napier\.ac\.uk/)
  const other = await must(signing(sign, true))(entry, content(letter("ann@hello.com")))
  assert.equal(other.outcome, "pass")
  assert.equal(other.reason.says, "there is no key for hello.com")
})

test("mail from outside that claims our name is not signed", async () => {
  const decision = await must(signing(sign, false))(entry, content(letter("gordon@napier.ac.uk")))
  assert.equal(decision.outcome, "pass")
  assert.equal(decision.reason.says, "it is not ours to sign")
})

test("one message to many destinations is signed once", async () => {
  const once = must(signing(sign, true))
  const one = content(letter("gordon@napier.ac.uk"))
  const [first, second] = [await once(entry, one), await once(entry, one)]
  assert.equal(first, second)
})

test("a large message is signed as it lies on the disk", async () => {
  const text = letter("gordon@napier.ac.uk") + "More of it.\r\n".repeat(100_000)
  const whole = Buffer.from(text)
  const large: Content = {
    ...content(text),
    bytes: undefined,
    async *chunks(start = 0) {
      for (let at = start; at < whole.length; at += 65_536) yield whole.subarray(at, at + 65_536)
    },
  }
  const decision = await must(signing(sign, true))(entry, large)
  assert.ok(decision.outcome === "yes")
  assert.deepEqual(
    (await look(await textOf(decision.value))).signatures.map(({ result }) => result),
    ["pass", "pass"],
  )
})

test("mail that cannot be signed now waits, and is tried again", async () => {
  const trouble = must(signing(sign, true, async () => ({ ok: false, error: "no memory" })))
  const one = content(letter("gordon@napier.ac.uk"))
  const first = await trouble(entry, one)
  assert.equal(first.outcome, "later")
  assert.match(first.reason.says, /could not be signed now: no memory/)
  assert.notEqual(await trouble(entry, one), first)
})

const arc = "FEATURE(`arc', `seal=mx.test')dnl"
const seen = (results: string) =>
  `Authentication-Results: mx.test;\r\n\tspf=pass;\r\n\t${results}\r\n${letter("gordon@napier.ac.uk")}`

test("mail that passes through is sealed with what was found when it came; a second seal stands on the first", async () => {
  const seal = must(signing(`${sign}\n${arc}`, false))
  const first = await seal(entry, content(seen("dmarc=pass header.from=napier.ac.uk;\r\n\tarc=none")))
  assert.ok(first.outcome === "yes", first.reason.says)
  const { chain } = await look(await textOf(first.value))
  assert.deepEqual([chain.result, chain.sets, chain.sealer, chain.dmarc], ["pass", 1, "mx.test", "pass"])
  const again = (await textOf(first.value)).replace(/^Authentication-Results: [^]*?arc=none\r\n/m, "")
  const second = await seal(
    entry,
    content(`Authentication-Results: mx.test; dmarc=pass; arc=pass\r\n${again}`),
  )
  assert.ok(second.outcome === "yes", second.reason.says)
  assert.equal((await look(await textOf(second.value))).chain.sets, 2)
})

test("a broken chain is sealed as broken, once", async () => {
  const seal = must(signing(`${sign}\n${arc}`, false))
  const first = await seal(entry, content(seen("arc=none")))
  assert.ok(first.outcome === "yes")
  const broken = (await textOf(first.value))
    .replace("Hello", "Goodbye")
    .replace("arc=none\r\nFrom", "arc=fail\r\nFrom")
  const second = await seal(entry, content(broken))
  assert.ok(second.outcome === "yes", second.reason.says)
  assert.match(await textOf(second.value), /^ARC-Seal: i=2;[^]*?cv=fail/)
  const third = await seal(entry, content(await textOf(second.value)))
  assert.equal(third.reason.says, "the chain was sealed as broken before")
})

test("mail whose chain cannot be sealed goes without, and does not wait for ever", async () => {
  const seal = must(signing(`${sign}\n${arc}`, false))
  for (const [field, why] of [
    ["ARC-Seal: nonsense", /it is not sealed: cv=fail is not valid for ARC instance 1/],
    ["ARC-Seal: i=50; cv=pass", /it is not sealed: .*already has 50 sets/],
    ["ARC-Seal: i=1; cv=none\r\nARC-Seal: i=2; cv=fail", /it is not sealed: .*cv=fail/],
  ] as const) {
    const decision = await seal(entry, content(seen("arc=fail").replace("\r\nFrom", `\r\n${field}\r\nFrom`)))
    assert.equal(decision.outcome, "pass", decision.reason.says)
    assert.match(decision.reason.says, why)
  }
})

test("a broken chain is not sealed as good because a comment says so", async () => {
  const seal = must(signing(`${sign}\n${arc}`, false))
  const first = await seal(entry, content(seen("arc=none")))
  assert.ok(first.outcome === "yes")
  const broken = (await textOf(first.value))
    .replace("Hello", "Goodbye")
    .replace("arc=none\r\nFrom", "arc=fail\r\nFrom")
    .replace("spf=pass", 'spf=pass (its record says exists:a;arc=pass) smtp.mailfrom="x;arc=pass"@hello.com')
  const second = await seal(entry, content(broken))
  assert.ok(second.outcome === "yes", second.reason.says)
  assert.match(await textOf(second.value), /^ARC-Seal: i=2;[^]*?cv=fail/)
})

test("without our own Authentication-Results there is nothing to seal", async () => {
  const seal = must(signing(`${sign}\n${arc}`, false))
  const decision = await seal(entry, content(seen("arc=none").replace("mx.test", "other.test")))
  assert.equal(decision.outcome, "pass")
})

test("a configuration whose keys are not there is refused, with what to do", () => {
  const nowhere = signing("FEATURE(`dkim_sign', `/nowhere')dnl", true)
  assert.deepEqual(nowhere, {
    ok: false,
    error:
      "FEATURE(dkim_sign): /nowhere: there is no such directory; waypost dkim new DOMAIN makes keys (/etc/mail/sendmail.mc:1)",
  })
  const other = signing(`${sign}\nFEATURE(\`arc', \`seal=hello.com')dnl`, true)
  assert.match(
    other.ok ? "" : other.error,
    /no key of hello\.com, which seal= names \(\/etc\/mail\/sendmail\.mc:2\)$/,
  )
  assert.deepEqual(signing("FEATURE(`dkim_verify')dnl", true), ok(undefined))
})
