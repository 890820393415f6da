// May this client speak at all? What access says for its name and address (proto.m4: Basic_check_relay).
import type { Arrival, Client } from "../mail/arrival.ts"
import { because, type Decision, later, no, pass, type Reason, yes } from "../mail/decision.ts"
import type { Reply } from "../mail/reply.ts"
import type { Soon } from "../mail/soon.ts"
import { feature, type Settings } from "../config/settings.ts"
import { passed } from "../routing/reasons.ts"
import { addressKeys, type Answer, askAccess, type Keys, nameKeys, tagged } from "./access.ts"
import { accessDenied } from "./replies.ts"
import { accessTables, type PolicyWorld } from "./world.ts"

const fromHere = yes(undefined, because("client?", "it was handed in on this host"))
const noEntry = pass(passed("access", "neither the client's name nor its address is listed"))

/** What access says about the client: the name first, then the address. */
export function clientAnswer({ client }: Arrival, world: PolicyWorld): Soon<Answer> {
  return client === undefined
    ? { found: "nothing" }
    : askAccess(accessTables(world), clientKeys(client, world))
}

const keysOfClients = new WeakMap<Client, readonly Keys[]>()

/** Asked for again with each message of a client, so they are kept as long as it is there. */
function clientKeys(client: Client, { dots, routing }: PolicyWorld): readonly Keys[] {
  const known = keysOfClients.get(client)
  if (known !== undefined) return known
  const name = nameInChecks(client, routing.settings)
  const byName = name === undefined ? [] : [nameKeys(name, dots)]
  const keys = tagged("Connect", [...byName, addressKeys(client.address)])
  keysOfClients.set(client, keys)
  return keys
}

/** The name that check_relay goes by: with FEATURE(use_client_ptr) also one that does not lead back to the address. */
export function nameInChecks({ name, forged }: Client, settings: Settings): string | undefined {
  return name ?? (feature(settings, "use_client_ptr") === undefined ? undefined : forged)
}

/** What access says. DISCARD and QUARANTINE let it speak; what becomes of its mail is told when it is there. */
export async function checkClient(arrival: Arrival, world: PolicyWorld): Promise<Decision<undefined>> {
  if (arrival.client === undefined) return fromHere
  const answer = await clientAnswer(arrival, world)
  if (answer.found === "silent") return answer.decision
  if (answer.found === "nothing") return noEntry
  return byVerdict(answer, accessDenied(world.routing.settings))
}

/** What an entry means for whom it was looked up: a refusal in its own words or ours, or not in the way. */
export function byVerdict(
  { verdict, reason }: Extract<Answer, { found: "entry" }>,
  rejected: Reply,
): Decision<undefined> {
  switch (verdict.word) {
    case "OK":
    case "RELAY":
    case "DISCARD":
    case "QUARANTINE":
    case "SKIP":
      return yes(undefined, reason)
    case "REJECT":
      return no(rejected, refusing(reason))
    case "ERROR":
      return verdict.reply.code < 500
        ? later(verdict.reply, refusing(reason))
        : no(verdict.reply, refusing(reason))
  }
}

function refusing(reason: Reason): Reason {
  return { ...reason, role: "refused" }
}
