// The threads in which signatures are checked and made, so that no session waits for another's mathematics. They start with the first
// message that needs them; who has no FEATURE that does never loads them. DNS is asked here, by the resolver of the house.
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import type { Asked } from "../auth/verification.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Dns } from "../mail/world.ts"
import type { Ask } from "./key-questions.ts"
import type { Found, FromThread, Job, ToThread } from "./mailauth-requests.ts"

export type Done = { readonly found: Found; readonly asked: readonly Asked[] }

/** The octets of a message: header first. */
export type Octets = () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Smaller pieces are put together before they go over. */
const portion = 256 * 1024
/** Nobody waits longer for a verdict (milliseconds). */
const patience = 60_000

type InHand = {
  readonly settle: (result: Result<Done>) => void
  readonly ended: Promise<Result<Done>>
  readonly timer: NodeJS.Timeout
  readonly ask: Ask
  /** Whoever waits to send the next piece. */
  more: (() => void) | undefined
}

/** Owned by the mail process: closes with it. */
export class SignatureThreads {
  /** What answers questions for keys. */
  readonly txt: Dns["txt"]
  readonly #say: (line: string) => void
  readonly #threads: (Thread | undefined)[]
  #turn = 0

  constructor(txt: Dns["txt"], say: (line: string) => void) {
    this.txt = txt
    this.#say = say
    this.#threads = Array.from({ length: Math.min(4, availableParallelism()) }, () => undefined)
  }

  /** Does a job with a message; an error when it could not be done now. `ask` answers its questions, where somebody has asked before. */
  do(job: Job, octets: Octets, ask: Ask = this.txt): Promise<Result<Done>> {
    const place = this.#turn++ % this.#threads.length
    const thread = this.#threads[place] ?? this.#start(place)
    return thread.do(job, octets, ask)
  }

  #start(place: number): Thread {
    const thread = new Thread((why) => {
      if (this.#threads[place] === thread) this.#threads[place] = undefined
      if (why !== undefined) this.#say(`a thread for signatures failed: ${why}`)
    })
    this.#threads[place] = thread
    return thread
  }

  /** Ends when what is in hand has been answered. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread?.close()))
  }
}

class Thread {
  readonly #worker: Worker
  readonly #inHand = new Map<number, InHand>()
  #number = 0
  #failure = "the thread for signatures has ended"

  constructor(ended: (why: string | undefined) => void) {
    // build/workers.ts knows this form
    this.#worker = new Worker(new URL("./mailauth-thread.ts", import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 32 },
    })
    this.#worker.unref()
    this.#worker.on("message", (message: FromThread) => this.#hear(message))
    let failed: string | undefined
    this.#worker.on("error", (error) => {
      failed = error instanceof Error ? error.message : String(error)
      this.#failure = failed
    })
    this.#worker.on("exit", () => {
      ended(failed)
      for (const number of this.#inHand.keys()) this.#settle(number, fail(this.#failure))
    })
  }

  async do(job: Job, octets: Octets, ask: Ask): Promise<Result<Done>> {
    const number = ++this.#number
    const { promise, resolve } = Promise.withResolvers<Result<Done>>()
    const timer = setTimeout(() => this.#giveUp(number), patience)
    this.#inHand.set(number, { settle: resolve, ended: promise, timer, ask, more: undefined })
    this.#worker.ref()
    try {
      await this.#send(number, job, octets)
    } catch (error) {
      this.#post({ say: "given up", number })
      this.#settle(number, fail(error instanceof Error ? error.message : String(error)))
    }
    return promise
  }

  async close(): Promise<void> {
    await Promise.all(this.#inHand.values().map(({ ended }) => ended))
    await this.#worker.terminate()
  }

  /** One piece is kept back, so that the last one can be called the last. */
  async #send(number: number, job: Job, octets: Octets): Promise<void> {
    let first = true
    let kept: Uint8Array | undefined
    const post = (piece: Uint8Array, last: boolean) => {
      const own = Uint8Array.from(piece) // a copy of its own, which is handed over
      this.#post(
        first ? { say: "job", number, job, octets: own, last } : { say: "piece", number, octets: own, last },
        own,
      )
      first = false
    }
    for await (const piece of gathered(octets())) {
      if (kept !== undefined) {
        post(kept, false)
        await this.#mayGoOn(number)
      }
      if (!this.#inHand.has(number)) return
      kept = piece
    }
    post(kept ?? new Uint8Array(0), true)
  }

  #mayGoOn(number: number): Promise<void> {
    return new Promise((resolve) => {
      const job = this.#inHand.get(number)
      if (job === undefined) resolve()
      else job.more = resolve
    })
  }

  #post(message: ToThread, octets?: Uint8Array): void {
    this.#worker.postMessage(message, octets?.buffer instanceof ArrayBuffer ? [octets.buffer] : [])
  }

  #hear(message: FromThread): void {
    const job = this.#inHand.get(message.number)
    switch (message.say) {
      case "more":
        return job?.more?.()
      case "asks":
        return void this.#answer(message.number, message.name, job?.ask)
      case "done":
        return this.#settle(message.number, ok({ found: message.found, asked: message.asked }))
      case "failed":
        return this.#settle(message.number, fail(message.why))
    }
  }

  async #answer(number: number, name: string, ask: Ask | undefined): Promise<void> {
    const answer = await ask?.(name).catch((error: Error) => ({
      found: "unavailable" as const,
      why: error.message,
    }))
    if (answer === undefined) return // it was given up
    this.#post({ say: "answer", number, name, answer })
  }

  #giveUp(number: number): void {
    this.#post({ say: "given up", number })
    this.#settle(number, fail(`no verdict in ${patience / 1000} seconds`))
  }

  #settle(number: number, result: Result<Done>): void {
    const job = this.#inHand.get(number)
    if (job === undefined) return
    this.#inHand.delete(number)
    if (this.#inHand.size === 0) this.#worker.unref()
    clearTimeout(job.timer)
    job.more?.()
    job.settle(result)
  }
}

/** Pieces of at least a portion, but for the last. Each is good until the next is asked for. */
async function* gathered(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  let held: Uint8Array[] = []
  let length = 0
  for await (const piece of pieces) {
    held.push(Uint8Array.from(piece))
    length += piece.length
    if (length < portion) continue
    yield Buffer.concat(held)
    held = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(held)
}
