// What a user's script is run with: the message and where it would go, and what the mail system does for it.
import type { DeliverRequest } from "../agent/protocol.ts"
import type { ReversePath } from "../mail/address.ts"
import type { Content } from "../mail/content.ts"
import type { Reason } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Result } from "../mail/result.ts"
import type { Account } from "../mail/world.ts"
import type { Entry } from "../queue/entry.ts"
import type { RoutedPending } from "../queue/plan.ts"
import type { Ending, FinalWorld } from "./delivery.ts"

/** A letter that a script wants sent. */
export type SieveLetter = {
  readonly sender: ReversePath
  readonly recipient: string
  /** What the message itself asked of the hops it passes. */
  readonly terms: Pick<Envelope, "body" | "smtputf8" | "requireTls">
  readonly content: Content
  readonly reason: Reason
}

/** One question to the memory of what was seen. */
export type SeenQuestion = {
  readonly key: string
  readonly seconds: number
  /** Seeing it again makes it longer. */
  readonly last: boolean
  /** Who asks: a delivery that is tried again has not seen itself (RFC 7352 §3). */
  readonly delivery: string
}

/** What scripts need of the mail system beside the mailbox. */
export type SieveServices = {
  /** Queues it; the value is its queue id. */
  readonly send: (letter: SieveLetter) => Promise<Result<string>>
  /** Whether another delivery saw this within so many seconds; it is seen from now on. */
  readonly seen: (question: SeenQuestion) => boolean
  /** Whether this was done for a delivery, and that it is: what is tried again is not done twice. */
  readonly isDone: (key: string) => boolean
  readonly setDone: (key: string) => void
  /** Milliseconds since 1970. */
  readonly clock: () => number
}

export type SieveWorld = FinalWorld & { readonly sieve: SieveServices }

/** Where one copy goes, and as what. */
export type Storing = {
  readonly mailbox: DeliverRequest["mailbox"]
  readonly content: Content
  /** Fields that mark it, of an mbox; what its sender wrote under these names is left out. */
  readonly marks: readonly Buffer[]
}

export type SieveDelivery = {
  readonly entry: Entry
  readonly pending: RoutedPending
  readonly account: Account
  readonly content: Content
  /** The same name whenever it is tried again; `repeat`: it may have been. */
  readonly delivery: string
  readonly repeat: boolean
  /** Where the user's mail goes without a script. */
  readonly mailbox: DeliverRequest["mailbox"]
  readonly store: (storing: Storing) => Promise<Ending>
}
