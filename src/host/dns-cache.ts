// Answers remembered as long as they live, the least used forgotten first.

type Kept<T> = { readonly value: T; readonly until: number }

/** A bounded memory; times in milliseconds of whatever clock the caller uses. */
export class Cache<T> {
  readonly #kept = new Map<string, Kept<T>>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  /** What is known and still alive, with the milliseconds it has left. */
  get(key: string, now: number): { readonly value: T; readonly leftMs: number } | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    this.#kept.delete(key)
    if (kept.until <= now) return undefined
    this.#kept.set(key, kept) // now the most recently used
    return { value: kept.value, leftMs: kept.until - now }
  }

  /** Keeps a value until then. */
  set(key: string, value: T, until: number): void {
    this.#kept.delete(key)
    if (this.#kept.size >= this.#most) {
      const oldest = this.#kept.keys().next().value
      if (oldest !== undefined) this.#kept.delete(oldest)
    }
    this.#kept.set(key, { value, until })
  }

  clear(): void {
    this.#kept.clear()
  }
}
