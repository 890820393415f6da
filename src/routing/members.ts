// Members of a list go the same way as others of their domain: they are asked about once for a domain, where nothing but the domain
// counts. Not for names of this host, nor where a table or a rule looks at whole addresses.
import { printDomain } from "../mail/address.ts"
import { type Decision, yes } from "../mail/decision.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { type Resolved, resolve } from "./route.ts"
import { spokenBy } from "./spoken.ts"
import type { Canonical, RoutingWorld } from "./world.ts"

type Way = Decision<Resolved> & { readonly outcome: "yes" }

/** Domains that are remembered; a list has few. */
const mostRemembered = 1000

/** resolve() for the members of one expansion. */
export function resolver(world: RoutingWorld): (to: Canonical) => Soon<Decision<Resolved>> {
  const known = new Map<string, Way | "each">()
  return (to) => {
    if (to.bare || to.local || world.hooks !== undefined) return resolve(to, world)
    const domain = printDomain(to.mailbox.domain)
    const way = known.get(domain)
    if (way === "each") return resolve(to, world)
    return way === undefined ? learn(to, domain, known, world) : likewise(way, to, world)
  }
}

function learn(
  to: Canonical,
  domain: string,
  known: Map<string, Way | "each">,
  world: RoutingWorld,
): Soon<Decision<Resolved>> {
  return whenThere(resolve(to, world), (way) => {
    if (known.size >= mostRemembered) return way
    known.set(domain, way.outcome === "yes" && isOfAll(way.value, to, world) ? way : "each")
    return way
  })
}

/** No step looked further than the domain, and the mailer says the whole address, not a part of the line's own. */
function isOfAll({ route, to: end }: Resolved, to: Canonical, world: RoutingWorld): boolean {
  if (end !== to || route.user !== spokenBy(route.mailer, to.mailbox, world)) return false
  return world.steps.every(({ byDomain }) => byDomain?.(to, world) === true)
}

function likewise({ value, reason }: Way, to: Canonical, world: RoutingWorld): Decision<Resolved> {
  const { mailer, host } = value.route
  return yes({ route: { mailer, host, user: spokenBy(mailer, to.mailbox, world) }, to }, reason)
}
