// DANE and MTA-STS on the wire, with the hosts, zones and policies of test/kit/proving-ground.ts.
import assert from "node:assert/strict"
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import type { Reason } from "../../src/mail/decision.ts"
import { diagnosticText } from "../../src/mail/status.ts"
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

function send(domain: string, wish: Wish = {}): ReturnType<typeof sendOn> {
  assert.ok(ground !== undefined)
  return sendOn(ground, domain, wish)
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
  ground?.served.set("mta-sts.hello.com", { text: policy("enforce", "*.hello.com") })
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
  ground?.served.set("mta-sts.testing.org", { text: policy("enforce", "mx.testing.org") })
  const before = taken()
  const { status } = await send("testing.org", { features: sts })
  assert.equal(status.action, "delayed", "the certificate is for mx.hello.com")
  assert.equal(status.status, "4.7.5")
  assert.match(diagnosticText(status.diagnostic) ?? "", /MTA-STS: the certificate is for another name/)
  ground?.served.set("mta-sts.hello.com", { text: policy("enforce", "*.hello.com") })
  const stranger = await send("hello.com", { features: sts, trusting: false })
  assert.match(diagnosticText(stranger.status.diagnostic) ?? "", /MTA-STS: the certificate is not good/)
  assert.equal(taken(), before)
})

test("a policy whose own server has no good certificate is none", { skip }, async () => {
  ground?.served.set("mta-sts.enforce.org", { text: policy("enforce", "mx9.hello.com") })
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
  ground?.served.set("mta-sts.hello.com", { text: policy("enforce", "mx9.hello.com") })
  const { status } = await send("hello.com", { features: both })
  assert.match(
    trail(status.reason).join("\n"),
    /not among the hosts of the policy/,
    "without them the policy does",
  )
})

test("MTA-STS enforce: a host that the policy does not name is given nothing", { skip }, async () => {
  ground?.served.set("mta-sts.testing.org", { text: policy("enforce", "mx9.testing.org") })
  const before = taken()
  const { status } = await send("testing.org", { features: sts })
  assert.equal(status.action, "delayed")
  assert.match(trail(status.reason).join("\n"), /mx\.testing\.org is not among the hosts of the policy/)
  assert.equal(taken(), before)
})

test("MTA-STS testing: what would be wrong is told, and mail goes", { skip }, async () => {
  ground?.served.set("mta-sts.testing.org", { text: policy("testing", "mx.testing.org") })
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
    ground?.served.set("mta-sts.testing.org", answer)
    const { status } = await send("testing.org", { features: sts })
    assert.equal(status.action, "relayed", JSON.stringify(answer))
  }
})

test("MTA-STS: a policy is kept on disk, and binds until it expires, whatever its server says then", {
  skip,
}, async () => {
  ground?.served.set("mta-sts.testing.org", { text: policy("enforce", "mx9.testing.org") })
  const state = mkdtempSync(join(ground?.directory ?? "", "kept-"))
  let now = Date.now()
  const go = () => send("testing.org", { features: sts, state, clock: () => now })
  assert.equal((await go()).status.action, "delayed")
  const after = ground?.fetched()
  ground?.served.delete("mta-sts.testing.org")
  assert.equal((await go()).status.action, "delayed", "another process knows it from the disk")
  assert.equal(ground?.fetched(), after, "and asks for it no more")
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
