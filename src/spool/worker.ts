// The spool's own thread: takes groups of changes, commits whatever waits in one transaction, answers questions in between, and
// keeps the timelines when nothing else is to be done. It is the only one that opens the databases.
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads"
import { trimMemory } from "../host/posix.ts"
import type { TimeMark } from "../queue/steady.ts"
import type { AgeCount } from "./ages.ts"
import { setAsideOctets } from "./bodies.ts"
import { explainError, isDamage, UnusableDatabase } from "./database.ts"
import type { Answers, Counted, Failure, FromWorker, Question, ToWorker, WorkerStart } from "./requests.ts"
import type { ShapeCount } from "./shapes.ts"
import { Store } from "./store.ts"
import { Timeline } from "./timeline.ts"

/** Milliseconds between two tries to open a store that failed. */
const reopenEvery = 500
/** Quiet milliseconds after which the WALs are emptied. */
const idleAfter = 200

type Changes = ToWorker & { kind: "changes" }

class SpoolThread {
  readonly #port: MessagePort
  readonly #store: Store
  readonly #timeline: Timeline
  #reopening: NodeJS.Timeout | undefined
  /** Groups that failed. One that was sent before all of them were heard of is refused as well. */
  #failures = 0
  #idle: NodeJS.Timeout | undefined

