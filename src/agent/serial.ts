// One delivery at a time for each mailbox, in the order in which they came; different mailboxes do not wait for each other.

export class Serial {
  readonly #tails = new Map<string, Promise<void>>()

  /** Runs `act` after everything that came before under this key. */
  run<T>(key: string, act: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const result = before === undefined ? act() : before.then(act)
    const forget = (): void => this.#forget(key, tail)
    const tail: Promise<void> = result.then(forget, forget)
    this.#tails.set(key, tail)
    return result
  }

  #forget(key: string, tail: Promise<void>): void {
    if (this.#tails.get(key) === tail) this.#tails.delete(key)
  }
}
