// Which refusals are kept with all that they were decided by: every one in quiet times, one in many under a flood. Counts only.

/** So many of a second are kept, whatever comes. */
const perSecond = 20
/** Beyond, one of so many. */
const oneOf = 50

/** Says which; owns nothing but two numbers. */
export class Sampling {
  #second = 0
  #seen = 0

  /** Whether this one is kept. `now` is milliseconds since 1970. */
  takes(now: number): boolean {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#seen = 0
    }
    this.#seen++
    return this.#seen <= perSecond || this.#seen % oneOf === 0
  }
}
