import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost, type Mailhost } from "../../test/kit/mailhost.ts"
import { printIssue } from "../config/issues.ts"
import { readLocalRules } from "../config/local-rules.ts"
import { printOrigin, type Reason } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import { canonify } from "./canonify.ts"
import { findLocal, localName } from "./local-user.ts"
import { rewriteAddress } from "./rewrite-address.ts"
import { resolve } from "./route.ts"

const head = `
  OSTYPE(\`linux')dnl
  define(\`ALIAS_FILE', \`/etc/mail/aliases')dnl
  define(\`LUSER_RELAY', \`esmtp:luser.example.org')dnl
  DAEMON_OPTIONS(\`Name=MTA, Addr=192.0.2.1, Port=smtp')dnl
  FEATURE(\`virtusertable')dnl
  LOCAL_DOMAIN(\`grussell.org')dnl
  MAILER(\`local')dnl
  MAILER(\`smtp')dnl
`

/** A host with these lines after its configuration; the first of them is line 9 of sendmail.mc. */
function host(lines: string): Mailhost {
  return mailhost({
    name: "mx.grussell.org",
    dns: { "example.org": { MX: "10 mx.example.org" }, "napier.ac.uk": { A: "192.0.2.5" } },
    files: {
      "/etc/mail/sendmail.mc": `${head}${lines}`.replaceAll(/^ {2}/gm, ""),
      "/etc/mail/virtusertable": "v@grussell.org\tann@example.org\n",
      "/etc/mail/aliases": "team: me, ann\n",
    },
    accounts: ["me", "ann"],
  })
}

async function route(
  typed: string,
  { routing }: Mailhost,
): Promise<{ readonly text: string; readonly reason: Reason }> {
  const read = await canonify(typed, routing)
  const way = read.outcome === "yes" ? await resolve(read.value, routing) : read
  const reason = { ...way.reason, after: [read.reason, ...way.reason.after] }
  if (way.outcome !== "yes") return { text: way.outcome === "pass" ? "pass" : replyLine(way.reply), reason }
  const { mailer, host: at, user } = way.value.route
  return { text: `${mailer} ${at} ${user}`.replace(/ +/g, " "), reason }
}

function linesOf(reason: Reason): string[] {
  return [...reason.after.flatMap(linesOf), ...(reason.at === undefined ? [] : [printOrigin(reason.at)])]
}

type Case = readonly [name: string, rules: string, address: string, way: string, line: number]

const cases: readonly Case[] = [
  [
    "LOCAL_RULE_3 makes another address of every address",
    "LOCAL_RULE_3\nR$* < @ old.example.org > $*\t$: $1 < @ example.org > $2\n",
    "ann@old.example.org",
    "esmtp example.org ann@example.org",
    10,
  ],
  [
    "LOCAL_RULE_0 names a way before virtusertable is asked",
    "LOCAL_RULE_0\nRv < @ grussell.org . >\t$# esmtp $@ hub.example.org $: v < @ grussell.org . >\n",
    "v@grussell.org",
    "esmtp hub.example.org v@grussell.org",
    10,
  ],
  [
    "what LOCAL_RULE_0 rewrites goes on to virtusertable",
    "LOCAL_RULE_0\nRw < @ grussell.org . >\t$: v < @ grussell.org . >\n",
    "w@grussell.org",
    "esmtp example.org ann@example.org",
    10,
  ],
  [
    "LOCAL_RULE_0 may refuse",
    'LOCAL_RULE_0\nR$+ < @ closed.example.org >\t$# error $@ 5.1.2 $: "553 closed for " $1\n',
    "me@closed.example.org",
    "553 5.1.2 closed for me",
    10,
  ],
  [
    "LOCAL_RULE_0 may put off",
    'LOCAL_RULE_0\nR$+ < @ later.example.org >\t$# error $@ 4.3.0 $: "451 later"\n',
    "me@later.example.org",
    "451 4.3.0 later",
    10,
  ],
  [
    "LOCAL_NET_CONFIG names the way of other hosts, and no others",
    "LOCAL_NET_CONFIG\nR$* < @ $+ . > $*\t$# esmtp $@ gate.example.org $: $1 < @ $2 . > $3\n",
    "ann@example.org",
    "esmtp gate.example.org ann@example.org",
    10,
  ],
  [
    "a rule that names a mailer that is not there is a mistake of ours, not of the mail",
    "LOCAL_RULE_0\nR$+ < @ example.org . >\t$# nosuch $@ x $: $1\n",
    "ann@example.org",
    "451 4.3.5 Local configuration error. Please try again later.",
    10,
  ],
  [
    "rules that go in circles make mail wait",
    "LOCAL_RULE_0\nR$+ < @ example.org . >\t$1 x < @ example.org . >\n",
    "ann@example.org",
    "451 4.3.5 Local configuration error. Please try again later.",
    10,
  ],
]

for (const [name, rules, address, way, line] of cases) {
  test(`${name}: ${address} is ${way}`, async () => {
    const { text, reason } = await route(address, host(rules))
    assert.equal(text, way)
    assert.ok(linesOf(reason).includes(`/etc/mail/sendmail.mc:${line}`), linesOf(reason).join(" "))
  })
}

