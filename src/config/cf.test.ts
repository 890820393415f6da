import assert from "node:assert/strict"
import { test } from "node:test"
import { fail, ok } from "../mail/result.ts"
import { type Cf, readCf } from "./cf.ts"
import { cfRuleWorld, formByCf, routeByCf } from "./cf-address.ts"
import { flagsOf, rulesetsOf } from "./cf-mailer.ts"
import { printIssue } from "./issues.ts"
import { replyLine } from "../mail/reply.ts"

// Written by hand for these tests: a small host that keeps its own mail and sends all other by SMTP.
const text = `V10/Berkeley
# a comment
O OperatorChars=.:%@!^/[]+
O BlankSub=.
O MaxRuleRecursion=10
O Nonsense=1
Dj$w.$m
DMgrussell.org
Cwhello.com
\tmail.hello.com
Fw-o /etc/mail/local-host-names
Troot daemon
Kaccess hash -T<TMPF> /etc/mail/access
HSubject: $>CheckSubject
H?D?Date: $a
Scanonify=3
R$* < $+ > $*\t$2\t\tthe address proper
R$+ @ $+\t\t$: $1 < @ $2 >
R$+ < @ $=w >\t$: $1 < @ $2 . >
Sparse=0
R$+ < @ $=w . >\t$#local $: $1
R$+ < @ closed.example.org >\t$#error $@ 5.7.1 $: "550 closed"
R$+ < @ $+ >\t$#esmtp $@ $2 $: $1 < @ $2 >
R$+\t$#local $: $1
Sfinal=4
R$* < $+ > $*\t$1 $2 $3
SToRemote
R$+ < @ $* >\t$@ $1 < @ $2 >
R$+\t$: $1 < @ $M >
Mlocal,\tP=/usr/bin/procmail, F=lsDFMAw5:/|@qSPfhn9, S=0, R=0,
\tT=DNS/RFC822/X-Unix, A=procmail -Y -a $h -d $u
Mesmtp,\tP=[IPC], F=mDFMuXa, S=ToRemote, R=ToRemote/0, E=\\r\\n, L=990,
\tA=TCP $h
`

const read = (path: string) =>
  path === "/etc/mail/local-host-names" ? ok("napier.ac.uk\n") : fail(`${path}: no such file`)

const cfOf = (source: string): Cf =>
  readCf("/etc/mail/sendmail.cf", source, read, { hostname: "mx.grussell.org", addresses: ["192.0.2.1"] })

const cf = cfOf(text)

test("every kind of line is read, with the place it stands at", () => {
  assert.equal(cf.macros.get("M")?.value, "grussell.org")
  assert.equal(cf.options.get("BlankSub")?.value, ".")
  assert.equal(cf.classes.get("w")?.get("hello.com")?.line, 9)
  assert.equal(cf.classes.get("w")?.get("mail.hello.com")?.line, 9)
  assert.equal(cf.classes.get("w")?.get("napier.ac.uk")?.file, "/etc/mail/local-host-names")
  assert.ok(cf.classes.get("w")?.has("mx.grussell.org"))
  assert.ok(cf.classes.get("t")?.has("daemon"))
  assert.deepEqual(cf.maps.get("access"), {
    name: "access",
    kind: "hash",
    args: "-T<TMPF> /etc/mail/access",
    at: { file: "/etc/mail/sendmail.cf", line: 13, column: 1 },
  })
  assert.deepEqual(
    cf.headers.map(({ name, flags }) => [name, flags]),
    [
      ["Subject", ""],
      ["Date", "D"],
    ],
  )
  assert.equal(cf.rulesets.get("3"), cf.rulesets.get("canonify"))
  assert.equal(cf.rulesets.get("parse")?.rules.length, 4)
  assert.equal(cf.rulesets.get("canonify")?.rules[0]?.at.line, 17)
})

test("mailers have their numbers, equates and rulesets; three are there without a line", () => {
  assert.deepEqual(
    cf.mailers.map(({ name }) => name),
    ["prog", "*file*", "*include*", "local", "esmtp"],
  )
  const esmtp = cf.mailers.at(-1)
  assert.ok(esmtp !== undefined)
  assert.equal(flagsOf(esmtp), "mDFMuXa")
  assert.equal(esmtp.equates.get("A"), "TCP $h")
  assert.deepEqual(rulesetsOf(esmtp, "S"), { envelope: "ToRemote", header: "ToRemote" })
  assert.deepEqual(rulesetsOf(esmtp, "R"), { envelope: "ToRemote", header: "0" })
})

