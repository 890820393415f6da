import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import { type Decision, printOrigin, type Reason } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import type { TlsTerms } from "../mail/tls-terms.ts"
import { tablesOf } from "../routing/world.ts"
import { makeTlsFeatures, parseTlsTerms } from "./tls-features.ts"

const access = `TLS_Srv_Features:192.0.2	CipherList=HIGH; Options=SSL_OP_NO_TLSv1_2
TLS_Clt_Features:grussell.org	Flags=cd
TLS_Clt_Features:old.test	CertFile=/etc/mail/old.pem
TLS_Clt_Features:	Flags=C
`

/** Rules begin in line 5. */
function features(side: "srv" | "clt", lines: string, rules = "") {
  const { settings, routing } = mailhost({
    files: {
      "/etc/mail/sendmail.mc": `${lines}\nMAILER(\`local')dnl\nMAILER(\`smtp')dnl\nLOCAL_RULESETS\n${rules}\n`,
      "/etc/mail/access": access,
    },
  })
  return makeTlsFeatures(side, {
    rules: routing.rules,
    settings,
    access: tablesOf(routing.tables, "access"),
    dots: false,
  })
}

const on = "FEATURE(`access_db')FEATURE(`tls_session_features')dnl"

function told(decision: Decision<TlsTerms> | undefined): unknown {
  if (decision?.outcome === "yes") return decision.value
  return decision?.outcome === "later" ? replyLine(decision.reply) : decision?.outcome
}

function linesOf({ after, at }: Reason): string[] {
  return [...after.flatMap(linesOf), ...(at === undefined ? [] : [printOrigin(at)])]
}

test("access says what TLS is with a client, for a reason that cites its line and the FEATURE's", async () => {
  const decision = await features("srv", on)?.({ host: "", address: "192.0.2.7" })
  assert.deepEqual(told(decision), { ciphers: "HIGH", options: ["SSL_OP_NO_TLSv1_2"] })
  assert.ok(decision !== undefined)
  assert.deepEqual(linesOf(decision.reason).slice(-2), ["/etc/mail/sendmail.mc:1", "/etc/mail/access:1"])
  assert.equal(told(await features("srv", on)?.({ host: "", address: "198.51.100.7" })), "pass")
})

test("and what it is with a server, by its domain; the tag alone is for all others", async () => {
  const ask = async (host: string) => told(await features("clt", on)?.({ host, address: "192.0.2.25" }))
  assert.deepEqual(await ask("mx.grussell.org"), { fallsBack: false, noDane: true })
  assert.deepEqual(await ask("mx.example.org"), { fallsBack: true })
})

test("without the FEATURE nobody is asked", () => {
  assert.equal(features("clt", "FEATURE(`access_db')dnl"), undefined)
})

test("what makes no sense keeps TLS from being begun, and the reason says why", async () => {
  const decision = await features("clt", on)?.({ host: "old.test", address: "192.0.2.25" })
  assert.equal(told(decision), "454 4.3.3 TLS not available: local configuration error")
  assert.match(decision?.reason.says ?? "", /CertFile= and KeyFile= need each other/)
  assert.equal(decision?.reason.at?.line, 3)
})

test("the site's own rulesets are asked first, with the host's name and address", async () => {
  const rules = 'Stls_clt_features\nR$* $| 192.0.2.25\t$: "Options=SSL_OP_NO_TLSv1_3"\nR$* $| $*\t$@ ""'
  const ask = features("clt", on, rules)
  const decision = await ask?.({ host: "mx.grussell.org", address: "192.0.2.25" })
  assert.deepEqual(told(decision), { options: ["SSL_OP_NO_TLSv1_3"] })
  assert.equal(decision?.reason.at?.line, 6)
  assert.deepEqual(told(await ask?.({ host: "mx.grussell.org", address: "192.0.2.26" })), {
    fallsBack: false,
    noDane: true,
  })
})

const wrong: readonly (readonly [text: string, says: RegExp])[] = [
  ["Cipher=HIGH", /there is no key Cipher=/],
  ["CipherList=", /CipherList= has no value/],
  ["CipherList", /CipherList= has no value/],
  ["Flags=x", /Flags= has no letter "x"/],
  ["KeyFile=/etc/mail/key.pem", /need each other/],
  ["Flags=__proto__", /no letter "_"/],
]
for (const [text, says] of wrong) {
  test(`"${text}" is no terms of TLS`, () => {
    const read = parseTlsTerms(text)
    assert.match(read.ok ? "" : read.error, says)
  })
}

test("keys are read in any case, and blanks around them mean nothing", () => {
  assert.deepEqual(parseTlsTerms(" cipherlist = HIGH:!aNULL ;FLAGS=R;; certfile=/c.pem;KeyFile=/k.pem "), {
    ok: true,
    value: {
      ciphers: "HIGH:!aNULL",
      needsRevocations: true,
      certificate: "/c.pem",
      key: "/k.pem",
    },
  })
})
