// DANE and MTA-STS on the wire: hosts with certificates made by openssl, zones signed by ldns-signzone and served by nsd, a validating
// unbound in front of them, all from Debian; and policies by HTTPS from a server of Node's.
import assert from "node:assert/strict"
import { createHash, X509Certificate } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { makeDemands } from "../../src/daemon/demands.ts"
import { makePeerSecurity } from "../../src/daemon/peer-security.ts"
import { parseMailbox } from "../../src/mail/address.ts"
import { inMemory } from "../../src/mail/content.ts"
import { because, type Reason } from "../../src/mail/decision.ts"
import { diagnosticText, type DeliveryStatus } from "../../src/mail/status.ts"
import { makeSmtpMailer } from "../../src/mailers/esmtp.ts"
import { makeClientTls } from "../../src/trust/tls-client.ts"
import { without } from "../kit/debian.ts"
import { withoutPeers } from "../kit/peers.ts"
import { type SignedDns, signedDnsPeers, startSignedDns } from "../kit/signed-dns.ts"
import { settingsOf } from "../kit/site.ts"
import { handIn, run, System } from "../kit/system.ts"
import { noMaterial, startTlsHost, type TlsHost } from "../kit/tls-host.ts"

const skip = withoutPeers(...signedDnsPeers) || without("openssl")
const directory = mkdtempSync(join(tmpdir(), "waypost-dane-"))
after(() => rmSync(directory, { recursive: true, force: true }))

/** An authority, a host under it for the names in $@, and one that has expired: what openssl makes of it. */
const script = `
set -e; cd "$0"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 9 -subj "/CN=Gordon's authority" \
  -addext basicConstraints=critical,CA:TRUE
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout host.key -out host.csr -subj /CN=mx.hello.com
printf 'subjectAltName=DNS:mx-ta.hello.com,DNS:mx.hello.com,DNS:mta-sts.hello.com,DNS:mta-sts.testing.org\nbasicConstraints=CA:FALSE\n' > ext
openssl x509 -req -in host.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -extfile ext -out host.pem
`

type Ground = {
  readonly dns: SignedDns
  readonly secure: TlsHost
  readonly plain: TlsHost
  readonly policies: Server
  readonly policyPort: number
  readonly authority: string
}

let ground: Ground | undefined
/** What is open, to be closed however far the beginning came. */
const open: { close(): void }[] = []
const served = new Map<string, { readonly status?: number; readonly type?: string; readonly text: string }>()
let fetched = 0

after(() => {
  for (const one of open) one.close()
})

before(async () => {
  if (skip !== false) return
  const { code, stderr } = await run("sh", ["-c", script, directory])
  assert.equal(code, 0, stderr)
  const text = (name: string) => readFileSync(join(directory, name), "utf8")
  const pair = { key: text("host.key"), certificate: text("host.pem") + text("ca.pem") }
  const secure = await startTlsHost({ server: [pair], named: [] })
  const plain = await startTlsHost({ server: [], named: [] })
  open.push(secure, plain)
  const policies = createServer({ key: pair.key, cert: pair.certificate }, (request, response) => {
    fetched++
    const known = served.get(request.headers.host ?? "")
    response.writeHead(known?.status ?? (known === undefined ? 404 : 200), {
      "content-type": known?.type ?? "text/plain",
    })
    response.end(known?.text)
  })
  open.push({ close: () => void policies.close().closeAllConnections() })
  policies.listen(0, "127.0.0.1")
  await once(policies, "listening")
  const address = policies.address()
  const policyPort = typeof address === "object" && address !== null ? address.port : 0
  const dns = await startSignedDns(zonesOf(secure.port, plain.port, pair.certificate, text("ca.pem")))
  open.push(dns)
  process.stdout.write(`# ${dns.versions}\n`)
  ground = { dns, secure, plain, policies, policyPort, authority: text("ca.pem") }
})

function digests(pem: string): { readonly spki: string; readonly whole: string } {
  const certificate = new X509Certificate(pem)
  const sha256 = (octets: Buffer) => createHash("sha256").update(octets).digest("hex")
  const spki = certificate.publicKey.export({ type: "spki", format: "der" })
  return { spki: sha256(spki), whole: sha256(certificate.raw) }
}

