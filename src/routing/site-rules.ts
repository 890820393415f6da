// A site's own rules at sendmail's hooks: they run on tokens made of our addresses, may call our decisions by the names of sendmail's
// rulesets, and what they leave is read as an address, a route or a refusal again.
import { because, type Decision, later, no, type Reason, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"
import type { Dns } from "../mail/world.ts"
import { readLocalRules } from "../config/local-rules.ts"
import { option } from "../config/options.ts"
import { rewrite } from "../config/rewrite.ts"
import type { RuleMap } from "../config/rule-maps.ts"
import { newRun, type Ruleset, type RuleWorld, type TraceEvent } from "../config/rule-run.ts"
import { type Token, untokenize } from "../config/rule-tokens.ts"
import { makeRuleWorld } from "../config/rule-world.ts"
import type { NamedRules } from "../config/rulesets.ts"
import { mailer, type Settings } from "../config/settings.ts"
import { errorReply, isResolved, readTriple, type Triple, userText } from "../config/triple.ts"
import { textOf } from "./rule-focus.ts"
import { routingBridge } from "./rule-bridges.ts"
import type { RoutingWorld } from "./world.ts"

/** What a hook's rules came to. */
export type RuleOutcome = {
  readonly tokens: readonly Token[]
  readonly status: "ok" | "unavailable" | "wrong"
  /** Why they cannot be relied on, or what they complained of. */
  readonly complaints: readonly string[]
  readonly steps: readonly Reason[]
}

/** Names of rulesets beyond those of routing; policy brings its own. */
export type Bridges = (name: string) => Ruleset | undefined

export type Running = {
  readonly macros: Map<string, string>
  readonly bridges?: Bridges
  readonly trace?: ((event: TraceEvent) => void) | undefined
}

export type SiteRules = {
  readonly has: (name: string) => boolean
  /** The site's own ruleset, for those who list it. */
  readonly ruleset: (name: string) => NamedRules | undefined
  readonly run: (name: string, tokens: readonly Token[], running: Running) => Promise<RuleOutcome>
  /** The world the rules run in, for -bt. */
  readonly world: (running: Running) => RuleWorld
}

export type SiteRuleParts = {
  readonly settings: Settings
  readonly map: (name: string) => RuleMap | undefined
  readonly dns: Pick<Dns, "addresses" | "mx">
  /** The routing world, which is made after the rules and without them: rules called by rules do not run rules again. */
  readonly routing: () => RoutingWorld
}

/** The rules of these settings; undefined when there are none. */
export function makeSiteRules(parts: SiteRuleParts): SiteRules | undefined {
  const { settings } = parts
  if (settings.localRules.length === 0) return undefined
  const { rulesets } = readLocalRules({ ...settings, operators: option(settings, "OperatorChars") })
  const world = (running: Running) => siteWorld(parts, rulesets, running)
  return {
    has: (name) => (rulesets.get(name.toLowerCase())?.rules.length ?? 0) > 0,
    ruleset: (name) => rulesets.get(name.toLowerCase()),
    world,
    run: async (name, tokens, running) => {
      const run = newRun(world(running))
      const ruleset = rulesets.get(name.toLowerCase())
      const left = ruleset === undefined ? tokens : await rewrite(tokens, ruleset, run)
      return { tokens: left, status: run.status, complaints: run.complaints, steps: run.steps }
    },
  }
}

function siteWorld(
  { settings, map, dns, routing }: SiteRuleParts,
  rulesets: ReadonlyMap<string, NamedRules>,
  { macros, bridges, trace }: Running,
): RuleWorld {
  return makeRuleWorld({
    classes: settings.classes,
    macro: (name) => settings.macros.get(name)?.value,
    ownMacros: macros,
    ruleset: (name) => {
      const ours = bridges?.(name) ?? routingBridge(name, { routing: routing(), dns })
      const own = rulesets.get(name.toLowerCase())
      return ours === undefined || own === undefined ? (own ?? ours) : behind(ours, own)
    },
    map,
    operators: option(settings, "OperatorChars"),
    blank: option(settings, "BlankSub"),
    deepest: option(settings, "MaxRuleRecursion"),
    trace,
  })
}

/** Rules that a site adds to a ruleset of ours run on what ours leaves, as they stand behind it in sendmail.cf. */
function behind(ours: Ruleset, own: NamedRules): Ruleset {
  return {
    name: own.name,
    bridge: async (tokens, run) => rewrite(await rewrite(tokens, ours, run), own, run),
  }
}

const unusable = reply(451, "4.3.5", "Local configuration error. Please try again later.")
const silent = reply(451, "4.3.0", "Temporary system failure. Please try again later.")

/** Why rules are no answer: a lookup that failed for now, or rules at fault; undefined when they are one. */
export function cannotTell(
  hook: string,
  { status, complaints, steps, tokens }: RuleOutcome,
): Decision<never> | undefined {
  if (isResolved(tokens)) return undefined
  if (status === "ok") return undefined
  const says = complaints.at(-1) ?? "a lookup has no answer now"
  const reason: Reason = { ...because(hook, says, steps.at(-1)?.at, steps), role: "unknown" }
  return later(status === "wrong" ? unusable : silent, reason)
}

/** The address that rules left, as text. */
export function addressLeft({ tokens }: RuleOutcome, settings: Settings): string {
  return textOf(tokens, settings)
}

/** The steps as one reason: the last rule's line decides. */
export function rulesReason(hook: string, says: string, { steps }: RuleOutcome): Reason {
  return because(hook, says, steps.at(-1)?.at, steps)
}

/** `$# mailer $@ host $: user` as a route, or `$# error` as a refusal. Nothing when the rules resolved nothing. */
export function routeLeft(
  hook: string,
  outcome: RuleOutcome,
  settings: Settings,
): Decision<Route> | undefined {
  if (!isResolved(outcome.tokens)) return undefined
  const operators = option(settings, "OperatorChars")
  const triple = readTriple(outcome.tokens, operators, option(settings, "BlankSub"))
  if (!triple.ok) return later(unusable, { ...rulesReason(hook, triple.error, outcome), role: "unknown" })
  if (triple.value.mailer.toLowerCase() === "error")
    return refusalLeft(hook, triple.value, outcome, operators)
  const { mailer: name, host = "" } = triple.value
  if (mailer(settings, name) === undefined) {
    return later(unusable, { ...rulesReason(hook, `there is no mailer ${name}`, outcome), role: "unknown" })
  }
  const route = {
    mailer: name,
    host: host.replace(/\.$/, "").toLowerCase(),
    user: userOf(triple.value, name, settings),
  }
  return yes(
    route,
    rulesReason(hook, `mailer ${name}${host === "" ? "" : `, host ${host}`}, user ${route.user}`, outcome),
  )
}

function userOf({ user }: Triple, name: string, settings: Settings): string {
  const plain = user[0] === "@" && name === option(settings, "LocalMailer") ? user.slice(1) : user
  if (plain.includes("<")) return textOf(plain, settings)
  return untokenize(plain, option(settings, "BlankSub"), option(settings, "OperatorChars"))
}

function refusalLeft(hook: string, triple: Triple, outcome: RuleOutcome, operators: string): Decision<never> {
  const said = errorReply(triple, operators)
  const reason: Reason = {
    ...rulesReason(hook, `$#error: ${userText(triple, operators)}`, outcome),
    role: "refused",
  }
  return said.code < 500 ? later(said, reason) : no(said, reason)
}