test("an option nobody knows is told, and keeps nothing from being read", () => {
  assert.deepEqual(
    cf.issues.map(({ severity, message }) => `${severity}: ${message}`),
    ["warning: the option Nonsense is not known here"],
  )
})

const wrong: readonly (readonly [line: string, says: RegExp])[] = [
  ["R$*\t$1", /1:1: error: a rule before any ruleset is named/],
  ["S", /error: "" names no ruleset/],
  ["S100", /numbers go from 0 to 99/],
  ["Sa=3\nSb\nSb=3", /ruleset b: 3 is a already/],
  ["Zsomething", /unknown configuration line "Zsomething"/],
  ["Kx", /a K line needs the map's name and its kind/],
  ["M, P=x", /a mailer needs a name/],
  ["Mx, P=/bin/x", /mailer x needs arguments/],
  ["Mx, F=a", /mailer x needs a program/],
  ["Mx, nonsense", /mailer x: "=" expected/],
  ["Fw/etc/mail/nosuch", /class w: \/etc\/mail\/nosuch: no such file/],
  ["Sa\nR$*", /no tab in the rule/],
]

for (const [line, says] of wrong) {
  test(`${JSON.stringify(line)} is told, with its line`, () => {
    assert.match(cfOf(line).issues.map(printIssue).join("\n"), says)
  })
}

const worldOf = (one: Cf) =>
  cfRuleWorld(one, { classes: one.classes, ownMacros: new Map(), map: () => undefined })

const ways: readonly (readonly [address: string, way: string])[] = [
  ["me@hello.com", "local me"],
  ["Me@Hello.COM", "local me"],
  ["me", "local me"],
  ["Gordon Russell", "local gordon.russell"],
  ["ann@example.org", "esmtp example.org ann@example.org"],
  ["Ann@Example.ORG", "esmtp example.org Ann@Example.ORG"],
  ["Ann <ann@example.org>", "esmtp example.org ann@example.org"],
  ["x@closed.example.org", "550 5.7.1 closed"],
  ["", "Cannot parse"],
]

for (const [address, way] of ways) {
  test(`"${address}" goes to ${way}`, async () => {
    const { route } = await routeByCf(address, cf, worldOf(cf))
    const text =
      route.kind === "route"
        ? `${route.mailer} ${route.host} ${route.user}`.replaceAll(/ +/g, " ")
        : route.kind === "error"
          ? replyLine(route.reply)
          : route.says
    assert.equal(text, way)
  })
}

test("the way names the rules it took, line by line", async () => {
  const { steps } = await routeByCf("me@hello.com", cf, worldOf(cf))
  assert.deepEqual(
    steps.map(({ step, at }) => `${step}:${at?.line}`),
    ["canonify:18", "canonify:19", "parse:21"],
  )
})

const forms: readonly (readonly [address: string, who: "sender" | "recipient", form: string])[] = [
  ["me", "sender", "me@grussell.org"],
  ["ann@example.org", "recipient", "ann@example.org"],
  ["Me Myself <me>", "sender", "Me Myself <me@grussell.org>"],
  ["me (it is I)", "sender", "me@grussell.org (it is I)"],
]

for (const [address, who, form] of forms) {
  test(`${address} leaves as ${form}`, async () => {
    const esmtp = cf.mailers.at(-1)
    assert.ok(esmtp !== undefined)
    const result = await formByCf(address, esmtp, { where: "envelope", who }, worldOf(cf))
    assert.deepEqual([result.address, result.status], [form, "ok"])
  })
}

test("rules that resolve nothing are no answer", async () => {
  const bad = cfOf("Sparse=0\nR$*\t$1 .\nMlocal, P=/bin/x, F=l, A=x\n")
  const { route, complaints } = await routeByCf("me", bad, worldOf(bad))
  assert.equal(route.kind, "none")
  assert.match(
    complaints.join("; "),
    /Infinite loop in ruleset parse, rule 1; 554 5\.3\.5 buildaddr: no mailer/,
  )
})

test("binary junk and long lines are told, not believed", () => {
  const junk = cfOf(
    `${"\u0000\u0001\u0002".repeat(10)}\n${"R".repeat(1_000_000)}\nSa\nR${"$*".repeat(100_000)}\tx\n`,
  )
  assert.ok(junk.issues.length >= 3)
})