  constructor(port: MessagePort, start: WorkerStart) {
    this.#port = port
    const log = (line: string) => this.#say({ kind: "log", line })
    this.#store = new Store(start, {
      log,
      tell: (report) => this.#say({ kind: "damage", report }),
    })
    this.#timeline = new Timeline(start, log)
  }

  listen(): void {
    this.#port.on("message", (message: ToWorker) => this.#hear(message))
    this.#say({ kind: "opened", segments: this.#store.segments(), mark: this.#store.lastMark })
  }

  // Whatever came while the last commit ran is taken together: one sync for all of it.
  #hear(first: ToWorker): void {
    const changes: Changes[] = []
    const others: Exclude<ToWorker, Changes>[] = []
    for (let message: ToWorker | undefined = first; message !== undefined; message = this.#waiting()) {
      if (message.kind === "changes") changes.push(message)
      else others.push(message)
    }
    if (changes.length > 0) this.#commit(changes)
    for (const message of others) this.#serve(message)
    this.#store.checkpoint()
    this.#timeline.checkpoint()
    this.#idle ??= setTimeout(() => this.#rest(), idleAfter)
    this.#idle.refresh()
  }

  #waiting(): ToWorker | undefined {
    const received = receiveMessageOnPort(this.#port) as { message: ToWorker } | undefined
    return received?.message
  }

  #commit(groups: readonly Changes[]): void {
    const overtook = groups.find(({ heard }) => heard < this.#failures)
    if (overtook !== undefined) return this.#fail(groups, outOfTurn)
    const done = this.#store.commit(groups)
    if (!done.ok) return this.#refuse(groups, done.failure)
    const { unneeded } = done
    if (unneeded.length > 0) this.#say({ kind: "unneeded", segments: unneeded })
    for (const [n, { group }] of groups.entries()) {
      const results = done.results[n]
      const allTrue = results?.every((result) => result === true) ?? false
      this.#say({ kind: "changed", group, results: allTrue ? undefined : results })
    }
  }

  // What keeps the store from working is said first: nobody who hears of his refusal finds room again before it is there.
  #refuse(groups: readonly Changes[], failure: Failure): void {
    this.#wait(failure)
    this.#fail(groups, failure)
    this.#reopen()
  }

  #fail(groups: readonly Changes[], failure: Failure): void {
    this.#failures += groups.length
    for (const { group } of groups) this.#say({ kind: "failed", group, failure })
  }

  #wait(failure: Failure): void {
    this.#say({ kind: "order", trouble: failure })
    this.#reopening ??= setInterval(() => this.#reopen(), reopenEvery)
  }

  #reopen(): void {
    if (!this.#store.reopen()) return
    clearInterval(this.#reopening)
    this.#reopening = undefined
    this.#say({ kind: "order", trouble: undefined })
  }

  #serve(message: Exclude<ToWorker, Changes>): void {
    switch (message.kind) {
      case "question":
        this.#answer(message.number, message.question)
        return
      case "events":
        this.#timeline.add(message.events, message.now)
        this.#say({ kind: "eventsKept", count: message.events.length })
        return
      case "distrust":
        this.#mend(message.why)
        return
      case "close":
        this.#close(message.mark)
    }
  }

  #answer(number: number, question: Question): void {
    if (question.ask === "ages" || question.ask === "shapes") return this.#countPages(number, question)
    // A count of a long queue takes many pages; changes go on between them.
    if (question.ask === "count" && this.#store.trouble === undefined && !this.#store.tally.countOn()) {
      setImmediate(() => this.#answer(number, question))
      return
    }
    try {
      const value = this.#find(question)
      const octets = question.ask === "body" && isBody(value) ? [value.octets.buffer] : []
      this.#port.postMessage({ kind: "answer", number, value } satisfies FromWorker, octets)
    } catch (error) {
      this.#unanswered(number, error)
    }
  }

  /** Page by page, with whatever else waits in between. A store that is closed meanwhile has no answer. */
  #countPages(number: number, question: Counted, begun?: AgeCount | ShapeCount): void {
    try {
      const count = begun ?? this.#store.begin(question)
      if (count.countOn()) return this.#say({ kind: "answer", number, value: count.value })
      setImmediate(() => this.#countPages(number, question, count))
    } catch (error) {
      this.#unanswered(number, error)
    }
  }

  /** An index is made anew from its table; anything else is saved into a new database. */
  #mend(why: string): void {
    if (this.#store.trouble !== undefined || this.#store.reindex(why)) return
    this.#wait(this.#store.distrust(why))
    this.#reopen()
  }

  #unanswered(number: number, error: unknown): void {
    if (isDamage(error)) this.#wait(this.#store.distrust(explainError(error)))
    this.#say({ kind: "unanswered", number, why: explainError(error) })
  }

  #find(question: Exclude<Question, Counted>): Answers[keyof Answers] {
    const { reader, tally } = this.#store
    switch (question.ask) {
      case "due":
        return reader.due(question)
      case "nextDue":
        return reader.nextDue(question.now)
      case "get":
        return reader.get(question.id)
      case "body":
        return this.#body(question.id)
      case "list":
        return reader.list(question.filter, question.after, question.limit)
      case "count":
        return tally.totals
      case "history":
        return this.#timeline.find(question.id)
      case "events":
        return this.#timeline.search(question.search)
      case "trim":
        return void trimMemory()
    }
  }

  /** What is damaged is kept beside, for the eyes of the operator. */
  #body(id: string): Answers["body"] {
    const { reader, folders } = this.#store
    const body = reader.body(id)
    const octets = body.found === "damaged" ? reader.rawBody(id) : undefined
    if (octets !== undefined) setAsideOctets(folders, id, "", octets)
    return body
  }

  #rest(): void {
    const unneeded = this.#store.gather()
    if (unneeded !== undefined) this.#idle?.refresh() // perhaps there is more
    if (unneeded !== undefined && unneeded.length > 0) this.#say({ kind: "unneeded", segments: unneeded })
    this.#store.checkpoint(true)
    this.#timeline.checkpoint(true)
  }

  #close(mark: TimeMark | undefined): void {
    clearInterval(this.#reopening)
    clearTimeout(this.#idle)
    try {
      this.#store.close(mark)
      this.#timeline.close()
    } catch (error) {
      this.#say({ kind: "log", line: `closing the spool: ${explainError(error)}` })
    }
    this.#say({ kind: "closed" })
    this.#port.close()
  }

  #say(message: FromWorker): void {
    this.#port.postMessage(message, [])
  }
}

const outOfTurn: Failure = { full: false, why: "a change before it could not be made" }

function isBody(value: Answers[keyof Answers]): value is Answers["body"] & { found: "body" } {
  return typeof value === "object" && "found" in value && value.found === "body"
}

function serve(port: MessagePort): void {
  try {
    new SpoolThread(port, workerData as WorkerStart).listen()
  } catch (error) {
    const why =
      error instanceof UnusableDatabase ? error.message : `the spool cannot be opened: ${explainError(error)}`
    port.postMessage({ kind: "refused", why } satisfies FromWorker, [])
    port.close()
  }
}

if (parentPort !== null) serve(parentPort)
