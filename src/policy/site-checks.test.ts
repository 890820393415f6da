import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import { classify } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { type Decision, printOrigin, type Reason } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import { replyLine } from "../mail/reply.ts"

const header = Buffer.from("From: ann@napier.ac.uk\r\nSubject: a (quiet) word\r\nX-Odd: 1\r\n\r\n")

function hostOf(rules: string, more = "") {
  return mailhost({
    name: "mx.grussell.org",
    dns: { "napier.ac.uk": { A: "192.0.2.5" }, "example.org": { MX: "10 mx.example.org" } },
    files: {
      "/etc/mail/sendmail.mc": `OSTYPE(\`linux')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=192.0.2.1, Port=smtp')dnl
FEATURE(\`access_db')dnl
${more}LOCAL_DOMAIN(\`grussell.org')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
${rules}`,
      "/etc/mail/access": "To:example.org RELAY\nTest:napier.ac.uk GOOD\nTest:192.0.2 NEAR\nyork.ac.uk BAD\n",
    },
    accounts: ["me", "ann"],
  })
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

const envelope: Envelope = {
  reversePath: { localPart: "ann", domain: { kind: "name", ascii: "napier.ac.uk", unicode: "napier.ac.uk" } },
  recipients: [],
  body: "7bit",
  smtputf8: false,
  ret: undefined,
  envid: undefined,
}

function text(decision: Decision<unknown>): string {
  return decision.outcome === "no" || decision.outcome === "later"
    ? replyLine(decision.reply)
    : decision.outcome
}

function linesOf(reason: Reason): string[] {
  return [...reason.after.flatMap(linesOf), ...(reason.at === undefined ? [] : [printOrigin(reason.at)])]
}

const rcpts: readonly (readonly [name: string, rules: string, to: string, answer: string])[] = [
  ["a refusal with its code", 'R$*\t$#error $@ 5.7.1 $: "550 no"', "me@grussell.org", "550 5.7.1 no"],
  ["4xx is later", 'R$*\t$#error $@ 4.7.1 $: "450 not now"', "me@grussell.org", "450 4.7.1 not now"],
  ["no code is 553", "R$*\t$#error $: go away", "me@grussell.org", "553 5.3.0 go away"],
  [
    "the address with its brackets",
    "R<me @ $+>\t$#error $: <$1>",
    "me@grussell.org",
    "553 5.3.0 <grussell.org>",
  ],
  ["$# of any other mailer opens the way", "R<$+ @ open.example.net>\t$#OK", "x@open.example.net", "yes"],
  ["but makes no user", "R<$+>\t$#OK", "nosuch@grussell.org", "550 5.1.1 User unknown"],
  ["tokens without $# leave it to us", "R$*\t$@ OK", "x@elsewhere.example.net", "550 5.7.1 Relaying denied"],
  [
    "macros of the session",
    "R$*\t$: $&{client_addr} $&{client_name} $&s $&r $&{client_resolve}\nR192.0.2.5 napier.ac.uk napier.ac.uk ESMTP OK\t$#error $: known",
    "me@grussell.org",
    "553 5.3.0 known",
  ],
  [
    "macros of the envelope",
    "R$*\t$: $&f\nRann@napier.ac.uk\t$#error $: ann",
    "me@grussell.org",
    "553 5.3.0 ann",
  ],
  [
    "check_rcpt is ours",
    "R$*\t$: $1 $| $>check_rcpt $1\nR$* $| $#$*\t$#error $: ours says no\n",
    "x@elsewhere.example.net",
    "553 5.3.0 ours says no",
  ],
  [
    "check_rcpt says OK",
    "R$*\t$: $1 $| $>check_rcpt $1\nR$* $| OK\t$#error $: ours says yes",
    "me@grussell.org",
    "553 5.3.0 ours says yes",
  ],
  [
    "Relay_ok is ours",
    "R<$*>\t$: $1 $| $>Relay_ok $1\nR$* $| RELAY\t$#error $: may pass",
    "x@example.org",
    "553 5.3.0 may pass",
  ],
  [
    "check_mail is ours",
    "R$*\t$: $>check_mail <x@nosuch.example.net>\nR$#$*\t$#error $: unreachable",
    "me@grussell.org",
    "553 5.1.8 Domain of sender address x@nosuch.example.net does not exist",
  ],
  [
    "$>D looks up a domain by its tag",
    "R$*\t$: $>D <napier.ac.uk> <?> <+ Test> <passed>\nR<GOOD> <passed>\t$#error $: found",
    "me@grussell.org",
    "553 5.3.0 found",
  ],
  [
    "$>D without the tag where + says so",
    "R$*\t$: $>D <york.ac.uk> <?> <+ Test> <>\nR<BAD> $*\t$#error $: found",
    "me@grussell.org",
    "553 5.3.0 found",
  ],
  [
    "$>D not without the tag where ! says so",
    "R$*\t$: $>D <york.ac.uk> <?> <! Test> <>\nR<?> $*\t$#error $: not there",
    "me@grussell.org",
    "553 5.3.0 not there",
  ],
  [
    "$>A looks up an address by its networks",
    "R$*\t$: $>A <192.0.2.9> <?> <+ Test> <>\nR<NEAR> $*\t$#error $: near",
    "me@grussell.org",
    "553 5.3.0 near",
  ],
]

for (const [name, rules, to, answer] of rcpts) {
  test(`Local_check_rcpt: ${name}`, async () => {
    const { gate } = hostOf(`LOCAL_RULESETS\nSLocal_check_rcpt\n${rules}\n`)
    const decision = await gate.recipient(arrival, envelope, classify(to))
    assert.equal(text(decision), answer)
    if (answer !== "550 5.7.1 Relaying denied" && !answer.startsWith("550 5.1.1")) {
      assert.ok(
        linesOf(decision.reason).some((line) => line.startsWith("/etc/mail/sendmail.mc:")),
        "a line decided",
      )
    }
  })
}

test("a lookup that has no answer now makes it later, never no", async () => {
  const { gate } = hostOf(
    "LOCAL_CONFIG\nKgone hash /nonexistent/file\nLOCAL_RULESETS\nSLocal_check_rcpt\nR<$+>\t$: $(gone $1 $: nothing $)\n",
  )
  const decision = await gate.recipient(arrival, envelope, classify("me@grussell.org"))
  assert.equal(text(decision), "451 4.3.0 Temporary system failure. Please try again later.")
})

test("rules that go in circles make it later", async () => {
  const { gate } = hostOf("LOCAL_RULESETS\nSLocal_check_rcpt\nR$*\t$1 x\n")
  const decision = await gate.recipient(arrival, envelope, classify("me@grussell.org"))
  assert.equal(text(decision), "451 4.3.5 Local configuration error. Please try again later.")
  assert.match(decision.reason.says, /Infinite loop in ruleset Local_check_rcpt, rule 1/)
})

const verdicts: readonly (readonly [rule: string, keep: string])[] = [
  ["R$*\t$#discard", "discard"],
  ['R$*\t$#error $@ quarantine $: "looked at first"', "hold"],
  ["R$*\t$@ OK", "deliver"],
]

for (const [rule, keep] of verdicts) {
  test(`a message is to ${keep} when a recipient's rule is ${JSON.stringify(rule)}`, async () => {
    const { gate } = hostOf(`LOCAL_RULESETS\nSLocal_check_rcpt\n${rule}\n`)
    await gate.sender(arrival, classify("ann@napier.ac.uk"), 0)
    assert.equal(text(await gate.recipient(arrival, envelope, classify("me@grussell.org"))), "yes")
    const decision = await gate.message(arrival, envelope, header, 100)
    const value = decision.outcome === "yes" ? decision.value : undefined
    assert.equal(value?.keep, keep)
    const by = { question: "check_rcpt", argument: "<me@grussell.org>" }
    if (keep === "discard") assert.deepEqual(value?.by, by)
    if (keep === "hold") assert.deepEqual(value?.by, { ...by, why: "looked at first" })
    if (keep !== "deliver") assert.deepEqual(linesOf(decision.reason).at(-1), "/etc/mail/sendmail.mc:9")
    await gate.sender(arrival, classify("ann@napier.ac.uk"), 0)
    const next = await gate.message(arrival, envelope, header, 100)
    assert.deepEqual(
      next.outcome === "yes" && next.value,
      { keep: "deliver" },
      "the next message is another one",
    )
  })
}

test("macros that rules set in MAIL are there in RCPT, and only in that session", async () => {
  const { gate } = hostOf(
    "LOCAL_RULESETS\nSLocal_check_mail\nR<$+>\t$: $(macro {seen} $@ $1 $) $1\nSLocal_check_rcpt\nR$*\t$: $&{seen}\nR$+@$+\t$#error $: seen $1\n",
  )
  await gate.sender(arrival, classify("ann@napier.ac.uk"), 0)
  assert.equal(
    text(await gate.recipient(arrival, envelope, classify("me@grussell.org"))),
    "553 5.3.0 seen ann",
  )
  const other = { ...arrival, session: "s2" }
  assert.equal(text(await gate.recipient(other, envelope, classify("me@grussell.org"))), "yes")
})

test("with delay_checks the client and the sender are judged when a recipient is named", async () => {
  const rules =
    'LOCAL_RULESETS\nSLocal_check_relay\nR$* $| 192.0.2.66\t$#error $: "550 bad client"\nSLocal_check_mail\nR<bad@$+>\t$#error $: "550 bad sender"\n'
  const { gate } = hostOf(rules, "FEATURE(`delay_checks')dnl\n")
  const bad = { ...arrival, client: { address: "192.0.2.66", port: 1, name: undefined } }
  assert.equal(text(await gate.connect(bad)), "yes")
  assert.equal(text(await gate.recipient(bad, envelope, classify("me@grussell.org"))), "550 5.0.0 bad client")
  assert.equal(text(await gate.sender(arrival, classify("bad@napier.ac.uk"), 0)), "yes")
  assert.equal(
    text(await gate.recipient(arrival, envelope, classify("me@grussell.org"))),
    "550 5.0.0 bad sender",
  )
})

const messages: readonly (readonly [name: string, rules: string, answer: string])[] = [
  [
    "a field by its ruleset",
    "LOCAL_CONFIG\nHSubject: $>Sub\nLOCAL_RULESETS\nSSub\nR$* word $*\t$#error $: no words",
    "553 5.3.0 no words",
  ],
  [
    "comments are left out",
    "LOCAL_CONFIG\nHSubject: $>Sub\nLOCAL_RULESETS\nSSub\nRa word\t$#error $: as cut",
    "553 5.3.0 as cut",
  ],
  [
    "comments stay with $>+",
    "LOCAL_CONFIG\nHSubject: $>+Sub\nLOCAL_RULESETS\nSSub\nRa ( quiet ) word\t$#error $: whole",
    "553 5.3.0 whole",
  ],
  [
    "any other field by H*",
    "LOCAL_CONFIG\nH*: $>Any\nLOCAL_RULESETS\nSAny\nR$*\t$: $&{hdr_name}\nRX-Odd\t$#error $: odd",
    "553 5.3.0 odd",
  ],
  [
    "check_eoh gets the number of fields",
    "LOCAL_RULESETS\nScheck_eoh\nR3 $| $+\t$#error $: three fields",
    "553 5.3.0 three fields",
  ],
  [
    "check_eom gets the size",
    "LOCAL_RULESETS\nScheck_eom\nR100\t$#error $: a hundred octets",
    "553 5.3.0 a hundred octets",
  ],
  ["a message that no rule names is delivered", "LOCAL_RULESETS\nScheck_eom\nR99\t$#error $: x", "yes"],
]

for (const [name, rules, answer] of messages) {
  test(`the message: ${name}`, async () => {
    const { gate } = hostOf(`${rules}\n`)
    assert.equal(text(await gate.message(arrival, envelope, header, 100)), answer)
  })
}

test("check_vrfy and check_expn may refuse, else we answer", async () => {
  const { gate } = hostOf(
    'LOCAL_RULESETS\nScheck_vrfy\nRann\t$#error $@ 5.7.0 $: "550 not about ann"\nScheck_expn\nR$*\t$#error $: "550 no lists"\n',
  )
  assert.equal(text(await gate.verify(arrival, classify("ann"))), "550 5.7.0 not about ann")
  assert.equal(text(await gate.verify(arrival, classify("me"))), "yes")
  assert.equal(text(await gate.expand(arrival, classify("team"))), "550 5.0.0 no lists")
})
