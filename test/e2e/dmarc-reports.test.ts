// Reports of DMARC in a whole running system: a stranger's letters are judged and counted, the day ends, and the domain's address gets a
// signed report, which our own reader understands.
import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { resolverFrom } from "../../src/host/dns.ts"
import { verifier } from "../../src/daemon/signatures.ts"
import { makeKeys, recordOf } from "../../src/trust/dkim-keys.ts"
import { SignatureThreads } from "../../src/trust/mailauth.ts"
import { type Nameserver, startNameserver } from "../kit/nameserver.ts"
import { type Sink, startSink } from "../kit/sink.ts"
import { freePort, Session, System, type SystemOptions } from "../kit/system.ts"

const keys = mkdtempSync(join(tmpdir(), "waypost-e2e-reports-"))
const made = makeKeys(keys, "grussell.org", "nov")
assert.ok(made.ok, made.ok ? "" : made.error)

const zone = {
  ...Object.fromEntries(
    made.value.map((key) => {
      const { name, text } = recordOf("grussell.org", key)
      return [name, { TXT: [text] }]
    }),
  ),
  "napier.ac.uk": { MX: [[10, "mail.napier.ac.uk"]], TXT: ["v=spf1 ip4:127.0.0.66 -all"] },
  "mail.napier.ac.uk": { A: ["127.0.0.3"] },
  "_dmarc.napier.ac.uk": { TXT: ["v=DMARC1; p=reject; rua=mailto:d@napier.ac.uk,mailto:x@hello.com"] },
  "hello.com": { MX: [[10, "mail.napier.ac.uk"]] },
} as const

let nameserver: Nameserver
let sink: Sink
let system: System
let options: SystemOptions

before(async () => {
  nameserver = await startNameserver(zone)
  const port = await freePort("127.0.0.3")
  sink = await startSink({ address: "127.0.0.3", port })
  options = {
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`dkim_sign', \`@DIR@/dkim')dnl
FEATURE(\`dmarc')dnl
define(\`confDMARC_REPORTS', \`dmarc@grussell.org')dnl
define(\`SMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${port}')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
    files: {
      aliases: "",
      ...Object.fromEntries(
        readdirSync(join(keys, "grussell.org")).map((name) => [
          `dkim/grussell.org/${name}`,
          readFileSync(join(keys, "grussell.org", name), "utf8"),
        ]),
      ),
    },
    users: ["me"],
    args: ["--resolver", nameserver.resolver],
  }
  system = await System.start(options)
})

after(async () => {
  await system.stop()
  await sink.close()
  await nameserver.close()
  rmSync(keys, { recursive: true })
})

/** Hands a letter in from an address of the loopback that is a stranger's; the last reply. */
async function fromOutside(address: string): Promise<string> {
  const session = await Session.open(system.port, "127.0.0.1", address)
  let said = await session.reply()
  for (const line of [
    "EHLO mail.napier.ac.uk",
    "MAIL FROM:<ann@napier.ac.uk>",
    "RCPT TO:<me@grussell.org>",
    "DATA",
    "From: ann@napier.ac.uk\r\nSubject: hello\r\n\r\nHello.\r\n.",
  ])
    said = await session.say(line)
  session.close()
  return said
}

test("what was judged today is pending, and nothing is sent before the day is over", async () => {
  assert.match(await fromOutside("127.0.0.66"), /^250 /)
  assert.match(await fromOutside("127.0.0.66"), /^250 /)
  assert.match(await fromOutside("127.0.0.77"), /^550 5\.7\.26/)
  const { stdout, code } = await system.waypost("dmarc", "pending")
  assert.equal(code, 0)
  assert.match(stdout, /^\d{4}-\d\d-\d\d, until now: napier\.ac\.uk, 3 messages, alike in 2$/m)
  assert.match(stdout, /^ {2}goes to mailto:d@napier\.ac\.uk$/m)
  assert.match(
    stdout,
    /^ {2}not to mailto:x@hello\.com: napier\.ac\.uk\._report\._dmarc\.hello\.com does not say that it wants it$/m,
  )
  assert.equal((await system.waypost("dmarc", "send", "--dry-run")).stdout, "there is nothing to report\n")
  assert.equal((await system.waypost("dmarc", "send")).stdout, "")
})

test("a day later a signed report goes to the address that is theirs, and says what was seen", async () => {
  await system.end()
  const folder = join(system.directory, "state/queue/dmarc")
  const [name] = readdirSync(folder)
  assert.ok(name !== undefined)
  renameSync(join(folder, name), join(folder, "2026-01-02.counts")) // as if it had been then
  system = await System.start({ ...options, directory: system.directory, users: [] })
  const dry = await system.waypost("dmarc", "send", "--dry-run")
  assert.match(dry.stdout, /^grussell\.org!napier\.ac\.uk!1767312000!1767398399\.xml\.gz$/m)
  assert.match(dry.stdout, /<source_ip>127\.0\.0\.77<\/source_ip>/)
  assert.equal(sink.transactions.length, 0)
  const sent = await system.waypost("dmarc", "send")
  assert.match(sent.stdout, /: DMARC report 20260102\.napier\.ac\.uk@grussell\.org for d@napier\.ac\.uk$/m)
  await sink.until(1)
  const [report] = sink.transactions
  assert.ok(report !== undefined)
  assert.match(report.mail, /<dmarc@grussell\.org>/)
  assert.deepEqual(
    report.rcpt.map((line) => line.split(" ")[0]),
    ["<d@napier.ac.uk>"],
  )
  await isSigned(report.content)
  const file = join(system.directory, "report.eml")
  writeFileSync(file, report.content)
  const told = await system.waypost("dmarc", "report", file)
  assert.match(told.stdout, /^3 messages: 2 vouched for \(66 %\), 1 not$/m)
  assert.match(told.stdout, /127\.0\.0\.77 .* 1, none vouched for: 1 refused$/m)
  assert.match((await system.waypost("dmarc", "pending")).stdout, /there is nothing to report/)
})

async function isSigned(octets: Buffer): Promise<void> {
  const dns = resolverFrom({ resolvConf: "", resolver: nameserver.resolver })
  assert.ok(dns.ok)
  const threads = new SignatureThreads(dns.value.txt, (line) => assert.fail(line))
  const verify = verifier(() => threads, { does: "verify", dkim: true, arc: false })
  const size = octets.indexOf("\r\n\r\n") + 4
  const found = await verify(octets.subarray(0, size), async function* () {
    yield octets.subarray(size)
  })
  await threads.close()
  assert.ok(found.ok)
  const results = found.value.signatures.map(({ domain, result }) => `${domain} ${result}`)
  assert.deepEqual(results, ["grussell.org pass", "grussell.org pass"])
}
