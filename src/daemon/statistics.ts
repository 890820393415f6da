// How much mail came and went, by mailer, for mailstats(8): counted while the system runs, kept in a file over restarts.
import { readFileSync } from "node:fs"
import { replaceFile } from "../host/replace.ts"
import type { Entry } from "../queue/entry.ts"
import type { Settled } from "../queue/settle.ts"

/** One mailer's numbers; sizes in octets. */
export type Count = {
  readonly from: number
  readonly octetsFrom: number
  readonly to: number
  readonly octetsTo: number
  readonly rejected: number
  readonly discarded: number
  readonly quarantined: number
}

/** What has a count. */
export type Counted = { readonly since: number; readonly mailers: Readonly<Record<string, Count>> }

const none: Count = { from: 0, octetsFrom: 0, to: 0, octetsTo: 0, rejected: 0, discarded: 0, quarantined: 0 }

/** A count that grows. */
type Sums = { -readonly [key in keyof Count]: number }

const keys = Object.keys(none) as (keyof Count)[]

/** Owns the file. Counts are additions in memory; the file is written once a minute at most, and at the end. */
export class Statistics {
  readonly #file: string
  readonly #mailers = new Map<string, Sums>()
  #since: number
  #changed = false
  readonly #timer: NodeJS.Timeout

  constructor(file: string, now: number) {
    this.#file = file
    const earlier = readCounted(file)
    this.#since = earlier?.since ?? now
    for (const [name, count] of Object.entries(earlier?.mailers ?? {})) this.#mailers.set(name, { ...count })
    this.#timer = setInterval(() => this.save(), 60_000)
    this.#timer.unref()
  }

  add(mailer: string, more: Partial<Count>): void {
    const count = this.#mailers.get(mailer) ?? { ...none }
    this.#mailers.set(mailer, count)
    for (const key in more) count[key as keyof Count] += more[key as keyof Count] ?? 0 // a Partial<Count> has no other keys
    this.#changed = true
  }

  /** A message came in. */
  accepted({ arrival, size, held }: Entry): void {
    const mailer = arrival.client === undefined ? "local" : "esmtp"
    this.add(mailer, { from: 1, octetsFrom: size, quarantined: held === undefined ? 0 : 1 })
  }

  /** A delivery has ended, well or not. */
  settled({ size }: Entry, { pending, status: { action } }: Settled): void {
    const mailer = pending.route?.mailer ?? "local"
    if (action === "delivered" || action === "relayed") this.add(mailer, { to: 1, octetsTo: size })
    else if (action === "failed") this.add(mailer, { rejected: 1 })
  }

  counted(): Counted {
    return { since: this.#since, mailers: Object.fromEntries(this.#mailers) }
  }

  /** Begins anew (mailstats -z has no such thing; sendmail's administrators remove the file). */
  clear(now: number): void {
    this.#mailers.clear()
    this.#since = now
    this.#changed = true
    this.save()
  }

  /** A disk that does not take the numbers loses no mail by it: they stay in memory and are tried again. */
  save(): void {
    if (!this.#changed) return
    const text = Buffer.from(`${JSON.stringify(this.counted())}\n`)
    if (replaceFile(this.#file, [text]).ok) this.#changed = false
  }

  close(): void {
    clearInterval(this.#timer)
    this.save()
  }
}

/** The file's numbers; undefined when there is none, or none that can be read. */
function readCounted(file: string): Counted | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"))
    return isCounted(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isCounted(value: unknown): value is Counted {
  if (typeof value !== "object" || value === null || !("since" in value) || !("mailers" in value))
    return false
  const { since, mailers } = value
  if (typeof since !== "number" || typeof mailers !== "object" || mailers === null) return false
  return Object.values(mailers).every(isCount)
}

function isCount(value: unknown): value is Count {
  if (typeof value !== "object" || value === null) return false
  const record = value as Readonly<Record<string, unknown>>
  return keys.every((key) => typeof record[key] === "number")
}
