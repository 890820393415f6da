// May this client speak at all? An ordered list: access, its rate and its open connections, lists in DNS, its name (proto.m4:
// Basic_check_relay). What access says OK or RELAY to is asked nothing more.
import type { Arrival, Client } from "../mail/arrival.ts"
import { because, type Decision, later, no, pass, type Reason, withTrail, yes } from "../mail/decision.ts"
import type { MessageVerdict } from "../mail/gate.ts"
import { reply } from "../mail/reply.ts"
import type { Soon } from "../mail/soon.ts"
import { feature, inClass, type Settings } from "../config/settings.ts"
import { passed, refused, unknown } from "../routing/reasons.ts"
import { addressKeys } from "./access.ts"
import { checkClient } from "./client.ts"
import {
  askListing,
  clientListings,
  type Listed,
  type Listing,
  reversed,
  settlingListings,
  welcomeListings,
} from "./dnsbl.ts"
import { loadSteps } from "./load.ts"
import type { ConnectQuestion, PolicyStep, PolicyWorld } from "./world.ts"

type Step = PolicyStep<ConnectQuestion>

/** The steps in their order; those that no line asks for are left out. */
export function connectSteps(settings: Settings, hasAccess: boolean): readonly Step[] {
  const steps: Step[] = []
  if (hasAccess) {
    const does = "refuses clients that access names, and asks no more of those it welcomes"
    steps.push({
      name: "access",
      does,
      at: undefined,
      ask: ({ arrival }, world) => checkClient(arrival, world),
    })
  }
  steps.push(...loadSteps(settings))
  const lists = clientListings(settings)
  const [first] = lists
  if (first !== undefined) steps.push(listStep(lists, welcomeListings(settings), first))
  const rdns = feature(settings, "require_rdns")
  if (rdns !== undefined) {
    const does = "refuses clients without a name that leads back to them"
    steps.push({ name: "require_rdns", does, at: rdns.at, ask: hasName })
  }
  return steps
}

const fromHere = yes(undefined, because("client?", "it was handed in on this host"))
const nothingAgainst = because("client?", "nothing speaks against it")

/** Asks the steps; the first that says yes or no decides, and what passed stands in the trail. */
export async function checkConnection(arrival: Arrival, world: PolicyWorld): Promise<Decision<undefined>> {
  const { client } = arrival
  if (client === undefined) return fromHere
  const trail: Reason[] = []
  for (const step of world.steps.connect) {
    const answer = step.ask({ arrival, client }, world)
    const decision = answer instanceof Promise ? await answer : answer
    if (decision.outcome !== "pass") {
      return trail.length === 0 ? decision : { ...decision, reason: withTrail(decision.reason, trail) }
    }
    trail.push(decision.reason)
  }
  return yes(undefined, withTrail(nothingAgainst, trail))
}

/** All lists are asked at once; their answers count in the order of their lines. */
function listStep(lists: readonly Listing[], welcoming: readonly Listing[], { at }: Listing): Step {
  const does = `asks ${lists.map(({ server }) => server).join(", ")} for the client's address`
  return {
    name: "dnsbl",
    does,
    at,
    ask: async ({ client }, world) => {
      const listed = listedClient(client)
      const answers = [...welcoming, ...lists].map((listing) => askListing(listing, listed, world))
      const trail: Reason[] = []
      for (const answer of answers) {
        const decision = await answer
        if (decision.outcome === "no" || decision.outcome === "later")
          return { ...decision, reason: withTrail(decision.reason, trail) }
        if (decision.outcome === "yes" && decision.value === "welcome")
          return pass({ ...withTrail(decision.reason, trail), role: "passed" })
        // Held or thrown away is the message, when it is there: the client may speak.
        trail.push({ ...decision.reason, role: "passed" })
      }
      return pass(passed("dnsbl", `no list refuses ${client.address}`, at, trail))
    },
  }
}

function listedClient({ address, name }: Client): Listed {
  const macros = { client_addr: address, client_name: name ?? `[${address}]` }
  return { key: reversed(address), shown: address, macros }
}

/** FEATURE(dnsbl, …, `quarantine') and `discard': what is to be done with this client's mail. */
export function byListings(arrival: Arrival, world: PolicyWorld): Soon<Decision<MessageVerdict>> {
  const { routing, steps } = world
  const { client } = arrival
  const settling = settlingListings(routing.settings)
  if (client === undefined || settling.length === 0 || steps.connect.length === 0) return notListed
  return askSettling(settling, client, world)
}

async function askSettling(
  settling: readonly Listing[],
  client: Client,
  world: PolicyWorld,
): Promise<Decision<MessageVerdict>> {
  let held: Decision<MessageVerdict> | undefined
  for (const listing of settling) {
    const decision = await askListing(listing, listedClient(client), world)
    if (decision.outcome === "later") return decision
    if (decision.outcome !== "yes") continue
    if (decision.value === "discard") return yes({ keep: "discard" }, decision.reason)
    held ??= yes({ keep: "hold" }, decision.reason)
  }
  return held ?? notListed
}

const notListed = pass(passed("dnsbl", "no list holds or discards this client's mail"))

/** FEATURE(require_rdns): a name, and one that leads back; clients we relay for need none. */
function hasName({ client }: ConnectQuestion, { routing }: PolicyWorld): Decision<undefined> {
  const { settings } = routing
  const at = feature(settings, "require_rdns")?.at
  const { address, name, forged, unsure } = client
  const key = addressKeys(address).find((one) => inClass(settings, "R", one).member)
  if (key !== undefined) return pass(passed("require_rdns", `${key} is in class R`, at))
  if (name !== undefined) return pass(passed("require_rdns", `${address} is ${name}`, at))
  if (unsure === true) {
    const said = reply(451, "4.1.8", `Client IP address ${address} does not resolve`)
    return later(said, unknown("require_rdns", `DNS does not say who ${address} is`, at))
  }
  if (forged !== undefined) {
    const said = reply(451, "4.1.8", `Possibly forged hostname for ${address}`)
    return later(said, refused("require_rdns", `${forged} does not lead back to ${address}`, at))
  }
  const said = reply(550, "5.7.1", `Fix reverse DNS for ${address}`)
  return no(said, refused("require_rdns", `${address} has no name`, at))
}
