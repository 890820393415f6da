// What the first page shows: counts, the last hour by minutes, the queue by destination and age, refusals by reason, health. What is
// costly is asked at most every few seconds, however many look.
import type { Shape } from "../queue/summary.ts"
import { ages, total } from "../queue/summary.ts"
import { version } from "../host/version.ts"
import type { Clock } from "../mail/world.ts"
import type { Destination, Health, Now, Refusals } from "./api.ts"
import { type Ask, first } from "./asking.ts"
import { readSamples, type Sample, sumOf } from "./samples.ts"

/** Destinations that are told; the rest of a long queue is in the totals. */
const mostDestinations = 200
const minute = 60_000
const minutesKept = 60
/** A look is good enough for so many times what it took, between these milliseconds: a long queue is not counted all the time. */
const lookFor = { times: 4, least: 200, most: 10_000 }

/** Milliseconds that the page waits for a count of the queue. */
const countFor = 400

type Counts = { readonly in: number; readonly out: number; readonly refused: number }

export type NowParts = {
  readonly ask: Ask
  readonly clock: Clock
  readonly host: string
  readonly health: () => Promise<readonly Health[]>
}

/** Owns the minutes of the last hour: reads the counters once a minute, which costs the mail process next to nothing. */
export class NowPage {
  #parts: NowParts
  readonly #minutes: ({ readonly at: number } & Counts)[] = []
  #before: Counts | undefined
  #shapes: readonly Shape[] = []
  #counting: Promise<void> | undefined
  #look: { readonly now: Promise<Now>; until: number } | undefined
  readonly #timer: NodeJS.Timeout

  constructor(parts: NowParts) {
    this.#parts = parts
    this.#timer = setInterval(() => void this.#count(), minute)
    this.#timer.unref()
    void this.#count()
  }

  /** New settings: the minutes that were counted stay. */
  follow(parts: NowParts): void {
    this.#parts = parts
    this.#look = undefined
  }

  close(): void {
    clearInterval(this.#timer)
  }

  page(): Promise<Now> {
    const at = this.#parts.clock()
    if (this.#look !== undefined && at < this.#look.until) return this.#look.now
    const look = { now: this.#make(at), until: Number.POSITIVE_INFINITY }
    this.#look = look
    const { times, least, most } = lookFor
    look.now.then(
      () => (look.until = at + Math.min(most, Math.max(least, times * (this.#parts.clock() - at)))),
      () => (this.#look = undefined),
    )
    return look.now
  }

  async #count(): Promise<void> {
    try {
      this.#advance(countsIn(await this.#samples()))
    } catch {
      this.#before = undefined // the mail process is away: its counters begin anew when it comes back
    }
  }

  #advance(counts: Counts): void {
    const before = this.#before
    this.#before = counts
    if (before === undefined || counts.in < before.in) return
    this.#minutes.push({ at: this.#parts.clock(), ...difference(counts, before) })
    if (this.#minutes.length > minutesKept) this.#minutes.shift()
  }

  async #samples(): Promise<readonly Sample[]> {
    const { text } = await first(this.#parts.ask({ verb: "metrics" }))
    return readSamples(typeof text === "string" ? text : "")
  }

  /** Counts the queue by destination; false when that is done, or true when the page should not wait for it. */
  async #isCounting(): Promise<boolean> {
    this.#counting ??= this.#countQueue().finally(() => (this.#counting = undefined))
    const { promise, resolve } = Promise.withResolvers<true>()
    const timer = setTimeout(() => resolve(true), countFor)
    const counting = await Promise.race([this.#counting.then(() => false), promise])
    clearTimeout(timer)
    return counting
  }

  async #countQueue(): Promise<void> {
    const shapes: Shape[] = []
    for await (const { shape } of this.#parts.ask({ verb: "summary" })) shapes.push(shape as Shape) // our own daemon's
    this.#shapes = shapes
  }

  async #make(at: number): Promise<Now> {
    const { ask, host, health } = this.#parts
    const samples = await this.#samples()
    const counting = await this.#isCounting()
    const { messages, recipients, octets } = (await first(ask({ verb: "count" }))) as Record<string, number>
    const counts = countsIn(samples)
    const running = this.#before === undefined ? [] : [{ at, ...difference(counts, this.#before) }]
    return {
      at,
      host,
      version,
      accepted: counts.in,
      delivered: counts.out,
      deferred: sumOf(samples, "waypost_deliveries_total", { result: "deferred" }),
      failed: sumOf(samples, "waypost_deliveries_total", { result: "failed" }),
      refused: counts.refused,
      minutes: [...this.#minutes, ...running].slice(-minutesKept),
      queue: {
        messages: messages ?? 0,
        recipients: recipients ?? 0,
        octets: octets ?? 0,
        held: sumOf(samples, "waypost_queue_messages", { state: "held" }),
      },
      ages: [...ages],
      destinations: this.#shapes.slice(0, mostDestinations).map(destinationOf),
      counting,
      refusals: refusalsIn(samples),
      health: await health(),
    }
  }
}

function difference(now: Counts, before: Counts): Counts {
  const since = (what: keyof Counts) => Math.max(0, now[what] - before[what])
  return { in: since("in"), out: since("out"), refused: since("refused") }
}

function countsIn(samples: readonly Sample[]): Counts {
  return {
    in: sumOf(samples, "waypost_accepted_total", {}),
    out: sumOf(samples, "waypost_deliveries_total", { result: "delivered" }),
    refused: sumOf(samples, "waypost_refusals_total", {}),
  }
}

function destinationOf({ destination, counts }: Shape): Destination {
  return { destination, total: total(counts), counts }
}

function refusalsIn(samples: readonly Sample[]): readonly Refusals[] {
  return samples
    .filter(({ name }) => name === "waypost_refusals_total")
    .map(({ labels, value }) => ({
      reason: `${labels["reason"] ?? ""} ${labels["code"] ?? ""}`.trim(),
      question: labels["question"] ?? "",
      count: value,
    }))
    .toSorted((a, b) => b.count - a.count)
    .slice(0, 50)
}