function zonesOf(port: number, plain: number, host: string, ca: string) {
  const [own, authority] = [digests(host), digests(ca)]
  const wrong = "ab".repeat(32)
  const hosts = ["good", "bad", "ta", "name", "unusable", "plain", "bogus", "none", "chosen"]
  const mx = (name: string, ...exchangers: string[]) =>
    exchangers.map((exchanger, n) => `${name} IN MX ${(n + 1) * 10} mx-${exchanger}`)
  const records = [
    ...hosts.map((name) => `mx-${name} IN A 127.0.0.1`),
    ...hosts.flatMap((name) => mx(name, name)),
    ...mx("two", "bad", "good"),
    "mx-alias IN CNAME mx-good",
    "mx-out IN CNAME mx.napier.ac.uk.",
    ...mx("out", "out"),
    `_${port}._tcp.mx-out IN TLSA 3 1 1 ${wrong}`,
    ...mx("alias", "alias"),
    `_${port}._tcp.mx-good IN TLSA 3 1 1 ${own.spki}`,
    `_${port}._tcp.mx-bad IN TLSA 3 1 1 ${wrong}`,
    `_${port}._tcp.mx-ta IN TLSA 2 0 1 ${authority.whole}`,
    `_${port}._tcp.mx-name IN TLSA 2 1 1 ${authority.spki}`,
    `_${port}._tcp.mx-unusable IN TLSA 0 0 1 ${wrong}`,
    `_${port}._tcp.mx-chosen IN TLSA 3 1 2 ${"cd".repeat(64)}`,
    `_${port}._tcp.mx-chosen IN TLSA 3 1 1 ${own.spki}`,
    `_${plain}._tcp.mx-plain IN TLSA 0 0 1 ${wrong}`,
    `_${port}._tcp.mx-bogus IN TLSA 3 1 1 ${own.spki}`,
  ]
  const sts = [
    "@ IN MX 10 mx",
    "mx IN A 127.0.0.1",
    "mx2 IN A 127.0.0.1",
    "mta-sts IN A 127.0.0.1",
    '_mta-sts IN TXT "v=STSv1; id=20261124T01;"',
  ]
  return {
    "hello.com": {
      records: [...records, ...sts],
      tamper: (text: string) =>
        text.replace(
          new RegExp(`(_${port}\\._tcp\\.mx-bogus\\S*\\s+\\d+\\s+IN\\s+TLSA\\s+3 1 1 )[0-9a-f]+`),
          `$1${wrong}`,
        ),
    },
    "napier.ac.uk": {
      insecure: true as const,
      records: ["@ IN MX 10 mx", "mx IN A 127.0.0.1", `_${port}._tcp.mx IN TLSA 3 1 1 ${wrong}`],
    },
    "testing.org": { insecure: true as const, records: sts },
    "enforce.org": {
      insecure: true as const,
      records: sts.map((line) => line.replace("10 mx", "10 mx.hello.com.")),
    },
  }
}

type Wish = {
  readonly features?: readonly string[]
  readonly port?: number
  readonly clock?: () => number
  /** Whose authorities we trust. */
  readonly trusting?: boolean
  readonly state?: string
}

