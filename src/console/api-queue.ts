// The contract of the console's queue: what a page of it tells, and what is asked and answered when it is changed.

/** As a line of `waypost queue list --json`. */
export type QueueLine = {
  readonly id: string
  readonly size: number
  readonly acceptedAt: string
  readonly sender: string
  readonly messageId: string
  readonly subject: string
  readonly from: string
  readonly held: string | false
  readonly recipients: readonly {
    readonly address: string
    readonly from?: string | undefined
    readonly attempts: number
    readonly nextAttempt?: string | undefined
    readonly status?: string | undefined
    readonly text?: string | undefined
    readonly remote?: string | undefined
    readonly queueGroup?: string | undefined
  }[]
}

/** Which messages are meant; all that is given must hold. `older` is an age: 45s, 30m, 4h, 2d. */
export type QueueFilter = {
  readonly ids?: readonly string[]
  readonly to?: string
  readonly from?: string
  /** As `Now.destinations` names it. */
  readonly destination?: string
  readonly reason?: string
  readonly older?: string
  readonly state?: "any" | "held" | "waiting"
}

export type QueuePage = {
  readonly messages: readonly QueueLine[]
  /** Give it as `cursor` for the next page; absent on the last one. */
  readonly cursor?: string
  /** All messages of the queue, whatever the filter. */
  readonly total: number
}

export type QueueVerb = "hold" | "release" | "remove" | "retry"

/** `all: true` must be said when the filter is empty. `preview` counts and lists, and changes nothing. */
export type QueueChange = QueueFilter & {
  readonly preview?: boolean
  readonly all?: boolean
  readonly because?: string
}

/** How many are meant, or were done; the first hundred of them by name. */
export type QueueChanged = {
  readonly count: number
  readonly messages: readonly QueueLine[]
  readonly done: boolean
}
