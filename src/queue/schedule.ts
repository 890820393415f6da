// When a message that had to wait is tried again, when its sender hears of the delay, and when it is given up.
// Pure: the time and the dice are handed in.
import { option, optionAt, type OptionName } from "../config/options.ts"
import type { QueueGroup, Settings } from "../config/settings.ts"
import type { ReversePath } from "../mail/address.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { DeliverBy, Notify } from "../mail/envelope.ts"
import type { DeliveryStatus } from "../mail/status.ts"

/** What the schedule has for a recipient that could not be served now. */
export type Fate =
  /** `warn` is `wait`, and the sender is told of the delay. `at` is the next attempt, milliseconds since 1970. */
  | { readonly next: "wait" | "warn"; readonly at: number; readonly reason: Reason }
  | { readonly next: "give up"; readonly reason: Reason }

export type Waiting = {
  /** Attempts made before the one that has just failed. */
  readonly attempts: number
  readonly acceptedAt: number
  readonly now: number
  /** From 0 up to 1: spreads the attempts of messages that failed together. */
  readonly random: number
  readonly settings: Pick<Settings, "options">
  /** Whether a delay was reported already. */
  readonly warned?: boolean
  /** `"null"`: nobody is told of delays, and Timeout.queuereturn.dsn applies. */
  readonly reversePath?: ReversePath
  /** NOTIFY of the recipient (RFC 3461 §4.1). */
  readonly notify?: readonly Notify[]
  /** The time the sender set (RFC 2852). */
  readonly deliverBy?: DeliverBy | undefined
  /** The trouble is on this machine. */
  readonly own?: boolean
  /** Its queue group, whose interval counts before the growing ones. */
  readonly queueGroup?: QueueGroup | undefined
  /** Precedence: of its header, below 0 for bulk, list and junk. */
  readonly precedence?: number | undefined
  /** Priority: of its header; undefined is normal. */
  readonly priority?: "urgent" | "non-urgent" | undefined
}

/** What of a message decides which of the time limits hold. */
type Class = "reversePath" | "priority" | "precedence"

const minute = 60_000

/** Minutes between attempts; the last one stays (RFC 5321 §4.5.4.1 asks for at least 30 minutes once the first ones failed). */
const intervals = [1, 2, 4, 8, 15, 30, 60] as const

/**
 * Before these when the trouble is our own: a full disk, a mailbox that a program has locked, an agent being started again.
 * Such things end soon, and nobody else is troubled.
 */
const ownIntervals = [1 / 12, 1 / 4, 1 / 2] as const

/** A tenth to either side. */
const jitter = 0.2

/** What happens next to a recipient whose attempt has just failed for now. */
export function nextAttempt(waiting: Waiting): Fate {
  const { acceptedAt, now } = waiting
  const life = timeout("queuereturn", waiting)
  const end = acceptedAt + life.milliseconds
  if (now >= end) return { next: "give up", reason: gaveUp(waiting, life) }
  const { deliverBy } = waiting
  const late = deliverBy !== undefined && now >= deliverBy.at
  if (late && deliverBy.mode === "return")
    return { next: "give up", reason: because("BY", "its time is over") }
  // At the sender's own time there is one more attempt, and then its answer.
  const soonest = deliverBy === undefined || late ? end : Math.min(end, deliverBy.at)
  const at = Math.round(Math.min(now + interval(waiting), soonest))
  if (late && mayWarn(waiting)) {
    return { next: "warn", at, reason: because("BY", "the time its sender set is over: the sender is told") }
  }
  const patience = timeout("queuewarn", waiting)
  if (mayWarn(waiting) && patience.milliseconds > 0 && now - acceptedAt >= patience.milliseconds) {
    const says = `waits for ${age(now - acceptedAt)}, which is longer than ${patience.name} (${age(patience.milliseconds)}): the sender is told`
    return { next: "warn", at, reason: because("schedule", says, patience.at) }
  }
  const says = `attempt ${waiting.attempts + 1} failed for now: tried again in ${age(at - now)}${ofGroup(waiting)}, given up after ${age(life.milliseconds)}`
  return { next: "wait", at, reason: because("schedule", says, life.at) }
}

