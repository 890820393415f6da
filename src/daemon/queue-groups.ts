// Queue groups at work: which one a recipient is in today, how many of its deliveries run at once (R=), and how many of its messages
// are tried again in one interval (J=).
import type { QueueGroup } from "../config/settings.ts"
import { option } from "../config/options.ts"
import { parseMailbox } from "../mail/address.ts"
import { type Reason, withTrail } from "../mail/decision.ts"
import type { Clock } from "../mail/world.ts"
import { WindowCounts } from "../policy/counts.ts"
import { goesByMailer, groupOf, hasGroups, type InGroup } from "../policy/queue-group.ts"
import type { Pending, Queued } from "../queue/entry.ts"
import type { RoutedPending } from "../queue/plan.ts"
import { canonical } from "../routing/canonify.ts"
import { resolve } from "../routing/route.ts"
import type { RoutingWorld } from "../routing/world.ts"
import { Slots } from "./slots.ts"

/** An interval for J= where the group has none of its own, in milliseconds: that of most queue runs. */
const usualRun = 30 * 60_000

/** Queue groups of one configuration. */
export class QueueGroups {
  readonly #routing: RoutingWorld
  readonly #clock: Clock
  readonly #slots = new Map<string, Slots>()
  readonly #tried = new Map<string, WindowCounts>()

  private constructor(routing: RoutingWorld, clock: Clock) {
    this.#routing = routing
    this.#clock = clock
  }

  /** Undefined where no line has to do with queue groups. */
  static of(routing: RoutingWorld, clock: Clock): QueueGroups | undefined {
    return hasGroups(routing.settings) ? new QueueGroups(routing, clock) : undefined
  }

  /** Whether a line defines it. */
  knows(name: string): boolean {
    return this.#routing.settings.queueGroups.has(name)
  }

  /** The group of mail for a recipient that is about to be delivered; the trail says why it is this one. */
  async grouped(leaf: RoutedPending): Promise<RoutedPending> {
    const { group, reason } = await groupOf(leaf.recipient.path, leaf.route.mailer, this.#routing)
    const { group: _, ...rest } = leaf
    const own = { ...rest, queueGroup: group, routed: withTrail(leaf.routed, [reason]) }
    return group.runners === undefined ? own : { ...own, group: group.name }
  }

  /** The same for what waits. Its mailer is asked for only where mailers have groups. */
  async ofWaiting({ recipient, route }: Pick<Pending, "recipient" | "route">): Promise<InGroup> {
    const { settings } = this.#routing
    const by = route?.mailer ?? (goesByMailer(settings) ? await this.#mailerFor(recipient.path) : undefined)
    return groupOf(recipient.path, by, this.#routing)
  }

  async #mailerFor(path: Pending["recipient"]["path"]): Promise<string | undefined> {
    const way = await resolve(canonical(path, this.#routing), this.#routing)
    return way.outcome === "yes" ? way.value.route.mailer : option(this.#routing.settings, "SmtpMailer")
  }

  /** What waits, each recipient with the name of its group. */
  async named(queued: Queued): Promise<Queued> {
    const pending = await Promise.all(
      queued.pending.map(async (one) => ({ ...one, group: (await this.ofWaiting(one)).group.name })),
    )
    return { ...queued, pending }
  }

  /** Runs the work when one of the group's runners is free. */
  async run<T>(group: QueueGroup | undefined, work: () => Promise<T>): Promise<T> {
    if (group?.runners === undefined) return await work()
    const slots = this.#slots.get(group.name) ?? new Slots(group.runners)
    this.#slots.set(group.name, slots)
    await slots.take()
    try {
      return await work()
    } finally {
      slots.release()
    }
  }

  /**
   * J=: undefined when one more message of the group may be tried again in this interval; else when the next one begins. What
   * comes in fresh is tried at once, as sendmail does it.
   */
  fullUntil(group: QueueGroup): number | undefined {
    if (group.jobs === undefined) return undefined
    const run = group.interval === undefined ? usualRun : group.interval * 1000
    const counts = this.#tried.get(group.name) ?? new WindowCounts(run)
    this.#tried.set(group.name, counts)
    const now = this.#clock()
    if (counts.count(group.name, now) < group.jobs) {
      counts.add(group.name, 1, now)
      return undefined
    }
    return now + run
  }
}

/** Ends of an explanation whose groups are told. */
const mostTold = 5

/** The queue group of each place an address leads to, and what chose it; nothing where no line has to do with queue groups. */
export async function groupReasons(
  ends: readonly { readonly address: string; readonly mailer: string }[],
  routing: RoutingWorld,
): Promise<readonly Reason[]> {
  if (!hasGroups(routing.settings)) return []
  const told = ends.slice(0, mostTold).flatMap(({ address, mailer }) => {
    const path = address === "postmaster" ? address : parseMailbox(address)
    if (path === "postmaster") return groupOf(path, mailer, routing)
    return path.ok ? groupOf(path.value, mailer, routing) : []
  })
  return (await Promise.all(told)).map(({ reason }) => reason)
}
