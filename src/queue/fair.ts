// Who goes next: each destination has a lane, and a lane that is slow never takes the hands that others need. Decides; the runner
// acts. A lane may have as many messages in hand as there are hands free: one alone has half of them, ten slow ones a tenth each,
// and some are free whatever happens.
import { printPath } from "../mail/address.ts"
import type { Entry, Pending } from "./entry.ts"

/**
 * The destination of a recipient as a number: where it goes, if that is known, else the domain of its address. A queue group with
 * runners of its own is one destination: its few hands are all that it may take.
 */
export function laneOf({ recipient, route, group }: Pick<Pending, "recipient" | "route" | "group">): number {
  if (group !== undefined) return numbered(`queue group ${group}`)
  if (route !== undefined && route.host !== "") return numbered(route.host)
  const { path } = recipient
  if (path === "postmaster") return numbered("")
  return numbered(path.domain.kind === "name" ? path.domain.ascii : path.domain.text)
}

/** FNV-1a in 31 bits: two destinations that share a number share their hands, and nothing else. */
function numbered(name: string): number {
  let hash = 0x811c9dc5
  for (let n = 0; n < name.length; n++) {
    const code = name.charCodeAt(n)
    hash = Math.imul(hash ^ (code >= 65 && code <= 90 ? code + 32 : code), 0x01000193)
  }
  return hash & 0x7fffffff
}

/** Whose mail it is, where several have mail for one destination: who logged in, else the reverse-path. */
export function senderOf({ arrival, envelope }: Entry): string {
  return arrival.authenticated ?? printPath(envelope.reversePath).toLowerCase()
}

/** How many messages of each lane are in hand. */
export class Hands {
  readonly #most: number
  readonly #held = new Map<number, number>()
  #busy = 0

  constructor(most: number) {
    this.#most = most
  }

  get busy(): number {
    return this.#busy
  }

  get free(): number {
    return this.#most - this.#busy
  }

  /** Whether one more of this lane may be taken. */
  hasRoom(lane: number): boolean {
    return (this.#held.get(lane) ?? 0) < this.free
  }

  /** Half of its share is free again: worth looking for more. */
  hasMuchRoom(lane: number): boolean {
    return (this.#held.get(lane) ?? 0) * 2 <= this.free
  }

  /** Lanes that have all they may have. */
  full(): readonly number[] {
    return [...this.#held].flatMap(([lane, held]) => (held < this.free ? [] : [lane]))
  }

  take(lanes: readonly number[]): void {
    this.#busy++
    for (const lane of lanes) this.#held.set(lane, (this.#held.get(lane) ?? 0) + 1)
  }

  give(lanes: readonly number[]): void {
    this.#busy--
    for (const lane of lanes) {
      const left = (this.#held.get(lane) ?? 1) - 1
      if (left === 0) this.#held.delete(lane)
      else this.#held.set(lane, left)
    }
  }
}

type Line<T> = { first: number; readonly items: T[] }

/** What waits in memory: lane after lane in turn, in each lane sender after sender, of a sender the oldest first. */
export class FairQueue<T> {
  readonly #lanes = new Map<number, Map<string, Line<T>>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(lane: number, sender: string, item: T): void {
    const senders = this.#lanes.get(lane) ?? new Map<string, Line<T>>()
    this.#lanes.set(lane, senders)
    const line = senders.get(sender)
    if (line === undefined) senders.set(sender, { first: 0, items: [item] })
    else line.items.push(item)
    this.#size++
  }

  /** The next one of a lane that may go; undefined when there is none. */
  next(mayGo: (lane: number) => boolean): T | undefined {
    for (const [lane, senders] of this.#lanes) {
      if (!mayGo(lane)) continue
      for (const [sender, line] of senders) return this.#take({ lane, senders, sender, line })
    }
    return undefined
  }

  // Whoever was served goes to the end: a Map keeps the order in which keys came.
  #take({ lane, senders, sender, line }: Place<T>): T | undefined {
    const item = line.items[line.first]
    line.first++
    this.#size--
    if (senders.size > 1 || line.first === line.items.length) senders.delete(sender)
    if (line.first < line.items.length) senders.set(sender, shortened(line))
    if (this.#lanes.size > 1 || senders.size === 0) this.#lanes.delete(lane)
    if (senders.size > 0) this.#lanes.set(lane, senders)
    return item
  }

  clear(): void {
    this.#lanes.clear()
    this.#size = 0
  }
}

type Place<T> = {
  readonly lane: number
  readonly senders: Map<string, Line<T>>
  readonly sender: string
  readonly line: Line<T>
}

/** Without those that are gone, once they are more than those that wait. */
function shortened<T>(line: Line<T>): Line<T> {
  if (line.first < 256 || line.first * 2 < line.items.length) return line
  line.items.splice(0, line.first)
  line.first = 0
  return line
}