/** One message to somebody at this domain; what became of it, and what the log says. */
async function send(
  domain: string,
  wish: Wish = {},
): Promise<{ status: DeliveryStatus; log: readonly string[] }> {
  assert.ok(ground !== undefined)
  const { dns, secure, policyPort, authority } = ground
  const log: string[] = []
  const say = (line: string) => void log.push(line)
  const mailer = `TCP $h ${wish.port ?? secure.port}`
  const features = Object.fromEntries((wish.features ?? ["dane"]).map((name) => [name, []]))
  const base = settingsOf({ features })
  const definition = {
    name: "esmtp",
    path: "[IPC]",
    args: mailer,
    flags: "mDFMuXa",
    maxSize: undefined,
    at: undefined,
  }
  const settings = { ...base, mailers: new Map([["esmtp", definition]]) }
  const authorities = wish.trusting === false ? [] : [authority]
  const clock = wish.clock ?? Date.now
  const smtp = makeSmtpMailer({
    dns: dns.dns,
    clock,
    settings,
    log: say,
    hello: "grussell.org",
    ourAddresses: [],
    security: makePeerSecurity({
      settings,
      access: [],
      authInfo: [],
      tls: makeClientTls({ ...noMaterial, authorities }, say),
    }),
    demands: makeDemands(settings, {
      dns: dns.dns,
      clock,
      directory: wish.state ?? mkdtempSync(join(directory, "sts-")),
      authorities: [authority],
      port: policyPort,
      log: say,
    }),
  })
  const path = parseMailbox("gordon@grussell.org")
  assert.ok(path.ok)
  const header = Buffer.from("Subject: lunch\r\n\r\n")
  const [status] = await smtp.deliver({
    id: "6AO7Ag00000001",
    envelope: { reversePath: "null", body: "7bit", smtputf8: false, ret: undefined, envid: undefined },
    recipients: [{ path: path.value, original: undefined, notify: [], admitted: because("test", "fine") }],
    route: { mailer: "esmtp", host: domain, user: `gordon@${domain}` },
    addresses: ["gordon@grussell.org"],
    content: inMemory(header, header.length),
  })
  await smtp.close()
  assert.ok(status !== undefined)
  return { status, log }
}

function trail({ step, says, after: rest }: Reason): readonly string[] {
  return [...rest.flatMap(trail), `${step}: ${says}`]
}

function taken(): number {
  return (ground?.secure.spool.stored.length ?? 0) + (ground?.plain.spool.stored.length ?? 0)
}

type Case = {
  readonly domain: string
  readonly says: string
  readonly action: "relayed" | "delayed"
  readonly because: RegExp
  readonly way?: RegExp
  readonly plain?: true
}

const cases: readonly Case[] = [
  {
    domain: "good.hello.com",
    says: "a key that its record names is good",
    action: "relayed",
    because: /dane: TLSA records of mx-good\.hello\.com \(3 1 1\) bind/,
    way: /^TLS/,
  },
  {
    domain: "bad.hello.com",
    says: "another key is not",
    action: "delayed",
    because: /no TLSA record matches/,
  },
  {
    domain: "ta.hello.com",
    says: "a certificate under an authority that the record names is good",
    action: "relayed",
    because: /\(2 0 1\) bind/,
    way: /^TLS/,
  },
  {
    domain: "name.hello.com",
    says: "under such an authority the name counts",
    action: "delayed",
    because: /the certificate is not for mx-name\.hello\.com or name\.hello\.com/,
  },
  {
    domain: "unusable.hello.com",
    says: "records that cannot be used demand TLS, and no more",
    action: "relayed",
    because: /\(0 0 1\) are not usable/,
    way: /^TLS/,
  },
  {
    domain: "plain.hello.com",
    says: "and without TLS mail waits",
    action: "delayed",
    because: /DANE demands TLS, and there is none/,
    plain: true,
  },
  {
    domain: "two.hello.com",
    says: "a host that fails is passed over for the next",
    action: "relayed",
    because: /dane: TLSA records of mx-good/,
    way: /^TLS/,
  },
  {
    domain: "bogus.hello.com",
    says: "a record that somebody forged means: not this host",
    action: "delayed",
    because: /no answer for TLSA .*SERVFAIL/,
  },
  {
    domain: "chosen.hello.com",
    says: "of two digests the stronger one counts",
    action: "delayed",
    because: /no TLSA record matches/,
  },
  {
    domain: "alias.hello.com",
    says: "the end of a secure alias has the records",
    action: "relayed",
    because: /TLSA records of mx-good/,
    way: /^TLS/,
  },
  {
    domain: "out.hello.com",
    says: "a secure alias into a zone that is not signed has records by its own name",
    action: "delayed",
    because: /no TLSA record matches/,
  },
  {
    domain: "none.hello.com",
    says: "a secure host without records is as ever",
    action: "relayed",
    because: /mx-none\.hello\.com has no secure TLSA records/,
    way: /^TLS/,
  },
  {
    domain: "napier.ac.uk",
    says: "records of a zone that is not signed prove nothing, and demand nothing",
    action: "relayed",
    because: /not secured by DNSSEC/,
    way: /^TLS/,
  },
  {
    domain: "[mx-bad.hello.com]",
    says: "a host that the configuration names has to prove itself, too",
    action: "delayed",
    because: /no TLSA record matches/,
  },
]

