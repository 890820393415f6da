// How many may work at once, in all and for one destination: a slot is taken, or waited for in order.

/** A counting gate. What waits is served first come, first served. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []
  #next = 0

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves when a slot is ours; give it back with release(). */
  take(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--
      return undefined
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  release(): void {
    const next = this.#waiting[this.#next]
    if (next === undefined) {
      this.#free++
      return
    }
    this.#next++
    if (this.#next > 1024 && this.#next * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
    }
    next()
  }

  /** Nobody holds or waits for a slot. */
  idle(count: number): boolean {
    return this.#free === count
  }
}

/** A gate for each name; one that nobody uses is forgotten. */
export class NamedSlots {
  readonly #gates = new Map<string, Slots>()
  readonly #each: number

  constructor(each: number) {
    this.#each = each
  }

  /** Runs the work when a slot of this name is free. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const gate = this.#gate(name)
    const turn = gate.take()
    if (turn !== undefined) await turn
    try {
      return await work()
    } finally {
      gate.release()
      if (gate.idle(this.#each)) this.#gates.delete(name)
    }
  }

  #gate(name: string): Slots {
    const known = this.#gates.get(name)
    if (known !== undefined) return known
    const gate = new Slots(this.#each)
    this.#gates.set(name, gate)
    return gate
  }
}
