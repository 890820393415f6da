// Makes deliveries durable together: the first at once, and while more keep coming a group at a time. A few are synced each for
// itself, many share one syncfs(2): what a sync costs is its waiting and waking, however many files it is for.
import { closeSync, fstatSync, fsync } from "node:fs"
import { promisify } from "node:util"
import { Worker } from "node:worker_threads"
import type { MakeDurable, Written } from "../mailbox/durable.ts"

/** The thread ended without an answer: no memory for it, as a rule. */
const noThread = "no thread"

type Waiting = Written & { readonly done: () => void; readonly failed: (error: Error) => void }

/** A group of at most so many is synced file by file. */
const fewest = 4
/** Milliseconds that a group gathers when mail keeps coming; it is in the mailboxes already, and only the spool waits to forget it. */
const usualGathering = 40
/** syncfs writes out what others have written to the file system, too. When that took so long, we leave it for a while. */
const slowMilliseconds = 500
const avoidMilliseconds = 30_000

const fsyncOf = promisify(fsync)

/** Owns the thread; close it at the end. */
export class Durability {
  #waiting: Waiting[] = []
  #running = false
  #thread: Worker | undefined
  #avoidUntil = 0
  readonly #gatherMilliseconds: number
  /** Ends the gathering. */
  #gathered: () => void = () => {}

  constructor({ gatherMilliseconds = usualGathering }: { readonly gatherMilliseconds?: number } = {}) {
    this.#gatherMilliseconds = gatherMilliseconds
  }

  /** Resolves when the file (and its directory's entry of it) is on stable storage. */
  readonly make: MakeDurable = (written) =>
    new Promise((done, failed) => {
      this.#waiting.push({ ...written, done, failed })
      if (!this.#running) void this.#run()
      else if (written.locked === true) this.#gathered()
    })

  async close(): Promise<void> {
    await this.#thread?.terminate()
  }

  async #run(): Promise<void> {
    this.#running = true
    await Promise.resolve() // what is written in the same turn of the loop is one group
    for (let isFirst = true; this.#waiting.length > 0; isFirst = false) {
      if (!isFirst) await this.#gather()
      const group = this.#waiting
      this.#waiting = []
      if (group.length > fewest && performance.now() >= this.#avoidUntil) await this.#syncTogether(group)
      else await Promise.all(group.map(syncOne))
    }
    this.#running = false
  }

  /** Mail came while a sync was running: more of it is on its way. Who holds a lock meanwhile holds up others. */
  async #gather(): Promise<void> {
    if (this.#waiting.some(({ locked }) => locked === true)) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#gatherMilliseconds)
      this.#gathered = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #syncTogether(group: readonly Waiting[]): Promise<void> {
    for (const members of byDevice(group)) {
      const [first] = members
      if (first === undefined) continue
      const began = performance.now()
      const error = await this.#syncfs(first.fd)
      if (performance.now() - began > slowMilliseconds)
        this.#avoidUntil = performance.now() + avoidMilliseconds
      if (error === noThread) {
        this.#avoidUntil = performance.now() + avoidMilliseconds
        await Promise.all(members.map(syncOne))
        continue
      }
      for (const one of members) {
        if (error === undefined) one.done()
        else one.failed(Object.assign(new Error(`syncfs: ${error}`), { code: error }))
      }
    }
  }

  #syncfs(fd: number): Promise<string | undefined> {
    const thread = this.#start()
    return new Promise((resolve) => {
      const ended = (): void => {
        this.#thread = undefined // a new one is made, some time later
        resolve(noThread)
      }
      thread.once("message", (error: string | undefined) => {
        thread.off("exit", ended)
        resolve(error)
      })
      thread.once("exit", ended)
      thread.postMessage(fd, [])
    })
  }

  #start(): Worker {
    if (this.#thread !== undefined) return this.#thread
    const memory = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 1 }
    const thread = new Worker(new URL("./sync-thread.ts", import.meta.url), { resourceLimits: memory })
    thread.on("error", () => {}) // its exit follows, and is an answer
    thread.unref()
    this.#thread = thread
    return thread
  }
}

function byDevice(group: readonly Waiting[]): Iterable<readonly Waiting[]> {
  const devices = new Map<number, Waiting[]>()
  for (const one of group) {
    const { dev } = fstatSync(one.fd)
    const known = devices.get(dev)
    if (known === undefined) devices.set(dev, [one])
    else known.push(one)
  }
  return devices.values()
}

async function syncOne({ fd, directory, done, failed }: Waiting): Promise<void> {
  try {
    await Promise.all([fsyncOf(fd), directory === undefined ? undefined : syncDirectory(directory())])
    done()
  } catch (error) {
    failed(error instanceof Error ? error : new Error(String(error)))
  }
}

async function syncDirectory(fd: number): Promise<void> {
  try {
    await fsyncOf(fd)
  } finally {
    closeSync(fd)
  }
}
