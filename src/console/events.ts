// What happens, live: one look at the mail system's events, handed on to every page that is open. While no page is open nobody looks.
import { printPath, type ReversePath } from "../mail/address.ts"
import type { Live } from "./api.ts"
import type { Ask } from "./asking.ts"

type Listener = (event: Live) => void

/** Milliseconds until a look that ended is begun again. */
const againAfter = 1000

export class Events {
  readonly #ask: Ask
  readonly #listeners = new Set<Listener>()
  #looking: AbortController | undefined

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** How many listen. */
  get size(): number {
    return this.#listeners.size
  }

  /** Told of every event from now on; the result ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    if (this.#looking === undefined) void this.#look()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#looking?.abort()
      this.#looking = undefined
    }
  }

  async #look(): Promise<void> {
    const looking = new AbortController()
    this.#looking = looking
    while (!looking.signal.aborted) {
      try {
        for await (const answer of this.#ask({ verb: "live" }, looking.signal)) this.#tell(answer)
      } catch {
        // the mail process is away; the page sees that by its health, and the look goes on when it is back
      }
      if (!looking.signal.aborted) await new Promise((resolve) => setTimeout(resolve, againAfter))
    }
  }

  #tell({ event, subject, sender }: Readonly<Record<string, unknown>>): void {
    if (typeof event !== "object" || event === null || !("what" in event)) return
    const live: Live = {
      ...(event as Live), // our own daemon of our own version
      ...(typeof subject === "string" ? { subject } : {}),
      ...(sender === undefined ? {} : { sender: printPath(sender as ReversePath) }),
    }
    for (const listener of this.#listeners) listener(live)
  }
}
