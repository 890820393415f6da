// The queue in one look: how many recipients wait for which destination, and for how long (after Postfix's qshape).
import { printPath } from "../mail/address.ts"
import type { Queued } from "./entry.ts"

/** The upper ends of the columns, in minutes; one more column holds all that is older. */
export const ages = [5, 10, 20, 40, 80, 160, 320, 640, 1280] as const

/** Recipients of one destination, by age: a number for each of `ages`, and one for what is older. */
export type Shape = { readonly destination: string; readonly counts: readonly number[] }

/** Counts messages one after the other; holds a few numbers for each destination. */
export class QueueShape {
  readonly #byDestination = new Map<string, number[]>()
  readonly #now: number

  constructor(now: number) {
    this.#now = now
  }

  add({ entry, pending }: Queued): void {
    const minutes = (this.#now - entry.acceptedAt) / 60_000
    const found = ages.findIndex((most) => minutes < most)
    const column = found < 0 ? ages.length : found
    for (const { recipient, route } of pending)
      this.count(destinationOf(printPath(recipient.path), route?.host), column, 1)
  }

  /** So many recipients of a destination more, in this column. */
  count(destination: string, column: number, recipients: number): void {
    const counts = this.#countsOf(destination)
    counts[column] = (counts[column] ?? 0) + recipients
  }

  #countsOf(destination: string): number[] {
    const known = this.#byDestination.get(destination)
    if (known !== undefined) return known
    const fresh = Array.from({ length: ages.length + 1 }, () => 0)
    this.#byDestination.set(destination, fresh)
    return fresh
  }

  /** The destinations, the fullest first. */
  shapes(): readonly Shape[] {
    return [...this.#byDestination]
      .map(([destination, counts]) => ({ destination, counts }))
      .toSorted((a, b) => total(b.counts) - total(a.counts) || (a.destination < b.destination ? -1 : 1))
  }
}

/** The destination of a name without a domain. */
export const localDestination = "(local)"

/** All recipients of a destination. */
export function total(counts: readonly number[]): number {
  return counts.reduce((sum, one) => sum + one, 0)
}

/** Where a recipient goes: the host, if that is known already, else the domain of the address. */
export function destinationOf(address: string, host: string | undefined): string {
  if (host !== undefined && host !== "") return host.toLowerCase()
  const at = address.lastIndexOf("@")
  return at < 0 ? localDestination : address.slice(at + 1).toLowerCase()
}
