// Where the recipients of a waiting message go today. Aliases are applied once, at the first attempt; what then waits for
// another host is routed anew at each attempt, so that a mended mailertable helps mail that is queued already.
import { mailer } from "../config/settings.ts"
import type { Pending } from "../queue/entry.ts"
import type { Dead, Expanded, Leaf } from "../queue/plan.ts"
import { canonical } from "../routing/canonify.ts"
import { expand } from "../routing/expand.ts"
import { resolve } from "../routing/route.ts"
import type { RoutingWorld } from "../routing/world.ts"

export async function expandPending(pending: Pending, routing: RoutingWorld): Promise<Expanded> {
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
  const { owner, user } = expandedFrom ?? { owner: undefined, user: undefined }
  return { path: recipient.path, route, owner, user, reason: expandedFrom?.reason ?? recipient.admitted }
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
