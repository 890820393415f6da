// Signatures in a whole running system: mail that leaves is signed, mail that comes is judged before the 250 and told what indicator its
// author's domain wants shown, mail that passes through is sealed; the timeline tells each step. A real name server has the keys, a scripted server is the rest of the world.
import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { verifier } from "../../src/daemon/signatures.ts"
import { resolverFrom } from "../../src/host/dns.ts"
import { makeKeys, recordOf } from "../../src/trust/dkim-keys.ts"
import { SignatureThreads } from "../../src/trust/mailauth.ts"
import { type Nameserver, startNameserver } from "../kit/nameserver.ts"
import { type Sink, startSink } from "../kit/sink.ts"
import { freePort, handIn, System } from "../kit/system.ts"

const keys = mkdtempSync(join(tmpdir(), "waypost-e2e-dkim-"))
const records = ["grussell.org", "napier.ac.uk"].flatMap((domain) => {
  const made = makeKeys(keys, domain, "nov")
  assert.ok(made.ok, made.ok ? "" : made.error)
  return made.value.map((key) => recordOf(domain, key))
})

const zone = {
  ...Object.fromEntries(records.map(({ name, text }) => [name, { TXT: [text] }])),
  "napier.ac.uk": { MX: [[10, "mail.napier.ac.uk"]] },
  "mail.napier.ac.uk": { A: ["127.0.0.3"] },
  "_dmarc.napier.ac.uk": { TXT: ["v=DMARC1; p=reject"] },
  "default._bimi.napier.ac.uk": { TXT: ["v=BIMI1; l=https://img.napier.ac.uk/logo.svg"] },
  "hello.com": { MX: [[10, "mail.napier.ac.uk"]] },
} as const

let nameserver: Nameserver
let system: System
let sink: Sink
let threads: SignatureThreads

