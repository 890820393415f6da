// Where routing asks a site's own rules: LOCAL_RULE_3 for every address, LOCAL_RULE_0 and LOCAL_NET_CONFIG as steps on its way,
// Local_localaddr for names of this host, rulesets 1 and 2 for addresses that leave.
import { type Decision, pass, yes } from "../mail/decision.ts"
import { printDomain } from "../mail/address.ts"
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import { marks, type Token } from "../config/rule-tokens.ts"
import { passed } from "./reasons.ts"
import { type FocusWorld, focused, printCanonical, tokensOf } from "./rule-focus.ts"
import {
  addressLeft,
  cannotTell,
  type RuleOutcome,
  routeLeft,
  rulesReason,
  type SiteRules,
} from "./site-rules.ts"
import type { Canonical, LocalAnswer, RouteStep, SiteHooks, Turn } from "./world.ts"

export type HookWorld = FocusWorld & { readonly rules: SiteRules }

/** The hooks of these rules. */
export function siteHooks(world: HookWorld): SiteHooks {
  const { rules } = world
  const asked = <F>(name: string, ask: F): F | undefined => (rules.has(name) ? ask : undefined)
  return {
    canonical: asked("LOCAL_RULE_3", (address) =>
      another("LOCAL_RULE_3", address, bare(address, world), world),
    ),
    localUser: asked("Local_localaddr", (user) => localUser(user, world)),
    sender: asked("1", async (address) => another("1", address, await focused(address, world), world)),
    recipient: asked("2", async (address) => another("2", address, await focused(address, world), world)),
  }
}

/** The steps of routing with those that ask the site's rules in their places. */
export function withSiteSteps(steps: readonly RouteStep[], world: HookWorld): readonly RouteStep[] {
  const { rules } = world
  const out = [...steps]
  const insert = (name: string, does: string, before: readonly string[]) => {
    if (!rules.has(name)) return
    const at = out.findIndex((step) => before.includes(step.name))
    const ask = (to: Canonical) => onTheWay(name, to, world)
    out.splice(at, 0, { name, does, at: rules.ruleset(name)?.at, ask })
  }
  insert("LOCAL_RULE_0", "asks the site's own rules", ["virtusertable", "local?"])
  insert("LOCAL_NET_CONFIG", "asks the site's own rules for other hosts", [
    "smart host",
    "canonical name",
    "MX",
  ])
  return out
}

/** `user < @ host >` before DNS was asked: only our own name has its dot. */
function bare(address: Canonical, { routing }: FocusWorld): readonly Token[] {
  const { settings, own } = routing
  if (address.bare) return tokensOf(printCanonical(address), settings)
  const host = printDomain(address.mailbox.domain)
  const text = printCanonical(address)
  const user = tokensOf(text.slice(0, -host.length - 1), settings)
  return [...user, "<", "@", ...tokensOf(host, settings), ...(host === printDomain(own) ? ["."] : []), ">"]
}

function run(name: string, tokens: readonly Token[], { rules }: HookWorld): Promise<RuleOutcome> {
  return rules.run(name, tokens, { macros: new Map() })
}

function unchanged(name: string): Decision<never> {
  return pass(passed(name, "no rule matches"))
}

/** Another address, when the rules made one. */
async function another(
  name: string,
  address: Canonical,
  tokens: readonly Token[],
  world: HookWorld,
): Promise<Decision<string>> {
  const { settings } = world.routing
  const outcome = await run(name, tokens, world)
  const silent = cannotTell(name, outcome)
  if (silent !== undefined) return silent
  const resolved = routeLeft(name, outcome, settings)
  if (resolved?.outcome === "no" || resolved?.outcome === "later") return resolved
  const text = addressLeft(outcome, settings)
  if (outcome.steps.length === 0 || text === printCanonical(address)) return unchanged(name)
  return yes(text, { ...rulesReason(name, `it is ${text}`, outcome), role: "changed" })
}

async function onTheWay(name: string, to: Canonical, world: HookWorld): Promise<Decision<Turn>> {
  const { settings } = world.routing
  const outcome = await run(name, await focused(to, world), world)
  const silent = cannotTell(name, outcome)
  if (silent !== undefined) return silent
  const resolved = routeLeft(name, outcome, settings)
  if (resolved !== undefined) {
    return resolved.outcome === "yes"
      ? yes({ kind: "route", route: resolved.value }, resolved.reason)
      : resolved
  }
  const text = addressLeft(outcome, settings)
  if (outcome.steps.length === 0 || text === printCanonical(to)) return unchanged(name)
  return yes(
    { kind: "instead", typed: text },
    { ...rulesReason(name, `it is ${text}`, outcome), role: "changed" },
  )
}

async function localUser(user: string, world: HookWorld): Promise<Decision<LocalAnswer>> {
  const name = "Local_localaddr"
  const { settings } = world.routing
  const outcome = await run(name, tokensOf(user, settings), world)
  const silent = cannotTell(name, outcome)
  if (silent !== undefined) return silent
  if (isOk(outcome)) return yes({ kind: "stays" }, rulesReason(name, "$#ok: it stays", outcome))
  const resolved = routeLeft(name, outcome, settings)
  if (resolved !== undefined) return localRoute(resolved, settings)
  const text = addressLeft(outcome, settings)
  if (outcome.steps.length === 0 || text === user) return unchanged(name)
  return yes(
    { kind: "name", user: text },
    { ...rulesReason(name, `it is ${text}`, outcome), role: "changed" },
  )
}

function isOk({ tokens }: RuleOutcome): boolean {
  const [mark, mailer] = tokens
  return mark === marks.mailer && typeof mailer === "string" && mailer.toLowerCase() === "ok"
}

/** A local mailer among them is another name of this host. */
function localRoute(
  resolved: NonNullable<ReturnType<typeof routeLeft>>,
  settings: Settings,
): Decision<LocalAnswer> {
  if (resolved.outcome !== "yes") return resolved
  const { value: route, reason } = resolved
  const stays = route.mailer === option(settings, "LocalMailer")
  return yes(stays ? { kind: "name", user: route.user } : { kind: "route", route }, reason)
}
