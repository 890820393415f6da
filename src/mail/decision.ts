// What was decided, and why. Every yes, no and later of policy and routing is one of these, down to the
// line of text that caused it. Reasons are made for every recipient, so they are cheap: constants and
// references; sentences are built by routing/explain.ts, when somebody asks.
import type { Reply } from "./reply.ts"
import { type Soon, whenThere } from "./soon.ts"

/** A place in a configuration or map file. `via` leads through includes and macro calls to the line that led here. */
export type Origin = {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly via?: Origin
}

/**
 * One step of a trail. `step` names the rule or table (`mailertable`, `access`, `local?`), `says` what it found in
 * words; `at` is the line of text that decided, `after` holds what was asked before and passed.
 */
export type Reason = {
  readonly step: string
  readonly says: string
  readonly at: Origin | undefined
  readonly after: readonly Reason[]
  /**
   * What this step was to the decision, when it is not the yes that decided: asked and had nothing to say, rewrote the
   * address, put the step there, said no, could not tell. Printers choose their word by it.
   */
  readonly role?: "passed" | "changed" | "cause" | "refused" | "unknown"
}

export type Decision<T> =
  | { readonly outcome: "yes"; readonly value: T; readonly reason: Reason }
  | { readonly outcome: "no"; readonly reply: Reply; readonly reason: Reason }
  /** A table or DNS did not answer: 4xx, never no. */
  | { readonly outcome: "later"; readonly reply: Reply; readonly reason: Reason }
  /** Nothing to say; kept, so that the trail is whole. */
  | { readonly outcome: "pass"; readonly reason: Reason }

const none: readonly Reason[] = []

/** A step of the trail. */
export function because(step: string, says: string, at?: Origin, after: readonly Reason[] = none): Reason {
  return { step, says, at, after }
}

/** The same reason, with what was asked before it and passed. */
export function withTrail(reason: Reason, passed: readonly Reason[]): Reason {
  return passed.length === 0 ? reason : { ...reason, after: [...passed, ...reason.after] }
}

/** Goes on, unless what was asked before is a no or a later. */
export function unlessRefused<T>(
  asked: Soon<Decision<unknown>>,
  goOn: () => Soon<Decision<T>>,
): Soon<Decision<T>> {
  return whenThere(asked, (decision) =>
    decision.outcome === "no" || decision.outcome === "later" ? decision : goOn(),
  )
}

export function yes<T>(value: T, reason: Reason): Decision<T> {
  return { outcome: "yes", value, reason }
}

export function no(reply: Reply, reason: Reason): Decision<never> {
  return { outcome: "no", reply, reason }
}

export function later(reply: Reply, reason: Reason): Decision<never> {
  return { outcome: "later", reply, reason }
}

export function pass(reason: Reason): Decision<never> {
  return { outcome: "pass", reason }
}

/** `file:line` as people and editors write it. */
export function printOrigin(at: Origin): string {
  return `${at.file}:${at.line}`
}