before(async () => {
  nameserver = await startNameserver(zone)
  const dns = resolverFrom({ resolvConf: "", resolver: nameserver.resolver })
  assert.ok(dns.ok)
  threads = new SignatureThreads(dns.value.txt, (line) => assert.fail(line))
  const port = await freePort("127.0.0.3")
  sink = await startSink({ address: "127.0.0.3", port })
  system = await System.start({
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`dkim_sign', \`@DIR@/dkim')dnl
FEATURE(\`dmarc')dnl
FEATURE(\`bimi')dnl
FEATURE(\`arc', \`seal=grussell.org')dnl
define(\`SMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
    files: {
      aliases: "gordon: gor@hello.com\n",
      ...Object.fromEntries(
        ["nove.pem", "novr.pem"].map((name) => [
          `dkim/grussell.org/${name}`,
          readFileSync(join(keys, "grussell.org", name), "utf8"),
        ]),
      ),
    },
    users: ["me"],
    args: ["--resolver", nameserver.resolver],
  })
})

after(async () => {
  await system.stop()
  await sink.close()
  await nameserver.close()
  await threads.close()
  rmSync(keys, { recursive: true })
})

async function look(octets: Buffer) {
  const size = octets.indexOf("\r\n\r\n") + 4
  const verify = verifier(() => threads, { does: "verify", dkim: true, arc: true })
  const found = await verify(octets.subarray(0, size), async function* () {
    yield octets.subarray(size)
  })
  assert.ok(found.ok, found.ok ? "" : found.error)
  return found.value
}

/** Hands a letter in from an address of the loopback that is a stranger's; the last reply. */
async function fromOutside(letter: string, to: string): Promise<string> {
  const socket = connect({ port: system.port, host: "127.0.0.1", localAddress: "127.0.0.66" }).setEncoding(
    "latin1",
  )
  let heard = ""
  const reply = async (): Promise<string> => {
    for (;;) {
      const end = /^\d{3}(?: .*)?\r\n/m.exec(heard)
      if (end !== null) {
        const said = heard.slice(0, end.index + end[0].length)
        heard = heard.slice(said.length)
        return said.trimEnd()
      }
      heard += String(await new Promise((resolve) => socket.once("data", resolve)))
    }
  }
  await reply()
  let said = ""
  for (const line of [
    "EHLO mail.napier.ac.uk",
    "MAIL FROM:<ann@napier.ac.uk>",
    `RCPT TO:<${to}>`,
    "DATA",
    `${letter}.`,
  ]) {
    socket.write(`${line}\r\n`)
    said = await reply()
  }
  socket.destroy()
  return said
}

const letter =
  "From: ann@napier.ac.uk\r\nTo: me@grussell.org\r\nSubject: outside\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@napier.ac.uk>\r\n\r\nHello.\r\n"

async function signed(): Promise<string> {
  const pems = ["nove", "novr"].map((selector) => ({
    selector,
    algorithm: selector === "nove" ? ("ed25519-sha256" as const) : ("rsa-sha256" as const),
    pem: readFileSync(join(keys, "napier.ac.uk", `${selector}.pem`), "utf8"),
  }))
  const headerSize = letter.indexOf("\r\n\r\n") + 4
  const job = {
    does: "sign",
    domain: "napier.ac.uk",
    keys: pems,
    headerSize,
    seconds: Math.floor(Date.now() / 1000),
  } as const
  const done = await threads.do(job, () => [Buffer.from(letter)])
  assert.ok(done.ok && done.value.found.did === "sign")
  return done.value.found.fields + letter
}

test("mail of our own leaves signed with both algorithms, and the log of its life says so", async () => {
  const reply = await handIn(system, {
    from: "me@grussell.org",
    to: ["gor@hello.com"],
    text: "From: me@grussell.org\nTo: gor@hello.com\nSubject: ours\n\nHello.\n",
  })
  await system.said(/to=<gor@hello\.com>, .*stat=Sent/)
  const content = sink.transactions.at(-1)?.content ?? assert.fail("nothing came")
  assert.deepEqual(
    (await look(content)).signatures.map(({ result, algorithm }) => `${result} ${algorithm}`),
    ["pass ed25519-sha256", "pass rsa-sha256"],
  )
  assert.match(reply, /^250 2\.0\.0 /)
})

test("mail nobody vouches for is refused before the 250; signed it is taken, and its timeline tells what DNS said", async () => {
  assert.match(await fromOutside(letter, "me@grussell.org"), /^550 5\.7\.26 /)
  const said = await fromOutside(await signed(), "me@grussell.org")
  assert.match(said, /^250 2\.0\.0 /)
  await system.said(/to=<me@grussell\.org>, .*stat=Sent/)
  const box = readFileSync(join(system.directory, "mail", "me"), "latin1")
  assert.match(
    box,
    /^Authentication-Results: grussell\.org;\n\tspf=none .*\n\tdkim=pass header\.d=napier\.ac\.uk [^]*\n\tdmarc=pass .*header\.from=napier\.ac\.uk/m,
  )
  const shown = await system.waypost("show", / ([A-Za-z0-9]{14}) Message/.exec(said)?.[1] ?? "")
  assert.match(shown.stdout, /nove\._domainkey\.napier\.ac\.uk says "v=DKIM1; k=ed25519/)
  assert.match(shown.stdout, /_dmarc\.napier\.ac\.uk says "v=DMARC1; p=reject"/)
})

test("a good letter gets the place of its author's indicator, forged ones are gone, and the timeline and explain tell of it", async () => {
  const forged = "BIMI-Location: v=BIMI1; l=https://evil.test/x.svg\r\nBIMI-Indicator: PHN2Zz4=\r\n"
  const said = await fromOutside(forged + (await signed()), "me@grussell.org")
  assert.match(said, /^250 2\.0\.0 /)
  await system.idle()
  const box = readFileSync(join(system.directory, "mail", "me"), "latin1")
  const last = box.slice(box.lastIndexOf("\nFrom ann@"))
  assert.match(
    last,
    /^\tbimi=pass header\.d=napier\.ac\.uk header\.selector=default policy\.authority=none\n[^]*\nBIMI-Location: v=BIMI1; l=https:\/\/img\.napier\.ac\.uk\/logo\.svg\nReceived:/m,
  )
  assert.doesNotMatch(last, /evil|PHN2Zz4=/)
  const shown = await system.waypost("show", / ([A-Za-z0-9]{14}) Message/.exec(said)?.[1] ?? "")
  assert.match(shown.stdout, /default\._bimi\.napier\.ac\.uk says "v=BIMI1; l=https/)
  assert.match(shown.stdout, /bimi-location is ours to write: what came is taken away/)
  const explained = await system.waypost("explain", "me@grussell.org", "--client", "127.0.0.66")
  assert.match(explained.stdout, /bimi +yes: which indicator the author's domain wants shown is looked up/)
})

test("mail that passes through to another host is sealed, and its author's signatures still hold", async () => {
  assert.match(await fromOutside(await signed(), "gordon@grussell.org"), /^250 2\.0\.0 /)
  await system.idle()
  const { signatures, chain } = await look(sink.transactions.at(-1)?.content ?? assert.fail("nothing came"))
  assert.deepEqual(
    signatures.map(({ result, domain }) => `${result} ${domain}`),
    ["pass napier.ac.uk", "pass napier.ac.uk"],
  )
  assert.deepEqual([chain.result, chain.sets, chain.sealer, chain.dmarc], ["pass", 1, "grussell.org", "pass"])
})
