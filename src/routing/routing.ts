// Routing by given settings: what route.ts, expand.ts and policy ask, made once when the settings are read.
import { parseDomain } from "../mail/address.ts"
import { feature, macro } from "../config/settings.ts"
import { routeSteps } from "./route.ts"
import type { RoutingWorld } from "./world.ts"

export type RoutingParts = Pick<RoutingWorld, "settings" | "tables" | "accounts" | "readUserFile" | "dns">

/** Makes the routing world. Throws when $j is no domain name: settings are never made without one. */
export function makeRouting(parts: RoutingParts): RoutingWorld {
  const { settings, tables } = parts
  const own = parseDomain(macro(settings, "j") ?? "")
  if (!own.ok) throw new Error(`$j is not a domain name: "${macro(settings, "j")}"`)
  return {
    ...parts,
    own: own.value,
    steps: routeSteps(settings, tables),
    bangs: feature(settings, "nouucp") === undefined,
    percents: feature(settings, "nopercenthack") === undefined,
  }
}
