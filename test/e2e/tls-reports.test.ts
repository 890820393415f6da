// What TLS reports (RFC 8460) are told of sessions with hosts that prove themselves, or do not.
import assert from "node:assert/strict"
import { readdirSync, renameSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { without } from "../kit/debian.ts"
import { withoutPeers } from "../kit/peers.ts"
import { type ProvingGround, send as sendOn, startProvingGround, type Wish } from "../kit/proving-ground.ts"
import { signedDnsPeers } from "../kit/signed-dns.ts"
import { handIn, System } from "../kit/system.ts"

const skip = withoutPeers(...signedDnsPeers) || without("openssl")

let ground: ProvingGround | undefined

before(async () => {
  if (skip === false) ground = await startProvingGround()
})

after(() => ground?.close())

function send(domain: string, wish: Wish): ReturnType<typeof sendOn> {
  assert.ok(ground !== undefined)
  return sendOn(ground, domain, wish)
}

const policy = (mode: string, mx: string) =>
  `version: STSv1\r\nmode: ${mode}\r\nmx: ${mx}\r\nmax_age: 86400\r\n`
const sts = ["mta_sts"]

/** What TLS reports are told of a message to this domain, a session each. */
async function told(domain: string, wish: Wish): Promise<string> {
  const { seen } = await send(domain, wish)
  return seen
    .map(({ policy: by, failure }) => `${by.type} ${by.domain}: ${failure?.result ?? "good"}`)
    .join(", ")
}

// RFC 8460 §4.3. The text is what the policy's own web server has, where it matters.
for (const [domain, features, wanted, text] of [
  ["good.hello.com", ["dane"], "tlsa mx-good.hello.com: good"],
  ["bad.hello.com", ["dane"], "tlsa mx-bad.hello.com: validation-failure"],
  ["two.hello.com", ["dane"], "tlsa mx-bad.hello.com: validation-failure, tlsa mx-good.hello.com: good"],
  ["plain.hello.com", ["dane"], "tlsa mx-plain.hello.com: starttls-not-supported"],
  ["bogus.hello.com", ["dane"], "tlsa mx-bogus.hello.com: dnssec-invalid"],
  ["none.hello.com", ["dane"], "no-policy-found none.hello.com: good"],
  ["napier.ac.uk", [], "no-policy-found napier.ac.uk: good"],
  ["plain.hello.com", [], "no-policy-found plain.hello.com: starttls-not-supported"],
  ["[mx-bad.hello.com]", ["dane"], ""],
  ["hello.com", sts, "sts hello.com: good", policy("enforce", "*.hello.com")],
  ["testing.org", sts, "sts testing.org: certificate-host-mismatch", policy("testing", "mx.testing.org")],
  ["testing.org", sts, "sts testing.org: validation-failure", policy("enforce", "mx9.testing.org")],
  ["testing.org", sts, "sts testing.org: sts-policy-invalid", "mode: enforce\n"],
  ["enforce.org", sts, "sts enforce.org: sts-webpki-invalid"],
] as const) {
  test(`TLS reports, ${domain} with ${features.join()}: ${wanted || "nobody is told"}`, {
    skip,
  }, async () => {
    if (text !== undefined) ground?.served.set(`mta-sts.${domain}`, { text })
    const port = domain === "plain.hello.com" ? { port: ground?.plain.port ?? 0 } : {}
    assert.equal(await told(domain, { features, ...port }), wanted)
  })
}

test("TLS reports: a policy that cannot be fetched, and a certificate of nobody that we trust", {
  skip,
}, async () => {
  ground?.served.delete("mta-sts.testing.org")
  assert.equal(await told("testing.org", { features: sts }), "sts testing.org: sts-policy-fetch-error")
  ground?.served.set("mta-sts.hello.com", { text: policy("enforce", "*.hello.com") })
  const stranger = { features: sts, trusting: false }
  assert.equal(await told("hello.com", stranger), "sts hello.com: certificate-not-trusted")
})

test("a TLS report itself goes despite DANE and MTA-STS, and no report tells of it (RFC 8460 §3)", {
  skip,
}, async () => {
  ground?.served.set("mta-sts.testing.org", { text: policy("enforce", "mx9.testing.org") })
  for (const domain of ["bad.hello.com", "testing.org"]) {
    const { status, seen } = await send(domain, { features: ["dane", "mta_sts"], despiteTls: true })
    assert.equal(status.action, "relayed", domain)
    assert.deepEqual(seen, [])
  }
})

test("a whole system counts what it sends, and reports it when the day is over", { skip }, async () => {
  assert.ok(ground !== undefined)
  const { dns, secure } = ground
  const setup = {
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`napier.ac.uk')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`confTLS_REPORTS', \`tls@napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`access_db', \`hash @DIR@/access')dnl
LOCAL_DOMAIN(\`reports.hello.com')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h ${secure.port}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
    files: { access: "Connect:127.0.0.1\tRELAY\n" },
    args: ["--resolver", dns.resolver],
    users: ["gor"],
  }
  const first = await System.start(setup)
  const { directory } = first
  const text = "Subject: hello\n\nhello\n"
  await handIn(first, { from: "", to: ["gor@none.hello.com"], text })
  await first.idle()
  assert.match(
    (await first.waypost("tls", "pending")).stdout,
    /^\d{4}-\d\d-\d\d, until now: none\.hello\.com, to gor@reports\.hello\.com\n(?:.*\n)* {2}no policy of none\.hello\.com: 1 session, all well\n$/,
  )
  assert.equal((await first.waypost("tls", "send")).stdout, "", "the day is not over")
  await first.end()
  const folder = join(directory, "state", "queue", "tls-reports")
  const [file = ""] = readdirSync(folder)
  assert.match(file, /^\d{4}-\d\d-\d\d\.counts$/)
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
  renameSync(join(folder, file), join(folder, `${yesterday}.counts`))
  const system = await System.start({ ...setup, directory, users: [] })
  const sent = await system.waypost("tls", "send")
  assert.match(
    sent.stdout,
    /^\w+: TLS report \d{8}\.none\.hello\.com@napier\.ac\.uk for gor@reports\.hello\.com\n$/,
  )
  await system.idle()
  const read = await system.waypost("tls", "report", join(directory, "mail", "gor"))
  assert.match(
    read.stdout,
    /^napier\.ac\.uk saw, [^]*\n {2}no policy of none\.hello\.com: 1 session, all well\n$/,
    read.stderr,
  )
  assert.equal((await system.waypost("tls", "pending")).stdout, "")
  await system.stop()
})
