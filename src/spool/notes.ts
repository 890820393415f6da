// Events on their way to the timelines: gathered for a moment, sent in one piece, and dropped (counted) when more come than are kept.
import { printEvents } from "./codec.ts"
import type { EventRow } from "./requests.ts"
import type { Event } from "./spool.ts"

/** Milliseconds an event waits at most before it is sent. */
const flushAfter = 200
/** Events in one piece. Few enough that under load they are gone before V8 copies them: half of all that it copied was these. */
const flushAt = 64
/** Events sent or gathered that are not kept yet; a flood beyond is dropped. */
const mostWaiting = 20_000
/** Milliseconds between two lines about drops. */
const sayEvery = 10_000

export type Keeper = { note(events: readonly EventRow[]): void }

export class Notes {
  readonly #log: (line: string) => void
  readonly #onNote: ((events: readonly Event[]) => void) | undefined
  readonly #ahead: () => number
  #keeper: Keeper | undefined
  #gathered: EventRow[] = []
  #waiting = 0
  #dropped = 0
  #saidAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  /** `onNote` hears of each event at once, whatever becomes of it here. `ahead` makes the queue's time the machine's. */
  constructor(
    log: (line: string) => void,
    onNote?: (events: readonly Event[]) => void,
    ahead: () => number = () => 0,
  ) {
    this.#log = log
    this.#onNote = onNote
    this.#ahead = ahead
  }

  connect(keeper: Keeper): void {
    this.#keeper = keeper
  }

  add(noted: readonly Event[]): void {
    const ahead = this.#ahead()
    const events = ahead === 0 ? noted : noted.map((event) => dated(event, ahead))
    this.#onNote?.(events)
    if (this.#waiting >= mostWaiting) {
      this.#dropped += events.length
      return
    }
    const rows = printEvents(events)
    this.#waiting += rows.length
    for (const row of rows) this.#gathered.push(row)
    if (this.#gathered.length >= flushAt) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), flushAfter)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#gathered.length === 0) return
    this.#keeper?.note(this.#gathered)
    this.#gathered = []
  }

  /** The other thread has dealt with so many. */
  kept(count: number): void {
    this.#waiting -= count
    if (this.#dropped > 0) this.#say()
  }

  close(): void {
    this.flush()
    if (this.#dropped > 0) this.#say()
  }

  #say(): void {
    const now = performance.now()
    if (now - this.#saidAt < sayEvery) return
    this.#saidAt = now
    this.#log(`${this.#dropped} events were not kept in the timelines: more came than could be written`)
    this.#dropped = 0
  }
}

/** An event as the machine's clock has it. */
function dated(event: Event, ahead: number): Event {
  const { at, message } = event
  if (message === undefined) return { ...event, at: at + ahead }
  const entry = { ...message.entry, acceptedAt: message.entry.acceptedAt + ahead }
  return { ...event, at: at + ahead, message: { ...message, entry } }
}
