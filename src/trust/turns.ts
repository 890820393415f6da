// Work of many sessions that one turn of the event loop may bring: as much of it as a turn has time for, the rest in the next ones, so
// that everybody else has his turn in between.
import { setImmediate as breathe } from "node:timers/promises"

/** Owns the time of a turn. */
export class Turns {
  readonly #longest: number
  readonly #now: () => number
  /** When the first work of this turn began. */
  #begun: number | undefined

  /** `longest`: milliseconds of a turn after which nothing more is begun in it. */
  constructor(longest: number, now: () => number = () => performance.now()) {
    this.#longest = longest
    this.#now = now
  }

  /** Resolves when there is time. */
  async hasTime(): Promise<void> {
    while (this.#now() - this.#begin() >= this.#longest) await breathe()
  }

  #begin(): number {
    if (this.#begun !== undefined) return this.#begun
    setImmediate(() => (this.#begun = undefined))
    return (this.#begun = this.#now())
  }
}
