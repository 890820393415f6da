// The main thread's side of the spool's thread: changes in groups, questions with answers, and what is to be done when a commit or
// the thread itself fails.
import { Worker } from "node:worker_threads"
import type { TimeMark } from "../queue/steady.ts"
import type {
  Answers,
  Change,
  ChangeResult,
  DamageReport,
  EventRow,
  Failure,
  FromWorker,
  Question,
  Segments,
  ToWorker,
  WorkerStart,
} from "./requests.ts"

export type ChangeAnswer =
  | { readonly ok: true; readonly result: ChangeResult }
  | { readonly ok: false; readonly failure: Failure }

type Waiting = {
  readonly change: Change
  readonly resolve: (answer: ChangeAnswer) => void
}

type Asked = { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }

/** Groups on their way at once: one is committed while the next is gathered and sent. */
const mostUnderWay = 2
/** Milliseconds until an outcome that could not be recorded is tried again. */
const again = 1000
const soon = 20
/** Milliseconds that a change nobody waits for may be late: as a rule the next message's commit takes it along. */
const lateness = 10
/** Milliseconds between two marks of time. */
const markEvery = 1000

export type LinkEvents = {
  readonly log: (line: string) => void
  readonly eventsKept: (count: number) => void
  readonly damage: (report: DamageReport) => void
  /** The time by which what is old in the timelines is told. */
  readonly now: () => number
  /** What time it is; asked once a second at most. */
  readonly mark: () => TimeMark | undefined
  /** What an earlier run left of it. */
  readonly marked: (mark: TimeMark | undefined) => void
}

export class Link {
  readonly #start: Omit<WorkerStart, "first">
  readonly #events: LinkEvents
  #worker: Worker | undefined
  #opening: PromiseWithResolvers<string | undefined> | undefined
  #drained: PromiseWithResolvers<void> | undefined
  #closing: PromiseWithResolvers<void> | undefined
  #gathered: Waiting[] = []
  /** Changes that could not be made. None is given up, and those that come later wait behind them. */
  #stuck: Waiting[] = []
  /** Some change could not be made, and has not been made since. */
  #behind = false
  #failures = 0
  #caughtUp: (() => void)[] = []
  readonly #underWay = new Map<number, readonly Waiting[]>()
  readonly #asked = new Map<number, Asked>()
  #segments: Segments | undefined
  #unneeded: (segments: readonly number[]) => void = () => {}
  /** Groups that failed, as far as we have heard. */
  #heard = 0
  #markedAt = Number.NEGATIVE_INFINITY
  #number = 0
  #flushing = false
  /** Whether somebody waits for what is gathered. */
  #urgent = false
  #late: NodeJS.Timeout | undefined
  #trouble: Failure | undefined

  constructor(start: Omit<WorkerStart, "first">, events: LinkEvents) {
    this.#start = start
    this.#events = events
  }

  /** What keeps the store from working; undefined when it is in order. */
  get trouble(): Failure | undefined {
    return this.#trouble
  }

