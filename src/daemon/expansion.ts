// Where the recipients of a waiting message go today. Aliases are applied once, at the first attempt; what then waits for
// another host is routed anew at each attempt, so that a mended mailertable helps mail that is queued already.
import { option } from "../config/options.ts"
import { feature, mailer } from "../config/settings.ts"
import { printMailbox, printPath, type ReversePath } from "../mail/address.ts"
import { checkCompat, checkSiteCompat } from "../policy/compat.ts"
import type { Pending } from "../queue/entry.ts"
import type { Dead, Expanded, Leaf } from "../queue/plan.ts"
import { canonical } from "../routing/canonify.ts"
import { expand } from "../routing/expand.ts"
import { resolve } from "../routing/route.ts"
import type { SiteRouting } from "../routing/routing.ts"
import { localDomain, type RoutingWorld } from "../routing/world.ts"

/** Where it goes, but for those whom FEATURE(compat_check) keeps from this sender. */
export async function expandFrom(
  sender: ReversePath,
  pending: Pending,
  routing: SiteRouting,
): Promise<Expanded> {
  const expanded = withoutSender(sender, await expandPending(pending, routing), routing)
  const asks = feature(routing.settings, "compat_check") !== undefined || routing.rules?.has("check_compat")
  if (asks !== true) return expanded
  const leaves: Leaf[] = []
  const dead: Dead[] = [...expanded.dead]
  for (const leaf of expanded.leaves) {
    const listed = await checkCompat(sender, leaf.path, routing)
    const decision = listed.outcome === "pass" ? await checkSiteCompat(sender, leaf.path, routing) : listed
    if (decision.outcome === "pass") leaves.push(leaf)
    else if (decision.outcome === "yes") leaves.push({ ...leaf, route: thrownAway, reason: decision.reason })
    else
      dead.push({
        path: leaf.path,
        outcome: decision.outcome,
        reply: decision.reply,
        reason: decision.reason,
      })
  }
  return { pending, leaves, dead }
}

/**
 * MeToo off: who writes to a list that he is on gets no copy (sendmail: recipient.c). sendmail differs: an alias that leads to
 * nobody but the sender takes his mail with it there.
 */
function withoutSender(sender: ReversePath, expanded: Expanded, { settings }: RoutingWorld): Expanded {
  const { leaves } = expanded
  if (option(settings, "MeToo") || sender === "null" || leaves.length < 2) return expanded
  const name = localDomain(settings, sender.domain).member ? sender.localPart.toLowerCase() : undefined
  const address = printMailbox(sender).toLowerCase()
  const others = leaves.filter(({ path, route }) => {
    if (route.mailer === "local" && String(route.user).toLowerCase() === name) return false
    return printPath(path).toLowerCase() !== address
  })
  return others.length === 0 ? expanded : { ...expanded, leaves: others }
}

const thrownAway = { mailer: "discard", host: "", user: "" }

async function expandPending(pending: Pending, routing: RoutingWorld): Promise<Expanded> {
  const { route, recipient } = pending
  if (route === undefined) {
    const { leaves, dead } = await expand(recipient.path, routing)
    return { pending, leaves, dead }
  }
  const path = mailer(routing.settings, route.mailer)?.path
  return path === "[IPC]" || path === "[TCP]"
    ? routeAnew(pending, routing)
    : { pending, leaves: [kept(pending, route)], dead: [] }
}

/** Mailboxes, programs and files stay what they were. */
function kept({ recipient, expandedFrom }: Pending, route: Leaf["route"]): Leaf {
  const { path, admitted } = recipient
  if (expandedFrom === undefined) return { path, route, owner: undefined, user: undefined, reason: admitted }
  const { owner, user, typed, reason } = expandedFrom
  return { path, route, owner, user, ...(typed === undefined ? {} : { typed }), reason }
}

async function routeAnew(pending: Pending, routing: RoutingWorld): Promise<Expanded> {
  const { path } = pending.recipient
  const way = await resolve(canonical(path, routing), routing)
  switch (way.outcome) {
    case "yes":
      return way.value.route.mailer === "local"
        ? expandPending({ ...pending, route: undefined }, routing)
        : { pending, leaves: [{ ...kept(pending, way.value.route), reason: way.reason }], dead: [] }
    case "no":
    case "later":
      return {
        pending,
        leaves: [],
        dead: [{ path, outcome: way.outcome, reply: way.reply, reason: way.reason } satisfies Dead],
      }
    case "pass":
      throw new Error("the last step of routing must decide")
  }
}
