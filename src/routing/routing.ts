// Routing by given settings: what route.ts, expand.ts and policy ask, made once when the settings are read.
import { parseDomain } from "../mail/address.ts"
import { feature, macro } from "../config/settings.ts"
import { routeSteps } from "./route.ts"
import { siteHooks, withSiteSteps } from "./site-hooks.ts"
import { makeSiteRules, type SiteRuleParts, type SiteRules } from "./site-rules.ts"
import type { RoutingWorld } from "./world.ts"

export type RoutingParts = Pick<
  RoutingWorld,
  "settings" | "tables" | "accounts" | "readUserFile" | "dns" | "srs"
> & {
  /** What the site's own rules look up, and the DNS they are canonified by. */
  readonly siteRules?: Pick<SiteRuleParts, "map" | "dns"> | undefined
}

/** The routing world of a site, with its own rules where it has some. */
export type SiteRouting = RoutingWorld & { readonly rules?: SiteRules }

/** Makes the routing world. Throws when $j is no domain name: settings are never made without one. */
export function makeRouting(parts: RoutingParts): SiteRouting {
  const { settings, tables } = parts
  const own = parseDomain(macro(settings, "j") ?? "")
  if (!own.ok) throw new Error(`$j is not a domain name: "${macro(settings, "j")}"`)
  const { siteRules, ...given } = parts
  const routing: RoutingWorld = {
    ...given,
    own: own.value,
    steps: routeSteps(settings, tables),
    bangs: feature(settings, "nouucp") === undefined,
    percents: feature(settings, "nopercenthack") === undefined,
  }
  const rules = siteRules && makeSiteRules({ settings, ...siteRules, routing: () => routing })
  if (rules === undefined || siteRules === undefined) return routing
  const world = { rules, routing, dns: siteRules.dns }
  return { ...routing, rules, steps: withSiteSteps(routing.steps, world), hooks: siteHooks(world) }
}