  /** Starts the thread. A text says why the store cannot be used. */
  open(): Promise<string | undefined> {
    this.#opening = Promise.withResolvers()
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      // build/workers.ts knows this form
      workerData: { ...this.#start, first: this.#segments === undefined } satisfies WorkerStart,
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    })
    this.#worker = worker
    worker.on("message", (message: FromWorker) => this.#hear(message))
    worker.on("error", (error) => this.#events.log(`the spool's thread failed: ${trace(error)}`))
    worker.on("exit", () => this.#ended(worker))
    return this.#opening.promise
  }

  /** The log's segments as the first thread found them. */
  get segments(): Segments {
    if (this.#segments === undefined) throw new Error("the spool's thread was never open")
    return this.#segments
  }

  onUnneeded(act: (segments: readonly number[]) => void): void {
    this.#unneeded = act
  }

  /** Applies a change; resolves when it is durable, which may be when the store is in order again. */
  change(change: Change): Promise<ChangeAnswer> {
    return new Promise((resolve) => {
      this.#gathered.push({ change, resolve })
      this.#hurry()
    })
  }

  /** The same, before whatever is asked next. */
  changeNow(change: Change): Promise<ChangeAnswer> {
    return new Promise((resolve) => {
      this.#gathered.push({ change, resolve })
      this.#flush()
    })
  }

  /** Has the database keep what time it is. */
  tellTime(): void {
    this.#post({
      kind: "changes",
      group: ++this.#number,
      changes: [],
      heard: this.#heard,
      mark: this.#mark(),
    })
  }

  /** The same for one that may be a moment late, and so costs no commit of its own. */
  changeLate(change: Change): Promise<ChangeAnswer> {
    return new Promise((resolve) => {
      this.#gathered.push({ change, resolve })
      this.#late ??= setTimeout(() => this.#hurry(), lateness)
    })
  }

  ask<Q extends Question>(question: Q): Promise<Answers[Q["ask"]]> {
    return new Promise((resolve, reject) => {
      const number = ++this.#number
      this.#asked.set(number, { resolve, reject })
      this.#post({ kind: "question", number, question })
    })
  }

  /**
   * The same, answered with all changes made that came before. On a full disk they may have to wait; without them a message on its way
   * from the log to the database would be found in neither.
   */
  async askAfterChanges<Q extends Question>(question: Q): Promise<Answers[Q["ask"]]> {
    for (;;) {
      while (this.#behind) await new Promise<void>((resolve) => this.#caughtUp.push(resolve))
      const failures = this.#failures
      const asked = this.ask(question)
      await asked.catch(() => {}) // a store that was closed by a failure has no answer, and is asked again
      if (failures === this.#failures) return asked
    }
  }

  /** The database was looked through, and this was found. */
  distrust(why: string): void {
    this.#post({ kind: "distrust", why })
  }

  note(events: readonly EventRow[]): void {
    this.#post({ kind: "events", events, now: this.#events.now() })
  }

  /** Everything that was asked for is done first. */
  async close(): Promise<void> {
    this.#drained = Promise.withResolvers()
    this.#hurry()
    this.#tellDrained()
    await this.#drained.promise
    this.#closing = Promise.withResolvers()
    for (const { resolve } of this.#stuck.splice(0)) resolve({ ok: false, failure: this.#trouble ?? gone })
    this.#catchUp()
    if (this.#worker === undefined) return
    this.#post({ kind: "close", mark: this.#events.mark() })
    await this.#closing.promise
  }

  #tellDrained(): void {
    if (this.#gathered.length === 0 && this.#underWay.size === 0) this.#drained?.resolve()
  }

  #post(message: ToWorker): void {
    if (this.#worker !== undefined) this.#worker.postMessage(message, [])
    else if (message.kind === "question") this.#refuse(message.number, gone.why)
  }

  #hurry(): void {
    this.#urgent = true
    this.#flushSoon()
  }

  // One turn of the event loop gathers what all sockets brought in it.
  #flushSoon(): void {
    if (this.#flushing || this.#underWay.size >= mostUnderWay) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    clearTimeout(this.#late)
    this.#late = undefined
    this.#urgent = false
    const waiting = this.#gathered
    if (waiting.length === 0 || this.#stuck.length > 0) return // behind one that could not be made they wait
    this.#gathered = []
    const group = ++this.#number
    this.#underWay.set(group, waiting)
    const changes = waiting.map(({ change }) => change)
    if (this.#worker === undefined) this.#failed(group, this.#trouble ?? gone)
    else this.#post({ kind: "changes", group, changes, heard: this.#heard, mark: this.#mark() })
  }

  #mark(): TimeMark | undefined {
    const now = performance.now()
    if (now - this.#markedAt < markEvery) return undefined
    this.#markedAt = now
    return this.#events.mark()
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case "changed":
        return this.#changed(message.group, message.results)
      case "failed":
        return this.#failed(message.group, message.failure)
      case "answer":
        this.#asked.get(message.number)?.resolve(message.value as never) // the answer to that number's question
        this.#asked.delete(message.number)
        return
      case "unanswered":
        return this.#refuse(message.number, message.why)
      case "order":
        return this.#order(message.trouble)
      case "opened":
        if (this.#segments === undefined) this.#events.marked(message.mark)
        this.#segments ??= message.segments
        this.#heard = 0
        this.#order(undefined)
        return this.#opening?.resolve(undefined)
      case "refused":
        if (this.#segments === undefined) this.#worker = undefined
        return this.#opening?.resolve(message.why)
      case "unneeded":
        return this.#unneeded(message.segments)
      case "eventsKept":
        return this.#events.eventsKept(message.count)
      case "damage":
        return this.#events.damage(message.report)
      case "log":
        return this.#events.log(message.line)
      case "closed":
        this.#worker = undefined
        return this.#closing?.resolve()
    }
  }

  #changed(group: number, results: readonly ChangeResult[] | undefined): void {
    const waiting = this.#underWay.get(group) ?? []
    this.#underWay.delete(group)
    for (const [n, { resolve }] of waiting.entries()) resolve({ ok: true, result: results?.[n] ?? true })
    if (waiting.length > 0 && this.#stuck.length === 0) this.#catchUp()
    this.#afterGroup()
  }

  #failed(group: number, failure: Failure): void {
    const waiting = this.#underWay.get(group) ?? []
    this.#underWay.delete(group)
    this.#heard++
    this.#failures++
    this.#behind = waiting.length > 0 || this.#behind
    for (const one of waiting) {
      if (this.#closing !== undefined) one.resolve({ ok: false, failure })
      else this.#stick(one)
    }
    this.#afterGroup()
  }

  #catchUp(): void {
    this.#behind = false
    for (const resolve of this.#caughtUp.splice(0)) resolve()
  }

  #afterGroup(): void {
    if (this.#urgent) this.#flushSoon()
    this.#tellDrained()
  }

  #stick(waiting: Waiting): void {
    if (this.#stuck.length === 0) setTimeout(() => this.#tryStuck(), again)
    this.#stuck.push(waiting)
  }

  #tryStuck(): void {
    if (this.#stuck.length === 0) return
    if (this.#underWay.size > 0) return void setTimeout(() => this.#tryStuck(), soon) // that fails as well, and waits behind
    this.#gathered = this.#stuck.splice(0).concat(this.#gathered)
    this.#hurry()
  }

  #order(trouble: Failure | undefined): void {
    if (trouble === undefined && this.#trouble !== undefined) this.#events.log("the spool is in order again")
    const isFull = this.#trouble?.full === true
    this.#trouble = trouble
    // A database that can be opened says nothing of a disk that was full: what is stuck is tried once a second then.
    if (trouble === undefined && !isFull) this.#tryStuck()
  }

  #refuse(number: number, why: string): void {
    this.#asked.get(number)?.reject(new Error(why))
    this.#asked.delete(number)
  }

  /** The thread ended without being asked to: a bug, or no memory. What it had is refused, and a new one makes sure of that. */
  #ended(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#closing?.resolve()
    this.#trouble = gone
    this.#opening?.resolve("the spool's thread ended")
    for (const group of this.#underWay.keys()) this.#failed(group, gone)
    for (const number of this.#asked.keys()) this.#refuse(number, gone.why)
    if (this.#closing === undefined) setTimeout(() => void this.open(), again)
  }
}

const gone: Failure = { full: false, why: "the spool's thread is not running" }

function trace(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
