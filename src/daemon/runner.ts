// The queue runner: takes what was just accepted, and what has become due, and sees to it that each is attempted; many at
// once, none twice at the same time. What an attempt is stands in attempt.ts.
import type { Content } from "../mail/content.ts"
import type { Clock } from "../mail/world.ts"
import type { Queued } from "../queue/entry.ts"
import type { Spool } from "../spool/spool.ts"

export type RunnerWorld = {
  readonly spool: Pick<Spool, "due" | "nextDue" | "content" | "hold">
  readonly clock: Clock
  /**
   * One attempt for everything of this message that is due. Resolves with the time of the next one (milliseconds since
   * 1970), undefined when nothing of it waits. It throws only for bugs and a dying disk.
   */
  readonly attempt: (queued: Queued, content: Content) => Promise<number | undefined>
  /** Damaged content: said, and the message set aside. */
  readonly damaged: (queued: Queued, why: string) => Promise<void>
  readonly bug: (error: unknown) => void
  /** Mail waits for a queue run instead of being tried at once (DeliveryMode=queueonly, deferred). */
  readonly queueOnly: boolean
  /** Milliseconds between queue runs; undefined: whenever something is due. */
  readonly interval: number | undefined
}

/** Messages in hand at once. */
const mostInHand = 500
/** Octets of fresh messages kept in memory while they wait for their turn; beyond, they are read from disk again. */
const mostInMemory = 32 * 1024 * 1024
/** The longest sleep: a clock that jumped is noticed, and so is mail that another process released. */
const longestSleep = 60_000

type Fresh = { readonly queued: Queued; readonly content: Content }

const never = Number.POSITIVE_INFINITY

export class Runner {
  readonly #world: RunnerWorld
  /** Ids in hand and ids that wait in #fresh: what the spool calls due and we have already. */
  readonly #known = new Set<string>()
  #inHand = 0
  #fresh: Fresh[] = []
  #first = 0
  #octets = 0
  /** Fresh messages were left on disk; until they are in hand, later ones wait behind them. */
  #leftOnDisk = false
  #timer: NodeJS.Timeout | undefined
  #timerAt = never
  #looking = false
  #lookAgain = false
  #stopped = false
  #quiet: (() => void)[] = []

  constructor(world: RunnerWorld) {
    this.#world = world
  }

  /** Begins with what earlier runs left. */
  start(): void {
    if (!this.#world.queueOnly || this.#world.interval !== undefined) this.wake()
  }

  /** A message was just accepted. */
  accepted(queued: Queued, content: Content): void {
    if (this.#stopped || this.#world.queueOnly || queued.entry.held !== undefined) return
    if (this.#leftOnDisk || this.#octets + content.size > mostInMemory) {
      this.#leftOnDisk = true // it is found when those in memory are in hand
      this.#next()
      return
    }
    this.#octets += content.size
    this.#known.add(queued.entry.id)
    this.#fresh.push({ queued, content })
    this.#next()
  }

  /** Something may be due now: a timer, a release, a queue run by hand. */
  wake(): void {
    this.#lookAgain = true
    this.#next()
  }

  /** Resolves when nothing is being delivered or due to be tried now. */
  async idle(): Promise<void> {
    for (;;) {
      if (this.#isQuiet()) {
        const due = this.#world.queueOnly ? [] : await this.#world.spool.due(this.#world.clock(), 1)
        if (due.length === 0 && this.#isQuiet()) return
        if (due.length > 0) this.wake()
      }
      await new Promise<void>((resolve) => {
        this.#quiet.push(resolve)
        if (this.#isQuiet()) this.#tellQuiet()
      })
    }
  }

  /** Nothing new is begun; resolves when what is in hand is done. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#fresh = []
    this.#first = 0
    clearTimeout(this.#timer)
    while (this.#inHand > 0) await new Promise<void>((resolve) => this.#quiet.push(resolve))
  }

  #isQuiet(): boolean {
    const wanted = this.#lookAgain || this.#leftOnDisk
    return this.#inHand === 0 && this.#first === this.#fresh.length && !this.#looking && !wanted
  }

  #next(): void {
    if (this.#stopped) return
    for (; this.#inHand < mostInHand; this.#first++) {
      const one = this.#fresh[this.#first]
      if (one === undefined) break
      this.#octets -= one.content.size
      this.#take(one.queued, one.content)
    }
    if (this.#first > 256 && this.#first * 2 > this.#fresh.length) {
      this.#fresh.splice(0, this.#first)
      this.#first = 0
    }
    if (this.#mayLook()) void this.#look()
  }

  // What waits in memory is due as well, and would be read for nothing: it goes first. Then there is work for a while,
  // so the spool is asked for many at once, not for each hand that becomes free.
  #mayLook(): boolean {
    if (this.#looking || this.#first < this.#fresh.length) return false
    return this.#lookAgain ? this.#inHand < mostInHand : this.#leftOnDisk && this.#inHand <= mostInHand / 2
  }

  /** Reads what is due from the spool. */
  async #look(): Promise<void> {
    this.#looking = true
    this.#lookAgain = false
    this.#leftOnDisk = false
    try {
      const { spool, clock } = this.#world
      const free = mostInHand - this.#inHand
      const due = await spool.due(clock(), free, [...this.#known])
      if (due.length >= free) this.#leftOnDisk = true
      const ours = due.filter((queued) => !this.#known.has(queued.entry.id)) // it may have come in meanwhile
      if (!this.#stopped) for (const queued of ours) this.#take(queued, undefined)
      const next = await spool.nextDue([...this.#known])
      if (next !== undefined) this.#dueAt(next)
      if (this.#world.interval !== undefined) this.#sleep(this.#world.interval)
    } catch (error) {
      this.#world.bug(error)
      this.#dueAt(this.#world.clock() + longestSleep)
    } finally {
      this.#looking = false
      this.#afterOne()
    }
  }

  #take(queued: Queued, content: Content | undefined): void {
    this.#known.add(queued.entry.id)
    this.#inHand++
    void this.#attempt(queued, content).finally(() => {
      this.#known.delete(queued.entry.id)
      this.#inHand--
      this.#afterOne()
    })
  }

  async #attempt(queued: Queued, kept: Content | undefined): Promise<void> {
    try {
      const content =
        kept === undefined
          ? await this.#world.spool.content(queued.entry.id)
          : { ok: true as const, value: kept }
      if (!content.ok) return await this.#world.damaged(queued, content.error)
      const next = await this.#world.attempt(queued, content.value)
      if (next !== undefined) this.#dueAt(next)
    } catch (error) {
      this.#world.bug(error) // it stays in the spool, and a later look finds it
      this.#dueAt(this.#world.clock() + longestSleep)
    }
  }

  #afterOne(): void {
    this.#next()
    if (this.#isQuiet() || this.#stopped) this.#tellQuiet()
  }

  #tellQuiet(): void {
    const waiting = this.#quiet
    this.#quiet = []
    for (const resolve of waiting) resolve()
  }

  /** Wakes at this time, unless something wakes us earlier. */
  #dueAt(time: number): void {
    if (this.#world.queueOnly || this.#world.interval !== undefined) return
    const wait = Math.min(Math.max(time - this.#world.clock(), 10), longestSleep)
    if (this.#world.clock() + wait < this.#timerAt) this.#sleep(wait)
  }

  #sleep(milliseconds: number): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timerAt = this.#world.clock() + milliseconds
    this.#timer = setTimeout(() => {
      this.#timerAt = never
      this.wake()
    }, milliseconds)
  }
}
