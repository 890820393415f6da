// One attempt for one message: expand, group, deliver, record, report. The order is the promise: what must not be forgotten is
// on disk before the next step begins.
import { printPath } from "../mail/address.ts"
import type { Content } from "../mail/content.ts"
import { because, type Reason, withTrail } from "../mail/decision.ts"
import type { Result } from "../mail/result.ts"
import { diagnosticText, type DeliveryStatus } from "../mail/status.ts"
import type { Clock } from "../mail/world.ts"
import type { Leaving } from "../host/leaving.ts"
import { type Batch, group } from "../queue/batch.ts"
import { asWaiting, type Entry, type Outcome, type Pending, type Queued } from "../queue/entry.ts"
import { type Expanded, plan, type RoutedPending } from "../queue/plan.ts"
import type { Fate } from "../queue/schedule.ts"
import { outcomeOf, type Settled, settle, type Tried } from "../queue/settle.ts"
import type { WhenForward } from "../routing/world.ts"
import type { Event, Spool } from "../spool/spool.ts"
import type { Left } from "./heavy-load.ts"
import { expandedEvent } from "./life-events.ts"
import type { QueueGroups } from "./queue-groups.ts"

export type AttemptWorld = {
  readonly spool: Pick<Spool, "record" | "recordLate" | "note">
  readonly clock: Clock
  /** Aliases, .forward and routing for one recipient; for one that has a route already, where it goes today. */
  readonly expand: (pending: Pending, entry: Entry, forward: WhenForward) => Promise<Expanded>
  /** When the .forward of a message's only recipient is looked for. */
  readonly forward: WhenForward
  /** Takes a slot of the destination, delivers, and answers for each recipient of the batch, in its order. */
  readonly deliver: (entry: Entry, batch: Batch, content: Content) => Promise<readonly DeliveryStatus[]>
  readonly fate: (pending: Tried["pending"], entry: Entry, status: DeliveryStatus) => Fate
  /** Bounces, delay warnings, success reports: each durable in the spool when this resolves. */
  readonly report: (queued: Queued, content: Content, told: readonly Settled[]) => Promise<Result<void>>
  readonly log: (entry: Entry, settled: Settled, startedAt: number) => void
  /** QueueLA, where a line sets it. */
  readonly putOff?: ((entry: Entry, pending: readonly Pending[]) => Left | undefined) | undefined
  /** Fires when the system stops and waits no longer for those who are silent. */
  readonly leaving: Leaving
  /** Queue groups, where the configuration has some. */
  readonly groups?: Pick<QueueGroups, "grouped" | "fullUntil"> | undefined
}

/** Octets of the largest message that goes to the agent when its user may have a .forward: then it went for nothing. */
const largestGuess = 64 * 1024

/** Resolves with the time of the next attempt; undefined when nothing of this message waits any more. */
export async function attempt(
  queued: Queued,
  content: Content,
  world: AttemptWorld,
): Promise<number | undefined> {
  const { entry } = queued
  const now = world.clock()
  const due = queued.pending.filter((pending) => pending.nextAttempt <= now)
  const heavy = world.putOff?.(entry, due)
  if (heavy !== undefined) return leave(queued, due, heavy, world)
  const forward = due.length === 1 && content.size <= largestGuess ? world.forward : "now"
  const ways = Promise.all(due.map((pending) => world.expand(pending, entry, forward)))
  const expanded = await world.leaving.unless(ways)
  if (expanded === undefined) return earliest(queued.pending) // nothing has been done: a name server is silent, and we stop
  const changed = expanded.flatMap((one) => expandedEvent(entry, one, now) ?? [])
  if (changed.length > 0) world.spool.note(changed)
  const { leaves, tried, first } = plan(entry.id, expanded, new Date(now))
  if (first !== undefined) await durable(world, first)
  const { going, left } = await byGroups(leaves, world)
  if (left.length > 0) await durableSoon(world, { id: entry.id, done: [], update: left, add: [] })
  const batches = group(going)
  const dead = finish(entry, tried, now, world)
  const alone = batches.length === 1 && dead.length === 0
  const delivered = await Promise.all(
    batches.map((batch) => deliverBatch(entry, batch, content, alone, world)),
  )
  if (delivered.includes(undefined)) return attempt(queued, content, { ...world, forward: "now" })
  const ends = delivered.flatMap((one) => one ?? [])
  const open = [...dead, ...(alone ? ends : ends.filter(isTold))]
  const told = open.filter(isTold)
  await tell(queued, content, told, world)
  if (told.length > 0) await durable(world, outcomeOf(entry.id, open))
  else if (open.length > 0) await durableSoon(world, outcomeOf(entry.id, open))
  return earliest([
    ...queued.pending.filter((pending) => pending.nextAttempt > now),
    ...left,
    ...[...dead, ...ends].flatMap((one) => one.waits ?? []),
  ])
}

