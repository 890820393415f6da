// One turn at a time for each mailbox, in the order in which deliveries came; what comes while a turn lasts goes together in the
// next one. Different mailboxes do not wait for each other.

type Waiting<Item, Result> = {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

export type TurnsWorld<Item, Result> = {
  /** Does all of them; their results in their order. */
  readonly act: (items: readonly Item[]) => Promise<readonly Result[]>
  /** Whether one may go in the turn that the first one opens. */
  readonly mayJoin: (item: Item, first: Item) => boolean
}

/** Of one turn: whoever else wants the mailbox waits no longer than these take. */
const mostTogether = 50

export class Turns<Item, Result> {
  readonly #world: TurnsWorld<Item, Result>
  /** Those that wait for each mailbox that has its turn. */
  readonly #waiting = new Map<string, Waiting<Item, Result>[]>()

  constructor(world: TurnsWorld<Item, Result>) {
    this.#world = world
  }

  /** Resolves when its turn is over. */
  take(key: string, item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) waiting.push({ item, resolve, reject })
    else {
      const first = [{ item, resolve, reject }]
      this.#waiting.set(key, first)
      void this.#serve(key, first)
    }
    return promise
  }

  async #serve(key: string, waiting: Waiting<Item, Result>[]): Promise<void> {
    while (waiting.length > 0) await this.#turn(this.#next(waiting))
    this.#waiting.delete(key)
  }

  #next(waiting: Waiting<Item, Result>[]): readonly Waiting<Item, Result>[] {
    const [first] = waiting
    if (first === undefined) return []
    const others = waiting.findIndex(({ item }, n) => n > 0 && !this.#world.mayJoin(item, first.item))
    return waiting.splice(0, Math.min(others === -1 ? waiting.length : others, mostTogether))
  }

  async #turn(turn: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#world.act(turn.map(({ item }) => item))
      for (const [n, { resolve, reject }] of turn.entries()) {
        const result = results[n]
        if (result === undefined) reject(new Error("a delivery without an outcome"))
        else resolve(result)
      }
    } catch (error) {
      for (const { reject } of turn) reject(error)
    }
  }
}
