// An address run through the rules of a sendmail.cf in sendmail's own order: rulesets 3 and 0 and the mailer's for where it goes
// (parseaddr), 3, 1 or 2, the mailer's and 4 for how it is written there (remotename).
import type { Reason } from "../mail/decision.ts"
import type { Reply } from "../mail/reply.ts"
import type { Cf } from "./cf.ts"
import { type CfMailer, flagsOf, rulesetsOf } from "./cf-mailer.ts"
import { crackAddress } from "./crack.ts"
import { rewrite } from "./rewrite.ts"
import {
  addressScan,
  complain,
  newRun,
  type Ruleset,
  type Run,
  type RuleWorld,
  wrongRules,
} from "./rule-run.ts"
import { tokenize, type Token, untokenize, usualOperators } from "./rule-tokens.ts"
import { makeRuleWorld, type RuleParts } from "./rule-world.ts"
import { errorReply, readTriple, type Triple, userText } from "./triple.ts"

export type CfRoute =
  | { readonly kind: "route"; readonly mailer: string; readonly host: string; readonly user: string }
  | { readonly kind: "error"; readonly reply: Reply; readonly host: string; readonly user: string }
  /** The rules or the lookups gave no answer that can be used. */
  | { readonly kind: "none"; readonly says: string }

export type CfResult = {
  readonly route: CfRoute
  /** A lookup has no answer now: the mail waits, whatever the route says. */
  readonly waits: boolean
  /** What rulesets 3 and 0 left. */
  readonly resolved: readonly Token[]
  readonly steps: readonly Reason[]
  /** The rule that resolved it; those after it only write it down for the mailer. */
  readonly decidedBy: Reason | undefined
  /** In sendmail's words, without the address before them. */
  readonly complaints: readonly string[]
}

/** The world of a sendmail.cf's rules; `classes` and `ownMacros` may grow while it is used. */
export function cfRuleWorld(
  cf: Cf,
  parts: Pick<RuleParts, "classes" | "ownMacros" | "map" | "trace">,
): RuleWorld {
  const option = (name: string) => cf.options.get(name)?.value
  return makeRuleWorld({
    ...parts,
    macro: (name) => cf.macros.get(name)?.value,
    ruleset: (name) => cf.rulesets.get(name.toLowerCase()),
    operators: option("OperatorChars") ?? usualOperators,
    blank: option("BlankSub") ?? " ",
    deepest: Number(option("MaxRuleRecursion") ?? 50),
  })
}

/** A ruleset that nobody declared does nothing. */
function named({ ruleset }: RuleWorld, name: string): Ruleset {
  return ruleset(name) ?? { name, rules: [] }
}

/** Where an address goes by these rules. */
export async function routeByCf(address: string, cf: Cf, world: RuleWorld): Promise<CfResult> {
  const run = newRun(world)
  world.setMacro("addr_type", "e r")
  const scanned = tokenize(address, addressScan(world))
  for (const says of scanned.complaints) complain(run, says)
  if (scanned.tokens.length === 0) return finished(run, { kind: "none", says: "Cannot parse" }, [], undefined)
  const canonical = await rewrite(scanned.tokens, named(world, "3"), run)
  const resolved = await rewrite(canonical, named(world, "0"), run)
  const decidedBy = run.steps.at(-1)
  const route = await buildRoute(resolved, cf, run)
  return finished(run, route, resolved, decidedBy)
}

function finished(
  run: Run,
  route: CfRoute,
  resolved: readonly Token[],
  decidedBy: Reason | undefined,
): CfResult {
  const waits = run.status === "unavailable" && route.kind === "route"
  return { route, waits, resolved, steps: run.steps, decidedBy, complaints: run.complaints }
}

async function buildRoute(resolved: readonly Token[], cf: Cf, run: Run): Promise<CfRoute> {
  const { world } = run
  const triple = readTriple(resolved, world.operators, world.blank)
  if (!triple.ok) return none(run, triple.error)
  const { mailer: name, host } = triple.value
  if (name.toLowerCase() === "error") {
    const reply = errorReply(triple.value, world.operators)
    complain(run, reply.text.join(" "))
    return { kind: "error", reply, host: host ?? "", user: userText(triple.value, world.operators) }
  }
  const mailer = cf.mailers.find((one) => one.name.toLowerCase() === name.toLowerCase())
  // sendmail differs from its own manual: discard is a mailer of check_… rulesets only.
  if (mailer === undefined) return none(run, `buildaddr: unknown mailer ${name}`)
  if (host === undefined && !flagsOf(mailer).includes("l")) return none(run, "buildaddr: no host")
  return routeTo(mailer, triple.value, cf, run)
}

