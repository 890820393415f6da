// How often something happened lately, by key: events of a window that moves in sixths. Bounded: who was seen longest ago is forgotten.

const pieces = 6
const mostKeys = 50_000

type Counted = { readonly counts: number[]; newest: number }

/** Counts in memory; times are milliseconds of whatever clock the caller uses. */
export class WindowCounts {
  readonly #piece: number
  readonly #keys = new Map<string, Counted>()

  constructor(window: number) {
    this.#piece = Math.max(1, window / pieces)
  }

  /** So many more; the answer is the count with them. */
  add(key: string, amount: number, now: number): number {
    const at = Math.floor(now / this.#piece)
    const counted = this.#keys.get(key) ?? { counts: Array<number>(pieces).fill(0), newest: at }
    this.#keys.delete(key)
    this.#keys.set(key, counted) // now the most recently seen
    if (this.#keys.size > mostKeys) this.#forgetOldest()
    moveTo(counted, at)
    const place = at % pieces
    counted.counts[place] = (counted.counts[place] ?? 0) + amount
    return sum(counted)
  }

  /** How many there are. */
  count(key: string, now: number): number {
    const counted = this.#keys.get(key)
    if (counted === undefined) return 0
    moveTo(counted, Math.floor(now / this.#piece))
    return sum(counted)
  }

  #forgetOldest(): void {
    const [oldest] = this.#keys.keys()
    if (oldest !== undefined) this.#keys.delete(oldest)
  }
}

function sum({ counts }: Counted): number {
  let all = 0
  for (const count of counts) all += count
  return all
}

/** Pieces that time has gone over count nothing any more. */
function moveTo(counted: Counted, at: number): void {
  for (let n = Math.max(counted.newest + 1, at - pieces + 1); n <= at; n++) counted.counts[n % pieces] = 0
  counted.newest = Math.max(counted.newest, at)
}
