// What a client may ask too much of, counted over its sessions: FEATURE(harvest_guard) ends those who guess recipients,
// FEATURE(user_limits) bounds what one login sends, FEATURE(greylist) puts strangers off once, RefuseLA sends all away while the machine
// has too much to do. Around the gate, after its own answers.
import type { ForwardPath, TypedAddress } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, later, type Origin, type Reason, withTrail } from "../mail/decision.ts"
import type { Gate } from "../mail/gate.ts"
import { reply } from "../mail/reply.ts"
import type { Clock } from "../mail/world.ts"
import { numberOf, secondsOf, wordsOf } from "../config/feature-words.ts"
import { feature, type Settings } from "../config/settings.ts"
import { cause, refused } from "../routing/reasons.ts"
import { WindowCounts } from "./counts.ts"
import { byGreylist, type GreylistMemory, greylistOf } from "./greylist.ts"
import { isKnownClient, networkOf } from "./known.ts"
import { withLoadLimit } from "./load-average.ts"
import type { PolicyWorld } from "./world.ts"

export type MannersParts = {
  readonly clock: Clock
  readonly greylist?: GreylistMemory | undefined
}

/** The gate with what the settings ask for around it; the same gate where they ask for nothing. */
export function withManners(gate: Gate, world: PolicyWorld, parts: MannersParts): Gate {
  const { settings } = world.routing
  const counted = withHarvestGuard(withUserLimits(gate, settings, parts), world, parts)
  return withLoadLimit(withGreylist(counted, world, parts), settings)
}

type Limit = { readonly most: number; readonly at: Origin | undefined; readonly counts: WindowCounts }

function limitOf(
  settings: Settings,
  name: "harvest_guard" | "user_limits",
  word: string,
  byDefault: number,
): Limit | undefined {
  const used = feature(settings, name)
  if (used === undefined) return undefined
  const words = wordsOf(used)
  const most = numberOf(words, word, byDefault)
  return most === 0
    ? undefined
    : { most, at: used.at, counts: new WindowCounts(secondsOf(words, "per", 3600) * 1000) }
}

/** Who names more unknown users than that is let go, and not heard again until the time has passed. */
function withHarvestGuard(gate: Gate, world: PolicyWorld, { clock }: MannersParts): Gate {
  const limit = limitOf(world.routing.settings, "harvest_guard", "most", 20)
  if (limit === undefined) return gate
  const said = reply(421, "4.7.0", "Too many unknown recipients, try again later")
  const guessed = (arrival: Arrival): Decision<never> | undefined => {
    const { client } = arrival
    if (client === undefined) return undefined
    const count = limit.counts.count(networkOf(client.address, 32), clock())
    if (count < limit.most) return undefined
    const says = `${client.address} has named ${count} unknown recipients, ${limit.most} are borne`
    return later(said, refused("harvest_guard", says, limit.at, cause("FEATURE(harvest_guard)", limit.at)))
  }
  return {
    ...gate,
    connect: async (arrival) => guessed(arrival) ?? (await gate.connect(arrival)),
    async recipient(arrival, envelope, path) {
      const decision = await gate.recipient(arrival, envelope, path)
      const { client } = arrival
      if (client === undefined || !isUnknown(decision) || (await isKnownClient(arrival, world)))
        return decision
      limit.counts.add(networkOf(client.address, 32), 1, clock())
      return guessed(arrival) ?? decision
    },
  }
}

function isUnknown(decision: Decision<unknown>): boolean {
  return decision.outcome === "no" && decision.reply.status === "5.1.1"
}

/** What one login may send from the network: its recipients and its messages in a time. */
function withUserLimits(gate: Gate, settings: Settings, { clock }: MannersParts): Gate {
  const recipients = limitOf(settings, "user_limits", "recipients", 1000)
  const messages = limitOf(settings, "user_limits", "messages", 0)
  if (recipients === undefined && messages === undefined) return gate
  return {
    ...gate,
    async sender(arrival, path, size) {
      const over = overLimit(arrival, "messages", messages, clock())
      return over ?? (await gate.sender(arrival, path, size))
    },
    async recipient(arrival, envelope, path) {
      const over = overLimit(arrival, "recipients", recipients, clock())
      if (over !== undefined) return over
      const decision = await gate.recipient(arrival, envelope, path)
      if (decision.outcome === "yes") countOne(arrival, recipients, clock())
      return decision
    },
    async message(arrival, envelope, header, size, body) {
      const decision = await gate.message(arrival, envelope, header, size, body)
      if (decision.outcome === "yes") countOne(arrival, messages, clock())
      return decision
    },
  }
}

function countOne({ client, authenticated }: Arrival, limit: Limit | undefined, now: number): void {
  if (client !== undefined && authenticated !== undefined) limit?.counts.add(authenticated, 1, now)
}

function overLimit(
  { client, authenticated }: Arrival,
  what: "recipients" | "messages",
  limit: Limit | undefined,
  now: number,
): Decision<never> | undefined {
  if (limit === undefined || client === undefined || authenticated === undefined) return undefined
  const count = limit.counts.count(authenticated, now)
  if (count < limit.most) return undefined
  const words = what === "messages" ? "sent too many messages" : "sent to too many recipients"
  const told = reply(450, "4.7.1", `You have ${words} lately, try again later`)
  const says = `${authenticated} has sent ${count} ${what}, ${limit.most} are allowed`
  return later(told, refused("user_limits", says, limit.at, cause("FEATURE(user_limits)", limit.at)))
}

/** Recipients that may be written to are put off once for strangers; postmaster never (RFC 5321 §4.5.1). */
function withGreylist(gate: Gate, world: PolicyWorld, { clock, greylist: memory }: MannersParts): Gate {
  const greylist = greylistOf(world.routing.settings)
  if (greylist === undefined || memory === undefined) return gate
  return {
    ...gate,
    async recipient(arrival, envelope, path) {
      const decision = await gate.recipient(arrival, envelope, path)
      const { client } = arrival
      if (decision.outcome !== "yes" || client === undefined || isPostmaster(path)) return decision
      if (await isKnownClient(arrival, world)) return decision
      const question = {
        address: client.address,
        sender: envelope.reversePath,
        recipient: decision.value,
        now: clock(),
      }
      const judged = byGreylist(question, greylist, memory)
      if (judged.outcome === "no" || judged.outcome === "later") return judged
      return { ...decision, reason: withJudged(decision, judged.reason) }
    },
  }
}

function withJudged(decision: Decision<ForwardPath> & { outcome: "yes" }, reason: Reason): Reason {
  return withTrail(decision.reason, [
    { ...because(reason.step, reason.says, reason.at, reason.after), role: "passed" },
  ])
}

function isPostmaster(path: TypedAddress | "postmaster"): boolean {
  return path === "postmaster" || /^postmaster(?:@|$)/i.test(path.text)
}