/** The machine has too much to do: what is due waits, and its timeline says for what. */
async function leave(
  { entry, pending }: Queued,
  due: readonly Pending[],
  { reason, until }: Left,
  world: AttemptWorld,
): Promise<number | undefined> {
  const at = world.clock()
  const lastStatus = { status: "4.3.2", text: reason.says, remote: undefined, at } as const
  const update = due.map((one) => ({ ...one, nextAttempt: until, lastStatus }))
  world.spool.note([
    {
      at,
      id: entry.id,
      what: "deferred",
      address: "",
      status: "4.3.2",
      detail: reason.says,
      remote: undefined,
      reason,
    },
  ])
  await durableSoon(world, { id: entry.id, done: [], update, add: [] })
  return earliest([...pending.filter((one) => !due.includes(one)), ...update])
}

/** Those that go, each in its queue group; and those whose group has tried enough for now: they wait for its next run. */
async function byGroups(
  leaves: readonly RoutedPending[],
  { groups }: AttemptWorld,
): Promise<{ readonly going: readonly RoutedPending[]; readonly left: readonly Pending[] }> {
  if (groups === undefined) return { going: leaves, left: [] }
  const going: RoutedPending[] = []
  const left: Pending[] = []
  const waits = new Map<string, number | undefined>()
  for (const leaf of leaves) {
    const one = await groups.grouped(leaf)
    const { queueGroup, attempts } = one
    if (queueGroup === undefined || attempts === 0) {
      going.push(one)
      continue
    }
    if (!waits.has(queueGroup.name)) waits.set(queueGroup.name, groups.fullUntil(queueGroup))
    const at = waits.get(queueGroup.name)
    if (at === undefined) going.push(one)
    else left.push({ ...asWaiting<Pending>(one), nextAttempt: at })
  }
  return { going, left }
}

function isTold(one: Settled): boolean {
  return one.tell !== undefined
}

/**
 * Delivers one batch. Those nobody is to be told about are recorded here (unless the batch is all there is: then one
 * commit serves for everything); a report must be on disk before the recipients it is about leave it. Undefined: nothing was
 * done, for the recipient has a .forward.
 */
async function deliverBatch(
  entry: Entry,
  batch: Batch,
  content: Content,
  alone: boolean,
  world: AttemptWorld,
): Promise<readonly Settled[] | undefined> {
  const startedAt = world.clock()
  const statuses = await world.deliver(entry, batch, content)
  if (statuses.some(({ forwards }) => forwards === true)) return undefined
  const tried = batch.recipients.map((pending, n) => ({
    pending,
    status: statuses[n] ?? silent(pending, startedAt),
    routed: pending.routed,
  }))
  const settled = finish(entry, tried, startedAt, world)
  const quiet = settled.filter((one) => !isTold(one))
  if (!alone && quiet.length > 0) await durableSoon(world, outcomeOf(entry.id, quiet))
  return settled
}

