// When the queue is looked through for damage: a while after each start, and once a day.
import { join } from "node:path"
import { Worker } from "node:worker_threads"

const day = 86_400_000

/** Owned by the spool, closed once. */
export class Audits {
  readonly #path: string
  readonly #found: (damage: string) => void
  #timer: NodeJS.Timeout
  #worker: Worker | undefined

  constructor(directory: string, after: number, found: (damage: string) => void) {
    this.#path = join(directory, "queue.db")
    this.#found = found
    this.#timer = this.#in(after)
  }

  #in(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.#begin(), milliseconds).unref()
  }

  #begin(): void {
    this.#timer = this.#in(day)
    const worker = new Worker(new URL("./audit.ts", import.meta.url), {
      workerData: { audited: this.#path },
    })
    this.#worker = worker
    worker.unref()
    worker.on("message", (damage: string | undefined) => {
      if (damage !== undefined) this.#found(damage)
    })
    worker.on("error", () => {}) // no memory for it now: tomorrow
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#worker?.terminate()
  }
}
