// After an attempt: which recipients are done, which wait and until when, and who is to be told. Decides; the runner acts.
import { because } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Outcome, Pending } from "./entry.ts"
import type { Fate } from "./schedule.ts"

/** A recipient and what became of it in this attempt. */
export type Tried = { readonly pending: Pending; readonly status: DeliveryStatus }

export type Settlement = {
  readonly outcome: Outcome
  /** Failed for good, the ones whose time ran out among them: the sender is told. */
  readonly failed: readonly Tried[]
  /** Still waiting, and the sender is told so for the first time. */
  readonly delayed: readonly Tried[]
  /** Delivered, relayed or expanded: the sender is told when he asked (RFC 3461 §5.2). */
  readonly succeeded: readonly Tried[]
}

/** Sorts what was tried. `fate` says what the schedule has for one that must wait. */
export function settle(id: string, tried: readonly Tried[], fate: (pending: Pending) => Fate): Settlement {
  const done: number[] = []
  const update: Pending[] = []
  const failed: Tried[] = []
  const delayed: Tried[] = []
  const succeeded: Tried[] = []
  for (const one of tried) {
    if (one.status.action !== "delayed") {
      done.push(one.pending.number)
      const list = one.status.action === "failed" ? failed : succeeded
      list.push(one)
      continue
    }
    const next = fate(one.pending)
    if (next.next === "give up") {
      done.push(one.pending.number)
      failed.push(givenUp(one, next))
      continue
    }
    update.push(waiting(one, next))
    if (next.next === "warn") delayed.push(one)
  }
  return { outcome: { id, done, update, add: [] }, failed, delayed, succeeded }
}

/** Its time ran out: what was a delay is now a failure, and the last words of the peer stay in it (RFC 3463 X.4.7). */
function givenUp(one: Tried, fate: Fate & { next: "give up" }): Tried {
  const { status } = one
  const reason = because(fate.reason.step, fate.reason.says, fate.reason.at, [status.reason])
  return { pending: one.pending, status: { ...status, action: "failed", status: "4.4.7", reason } }
}

function waiting({ pending, status }: Tried, fate: Fate & { next: "wait" | "warn" }): Pending {
  const { diagnostic, remote } = status
  const text = diagnostic === undefined ? status.reason.says : typeof diagnostic === "string" ? diagnostic : replyLine(diagnostic)
  return {
    ...pending,
    attempts: pending.attempts + 1,
    nextAttempt: fate.at,
    lastStatus: { status: status.status, text, remote, at: status.at.getTime() },
    warned: pending.warned || fate.next === "warn",
  }
}
