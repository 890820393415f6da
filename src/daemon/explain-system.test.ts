// What waypost explain says beyond routing: who is asked before mail is taken, what signs it, what hosts have to prove.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import type { Dns } from "../mail/world.ts"
import type { Demands } from "../mailers/esmtp-demand.ts"
import { foresee } from "../mailers/esmtp-foresee.ts"
import { smtpDelivery } from "../mailers/esmtp-terms.ts"
import { makeKeys } from "../trust/dkim-keys.ts"
import { explainSystem } from "./explain-system.ts"

const keys = mkdtempSync(join(tmpdir(), "waypost-explain-"))
after(() => rmSync(keys, { recursive: true }))
assert.ok(makeKeys(keys, "grussell.org", "nov").ok)

const secure = true
/** hello.com is signed with DNSSEC, and one of its hosts has a TLSA record; napier.ac.uk has nothing of it. */
const dns: Dns = {
  async mx(name) {
    if (name === "hello.com")
      return {
        found: "records",
        records: ["mx1", "mx2", "mx3"].map((host, n) => ({ preference: n, exchange: `${host}.hello.com` })),
        secure,
        ttl: 60,
      }
    if (name === "napier.ac.uk")
      return {
        found: "records",
        records: [{ preference: 1, exchange: "mail.napier.ac.uk" }],
        secure: false,
        ttl: 60,
      }
    return { found: "nothing", why: "no such name", secure: false }
  },
  async addresses(name) {
    if (name === "napier.ac.uk" || name === "hello.com")
      return { found: "nothing", why: "no such record", secure }
    return { found: "records", records: ["192.0.2.25"], secure: name.endsWith("hello.com"), ttl: 60 }
  },
  async tlsa(name) {
    if (name === "_25._tcp.mx1.hello.com") {
      const record = { usage: 3, selector: 1, matching: 1, octets: Buffer.alloc(32) }
      return { found: "records", records: [record], secure, ttl: 60 }
    }
    if (name === "_25._tcp.mx2.hello.com") return { found: "unavailable", why: "SERVFAIL" }
    return { found: "nothing", why: "no such name", secure }
  },
  txt: async () => ({ found: "nothing", why: "no such name", secure: false }),
  names: async () => ({ found: "nothing", why: "no such name", secure: false }),
  cname: async () => ({ found: "nothing", why: "no such record", secure }),
}

const demands: Demands = {
  dane: dns,
  async sts(domain) {
    if (domain !== "napier.ac.uk") return { policy: undefined, says: `${domain} has no MTA-STS record` }
    const policy = { mode: "enforce", maxAge: 86_400, mx: ["mail.napier.ac.uk"] } as const
    return { policy, says: "MTA-STS policy of napier.ac.uk (id 1): enforce, mx mail.napier.ac.uk" }
  },
  log: () => {},
}

const lines = `
  FEATURE(\`spf')dnl
  FEATURE(\`dmarc')dnl
  FEATURE(\`arc', \`seal=grussell.org')dnl
  FEATURE(\`dkim_sign', \`${keys}')dnl
  INPUT_MAIL_FILTER(\`opendkim', \`S=inet:8891@localhost, F=T')dnl
  LOCAL_DOMAIN(\`grussell.org')dnl
  MAILER(\`smtp')dnl`

function world(text = lines, asked: Demands | undefined = demands) {
  const host = mailhost({ files: { "/etc/mail/sendmail.mc": text }, accounts: ["gordon"], resolver: dns })
  const { settings } = host
  const exchangers = { dns, isOurs: () => false, random: () => 0, fallback: undefined }
  const terms = { dns, exchangers, demands: asked }
  return {
    ...host,
    dns,
    clock: () => 0,
    smtp: {
      foresee: ({ mailer, host: to }: { readonly mailer: string; readonly host: string }, address: string) =>
        foresee({ host: to, to: address }, smtpDelivery(settings, mailer), terms),
    },
  }
}