for (const { domain, says, action, because: wanted, way, plain } of cases) {
  test(`DANE, ${domain}: ${says}`, { skip }, async () => {
    const before = taken()
    const { status } = await send(domain, plain === true ? { port: ground?.plain.port ?? 0 } : {})
    const said = trail(status.reason).join("\n")
    assert.equal(status.action, action, said)
    assert.match(said, wanted)
    assert.equal(taken() - before, action === "relayed" ? 1 : 0, "what waits was given to nobody")
    if (action === "delayed") assert.equal(status.status, "4.7.5")
    if (way !== undefined) assert.match(ground?.secure.ways.at(-1) ?? "", way)
  })
}

test("without FEATURE(`dane') no TLSA record is asked for and none binds", { skip }, async () => {
  const { status } = await send("bad.hello.com", { features: [] })
  assert.equal(status.action, "relayed")
  assert.doesNotMatch(trail(status.reason).join("\n"), /dane/)
})

const policy = (mode: string, mx: string) =>
  `version: STSv1\r\nmode: ${mode}\r\nmx: ${mx}\r\nmax_age: 86400\r\n`
const sts = ["mta_sts"]

test("MTA-STS enforce: a host of the policy with a good certificate is given mail", { skip }, async () => {
  served.set("mta-sts.hello.com", { text: policy("enforce", "*.hello.com") })
  const { status, log } = await send("hello.com", { features: sts })
  assert.equal(status.action, "relayed", diagnosticText(status.diagnostic) ?? "")
  assert.match(
    trail(status.reason).join("\n"),
    /mta-sts: MTA-STS policy of hello\.com .*: enforce, mx \*\.hello\.com/,
  )
  assert.match(log.join("\n"), /MTA-STS: relay=mx\.hello\.com \[127\.0\.0\.1\], verified/)
  assert.match(ground?.secure.ways.at(-1) ?? "", /^TLS/)
})

test("MTA-STS enforce: a certificate for another name, or of nobody that we trust, is not good", {
  skip,
}, async () => {
  served.set("mta-sts.testing.org", { text: policy("enforce", "mx.testing.org") })
  const before = taken()
  const { status } = await send("testing.org", { features: sts })
  assert.equal(status.action, "delayed", "the certificate is for mx.hello.com")
  assert.equal(status.status, "4.7.5")
  assert.match(diagnosticText(status.diagnostic) ?? "", /MTA-STS: the certificate is for another name/)
  served.set("mta-sts.hello.com", { text: policy("enforce", "*.hello.com") })
  const stranger = await send("hello.com", { features: sts, trusting: false })
  assert.match(diagnosticText(stranger.status.diagnostic) ?? "", /MTA-STS: the certificate is not good/)
  assert.equal(taken(), before)
})

test("a policy whose own server has no good certificate is none", { skip }, async () => {
  served.set("mta-sts.enforce.org", { text: policy("enforce", "mx9.hello.com") })
  const { status, log } = await send("enforce.org", { features: sts })
  assert.equal(status.action, "relayed")
  assert.match(log.join("\n"), /MTA-STS: no policy of enforce\.org: .*altnames/)
})

test("where a host has TLSA records, DANE decides and no policy can overrule it (RFC 8461 §2)", {
  skip,
}, async () => {
  const both = ["dane", "mta_sts"]
  assert.equal((await send("bad.hello.com", { features: both })).status.action, "delayed")
  assert.equal((await send("good.hello.com", { features: both })).status.action, "relayed")
  served.set("mta-sts.hello.com", { text: policy("enforce", "mx9.hello.com") })
  const { status } = await send("hello.com", { features: both })
  assert.match(
    trail(status.reason).join("\n"),
    /not among the hosts of the policy/,
    "without them the policy does",
  )
})