/** Says what became of recipients: to the log and, all at once, to the timeline. */
function finish(
  entry: Entry,
  tried: readonly Tried[],
  startedAt: number,
  world: AttemptWorld,
): readonly Settled[] {
  if (tried.length === 0) return none
  const fate = (pending: Tried["pending"], status: DeliveryStatus) => world.fate(pending, entry, status)
  const settled = tried.map((one) => settle(one, fate, entry.envelope.deliverBy))
  for (const one of settled) world.log(entry, one, startedAt)
  world.spool.note(eventsOf(entry, settled))
  return settled
}

const none: readonly Settled[] = []

/** One report for all that is to be told after this attempt. */
async function tell(
  queued: Queued,
  content: Content,
  told: readonly Settled[],
  world: AttemptWorld,
): Promise<void> {
  if (told.length === 0) return
  const reported = await world.report(queued, content, told)
  if (!reported.ok) throw new Error(`no report could be queued for ${queued.entry.id}: ${reported.error}`)
}

/** A mailer that gave no answer for a recipient: cannot tell, so it is tried again. */
function silent(pending: RoutedPending, now: number): DeliveryStatus {
  const reason = because(pending.route.mailer, "the mailer gave no answer for this recipient")
  const { recipient } = pending
  return {
    recipient,
    action: "delayed",
    status: "4.3.0",
    diagnostic: undefined,
    remote: undefined,
    at: new Date(now),
    reason,
  }
}

async function durable({ spool }: AttemptWorld, outcome: Outcome): Promise<void> {
  certain(outcome, await spool.record(outcome))
}

/** For what is done and told nobody: nothing waits for it. */
async function durableSoon({ spool }: AttemptWorld, outcome: Outcome): Promise<void> {
  certain(outcome, await spool.recordLate(outcome))
}

function certain({ id }: Outcome, recorded: Result<void>): void {
  if (!recorded.ok) throw new Error(`the spool could not record what became of ${id}: ${recorded.error}`)
}

const eventNames = {
  delivered: "delivered",
  relayed: "relayed",
  expanded: "expanded",
  delayed: "deferred",
  failed: "failed",
} as const

/** An event for each. Those who share what led there and how it ended share one trail: the timeline keeps it once. */
function eventsOf({ id }: Entry, settled: readonly Settled[]): readonly Event[] {
  let last: (Settled & { readonly trail: Reason; readonly detail: string }) | undefined
  return settled.map((one) => {
    const { pending, status, routed } = one
    const { action, diagnostic, remote, reason } = status
    const shared =
      last !== undefined &&
      last.routed === routed &&
      last.status.reason === reason &&
      last.status.action === action &&
      last.status.diagnostic === diagnostic
    const now =
      shared && last !== undefined ? last : { ...one, trail: trailOf(one), detail: detailOf(status) }
    last = now
    return {
      at: status.at.getTime(),
      id,
      what: eventNames[action],
      address: printPath(pending.recipient.path),
      status: status.status,
      detail: now.detail,
      remote,
      reason: now.trail,
    }
  })
}

function detailOf({ diagnostic, reason }: DeliveryStatus): string {
  return diagnosticText(diagnostic) ?? reason.says
}

/** The trail of a delivery begins with what led there. */
function trailOf({ status, routed }: Settled): Reason {
  return withTrail(ending(status), routed === undefined ? [] : [routed])
}

/** The last step of the trail says how it ended, where the mailer did not. */
function ending({ action, reason }: DeliveryStatus): Reason {
  if (reason.role !== undefined || (action !== "failed" && action !== "delayed")) return reason
  return { ...reason, role: action === "failed" ? "refused" : "unknown" }
}

function earliest(waiting: readonly Pending[]): number | undefined {
  return waiting.length === 0
    ? undefined
    : waiting.reduce((first, one) => Math.min(first, one.nextAttempt), Number.POSITIVE_INFINITY)
}
