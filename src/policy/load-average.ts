// What the machine's load leads to where a line sets a limit: RefuseLA sends clients away, DelayLA lets commands wait, QueueLA leaves
// mail in the queue for another time (sendmail: daemon.c refuseconnections, srvrsmtp.c DELAY_CONN, conf.c shouldqueue). The load is
// handed in.
import type { Arrival } from "../mail/arrival.ts"
import { type Decision, later, type Origin, type Reason } from "../mail/decision.ts"
import type { Gate } from "../mail/gate.ts"
import { reply } from "../mail/reply.ts"
import { option, optionAt } from "../config/options.ts"
import { macro, type Settings } from "../config/settings.ts"
import { refused, unknown } from "../routing/reasons.ts"

type LimitName = "RefuseLA" | "DelayLA" | "QueueLA"

export type LoadLimit = { readonly name: LimitName; readonly most: number; readonly at: Origin | undefined }

/** The limit at this door: its own (DAEMON_OPTIONS: refuseLA=12), else that of all; undefined where no line sets one. */
export function loadLimit(settings: Settings, door: string, name: LimitName): LoadLimit | undefined {
  const daemon = settings.daemons.find((one) => one.name === door)
  const own = Number(daemon?.other.get(name.toLowerCase()) ?? 0)
  if (daemon !== undefined && own > 0) return { name, most: own, at: daemon.at }
  const most = option(settings, name) ?? 0
  return most > 0 ? { name, most, at: optionAt(settings, name) } : undefined
}

/** The gate with RefuseLA in front of it; the same gate where no line sets it. */
export function withLoadLimit(gate: Gate, settings: Settings): Gate {
  const doors = ["", ...settings.daemons.map(({ name }) => name)]
  if (doors.every((door) => loadLimit(settings, door, "RefuseLA") === undefined)) return gate
  return {
    ...gate,
    connect: async (arrival) => sentAway(arrival, settings) ?? (await gate.connect(arrival)),
  }
}

// sendmail closes its port instead: the client cannot tell that from a host that is down.
function sentAway({ door, load }: Arrival, settings: Settings): Decision<never> | undefined {
  const average = load?.average
  const limit = average === undefined ? undefined : loadLimit(settings, door, "RefuseLA")
  if (average === undefined || limit === undefined || average < limit.most) return undefined
  const host = macro(settings, "j") ?? "localhost"
  const says = `the load average is ${average}, and from ${limit.most} on clients are sent away`
  return later(
    reply(421, "4.3.2", `${host} Load average too high, try again later`),
    refused("RefuseLA", says, limit.at),
  )
}

/** Milliseconds that a command waits while the load is over DelayLA. */
const moment = 1000

/** How long this command waits (DelayLA). Who wants to leave is not kept. */
export function commandDelay(line: string, average: number, limit: LoadLimit): number {
  return average < limit.most || /^(?:QUIT|RSET)\b/i.test(line) ? 0 : moment
}

/** What is asked about a message. */
export type Weight = {
  readonly door: string
  readonly size: number
  readonly recipients: number
  /** Precedence: as a number. */
  readonly precedence: number
}

/** Why a message is not tried at this load (QueueLA): the higher the load, the lighter the mail that still goes; undefined: it goes. */
export function leftByLoad(weight: Weight, average: number, settings: Settings): Reason | undefined {
  const limit = loadLimit(settings, weight.door, "QueueLA")
  if (limit === undefined || average < limit.most) return undefined
  const { size, recipients, precedence } = weight
  const priority =
    size + recipients * option(settings, "RecipientFactor") - precedence * option(settings, "ClassFactor")
  const lightest = option(settings, "QueueFactor") / (average - limit.most + 1)
  if (priority <= lightest) return undefined
  const says = `the load average is ${average}, and from ${limit.most} on mail of priority ${priority} waits (${Math.floor(lightest)} would go)`
  return unknown("QueueLA", says, limit.at)
}
