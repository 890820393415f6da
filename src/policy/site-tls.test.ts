import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import { pass, because, type Decision, printOrigin, type Reason, yes } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import { tablesOf } from "../routing/world.ts"
import { readLocalRules } from "../config/local-rules.ts"
import { makeSiteTls } from "./site-tls.ts"

const peer = { host: "mx.example.org", address: "192.0.2.25" }
const facts = { version: "TLSv1.2", cipher: "AES128-SHA", bits: 128, verify: "FAIL" } as const

function siteTls(rules: string) {
  const { settings, routing } = mailhost({
    name: "mx.grussell.org",
    files: {
      "/etc/mail/sendmail.mc": `OSTYPE(\`linux')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=192.0.2.1, Port=smtp')dnl
FEATURE(\`access_db')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
${rules}
`,
      "/etc/mail/access": "Weak:example.org YES\n",
    },
  })
  return makeSiteTls({
    rules: routing.rules,
    settings,
    access: tablesOf(routing.tables, "access"),
    dots: false,
  })
}

const asAccess = async () => pass(because("access", "nothing is asked"))

function told(decision: Decision<unknown>): string {
  if (decision.outcome === "no" || decision.outcome === "later") return replyLine(decision.reply)
  return decision.outcome === "yes" ? String(decision.value ?? "yes") : "pass"
}

function linesOf({ after, at }: Reason): string[] {
  return [...after.flatMap(linesOf), ...(at === undefined ? [] : [printOrigin(at)])]
}

const tries: readonly (readonly [rules: string, answer: string])[] = [
  ["", "true"],
  ["LOCAL_TRY_TLS\nRmx.example.org\t$#error $@ 5.7.1 $: no TLS there", "false"],
  [
    "LOCAL_RULESETS\nSLocal_try_tls\nR$*\t$: $&{server_addr}\nR192.0.2.25\t$#error $@ 5.7.1 $: no TLS there",
    "false",
  ],
  ["LOCAL_TRY_TLS\nRmx.example.net\t$#error $@ 5.7.1 $: no TLS there", "true"],
  ["LOCAL_TRY_TLS\nR$*\t$#OK", "true"],
]

for (const [rules, answer] of tries) {
  test(`whether STARTTLS is tried with ${JSON.stringify(rules)}: ${answer}`, async () => {
    const decision = await siteTls(rules).tries(peer, async () =>
      yes(true, because("Try_TLS", "nothing speaks against it")),
    )
    assert.equal(told(decision), answer)
    if (answer === "false")
      assert.match(linesOf(decision.reason).at(-1) ?? "", /^\/etc\/mail\/sendmail\.mc:\d+$/)
  })
}

const servers: readonly (readonly [rules: string, answer: string])[] = [
  ["", "pass"],
  ['LOCAL_TLS_SERVER\nRFAIL\t$#error $@ 4.7.0 $: "403 who are you?"', "403 4.7.0 who are you?"],
  ['LOCAL_TLS_SERVER\nROK\t$#error $@ 4.7.0 $: "403 who are you?"', "pass"],
  ["LOCAL_TLS_SERVER\nR$*\t$#OK", "yes"],
  [
    'LOCAL_TLS_SERVER\nR$*\t$: $>D <$&{server_name}> <?> <! Weak> <$&{cipher_bits}>\nR<YES> <128>\t$#error $@ 5.7.0 $: "503 too weak"',
    "503 5.7.0 too weak",
  ],
]

for (const [rules, answer] of servers) {
  test(`the way to a server with ${JSON.stringify(rules)}: ${answer}`, async () => {
    assert.equal(told(await siteTls(rules).server(peer, facts, asAccess)), answer)
  })
}

test("rules about recipients are asked for each of them, with what is known of the line", async () => {
  const site = siteTls(
    'LOCAL_TLS_RCPT\nR$+@secret.example.org\t$: $1 $| $&{verify}\nR$+ $| FAIL\t$#error $@ 4.7.0 $: "454 nothing secret this way"',
  )
  assert.equal(site.judgesRecipients, true)
  assert.equal(siteTls("").judgesRecipients, false)
  const refused = await site.recipient("ann@secret.example.org", peer, facts, asAccess)
  assert.equal(told(refused), "454 4.7.0 nothing secret this way")
  assert.equal(linesOf(refused.reason).at(-1), "/etc/mail/sendmail.mc:8")
  assert.equal(told(await site.recipient("ann@example.org", peer, facts, asAccess)), "pass")
  const good = { ...facts, verify: "OK" } as const
  assert.equal(told(await site.recipient("ann@secret.example.org", peer, good, asAccess)), "pass")
})

test("Local_clt_features says by letters what a server need not prove; access is asked where it says nothing", async () => {
  const base = async () => yes("M", because("access", "asked"))
  const site = siteTls("LOCAL_CLT_FEATURES\nRmx.example.org\t$# D M")
  const said = await site.features(peer, base)
  assert.equal(told(said), "D M")
  assert.equal(linesOf(said.reason).at(-1), "/etc/mail/sendmail.mc:7")
  assert.equal(told(await site.features({ ...peer, host: "mx.example.net" }, base)), "M")
  assert.equal(told(await siteTls("").features(peer, base)), "M")
})

test("authinfo names a login, and its reason shows nothing of the password", async () => {
  const site = siteTls('LOCAL_RULESETS\nSauthinfo\nRmx.example.org $| 192.0.2.25\t$# "U:gor" "P:sesame"')
  const said = await site.login(peer)
  assert.equal(told(said), '"U:gor" "P:sesame"')
  assert.equal(linesOf(said.reason).at(-1), "/etc/mail/sendmail.mc:8")
  assert.doesNotMatch(JSON.stringify(said.reason), /sesame/)
  assert.equal(told(await site.login({ host: "mx.example.net", address: "192.0.2.26" })), "pass")
})

test("without access, rules in sendmail's own try_tls are all there is of it; with it nothing asks them, which is told", async () => {
  const load = (access: string) =>
    mailhost({
      files: {
        "/etc/mail/sendmail.mc": `${access}\nMAILER(\`local')dnl\nMAILER(\`smtp')dnl\nLOCAL_RULESETS\nStry_tls\nRmx.example.org\t$#error $@ 5.7.1 $: no TLS there\n`,
        "/etc/mail/access": "",
      },
    })
  const asked = async (access: string) => {
    const { settings, routing } = load(access)
    const site = makeSiteTls({ rules: routing.rules, settings, access: [], dots: false })
    return told(await site.tries(peer, async () => yes(true, because("Try_TLS", "nothing against it"))))
  }
  assert.equal(await asked("dnl"), "false")
  assert.equal(await asked("FEATURE(`access_db')dnl"), "true")
  const issues = (access: string) => {
    const { settings } = load(access)
    return readLocalRules({ ...settings, operators: ".:@" }).issues.map(({ message }) => message)
  }
  assert.deepEqual(issues("dnl"), [])
  assert.deepEqual(issues("FEATURE(`access_db')dnl"), [
    "nothing here asks the ruleset try_tls: its rules have no effect",
  ])
})
