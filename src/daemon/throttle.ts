// How many connections a second are begun (ConnectionRateThrottle): who comes beyond waits for a second with room, as in sendmail.

/** Owned by whoever accepts. */
export class Throttle {
  readonly #perSecond: number
  #second = 0
  #begun = 0

  /** 0: no limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** Milliseconds that one who came now is to wait. */
  arrive(now: number): number {
    if (this.#perSecond === 0) return 0
    const second = Math.floor(now / 1000)
    if (second > this.#second) {
      this.#second = second
      this.#begun = 0
    }
    if (this.#begun >= this.#perSecond) {
      this.#second++
      this.#begun = 0
    }
    this.#begun++
    return Math.max(0, this.#second * 1000 - now)
  }
}
