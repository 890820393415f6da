// Hosts that have to prove themselves, and what they prove it with: certificates made by openssl, zones signed by ldns-signzone and served
// by nsd, a validating unbound in front of them, all from Debian; and MTA-STS policies by HTTPS from a server of Node's.
import assert from "node:assert/strict"
import { createHash, X509Certificate } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { SeenSession } from "../../src/auth/tls-report.ts"
import { makeDemands } from "../../src/daemon/demands.ts"
import { makePeerSecurity } from "../../src/daemon/peer-security.ts"
import { parseMailbox } from "../../src/mail/address.ts"
import { inMemory } from "../../src/mail/content.ts"
import { because } from "../../src/mail/decision.ts"
import type { DeliveryStatus } from "../../src/mail/status.ts"
import { makeSmtpMailer } from "../../src/mailers/esmtp.ts"
import { makeClientTls } from "../../src/trust/tls-client.ts"
import { type SignedDns, startSignedDns } from "./signed-dns.ts"
import { settingsOf } from "./site.ts"
import { run } from "./system.ts"
import { noMaterial, startTlsHost, type TlsHost } from "./tls-host.ts"

/** An authority, a host under it for the names in $@, and one that has expired: what openssl makes of it. */
const script = `
set -e; cd "$0"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 9 -subj "/CN=Gordon's authority" \
  -addext basicConstraints=critical,CA:TRUE
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout host.key -out host.csr -subj /CN=mx.hello.com
printf 'subjectAltName=DNS:mx-ta.hello.com,DNS:mx.hello.com,DNS:mta-sts.hello.com,DNS:mta-sts.testing.org\nbasicConstraints=CA:FALSE\n' > ext
openssl x509 -req -in host.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -extfile ext -out host.pem
`

export type ProvingGround = {
  readonly directory: string
  readonly dns: SignedDns
  readonly secure: TlsHost
  readonly plain: TlsHost
  readonly policyPort: number
  readonly authority: string
  /** What the web server of policies has, by its name. */
  readonly served: Map<string, { readonly status?: number; readonly type?: string; readonly text: string }>
  /** How often it was asked. */
  readonly fetched: () => number
  close(): void
}

/** Starts them; what a failure leaves open ends with the process. */
export async function startProvingGround(): Promise<ProvingGround> {
  const directory = mkdtempSync(join(tmpdir(), "waypost-dane-"))
  const served: ProvingGround["served"] = new Map()
  let fetched = 0
  const { code, stderr } = await run("sh", ["-c", script, directory])
  assert.equal(code, 0, stderr)
  const text = (name: string) => readFileSync(join(directory, name), "utf8")
  const pair = { key: text("host.key"), certificate: text("host.pem") + text("ca.pem") }
  const secure = await startTlsHost({ server: [pair], named: [] })
  const plain = await startTlsHost({ server: [], named: [] })
  const policies = createServer({ key: pair.key, cert: pair.certificate }, (request, response) => {
    fetched++
    const known = served.get(request.headers.host ?? "")
    response.writeHead(known?.status ?? (known === undefined ? 404 : 200), {
      "content-type": known?.type ?? "text/plain",
    })
    response.end(known?.text)
  })
  policies.listen(0, "127.0.0.1")
  await once(policies, "listening")
  const address = policies.address()
  const policyPort = typeof address === "object" && address !== null ? address.port : 0
  const dns = await startSignedDns(zonesOf(secure.port, plain.port, pair.certificate, text("ca.pem")))
  process.stdout.write(`# ${dns.versions}\n`)
  const close = () => {
    for (const one of [secure, plain, dns]) one.close()
    policies.close().closeAllConnections()
    rmSync(directory, { recursive: true, force: true })
  }
  const own = { directory, served, fetched: () => fetched, close }
  return { ...own, dns, secure, plain, policyPort, authority: text("ca.pem") }
}

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
    '_smtp._tls.none IN TXT "v=TLSRPTv1; rua=mailto:gor@reports.hello.com"',
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

export type Wish = {
  readonly features?: readonly string[]
  readonly port?: number
  readonly clock?: () => number
  /** Whose authorities we trust. */
  readonly trusting?: boolean
  readonly state?: string
  /** It is a report about TLS. */
  readonly despiteTls?: boolean
}

/** One message to somebody at this domain; what became of it, and what the log says. */
export async function send(
  ground: ProvingGround,
  domain: string,
  wish: Wish = {},
): Promise<{ status: DeliveryStatus; log: readonly string[]; seen: readonly SeenSession[] }> {
  const { directory, dns, secure, policyPort, authority } = ground
  const log: string[] = []
  const seen: SeenSession[] = []
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
      report: (session) => void seen.push(session),
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
    despiteTls: wish.despiteTls === true,
  })
  await smtp.close()
  assert.ok(status !== undefined)
  return { status, log, seen }
}