test("MTA-STS enforce: a host that the policy does not name is given nothing", { skip }, async () => {
  served.set("mta-sts.testing.org", { text: policy("enforce", "mx9.testing.org") })
  const before = taken()
  const { status } = await send("testing.org", { features: sts })
  assert.equal(status.action, "delayed")
  assert.match(trail(status.reason).join("\n"), /mx\.testing\.org is not among the hosts of the policy/)
  assert.equal(taken(), before)
})

test("MTA-STS testing: what would be wrong is told, and mail goes", { skip }, async () => {
  served.set("mta-sts.testing.org", { text: policy("testing", "mx.testing.org") })
  const { status, log } = await send("testing.org", { features: sts })
  assert.equal(status.action, "relayed")
  assert.match(
    log.join("\n"),
    /MTA-STS \(testing\): .*not verified: MTA-STS: the certificate is for another name/,
  )
})

test("MTA-STS: mode none, a redirect, another type, nonsense: mail goes as ever", { skip }, async () => {
  for (const answer of [
    { text: policy("none", "mx.testing.org") },
    { status: 301, text: "" },
    { type: "text/html", text: policy("enforce", "mx9.testing.org") },
    { text: "mode: enforce\n" },
  ]) {
    served.set("mta-sts.testing.org", answer)
    const { status } = await send("testing.org", { features: sts })
    assert.equal(status.action, "relayed", JSON.stringify(answer))
  }
})

test("MTA-STS: a policy is kept on disk, and binds until it expires, whatever its server says then", {
  skip,
}, async () => {
  served.set("mta-sts.testing.org", { text: policy("enforce", "mx9.testing.org") })
  const state = mkdtempSync(join(directory, "kept-"))
  let now = Date.now()
  const go = () => send("testing.org", { features: sts, state, clock: () => now })
  assert.equal((await go()).status.action, "delayed")
  const after = fetched
  served.delete("mta-sts.testing.org")
  assert.equal((await go()).status.action, "delayed", "another process knows it from the disk")
  assert.equal(fetched, after, "and asks for it no more")
  now += 86_401_000
  assert.equal((await go()).status.action, "relayed", "it has expired, and there is no other")
})

test("a whole system asks for it, and shows what it found", { skip }, async () => {
  assert.ok(ground !== undefined)
  const { dns, secure } = ground
  const system = await System.start({
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`dane')dnl
FEATURE(\`mailertable', \`hash @DIR@/mailertable')dnl
FEATURE(\`access_db', \`hash @DIR@/access')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${secure.port}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
    files: {
      mailertable: "hello.com\tesmtp:[mx-good.hello.com]\ngrussell.org\tesmtp:[mx-bad.hello.com]\n",
      access: "Connect:127.0.0.1\tRELAY\n",
    },
    args: ["--resolver", dns.resolver],
  })
  try {
    const before = secure.spool.stored.length
    const give = async (to: string) => {
      const reply = await handIn(system, {
        from: "andrew@napier.ac.uk",
        to: [to],
        text: "Subject: lunch\n\nNoon?\n",
      })
      const id = /^250 2\.0\.0 (\S+)/.exec(reply)?.[1]
      assert.ok(id !== undefined, reply)
      await system.idle()
      return (await system.waypost("show", id)).stdout
    }
    assert.match(
      await give("gordon@hello.com"),
      /dane\s.*TLSA records of mx-good\.hello\.com \(3 1 1\) bind the certificate/,
    )
    assert.equal(secure.spool.stored.length, before + 1)
    assert.match(
      system.stderr,
      /DANE: relay=mx-good\.hello\.com \[127\.0\.0\.1\], verified: TLSA 3 1 1 matches/,
    )
    assert.match(await give("gordon@grussell.org"), /4\.7\.5.*no TLSA record matches the certificate/s)
    assert.equal(secure.spool.stored.length, before + 1)
  } finally {
    await system.stop()
  }
})
