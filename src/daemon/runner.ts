// The queue runner: takes what was just accepted, and what has become due, and sees to it that each is attempted; many at
// once, none twice at the same time, and no destination at the cost of others (queue/fair.ts). What an attempt is stands in
// attempt.ts.
import type { Content } from "../mail/content.ts"
import type { Clock } from "../mail/world.ts"
import type { Pending, Queued } from "../queue/entry.ts"
import { FairQueue, Hands, laneOf, senderOf } from "../queue/fair.ts"
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
const mostInMemory = 64 * 1024 * 1024
/** The longest sleep: a clock that jumped is noticed, and so is mail that another process released. */
const longestSleep = 60_000

type Fresh = { readonly queued: Queued; readonly content: Content; readonly lane: number }

const never = Number.POSITIVE_INFINITY

export class Runner {
  readonly #world: RunnerWorld
  /** Ids in hand and ids that wait in #fresh: what the spool calls due and we have already. */
  readonly #known = new Set<string>()
  readonly #hands = new Hands(mostInHand)
  readonly #fresh = new FairQueue<Fresh>()
  #octets = 0
  /** Octets of each lane among them. */
  readonly #octetsOf = new Map<number, number>()
  /** More is due than could be taken. */
  #leftOnDisk = false
  /** Lanes of which messages were left on disk; until these are in hand, later ones wait behind them. */
  readonly #behind = new Set<number>()
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
    const [first] = queued.pending
    if (first === undefined) return
    const lane = laneOf(first)
    if (this.#behind.has(lane) || !this.#remembers(lane, content.size)) {
      this.#behind.add(lane) // it is found when those in memory are in hand
      this.#next()
      return
    }
    this.#known.add(queued.entry.id)
    this.#fresh.push(lane, senderOf(queued.entry), { queued, content, lane })
    this.#next()
  }

  /** Memory is shared as hands are: a lane may have as much of it as is free. */
  #remembers(lane: number, size: number): boolean {
    const own = this.#octetsOf.get(lane) ?? 0
    if (own + size > mostInMemory - this.#octets) return false
    this.#octets += size
    this.#octetsOf.set(lane, own + size)
    return true
  }

  #forget({ lane, content }: Fresh): void {
    this.#octets -= content.size
    const left = (this.#octetsOf.get(lane) ?? 0) - content.size
    if (left > 0) this.#octetsOf.set(lane, left)
    else this.#octetsOf.delete(lane)
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
    this.#fresh.clear()
    clearTimeout(this.#timer)
    while (this.#hands.busy > 0) await new Promise<void>((resolve) => this.#quiet.push(resolve))
  }

  #isQuiet(): boolean {
    const wanted = this.#lookAgain || this.#leftOnDisk || this.#behind.size > 0
    return this.#hands.busy === 0 && this.#fresh.size === 0 && !this.#looking && !wanted
  }

  #next(): void {
    if (this.#stopped) return
    while (this.#fresh.size > 0 && this.#hands.free > 0) {
      const one = this.#fresh.next((lane) => this.#hands.hasRoom(lane))
      if (one === undefined) break
      this.#forget(one)
      this.#take(one.queued, one.content)
    }
    if (this.#mayLook()) void this.#look()
  }

  // What waits in memory is due as well, and would be read for nothing: it goes first. Then there is work for a while,
  // so the spool is asked for many at once, not for each hand that becomes free.
  #mayLook(): boolean {
    const { free } = this.#hands
    if (this.#looking || free === 0) return false
    if (this.#lookAgain) return this.#fresh.size === 0 || free > mostInHand / 2
    if (this.#leftOnDisk) return free >= mostInHand / 2
    for (const lane of this.#behind) if (this.#hands.hasMuchRoom(lane)) return this.#fresh.size === 0
    return false
  }

  /** Reads what is due from the spool. */
  async #look(): Promise<void> {
    this.#looking = true
    this.#lookAgain = false
    this.#leftOnDisk = false
    this.#behind.clear()
    try {
      const { spool, clock } = this.#world
      const now = clock()
      const { free } = this.#hands
      const full = this.#hands.full()
      for (const lane of full) this.#behind.add(lane)
      const due = await spool.due(now, free, [...this.#known], full)
      for (const queued of due) if (!this.#stopped) this.#takeDue(queued, now)
      // Of one lane we get half of what we ask for. (What was in hand may have ended meanwhile: free hands tell nothing.)
      if (due.length * 2 >= free) this.#leftOnDisk = true
      const next = await spool.nextDue(now)
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

  /** Of a message with several destinations those recipients whose lanes have room: the others are left where they are. */
  #takeDue({ entry, pending }: Queued, now: number): void {
    if (this.#known.has(entry.id)) return // it came in meanwhile
    const goes = (one: Pending) => {
      if (one.nextAttempt > now || this.#hands.hasRoom(laneOf(one))) return true
      this.#behind.add(laneOf(one))
      return false
    }
    const going = pending.every(goes) ? pending : pending.filter(goes)
    if (going.some((one) => one.nextAttempt <= now)) this.#take({ entry, pending: going }, undefined)
  }

  #take(queued: Queued, content: Content | undefined): void {
    const lanes = lanesOf(queued)
    this.#known.add(queued.entry.id)
    this.#hands.take(lanes)
    void this.#attempt(queued, content).finally(() => {
      this.#known.delete(queued.entry.id)
      this.#hands.give(lanes)
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

/** The lanes of a message's recipients, each once. */
function lanesOf({ pending }: Queued): readonly number[] {
  const [first] = pending
  if (pending.length === 1 && first !== undefined) return [laneOf(first)]
  return [...new Set(pending.map(laneOf))]
}
