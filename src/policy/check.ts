// The gate that SMTP sessions ask, made of the ordered steps of this folder (sendmail: check_relay, check_mail, check_rcpt,
// check_data, check_eom). Every answer carries its reason; what the peer hears is only the reply.
import type { ForwardPath, TypedAddress } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, type Reason, yes } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Gate } from "../mail/gate.ts"
import type { Clock, Dns } from "../mail/world.ts"
import { feature, type Settings } from "../config/settings.ts"
import { canonical, canonify } from "../routing/canonify.ts"
import { type RoutingWorld, tablesOf } from "../routing/world.ts"
import { checkClient } from "./client.ts"
import { fullNameOf } from "./full-name.ts"
import { checkMessage } from "./message.ts"
import { checkRecipient, recipientSteps } from "./recipient.ts"
import { relaySteps } from "./relay.ts"
import { checkSender, delaysChecks } from "./sender.ts"
import { expandNames, verify } from "./verify.ts"
import type { PolicyStep, PolicyWorld } from "./world.ts"

export type GateParts = {
  readonly settings: Settings
  readonly routing: RoutingWorld
  readonly dns: Pick<Dns, "mx" | "addresses">
  readonly clock: Clock
}

/** Policy by these settings. */
export function makePolicy({ settings, routing, dns }: Omit<GateParts, "clock">): PolicyWorld {
  const hasAccess = tablesOf(routing.tables, "access").length > 0
  // Whether DNS has another name for a domain changes no admission, and no client waits for it.
  const steps = routing.steps.filter((step) => step.name !== "canonical name")
  return {
    routing: { ...routing, steps },
    dns,
    steps: { recipient: recipientSteps(settings), relay: relaySteps(settings, hasAccess) },
  }
}

const anyName = yes(undefined, because("helo?", "any name will do"))
const anyContent = yes(undefined, because("data?", "nothing is asked before the message is here"))

/** The gate of these settings. */
export function makeGate(parts: GateParts): Gate {
  const world = makePolicy(parts)
  const delayed = feature(parts.settings, "delay_checks")
  const asLater = yes(undefined, because("delay_checks", "asked at RCPT", delayed?.at))
  return {
    connect: async (arrival) => (delaysChecks(world) ? asLater : await checkClient(arrival, world)),
    hello: async () => anyName,
    sender: (arrival, path, size) => checkSender(arrival, path, size, world),
    recipient: (arrival, envelope, path) => recipient(arrival, envelope, path, world),
    content: async () => anyContent,
    message: (arrival, envelope, _header, size) => checkMessage(arrival, envelope, size, world),
    verify: (_arrival, path) => verify(path, world.routing),
    expand: (_arrival, path) => expandNames(path, world.routing),
    fullName: (path) => fullNameOf(path, world.routing),
  }
}

async function recipient(
  arrival: Arrival,
  envelope: Envelope,
  path: TypedAddress | "postmaster",
  world: PolicyWorld,
): Promise<Decision<ForwardPath>> {
  if (path === "postmaster") {
    const to = canonical(path, world.routing)
    const decision = await checkRecipient({ arrival, envelope, to }, world)
    return decision.outcome === "yes" ? yes(path, decision.reason) : decision
  }
  const read = await canonify(path, world.routing)
  if (read.outcome !== "yes") return read
  const decision = await checkRecipient({ arrival, envelope, to: read.value }, world)
  const reason = withReading(decision.reason, read.reason)
  return decision.outcome === "yes" ? yes(read.value.mailbox, reason) : { ...decision, reason }
}

/** How the address was read stands before what was decided about it, when reading changed it. */
function withReading(reason: Reason, { after }: Reason): Reason {
  return after.length === 0 ? reason : { ...reason, after: [...after, ...reason.after] }
}

/** The ordered list of checks for a recipient, and of those that let mail pass, for people. */
export function policySteps({
  steps,
}: PolicyWorld): readonly Pick<PolicyStep<never>, "name" | "does" | "at">[] {
  return steps.recipient.flatMap((step) => (step.name === "relay?" ? [step, ...steps.relay] : [step]))
}
