import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import { classify } from "../mail/address.ts"
import type { Arrival, TlsFacts } from "../mail/arrival.ts"
import { type Decision, printOrigin, type Reason } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import { replyLine } from "../mail/reply.ts"

/** The rules begin in line 8. */
function gateOf(rules: string) {
  return mailhost({
    name: "mx.grussell.org",
    dns: { "napier.ac.uk": { A: "192.0.2.5" }, "example.org": { MX: "10 mx.example.org" } },
    files: {
      "/etc/mail/sendmail.mc": `OSTYPE(\`linux')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=192.0.2.1, Port=smtp')dnl
FEATURE(\`access_db')dnl
FEATURE(\`greet_pause', \`1000')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
LOCAL_RULESETS
${rules}
`,
      "/etc/mail/access":
        "Srv_Features:192.0.2 S\nGreetPause:192.0.2.9 0\nTLS_Clt:napier.ac.uk PERM+VERIFY\nMay:napier.ac.uk YES\n",
    },
    accounts: ["me"],
  }).gate
}

const arrival: Arrival = {
  session: "s1",
  protocol: "ESMTP",
  client: { address: "192.0.2.5", port: 4000, name: "napier.ac.uk" },
  helo: "napier.ac.uk",
  authenticated: undefined,
  door: "MTA",
  submission: false,
  tls: undefined,
}

