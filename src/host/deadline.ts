// A limit of time that is set anew again and again and seldom comes: one timer serves for all of them. One that runs already looks
// early enough, and runs on for what is left.

const never = Number.POSITIVE_INFINITY

/** Owns its timer, which keeps no process alive. */
export class Deadline {
  readonly #over: () => void
  /** When the time is over, and when the timer looks whether it is; both by performance.now(). */
  #at = never
  #looksAt = never
  #timer: NodeJS.Timeout | undefined

  /** `over` is called when the time is over, once each time it is set. */
  constructor(over: () => void) {
    this.#over = over
  }

  /** So many milliseconds from now, instead of what was set before. */
  set(milliseconds: number): void {
    this.#at = performance.now() + milliseconds
    if (this.#looksAt <= this.#at) return
    clearTimeout(this.#timer)
    this.#lookIn(milliseconds)
  }

  /** There is no limit until one is set again; soon, as a rule. */
  lift(): void {
    this.#at = never
  }

  /** There will be none any more. */
  end(): void {
    this.#at = never
    this.#looksAt = never
    clearTimeout(this.#timer)
  }

  #lookIn(milliseconds: number): void {
    this.#looksAt = this.#at
    this.#timer = setTimeout(this.#look, milliseconds).unref()
  }

  readonly #look = (): void => {
    this.#looksAt = never
    if (this.#at === never) return
    const left = this.#at - performance.now()
    if (left > 0) return this.#lookIn(left)
    this.#at = never
    this.#over()
  }
}