function none(run: Run, says: string): CfRoute {
  wrongRules(run, `554 5.3.5 ${says}`)
  return { kind: "none", says }
}

async function routeTo(mailer: CfMailer, triple: Triple, cf: Cf, run: Run): Promise<CfRoute> {
  const { world } = run
  const flags = flagsOf(mailer)
  const [first, ...others] = triple.user
  const user = flags.includes("@") && first === "@" ? others : triple.user
  const chosen = special(mailer, untokenize(user, " ", world.operators), cf)
  world.setMacro("h", triple.host)
  const text = await written(await forMailer(user, rulesetsOf(chosen, "R").envelope, "2", run), run)
  return {
    kind: "route",
    mailer: chosen.name,
    host: lower(triple.host ?? "", flagsOf(chosen).includes("h")),
    user: lower(text, flagsOf(chosen).includes("u")),
  }
}

/** |program, /file and :include: by the local mailer, where its flags allow them. */
function special(mailer: CfMailer, user: string, { mailers }: Cf): CfMailer {
  const first = user.replace(/^"/, "")
  const ways: readonly (readonly [string, string])[] = [
    ["|", "prog"],
    ["/", "*file*"],
  ]
  for (const [sign, name] of ways) {
    if (!first.startsWith(sign) || !flagsOf(mailer).includes(sign)) continue
    return mailers.find((one) => one.name === name) ?? mailer
  }
  return mailer
}

function lower(text: string, keepsCase: boolean): string {
  return keepsCase ? text : text.toLowerCase()
}

/** Ruleset 1 or 2, and the mailer's own. */
async function forMailer(
  tokens: readonly Token[],
  ofMailer: string,
  kind: "1" | "2",
  run: Run,
): Promise<readonly Token[]> {
  const { world } = run
  const out = await rewrite(tokens, named(world, kind), run)
  return ofMailer === "" || ofMailer === "0" ? out : rewrite(out, named(world, ofMailer), run)
}

/** Ruleset 4: as it is written outside. */
async function written(tokens: readonly Token[], run: Run): Promise<string> {
  const { world } = run
  return untokenize(await rewrite(tokens, named(world, "4"), run), world.blank, world.operators)
}

export type AddressUse = { readonly where: "header" | "envelope"; readonly who: "sender" | "recipient" }

export type CfForm = {
  /** The address as that mailer gets it. */
  readonly address: string
  readonly status: "ok" | "later" | "wrong"
  readonly steps: readonly Reason[]
  /** The last rule before ruleset 4, which only takes the brackets off. */
  readonly decidedBy: Reason | undefined
  readonly complaints: readonly string[]
}

/** How an address is written for a mailer: comments and names around it stay. */
export async function formByCf(
  address: string,
  mailer: CfMailer,
  use: AddressUse,
  world: RuleWorld,
): Promise<CfForm> {
  const run = newRun(world)
  world.setMacro("addr_type", `${use.where.charAt(0)} ${use.who.charAt(0)}`)
  const { before, after } = crackAddress(address)
  const scanned = tokenize(address, addressScan(world))
  for (const says of scanned.complaints) complain(run, says)
  if (scanned.tokens.length === 0) return formed(run, address, undefined)
  const canonical = await rewrite(scanned.tokens, named(world, "3"), run)
  const rulesets = rulesetsOf(mailer, use.who === "sender" ? "S" : "R")
  const form = await forMailer(canonical, rulesets[use.where], use.who === "sender" ? "1" : "2", run)
  const decidedBy = run.steps.at(-1)
  return formed(run, `${before}${await written(form, run)}${after}`, decidedBy)
}

function formed({ status, steps, complaints }: Run, address: string, decidedBy: Reason | undefined): CfForm {
  return { address, status: status === "unavailable" ? "later" : status, steps, decidedBy, complaints }
}