async function told(question: Parameters<typeof explainSystem>[0], asked = world()): Promise<string> {
  return (await explainSystem(question, asked)).lines.join("\n")
}

test("explain tells who is asked before mail is taken, each with its line", async () => {
  const text = await told({ typed: "gordon@grussell.org" })
  assert.match(text, /^Before mail for it is taken:$/m)
  assert.match(text, /spf +yes: who may send for the sender's domain is asked +\/etc\/mail\/sendmail\.mc:1$/m)
  assert.match(text, /dmarc +yes: what the author's domain asks for is done +\/etc\/mail\/sendmail\.mc:2$/m)
  assert.match(text, /arc +yes: the seals of forwarders are checked +\/etc\/mail\/sendmail\.mc:3$/m)
  assert.match(
    text,
    /milter +yes: opendkim at 127\.0\.0\.1:8891 is asked; while it does not answer, mail is put off \(F=T\) .*sendmail\.mc:5$/m,
  )
  assert.doesNotMatch(text, /Before it leaves|bimi/, "it stays here")
  const withBimi = await told({ typed: "gordon@grussell.org" }, world(`${lines}\n  FEATURE(\`bimi')dnl`))
  assert.match(
    withBimi,
    /bimi +yes: which indicator the author's domain wants shown is looked up .*sendmail\.mc:8$/m,
  )
})

test("explain --client tells that nobody has to vouch for a client of ours", async () => {
  const text = await told({ typed: "gordon@grussell.org", client: "127.0.0.1" })
  assert.match(text, /trust +no: +127\.0\.0\.1 is a client of ours: nobody has to vouch for it/)
  assert.doesNotMatch(text, /who may send/)
  assert.match(text, /opendkim at/, "filters are asked all the same")
})

test("explain tells which key signs, and which hosts have to prove themselves by DANE", async () => {
  const text = await told({ typed: "ann@hello.com", from: "gordon@grussell.org" })
  assert.match(text, /^Before it leaves for hello\.com:$/m)
  assert.match(
    text,
    /dkim +yes: mail of ours is signed as grussell\.org \(s=nove, ed25519-sha256 and s=novr, rsa-sha256\) .*sendmail\.mc:4$/m,
  )
  assert.match(text, /arc +yes: what is not ours and passes through is sealed by grussell\.org/)
  assert.match(text, /dane +yes: mx1\.hello\.com has to prove itself by DANE, else mail waits/)
  assert.match(
    text,
    /dane +no: +mx2\.hello\.com is not used now: no answer for TLSA _25\._tcp\.mx2\.hello\.com: SERVFAIL/,
  )
  assert.match(text, /tls +no: +mx3\.hello\.com is asked for nothing by DANE nor MTA-STS/)
})

test("explain tells of MTA-STS, of authors without a key, and of domains that have keys where no author was named", async () => {
  const text = await told({ typed: "ann@napier.ac.uk", from: "bob@example.org" })
  assert.match(text, /dkim +no: +there is no key for example\.org/)
  assert.match(text, /mta-sts +yes: mail\.napier\.ac\.uk has to prove itself by MTA-STS, else mail waits/)
  assert.match(text, /mta-sts +yes: MTA-STS policy of napier\.ac\.uk \(id 1\): enforce/)
  assert.match(await told({ typed: "ann@napier.ac.uk" }), /signed whose author is of grussell\.org/)
})

test("explain has the same for a program, and says nothing of what is off", async () => {
  const { beyond } = await explainSystem({ typed: "ann@hello.com" }, world())
  assert.deepEqual(
    beyond.map(({ heading }) => heading),
    ["Before mail for it is taken:", "Before it leaves for hello.com:"],
  )
  assert.ok(beyond[1]?.steps.some(({ step, says }) => step === "dane" && says.startsWith("mx1.hello.com")))
  const off = world("MAILER(`smtp')dnl", { log: () => {} })
  assert.deepEqual(
    (await explainSystem({ typed: "ann@hello.com" }, { ...off, smtp: { foresee: async () => [] } })).beyond,
    [],
  )
})
