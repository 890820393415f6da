// The moment from which a system that stops waits no longer for whoever is silent. An AbortSignal could say the same, but each
// message would have several listeners of it, and each of them would cost microseconds.

export class Leaving {
  #begun = false
  readonly #listeners = new Set<() => void>()

  /** The moment has come. */
  get begun(): boolean {
    return this.#begun
  }

  begin(): void {
    this.#begun = true
    for (const listener of [...this.#listeners]) listener()
  }

  /** Calls it when the moment comes; not if it has come already. */
  add(listener: () => void): void {
    this.#listeners.add(listener)
  }

  remove(listener: () => void): void {
    this.#listeners.delete(listener)
  }

  /** The answer, or undefined when the moment comes first, if it may be left then. Each message asks: no more promises than needed. */
  unless<T>(answer: Promise<T>, mayLeave: () => boolean = always): Promise<T | undefined> {
    if (this.#begun && mayLeave()) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      const leave = () => {
        if (mayLeave()) resolve(undefined)
      }
      this.add(leave)
      answer.then(
        (value) => {
          this.remove(leave)
          resolve(value)
        },
        (error: unknown) => {
          this.remove(leave)
          reject(error)
        },
      )
    })
  }
}

const always = () => true
