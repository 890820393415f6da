// From expanded recipients to the list of places to go: who is sent where, what fails at once, what the spool must know
// before the first of several deliveries begins. Decides; the runner acts.
import { type ForwardPath, printPath } from "../mail/address.ts"
import { type EnhancedCode, type Reply, replyLine } from "../mail/reply.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { Route } from "../mail/route.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { QueueGroup } from "../config/settings.ts"
import type { Outcome, Pending, Unlooked } from "./entry.ts"
import type { Tried } from "./settle.ts"

/** A place that aliases and .forward led to. */
export type Leaf = Unlooked & {
  /** The address in its last form, for RCPT TO and for reports. */
  readonly path: ForwardPath
  readonly route: Route
  /** owner-list, who answers for errors of the list's members. */
  readonly owner: string | undefined
  /** The login whose rights programs and files are used with. */
  readonly user: string | undefined
  /** The name as it was written, for the log. */
  readonly typed?: string
  readonly reason: Reason
}

/** An address that leads nowhere, now or for good. */
export type Dead = {
  readonly path: ForwardPath
  readonly outcome: "no" | "later"
  readonly reply: Reply
  /** owner-list, when a list named it. */
  readonly owner?: string | undefined
  readonly reason: Reason
}

/** What became of one recipient. */
export type Expanded = {
  readonly pending: Pending
  readonly leaves: readonly Leaf[]
  readonly dead: readonly Dead[]
}

export type Plan = {
  /** To be delivered, each with its route. */
  readonly leaves: readonly RoutedPending[]
  /** What is settled without any delivery. */
  readonly tried: readonly Tried[]
  /** To be recorded before the first delivery; undefined when there is nothing a crash could forget. */
  readonly first: Outcome | undefined
}

/** A recipient with its way, and why it is this one; and its queue group, where the configuration has some. */
export type RoutedPending = Pending &
  Unlooked & {
    readonly route: Route
    readonly routed: Reason
    readonly queueGroup?: QueueGroup
  }

/** Children of a recipient are numbered from here, so that the same expansion after a crash has the same numbers. */
const childrenFrom = (parent: number) => (parent + 1) * 1_000_000

/** Two leaves that lead to one place are one delivery (sendmail: duplicate suppression). */
const place = ({ mailer, host, user }: Route) => `${mailer}\n${host}\n${user}`

export function plan(id: string, expanded: readonly Expanded[], at: Date): Plan {
  const seen = new Set<string>()
  const leaves: RoutedPending[] = []
  const tried: Tried[] = []
  const done: number[] = []
  const add: Pending[] = []
  for (const { pending, leaves: found, dead } of expanded) {
    const unique = found.filter((leaf) => !seen.has(place(leaf.route)) && seen.add(place(leaf.route)))
    const single = unique[0]
    if (unique.length === 1 && dead.length === 0 && single !== undefined) {
      leaves.push(routed(pending, single, pending.number))
      continue
    }
    if (unique.length === 0 && dead.length === 1 && dead[0] !== undefined) {
      const one = owned(pending, dead[0])
      tried.push({ pending: one, status: deadStatus(one, dead[0], at), routed: undefined })
      continue
    }
    done.push(pending.number)
    const base = childrenFrom(pending.number)
    const children = members(pending, unique, base)
    leaves.push(...children)
    add.push(...children)
    for (const [n, one] of dead.entries()) {
      const number = base + unique.length + n
      const child = { ...owned(pending, one), number, recipient: addressed(pending, one.path) }
      add.push(child)
      tried.push({ pending: child, status: deadStatus(child, one, at), routed: undefined })
    }
  }
  return { leaves, tried, first: done.length === 0 ? undefined : { id, done, update: [], add } }
}

/** Members of a list beyond this are many: they share what can be shared, and the timeline alone keeps the whole trail. */
const many = 50

/** Everyone a recipient became. What led to one of them mostly led to the next as well: it is one reason then, not a copy. */
function members(pending: Pending, leaves: readonly Leaf[], base: number): readonly RoutedPending[] {
  if (leaves.length <= many) return leaves.map((leaf, n) => routed(pending, leaf, base + n))
  const { recipient } = pending
  const parent = { ...pending, recipient: { ...recipient, admitted: withoutTrail(recipient.admitted) } }
  let last: { readonly whole: Reason; readonly brief: Reason } | undefined
  return leaves.map((leaf, n) => {
    if (last === undefined || !sameReason(last.whole, leaf.reason))
      last = { whole: leaf.reason, brief: withoutTrail(leaf.reason) }
    const child = routed(parent, { ...leaf, reason: last.brief }, base + n)
    return { ...child, routed: last.whole }
  })
}

/** Letters of a reason that each of many keeps: the line it cites has the rest. */
const briefly = 60

function withoutTrail({ step, says, at }: Reason): Reason {
  return because(step, says.length > briefly ? `${says.slice(0, briefly)}…` : says, at)
}

function sameReason(one: Reason, other: Reason): boolean {
  if (one === other) return true
  return (
    one.step === other.step &&
    one.says === other.says &&
    one.role === other.role &&
    sameOrigin(one.at, other.at) &&
    one.after.length === other.after.length &&
    one.after.every((step, n) => {
      const there = other.after[n]
      return there !== undefined && sameReason(step, there)
    })
  )
}

function sameOrigin(one: Reason["at"], other: Reason["at"]): boolean {
  if (one === other) return true
  if (one === undefined || other === undefined) return false
  return one.file === other.file && one.line === other.line && one.via === other.via
}

function routed(pending: Pending, leaf: Leaf, number: number): RoutedPending {
  const recipient = addressed(pending, leaf.path)
  if (recipient === pending.recipient && leaf.user === undefined && leaf.owner === undefined)
    return { ...pending, number, route: leaf.route, routed: leaf.reason, forward: leaf.forward }
  const { owner, user, typed, reason } = leaf
  const address = pending.expandedFrom?.address ?? printPath(pending.recipient.path)
  return {
    ...pending,
    number,
    recipient,
    route: leaf.route,
    routed: reason,
    forward: leaf.forward,
    expandedFrom: { address, owner, user, ...(typed === undefined ? {} : { typed }), reason },
  }
}

/** The same recipient at another address. sendmail differs from RFC 3461 §5.2.7.1: it makes no ORCPT where the sender gave none. */
function addressed(pending: Pending, path: ForwardPath): Pending["recipient"] {
  const { recipient } = pending
  if (printPath(recipient.path) === printPath(path)) return recipient
  return { ...recipient, path }
}

/** Errors of a list's members are its owner's, also of those who are nobody (sendmail: alias.c, q_owner). */
function owned(pending: Pending, { owner, reason }: Dead): Pending {
  if (owner === undefined) return pending
  const address = pending.expandedFrom?.address ?? printPath(pending.recipient.path)
  return { ...pending, expandedFrom: { address, owner, user: undefined, reason } }
}

function deadStatus(pending: Pending, dead: Dead, at: Date): DeliveryStatus {
  const failed = dead.outcome === "no"
  const status: EnhancedCode = dead.reply.status ?? (failed ? "5.0.0" : "4.0.0")
  return {
    recipient: pending.recipient,
    action: failed ? "failed" : "delayed",
    status,
    diagnostic: replyLine(dead.reply),
    remote: undefined,
    at,
    reason: dead.reason,
  }
}
