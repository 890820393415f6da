// What reports to other domains are made of (DMARC, TLS): how often what was seen, a file for each day (UTC), lines that are only added.
// Counts wait in memory and are written every few minutes; what a crash takes is those minutes.
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { appendFile } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"

/** What was seen, and how often; all that is alike once, in the order in which it was seen first. */
export type Counts<T> = readonly { readonly counted: T; readonly count: number }[]

/** A day; `lost` is how much more was seen than is kept. */
export type Day<T> = { readonly counts: Counts<T>; readonly lost: number }

/** What waits to be written; a day's file; what of a day is looked at. What is more is only counted. */
const mostWaiting = 20_000
const mostOctets = 128 * 1024 * 1024
const mostRows = 100_000

/** Owned by the mail process, closed once. What is counted are values of JSON. */
export class DayCounts<T> {
  readonly #directory: string
  /** "DMARC reports": what they are for, in the log. */
  readonly #about: string
  readonly #say: (line: string) => void
  /** By day, then by what is counted, as text. */
  readonly #waiting = new Map<string, Map<string, number>>()
  #size = 0
  #lost = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(directory: string, about: string, say: (line: string) => void) {
    this.#directory = directory
    this.#about = about
    this.#say = say
  }

  add(day: string, counted: T): void {
    const rows = this.#waiting.get(day) ?? new Map<string, number>()
    this.#waiting.set(day, rows)
    const key = JSON.stringify(counted)
    const before = rows.get(key)
    if (before === undefined && this.#size >= mostWaiting) {
      this.#lost++
      return
    }
    if (before === undefined) this.#size++
    rows.set(key, (before ?? 0) + 1)
  }

  /** Writes what waits. What cannot be written stays, and is said. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  async #write(): Promise<void> {
    for (const [day, rows] of [...this.#waiting]) {
      const file = this.#file(day, "counts")
      this.#waiting.delete(day)
      this.#size -= rows.size
      const lost = this.#lost
      this.#lost = 0
      try {
        mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
        await appendFile(file, linesFor(rows, lost, sizeOf(file)), { mode: 0o600 })
      } catch (error) {
        this.#again(day, rows, lost)
        const why = error instanceof Error ? error.message : String(error)
        this.#say(`${file}: counts for ${this.#about} wait: ${why}`)
      }
    }
  }

  #again(day: string, rows: ReadonlyMap<string, number>, lost: number): void {
    const now = this.#waiting.get(day) ?? new Map<string, number>()
    this.#waiting.set(day, now)
    this.#lost += lost
    for (const [key, count] of rows) {
      if (!now.has(key)) this.#size++
      now.set(key, (now.get(key) ?? 0) + count)
    }
  }

  /** Days there is something of, the oldest first. */
  days(): readonly string[] {
    if (!existsSync(this.#directory)) return []
    return readdirSync(this.#directory)
      .flatMap((name) => /^(\d{4}-\d\d-\d\d)\.counts$/.exec(name)?.[1] ?? [])
      .toSorted()
  }

  /** What was seen on a day. */
  async read(day: string): Promise<Day<T>> {
    await this.flush()
    const counts = new Map<string, { readonly counted: T; count: number }>()
    let lost = 0
    const lines = createInterface({ input: createReadStream(this.#file(day, "counts")) })
    for await (const line of lines) {
      const [, number, key = ""] = /^(\d{1,15}) (lost|[[{].*)$/.exec(line) ?? []
      const known = counts.get(key)
      const counted = known?.counted ?? parsed<T>(key)
      if (known !== undefined) known.count += Number(number)
      else if (key === "lost" || (counted !== undefined && counts.size >= mostRows)) lost += Number(number)
      else if (counted !== undefined) counts.set(key, { counted, count: Number(number) })
    }
    return { counts: [...counts.values()], lost }
  }

  /** Domains whose report of that day is on its way. */
  sent(day: string): ReadonlySet<string> {
    const file = this.#file(day, "sent")
    return new Set(existsSync(file) ? readFileSync(file, "utf8").split("\n") : [])
  }

  async markSent(day: string, domain: string): Promise<void> {
    await appendFile(this.#file(day, "sent"), `${domain}\n`, { mode: 0o600 })
  }

  forget(day: string): void {
    for (const kind of ["counts", "sent"] as const) rmSync(this.#file(day, kind), { force: true })
  }

  #file(day: string, kind: "counts" | "sent"): string {
    return join(this.#directory, `${day}.${kind}`)
  }
}

/** A line feed first: a crash may have left half a line. */
function linesFor(rows: ReadonlyMap<string, number>, lost: number, size: number): string {
  const full = size > mostOctets
  const notCounted = lost + (full ? rows.values().reduce((sum, count) => sum + count, 0) : 0)
  const lines = full ? [] : [...rows].map(([key, count]) => `${count} ${key}\n`)
  return `\n${lines.join("")}${notCounted === 0 ? "" : `${notCounted} lost\n`}`
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** What add() wrote; undefined: a crash has cut it short. */
function parsed<T>(key: string): T | undefined {
  try {
    return JSON.parse(key) as T
  } catch {
    return undefined
  }
}
