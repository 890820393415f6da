// The clock that the queue lives by: it goes on evenly when somebody sets the machine's clock, and over restarts
// (queue/steady.ts decides). Dates that others read are the machine's; they come from wall().
import { readFileSync } from "node:fs"
import { uptime } from "node:os"
import {
  afterSetting,
  afterStart,
  type Readings,
  setBetween,
  type TimeMark,
  tolerance,
} from "../queue/steady.ts"

/** Milliseconds after which small differences between the machine's clocks are taken as they are. */
const settleEvery = 600_000

/** Milliseconds of the machine's clock after which it is compared again: each message asks for the time a dozen times. */
const compareEvery = 100

/** Owned by the mail process. */
export class SteadyClock {
  readonly #read: () => Readings
  readonly #wall: () => number
  readonly #running: () => number
  readonly #say: (line: string) => void
  #last: Readings
  /** What the machine's clock said when it was last compared. */
  #comparedAt = Number.NEGATIVE_INFINITY
  #ahead = 0
  #unsure = false

  /** `read` reads all clocks; the machine's own when it is absent. */
  constructor(say: (line: string) => void, read?: () => Readings) {
    this.#say = say
    this.#read = read ?? readMachine
    this.#wall = read === undefined ? Date.now : () => read().wall
    this.#running = read === undefined ? () => performance.now() : () => read().running
    this.#last = this.#read()
  }

  /** The queue's time, milliseconds since 1970. */
  readonly now = (): number => this.wall() - this.#ahead

  /** The machine's. */
  readonly wall = (): number => {
    const wall = this.#wall()
    if (Math.abs(wall - this.#comparedAt) < compareEvery) return wall // one that was set is further off
    this.#comparedAt = wall
    const passed = this.#running() - this.#last.running
    const off = Math.abs(wall - this.#last.wall - passed) > tolerance
    if (off || passed > settleEvery) this.#settle()
    return wall
  }

  /** How far wall() is ahead of now(). */
  readonly ahead = (): number => this.#ahead

  #settle(): void {
    const now = this.#read()
    const by = setBetween(this.#last, now)
    this.#last = now
    if (by === 0) return
    this.#stand(afterSetting(by, { ahead: this.#ahead, unsure: this.#unsure }))
  }

  /** Goes on from what an earlier run left. */
  resume(mark: TimeMark | undefined): void {
    this.#last = this.#read()
    this.#stand(afterStart(mark, this.#last))
  }

  #stand({ ahead, unsure, says }: ReturnType<typeof afterStart>): void {
    this.#ahead = Math.round(ahead) // the clocks count in parts of a millisecond, the spool in whole ones
    this.#unsure = unsure
    if (says !== undefined) this.#say(says)
  }

  /** For the next run. */
  mark(): TimeMark {
    this.wall() // a clock that was set meanwhile is noticed first
    const { wall, uptime: up, boot } = this.#read()
    return { at: wall - this.#ahead, ahead: this.#ahead, unsure: this.#unsure, uptime: up, boot }
  }
}

let bootName: string | undefined

function readMachine(): Readings {
  bootName ??= readBoot()
  return { wall: Date.now(), running: performance.now(), uptime: uptime() * 1000, boot: bootName }
}

function readBoot(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  } catch {
    return "" // no Linux: then the clock alone tells
  }
}