/** When mail is given up that was accepted then, for this sender and of this priority. */
export function givenUpAt(waiting: Pick<Waiting, "acceptedAt" | "settings" | Class>): number {
  return waiting.acceptedAt + timeout("queuereturn", waiting).milliseconds
}

/** Whether the trouble is with this machine or a mailbox on it (RFC 3463 §3.3, §3.4): no other host said or lacks anything. */
export function isOwnTrouble({ status, remote }: Pick<DeliveryStatus, "status" | "remote">): boolean {
  return remote === undefined && /^4\.[23]\./.test(status)
}

function gaveUp({ acceptedAt, now, attempts }: Waiting, life: Timeout): Reason {
  const tries = `${attempts + 1} ${attempts === 0 ? "attempt" : "attempts"}`
  const says = `waited ${age(now - acceptedAt)} and ${tries}, which is all that ${life.name} (${age(life.milliseconds)}) allows`
  return because("schedule", says, life.at)
}

function ofGroup({ queueGroup }: Waiting): string {
  return queueGroup?.interval === undefined ? "" : ` (queue group ${queueGroup.name})`
}

function interval({ attempts, random, settings, own = false, queueGroup }: Waiting): number {
  const steps = own ? [...ownIntervals, ...intervals] : intervals
  const growing = steps[Math.min(Math.max(attempts, 0), steps.length - 1)] ?? 60
  const step = queueGroup?.interval === undefined ? growing : queueGroup.interval / 60
  const spread = step * minute * (1 - jitter / 2 + jitter * random)
  const longest = option(settings, "MaxQueueAge") ?? 0
  const capped = longest > 0 ? Math.min(spread, longest * 1000) : spread
  return Math.max(capped, (option(settings, "MinQueueAge") ?? 0) * 1000)
}

/** Once; never about a report (RFC 5321 §4.5.5); not to a sender who asked for other things (RFC 3461 §4.1). */
function mayWarn({ warned = false, reversePath, notify = [], precedence = 0 }: Waiting): boolean {
  if (warned || reversePath === "null") return false
  if (notify.length > 0) return notify.includes("delay")
  // sendmail (envelope.c): mail in bulk and owners of lists hear of no delays.
  return precedence >= 0 && !isListOwner(reversePath)
}

function isListOwner(reversePath: Waiting["reversePath"]): boolean {
  const name = reversePath === undefined || reversePath === "null" ? "" : reversePath.localPart
  return /^owner-|-request$/i.test(name)
}

type Timeout = {
  readonly name: OptionName
  readonly milliseconds: number
  readonly at: Reason["at"]
}

/** The most exact option that is set: `.dsn` for reports, else that of its priority, then the one without ending. */
function timeout(
  kind: "queuereturn" | "queuewarn",
  { settings, reversePath, priority, precedence = 0 }: Pick<Waiting, "settings" | Class>,
): Timeout {
  // sendmail (headers.c): Priority: counts before Precedence:, of which anything but 0 is a class of its own.
  const bulk = precedence < 0 ? "non-urgent" : precedence > 0 ? "urgent" : "normal"
  const names = [`Timeout.${kind}.${priority ?? bulk}`, `Timeout.${kind}`] as const
  const order = reversePath === "null" ? ([`Timeout.${kind}.dsn`, ...names] as const) : names
  for (const name of order) {
    const seconds = option(settings, name)
    if (seconds !== undefined) return { name, milliseconds: seconds * 1000, at: optionAt(settings, name) }
  }
  throw new Error(`Timeout.${kind} has no default`) // a bug in config/options.ts
}

/** "5d", "4h30m", "45s": sendmail's own way to write a time. */
function age(milliseconds: number): string {
  const seconds = Math.round(Math.max(milliseconds, 0) / 1000)
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return "0s"
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join("")
}