const facts = { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", bits: 256, verify: "NO" } as const
const encrypted: Arrival = { ...arrival, tls: "TLSv1.3", tlsFacts: facts satisfies TlsFacts }
const loggedIn: Arrival = { ...arrival, authenticated: "gor", authType: "PLAIN" }

const envelope: Envelope = {
  reversePath: { localPart: "ann", domain: { kind: "name", ascii: "napier.ac.uk", unicode: "napier.ac.uk" } },
  recipients: [],
  body: "7bit",
  smtputf8: false,
  ret: undefined,
  envid: undefined,
}

function told(decision: Decision<unknown> | undefined): string {
  if (decision === undefined) return "not asked"
  if (decision.outcome === "no" || decision.outcome === "later") return replyLine(decision.reply)
  return decision.outcome === "yes" ? String(decision.value ?? "yes") : "pass"
}

function linesOf({ after, at }: Reason): string[] {
  return [...after.flatMap(linesOf), ...(at === undefined ? [] : [printOrigin(at)])]
}

const questions = {
  features: (rules: string) => gateOf(rules).features?.(arrival),
  pause: (rules: string) => gateOf(rules).pause?.(arrival),
  tls: (rules: string) => gateOf(rules).secured?.(encrypted),
  mail: (rules: string) => gateOf(rules).sender(arrival, classify("ann@napier.ac.uk"), 0),
  etrn: (rules: string) => gateOf(rules).queueRun?.(arrival, "example.org"),
  other: (rules: string) => gateOf(rules).other?.(arrival, "XYZZY now", "5"),
  relay: (rules: string) => gateOf(rules).recipient(loggedIn, envelope, classify("you@example.org")),
  connect: (rules: string) => gateOf(rules).connect(arrival),
} as const

const table: readonly (readonly [keyof typeof questions, rules: string, answer: string])[] = [
  ["features", "", "S"],
  ["features", "SLocal_srv_features\nR$*\t$# A P", "A P"],
  ["features", "SLocal_srv_features\nRnapier.ac.uk\t$# l", "l"],
  ["features", "SLocal_srv_features\nRelsewhere\t$# l", "S"],
  ["features", 'SLocal_srv_features\nR$*\t$#error $@ 4.7.1 $: "450 not now"', "450 4.7.1 not now"],
  ["pause", "", "1000"],
  ["pause", "SLocal_greet_pause\nR$* $| 192.0.2.5\t$# 7000", "7000"],
  ["pause", "SLocal_greet_pause\nR$* $| $*\t$# 0", "pass"],
  ["pause", "SLocal_greet_pause\nR$* $| 192.0.2.7\t$# 7000", "1000"],
  ["pause", "SLocal_greet_pause\nR$* $| $*\t$# 999999999", "300000"],
  ["tls", "", "503 5.7.0 not authenticated"],
  ["tls", "SLocal_tls_client\nRNO $| STARTTLS\t$# OK", "yes"],
  ["tls", "SLocal_tls_client\nROK $| $*\t$# OK", "503 5.7.0 not authenticated"],
  [
    "tls",
    'SLocal_tls_client\nR$*\t$: $&{cipher_bits}\nR256\t$#error $@ 4.7.0 $: "403 too strong"',
    "403 4.7.0 too strong",
  ],
  [
    "mail",
    'SLocal_tls_client\nRNONE $| MAIL\t$#error $@ 5.7.0 $: "530 encrypt first"',
    "530 5.7.0 encrypt first",
  ],
  ["etrn", "", "not asked"],
  ["etrn", 'Scheck_etrn\nRexample.org\t$#error $@ 5.7.1 $: "550 not this one"', "550 5.7.1 not this one"],
  ["etrn", "Scheck_etrn\nR$*\t$# OK", "yes"],
  ["other", 'Scheck_other\nRXYZZY $*\t$#error $@ 5.7.1 $: "550 no magic here"', "550 5.7.1 no magic here"],
  ["other", "Scheck_other\nRXYZZY $* $| 2\t$# OK", "pass"],
  ["relay", "", "[object Object]"],
  ["relay", "SLocal_Relay_Auth\nRPLAIN\tNO", "550 5.7.1 Relaying denied"],
  ["relay", "SLocal_Relay_Auth\nRLOGIN\tNO", "[object Object]"],
  [
    "relay",
    'SLocal_Relay_Auth\nR$*\t$#error $@ 5.7.1 $: "550 logins send nowhere"',
    "550 5.7.1 logins send nowhere",
  ],
  ["connect", "", "yes"],
  ["connect", 'SLOCAL_DNSBL\nR192.0.2.5\t$#error $@ 5.7.1 $: "550 on my list"', "550 5.7.1 on my list"],
  [
    "connect",
    "SLocal_check_relay\nR$*\t$: $>D <napier.ac.uk> <?> <! May> <>\nR<YES> $*\t$#error $: found",
    "553 5.3.0 found",
  ],
]

for (const [question, rules, answer] of table) {
  test(`${question} with ${JSON.stringify(rules)} is ${answer}`, async () => {
    const decision = await questions[question](rules)
    assert.equal(told(decision), answer)
    if (decision !== undefined && rules.includes("$#error"))
      assert.match(linesOf(decision.reason).at(-1) ?? "", /^\/etc\/mail\/sendmail\.mc:(?:9|10)$/)
  })
}

test("whom a login may name in AUTH= is itself, and others as Local_trust_auth says, with the rule's line", async () => {
  const { submitter } = gateOf(
    "SLocal_trust_auth\nRlist@grussell.org\t$# ok\nRjim\t$#error $@ 5.7.1 $: 550 not jim",
  )
  assert.equal(told(await submitter?.(arrival, "gor")), "550 5.7.1 not authenticated")
  assert.equal(told(await submitter?.(loggedIn, "gor")), "yes")
  const list = await submitter?.(loggedIn, "list@grussell.org")
  assert.equal(told(list), "yes")
  assert.ok(list !== undefined)
  assert.equal(linesOf(list.reason).at(-1), "/etc/mail/sendmail.mc:9")
  assert.equal(told(await submitter?.(loggedIn, "jim")), "550 5.7.1 not jim")
  assert.equal(told(await submitter?.(loggedIn, "ann")), "550 5.7.1 gor not allowed to act as ann")
})

test("without rules of the site's own a login names nobody but itself", async () => {
  const { submitter } = gateOf("")
  assert.equal(told(await submitter?.(loggedIn, "gor")), "yes")
  assert.equal(told(await submitter?.(loggedIn, "ann")), "550 5.7.1 gor not allowed to act as ann")
})
