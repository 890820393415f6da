// The timelines in the spool's thread: they are kept when that is possible, and never in the way of mail when it is not.
import { join } from "node:path"
import { explainError } from "./database.ts"
import { type History, openHistory } from "./history.ts"
import type { EventRow, EventRows, WorkerStart } from "./requests.ts"
import type { EventSearch } from "./spool.ts"

/** Octets of new events after which the WAL is emptied even when there is work. */
const checkpointAfter = 8 * 1024 * 1024
/** Milliseconds until a history that failed is tried again. */
const again = 10_000

export class Timeline {
  readonly #path: string
  readonly #start: WorkerStart
  readonly #log: (line: string) => void
  #history: History | undefined
  #openAgainAt = 0
  #octets = 0
  #lost = 0

  constructor(start: WorkerStart, log: (line: string) => void) {
    this.#path = join(start.directory, "history.db")
    this.#start = start
    this.#log = log
    this.#open()
  }

  add(events: readonly EventRow[], now: number): void {
    if (this.#history === undefined && performance.now() >= this.#openAgainAt) this.#open()
    if (this.#history === undefined) {
      this.#lost += events.length
      return
    }
    try {
      this.#history.add(events, now)
      for (const { json } of events) this.#octets += json.length + 100
    } catch (error) {
      this.#lost += events.length
      this.#failed(error)
    }
  }

  find(id: string): readonly EventRow[] {
    return this.#history?.find(id) ?? []
  }

  search(search: EventSearch): EventRows {
    return this.#history?.search(search) ?? { rows: [], before: undefined }
  }

  checkpoint(atOnce = false): void {
    if (this.#octets === 0 || (!atOnce && this.#octets < checkpointAfter)) return
    this.#octets = 0
    try {
      this.#history?.checkpoint()
    } catch (error) {
      this.#failed(error)
    }
  }

  close(): void {
    this.#history?.close()
    this.#history = undefined
  }

  #open(): void {
    const { historyOctets, historyMilliseconds } = this.#start
    try {
      this.#history = openHistory(
        this.#path,
        { octets: historyOctets, milliseconds: historyMilliseconds },
        this.#log,
      )
      if (this.#lost > 0) this.#log(`timelines are kept again; ${this.#lost} events are missing`)
      this.#lost = 0
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    this.#log(`timelines cannot be kept now: ${explainError(error)}`)
    this.#openAgainAt = performance.now() + again
    const history = this.#history
    this.#history = undefined
    try {
      history?.close()
    } catch (closing) {
      this.#log(`closing the timelines: ${explainError(closing)}`)
    }
  }
}
