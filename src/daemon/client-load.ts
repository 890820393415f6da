// How often each client has come lately and how many connections it holds now, for FEATURE(ratecontrol) and FEATURE(conncontrol)
// (sendmail: connection rate within ConnectionRateWindowSize, a minute, in six pieces). Forgets who has not come for that long.
import type { Arrival } from "../mail/arrival.ts"

const aMinute = 60_000
const pieces = 6

type Seen = { open: number; readonly counts: number[]; newest: number }

export class ClientLoad {
  readonly #clients = new Map<string, Seen>()
  readonly #piece: number
  #swept = 0

  /** `window`: milliseconds that count. */
  constructor(window = aMinute) {
    this.#piece = window / pieces
  }

  /** A client has come; the answer counts this time too. */
  arrive(address: string, now: number): NonNullable<Arrival["load"]> {
    const at = Math.floor(now / this.#piece)
    if (at - this.#swept >= pieces) this.#sweep(at)
    const seen = this.#clients.get(address) ?? { open: 0, counts: Array<number>(pieces).fill(0), newest: at }
    this.#clients.set(address, seen)
    moveTo(seen, at)
    seen.open++
    seen.counts[at % pieces] = (seen.counts[at % pieces] ?? 0) + 1
    return { open: seen.open, rate: seen.counts.reduce((sum, count) => sum + count, 0) }
  }

  /** One of its connections has ended. */
  leave(address: string): void {
    const seen = this.#clients.get(address)
    if (seen !== undefined) seen.open = Math.max(0, seen.open - 1)
  }

  #sweep(at: number): void {
    this.#swept = at
    for (const [address, { open, newest }] of this.#clients) {
      if (open === 0 && at - newest >= pieces) this.#clients.delete(address)
    }
  }
}

/** Pieces that time has gone over count nothing any more. */
function moveTo(seen: Seen, at: number): void {
  for (let n = Math.max(seen.newest + 1, at - pieces + 1); n <= at; n++) seen.counts[n % pieces] = 0
  seen.newest = Math.max(seen.newest, at)
}
