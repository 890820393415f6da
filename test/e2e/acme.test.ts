// Certificates by ACME from pebble, Let's Encrypt's own test authority, as Debian packages it: at the start of a system that has only a
// certificate of its own making, while mail flows on.
import assert from "node:assert/strict"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { connect as connectTls } from "node:tls"
import { generateKeyPairSync, X509Certificate } from "node:crypto"
import { makeSelfSigned } from "../../src/trust/self-signed.ts"
import { peerVersion, startPeer, withoutPeers } from "../kit/peers.ts"
import { freePort, System } from "../kit/system.ts"

const skip = withoutPeers("pebble")
const folder = skip === false ? mkdtempSync(join(tmpdir(), "pebble-")) : ""
const peers: ChildProcess[] = []
let directory: string
let http: number

/** Resolves when it says so. */
async function says(peer: ChildProcess, pattern: RegExp): Promise<void> {
  let text = ""
  for (const stream of [peer.stdout, peer.stderr])
    stream?.setEncoding("utf8").on("data", (piece) => {
      text += String(piece)
      if (pattern.test(text)) peer.emit("said")
    })
  await Promise.race([
    once(peer, "said"),
    once(peer, "exit").then(() => assert.fail(`pebble ended: ${text}`)),
  ])
}

before(async () => {
  if (skip !== false) return
  const [acme, management, dns, dnsManagement] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  http = await freePort()
  const own = makeSelfSigned(["localhost"], new Date(), 30)
  writeFileSync(join(folder, "cert.pem"), own.certificate)
  writeFileSync(join(folder, "key.pem"), own.key)
  const pebble = {
    listenAddress: `127.0.0.1:${acme}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: "/pebble/cert.pem",
    privateKey: "/pebble/key.pem",
    httpPort: http,
    tlsPort: 5001,
    ocspResponderURL: "",
    externalAccountBindingRequired: false,
    certificateValidityPeriod: 20 * 86_400, // less than we renew before the end: each look finds one due
  }
  writeFileSync(join(folder, "config.json"), JSON.stringify({ pebble }))
  directory = `https://localhost:${acme}/dir`
  const names = startPeer("pebble", {
    path: "/usr/bin/pebble-challtestsrv",
    args: [
      ...["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", `127.0.0.1:${dns}`],
      ...["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", `127.0.0.1:${dnsManagement}`],
    ],
  })
  const authority = startPeer("pebble", {
    args: ["-config", "/pebble/config.json", "-dnsserver", `127.0.0.1:${dns}`],
    binds: { "/pebble": folder },
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", PEBBLE_VA_NOSLEEP: "1" },
  })
  peers.push(names, authority)
  await says(authority, /ACME directory available/)
})

after(() => {
  for (const peer of peers) peer.kill()
  if (folder !== "") rmSync(folder, { recursive: true, force: true })
})

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confSERVER_CERT', \`@DIR@/state/tls/cert.pem')dnl
define(\`confSERVER_KEY', \`@DIR@/state/tls/key.pem')dnl
define(\`confACME_DIRECTORY', \`<directory>')dnl
define(\`confACME_CA', \`<authority>')dnl
define(\`confACME_PORT', \`<http>')dnl
define(\`confACME_NAMES', \`mail.grussell.org,grussell.org')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

/** The certificate that STARTTLS shows now. */
async function shownBy(system: System): Promise<string> {
  const session = await system.connect()
  await session.reply()
  await session.say("EHLO pc236b.napier.ac.uk")
  await session.say("STARTTLS")
  const socket = connectTls({ socket: session.take(), rejectUnauthorized: false })
  await once(socket, "secureConnect")
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

test("a system gets its certificate from an ACME authority, renews it before its end, and serves both without a restart", {
  skip,
}, async (t) => {
  t.diagnostic(peerVersion("pebble"))
  const authority = join(folder, "cert.pem")
  mkdirSync(folder, { recursive: true })
  const system = await System.start({
    mc: mc
      .replace("<directory>", directory)
      .replace("<authority>", authority)
      .replace("<http>", String(http)),
  })
  try {
    await system.said(/ACME: a certificate is due, for the one that is there is signed by itself/)
    await system.said(/certificates have changed/)
    const file = join(system.state, "tls", "cert.pem")
    const certificate = new X509Certificate(readFileSync(file))
    assert.match(certificate.issuer, /Pebble Intermediate CA/)
    assert.equal(certificate.subjectAltName, "DNS:mail.grussell.org, DNS:grussell.org")
    const again = await system.waypost(
      "certificate",
      "obtain",
      "--config",
      join(system.directory, "sendmail.mc"),
    )
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stdout, /a certificate for mail\.grussell\.org/)
    const renewed = new X509Certificate(readFileSync(file))
    assert.notEqual(renewed.serialNumber, certificate.serialNumber)
    await system.reconfigure(readFileSync(join(system.directory, "sendmail.mc"), "utf8"))
    assert.equal(await shownBy(system), renewed.serialNumber)
    // The key of another authority's account is registered at this one.
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
    const account = readdirSync(join(system.state, "tls")).find((name) => name.includes("account"))
    writeFileSync(
      join(system.state, "tls", account ?? assert.fail("the account's key is not kept")),
      privateKey.export({ type: "pkcs8", format: "pem" }),
    )
    const moved = await system.waypost(
      ...["certificate", "obtain", "--config", join(system.directory, "sendmail.mc")],
    )
    assert.equal(moved.code, 0, moved.stderr)
    const shown = await system.waypost(
      "certificate",
      "show",
      "--config",
      join(system.directory, "sendmail.mc"),
    )
    assert.match(
      shown.stdout + shown.stderr,
      /names {5}DNS:mail\.grussell\.org, DNS:grussell\.org\n {2}by {8}CN=Pebble Intermediate/,
    )
  } finally {
    await system.stop()
  }
})
