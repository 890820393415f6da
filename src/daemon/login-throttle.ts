// Who guesses passwords is slowed: by the address it comes from, and by the account it guesses at, whatever the address. Whether an
// account exists makes no difference.
import { setTimeout as sleep } from "node:timers/promises"
import type { Clock } from "../mail/world.ts"

export type ThrottleLimits = {
  /** Failures of an address within the window that cost nothing. */
  readonly free: number
  /** From so many on it may not try at all until the window has passed. */
  readonly most: number
  /** Failures at one account, from all addresses, from which on each costs the longest wait. */
  readonly mostAtAccount: number
  readonly longestWait: number
  readonly window: number
}

const usual: ThrottleLimits = { free: 3, most: 100, mostAtAccount: 50, longestWait: 4000, window: 600_000 }

/** More is forgotten, oldest first. */
const mostRemembered = 50_000

type Failures = { count: number; since: number }

/** Counts failures in memory; a restart forgives. */
export class LoginThrottle {
  readonly #clock: Clock
  readonly #limits: ThrottleLimits
  readonly #wait: (milliseconds: number) => Promise<unknown>
  readonly #byAddress = new Map<string, Failures>()
  readonly #byAccount = new Map<string, Failures>()

  constructor(
    clock: Clock,
    limits: ThrottleLimits = usual,
    wait = (ms: number): Promise<unknown> => sleep(ms),
  ) {
    this.#clock = clock
    this.#limits = limits
    this.#wait = wait
  }

  /** How often this address has failed, when that is too often. */
  tooOften(address: string): number | undefined {
    const count = this.#count(this.#byAddress, address)
    return count >= this.#limits.most ? count : undefined
  }

  /** A try has ended; resolves when its answer may go out. A right one is answered at once, and forgives its address. */
  async tried(address: string, account: string, right: boolean): Promise<void> {
    if (right) {
      this.#byAddress.delete(address)
      return
    }
    const here = this.#add(this.#byAddress, address)
    const there = this.#add(this.#byAccount, account.toLowerCase())
    const wait = this.#waitFor(here, there)
    if (wait > 0) await this.#wait(wait)
  }

  #waitFor(here: number, there: number): number {
    const { free, longestWait, mostAtAccount } = this.#limits
    if (there > mostAtAccount) return longestWait
    return here <= free ? 0 : Math.min(500 * 2 ** (here - free - 1), longestWait)
  }

  #count(book: Map<string, Failures>, key: string): number {
    const known = book.get(key)
    if (known === undefined) return 0
    if (this.#clock() - known.since < this.#limits.window) return known.count
    book.delete(key)
    return 0
  }

  #add(book: Map<string, Failures>, key: string): number {
    const count = this.#count(book, key) + 1
    const since = book.get(key)?.since ?? this.#clock()
    book.delete(key)
    book.set(key, { count, since })
    if (book.size > mostRemembered) {
      const [oldest] = book.keys()
      if (oldest !== undefined) book.delete(oldest)
    }
    return count
  }
}
