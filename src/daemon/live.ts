// What happens in the mail system, told to those who look on while it happens: the console's live page, `waypost wait`. While
// nobody looks it costs the test of a number.
import type { Event } from "../spool/spool.ts"

/** Events that one onlooker may be behind; who reads more slowly misses the oldest. */
const mostBehind = 2000

export class Live {
  readonly #onlookers = new Set<(events: readonly Event[]) => void>()

  tell(events: readonly Event[]): void {
    if (this.#onlookers.size === 0) return
    for (const tell of this.#onlookers) tell(events)
  }

  /** What happens from now until the signal fires. Onlooking begins at the call, not at the first step. */
  follow(signal: AbortSignal): AsyncIterable<Event> {
    let behind: Event[] = []
    let wake: () => void = () => {}
    const tell = (events: readonly Event[]) => {
      behind.push(...events)
      if (behind.length > mostBehind) behind = behind.slice(-mostBehind)
      wake()
    }
    const end = () => {
      this.#onlookers.delete(tell)
      wake()
    }
    this.#onlookers.add(tell)
    signal.addEventListener("abort", end, { once: true })
    return (async function* () {
      try {
        while (!signal.aborted) {
          const events = behind
          behind = []
          yield* events
          await new Promise<void>((resolve) => {
            wake = resolve
            if (behind.length > 0 || signal.aborted) resolve()
          })
        }
      } finally {
        end()
      }
    })()
  }
}