test("LOCAL_NET_CONFIG is not asked about our own names", async () => {
  const site = host("LOCAL_NET_CONFIG\nR$*\t$# esmtp $@ gate.example.org $: $1\n")
  assert.equal((await route("me@grussell.org", site)).text, "local me")
})

test("rules that do not match leave every way as it is", async () => {
  const site = host(
    "LOCAL_RULE_0\nR$+ < @ nowhere.org >\t$# esmtp $@ x $: $1\nLOCAL_RULE_3\nR$* < @ nowhere.org >\t$: $1 < @ x >\n",
  )
  assert.equal((await route("ann@example.org", site)).text, "esmtp example.org ann@example.org")
  assert.equal((await route("v@grussell.org", site)).text, "esmtp example.org ann@example.org")
})

const localaddr = `LOCAL_RULESETS
SLocal_localaddr
Rremote\t\t$# esmtp $@ hub.example.org $: remote < @ hub.example.org >
Rboss\t\t$: me
Rnobody\t\t$# error $@ 5.1.1 $: "550 nobody is nobody"
Rkept\t\t$# ok
`

const locals: readonly (readonly [user: string, result: string])[] = [
  ["me", "mailbox me"],
  ["remote", "esmtp hub.example.org remote@hub.example.org"],
  ["boss", "mailbox me"],
  ["nobody", "550 5.1.1 nobody is nobody"],
  ["kept", "esmtp luser.example.org kept@luser.example.org"],
  ["other", "esmtp luser.example.org other@luser.example.org"],
]

for (const [user, result] of locals) {
  test(`Local_localaddr: ${user} is ${result}`, async () => {
    const { routing } = host(localaddr)
    const read = await canonify(user, routing)
    assert.ok(read.outcome === "yes")
    const found = await findLocal(localName(user), read.value, routing)
    const text =
      found.outcome !== "yes"
        ? found.outcome === "pass"
          ? "pass"
          : replyLine(found.reply)
        : found.value.kind === "mailbox"
          ? `mailbox ${found.value.account.name}`
          : found.value.kind === "route"
            ? `${found.value.route.mailer} ${found.value.route.host} ${found.value.route.user}`
            : "alias"
    assert.equal(text, result)
  })
}

test("rulesets 1 and 2 rewrite senders and recipients that leave", async () => {
  const { routing } = host(
    "LOCAL_RULE_1\nRme < @ grussell.org . >\t$: g.russell < @ napier.ac.uk . >\nLOCAL_RULE_2\nR$+ < @ example.org . >\t$: $1 < @ old.example.org >\n",
  )
  const leaves = async (typed: string, kind: "sender" | "recipient") => {
    const read = await canonify(typed, routing)
    assert.ok(read.outcome === "yes")
    const decision = await rewriteAddress(read.value, { mailer: "esmtp", where: "header", kind }, routing)
    return decision.outcome === "yes" ? decision.value : decision.outcome
  }
  assert.equal(await leaves("me@grussell.org", "sender"), "g.russell@napier.ac.uk")
  assert.equal(await leaves("me@grussell.org", "recipient"), "me@grussell.org")
  assert.equal(await leaves("ann@example.org", "recipient"), "ann@old.example.org")
  assert.equal(await leaves("ann@example.org", "sender"), "ann@example.org")
})

test("rules may ask our own rulesets, and their steps are part of the reason", async () => {
  const site = host(
    'LOCAL_RULE_0\nR$+ < @ probe.example.org >\t$: $1 $| $>parse $1 @ napier.ac.uk\nR$+ $| $# $- $*\t$# error $@ 5.0.0 $: "550 it would go by " $2\n',
  )
  const { text, reason } = await route("me@probe.example.org", site)
  assert.equal(text, "550 5.0.0 it would go by esmtp")
  assert.ok(linesOf(reason).includes("/etc/mail/sendmail.mc:11"))
})

test("a site without rules has no hooks, and pays nothing for them", () => {
  const { routing } = host("")
  assert.equal(routing.hooks, undefined)
})

test("rules that nothing asks are told as such", () => {
  const { settings } = host("LOCAL_RULESETS\nSLocal_check_mail\nR$*\t$: $1\n")
  const source = {
    ...settings,
    operators: ".:@",
    localRules: settings.localRules.map((line) => ({
      ...line,
      text: line.text.replace("Local_check_mail", "trust_auth"),
    })),
  }
  assert.match(
    readLocalRules(source).issues.map(printIssue).join(),
    /sendmail\.mc:10:1: warning: nothing here asks the ruleset trust_auth/,
  )
  assert.deepEqual(readLocalRules({ ...settings, operators: ".:@" }).issues, [])
})

test("mistakes in rules are told when the configuration is read", () => {
  for (const [rules, says] of [
    ["LOCAL_RULE_0\nR$+ $1\n", /no tab in the rule/],
    ["LOCAL_RULESETS\nR$*\t$1\n", /a rule before any ruleset is named/],
    [
      "LOCAL_RULESETS\nSa\nR$*\t$: $>cannonify $1\n",
      /there is no ruleset cannonify[^]*did you mean canonify\?/,
    ],
    ["LOCAL_RULESETS\nSa\nR$*\t$: $(acess $1 $)\n", /there is no map acess/],
  ] as const) {
    assert.throws(() => host(rules), says)
  }
})
