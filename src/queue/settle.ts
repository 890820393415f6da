// After an attempt: which recipients are done, which wait and until when, and who is to be told. Decides; the runner acts.
import type { QueueGroup } from "../config/settings.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { DeliverBy } from "../mail/envelope.ts"
import { type DeliveryStatus, diagnosticText } from "../mail/status.ts"
import { asWaiting, type Outcome, type Pending, type Unlooked } from "./entry.ts"
import type { Fate } from "./schedule.ts"

/** A recipient and what became of it in this attempt. */
export type Tried = {
  /** With its queue group, where the configuration has some. */
  readonly pending: Pending & { readonly queueGroup?: QueueGroup } & Unlooked
  readonly status: DeliveryStatus
  /** Why it was sent this way. */
  readonly routed: Reason | undefined
}

/** What follows from it. */
export type Settled = Tried & {
  /** The recipient's new state; undefined when it is done. */
  readonly waits: Pending | undefined
  /**
   * What its sender is to be told: that it failed (its time ran out among them), that it still waits (once), that it was
   * delivered or relayed when he asked to know (RFC 3461 §5.2); undefined: nothing.
   */
  readonly tell: "failed" | "delayed" | "succeeded" | undefined
}

/**
 * Sorts one that was tried. `fate` says what the schedule has for one that must wait; `deliverBy` is the time that the sender
 * set for the message.
 */
export function settle(
  tried: Tried,
  fate: (pending: Tried["pending"], status: DeliveryStatus) => Fate,
  deliverBy?: DeliverBy,
): Settled {
  const { pending, status } = tried
  switch (status.action) {
    case "failed":
      return { ...tried, waits: undefined, tell: "failed" }
    case "delivered":
    case "relayed":
    case "expanded":
      return {
        ...tried,
        waits: undefined,
        tell:
          pending.recipient.notify.includes("success") || traced(status, deliverBy) ? "succeeded" : undefined,
      }
    case "delayed":
      if (status.interrupted === true) return { ...tried, waits: asWaiting(pending), tell: undefined }
      return settleDelayed(tried, fate(pending, status))
  }
}

/** Whether the sender hears of this hop for his time's sake (RFC 2852 §4): he asked to, or nobody keeps it from here on. */
export function traced({ action, deliverByLost }: DeliveryStatus, deliverBy: DeliverBy | undefined): boolean {
  return action === "relayed" && deliverBy !== undefined && (deliverBy.trace || deliverByLost === true)
}

function settleDelayed(tried: Tried, fate: Fate): Settled {
  switch (fate.next) {
    case "give up":
      return { ...givenUp(tried, fate), waits: undefined, tell: "failed" }
    case "warn":
      return { ...tried, waits: waiting(tried, fate.at, true), tell: "delayed" }
    case "wait":
      return { ...tried, waits: waiting(tried, fate.at, tried.pending.warned), tell: undefined }
  }
}

/** Its time ran out: what was a delay is now a failure, and the last words of the peer stay in it (RFC 3463 §3.5, X.4.7). */
function givenUp({ pending, status, routed }: Tried, fate: Fate & { next: "give up" }): Tried {
  const reason = because(fate.reason.step, fate.reason.says, fate.reason.at, [status.reason])
  return { pending, routed, status: { ...status, action: "failed", status: "5.4.7", reason } }
}

function waiting({ pending, status }: Tried, nextAttempt: number, warned: boolean): Pending {
  const { diagnostic, remote, at } = status
  const text = diagnosticText(diagnostic) ?? status.reason.says
  const lastStatus = { status: status.status, text, remote, at: at.getTime() }
  return { ...asWaiting(pending), attempts: pending.attempts + 1, nextAttempt, lastStatus, warned }
}

/** What the spool is to record of them. */
export function outcomeOf(id: string, settled: readonly Settled[]): Outcome {
  const done = settled.filter((one) => one.waits === undefined).map((one) => one.pending.number)
  const update = settled.flatMap((one) => one.waits ?? [])
  return { id, done, update, add: [] }
}
