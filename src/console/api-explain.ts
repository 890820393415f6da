// The contract of the rehearsal: what is asked about an address, a session or a message, and what is answered.
import type { Beyond } from "../daemon/explain-system.ts"
import type { Explained } from "../routing/explain-address.ts"

/** An address, with whoever sends and connects; or a session; or a whole message. All is asked of the running system. */
export type ExplainAsked =
  | { readonly kind: "address"; readonly address: string; readonly from?: string; readonly client?: string }
  | {
      readonly kind: "session"
      readonly client: string
      readonly helo?: string
      readonly from: string
      readonly to: readonly string[]
    }
  | {
      readonly kind: "message"
      readonly client?: string
      readonly helo?: string
      /** Envelope; without them Return-Path/From and To/Cc of the message. */
      readonly from?: string
      readonly to?: readonly string[]
      readonly message: string
    }

/** A step of a rehearsed session: what a client would say and hear, and why. */
export type RehearsedStep = {
  readonly says: string
  readonly outcome: "yes" | "no" | "later" | "pass"
  readonly reply: string
  /** Lines with file:line. */
  readonly reasons: readonly string[]
}

/** A node of the tree of aliases and .forward files. */
export type ExplainTree = {
  readonly address: string
  readonly says: string
  readonly at?: string
  readonly fate: "expanded" | "delivered" | "refused" | "later" | "loop" | "again"
  /** Of a loop: so many levels above stands what it leads back to. */
  readonly up?: number
  readonly under: readonly ExplainTree[]
}

export type ExplainAnswer = {
  /** `waypost explain ADDRESS --json`, for each recipient. */
  readonly explained: readonly (Explained & {
    readonly beyond: readonly Beyond[]
    readonly tree?: ExplainTree
  })[]
  /** For a session or a message. */
  readonly session: readonly RehearsedStep[]
  /** Address fields before and after rewriting (masquerading, genericstable), for a message, by each mailer that it leaves by. */
  readonly header: readonly {
    readonly name: string
    readonly before: string
    readonly after: string
    readonly mailer: string
    /** Lines with file:line; none where nothing changed. */
    readonly why: readonly string[]
  }[]
}
