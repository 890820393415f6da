// A message on its way in: in memory while it is small, in a file of its own from there on, and durable when commit says so.
import type { Content } from "../mail/content.ts"
import { inMemory } from "../mail/content.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Entry, Pending, Queued } from "../queue/entry.ts"
import { BodyFile, type FolderSync } from "./body-file.ts"
import { bodyPath, type Folders, isId, largestInRow } from "./bodies.ts"
import { printEntry, printPending } from "./codec.ts"
import { explainError, isFull } from "./database.ts"
import { fileContent } from "./file-content.ts"
import type { Ledger } from "./ledger.ts"
import type { BodyFileFacts, Failure } from "./requests.ts"
import type { Room } from "./room.ts"
import type { Incoming } from "./spool.ts"
import { step } from "./steps.ts"

/** Octets kept free before the message, so that trace fields go there without another copy of it. */
const headroom = 1024
/** Octets of a message up to which it goes into a row, together with its trace fields. */
const mostInMemory = largestInRow - headroom
/** Octets reserved for a message whose size nobody declared. */
const usual = 16 * 1024
const nothing = Buffer.alloc(0)

/** What every incoming message of a spool shares. */
export type Intake = {
  readonly folders: Folders
  readonly folderSync: FolderSync
  readonly ledger: Ledger
  readonly room: Room
}

type Accepted = Result<Queued & { content: Content }, Failure>

export class IncomingMessage implements Incoming {
  readonly id: string
  readonly #intake: Intake
  #buffer: Buffer
  /** Where the octets end in the buffer. */
  #end = headroom
  #file: BodyFile | undefined
  #over = false

  constructor(intake: Intake, id: string, expectedSize: number) {
    if (!isId(id)) throw new Error(`${id} is no queue id`)
    this.id = id
    this.#intake = intake
    const expected = expectedSize > 0 ? Math.min(expectedSize, mostInMemory) : usual
    this.#buffer = Buffer.allocUnsafeSlow(headroom + expected)
  }

  /** The octets are copied: the caller may use the chunk again once the promise, if there is one, has resolved. */
  write(chunk: Buffer): void | Promise<void> {
    if (this.#over) return
    this.#intake.room.taken(chunk.length)
    if (this.#file !== undefined) return this.#file.append(chunk)
    const end = this.#end + chunk.length
    if (end - headroom > mostInMemory) return this.#toFile(chunk)
    if (end > this.#buffer.length) this.#grow(end)
    chunk.copy(this.#buffer, this.#end)
    this.#end = end
  }

  #grow(least: number): void {
    const size = Math.min(Math.max(least, this.#buffer.length * 2), Math.max(least, headroom + mostInMemory))
    const larger = Buffer.allocUnsafeSlow(size)
    this.#buffer.copy(larger, headroom, headroom, this.#end)
    this.#buffer = larger
  }

  #toFile(chunk: Buffer): Promise<void> {
    const { folders, folderSync } = this.#intake
    const file = new BodyFile(folders, this.id, folderSync)
    this.#file = file
    void file.append(this.#buffer.subarray(headroom, this.#end))
    this.#buffer = nothing
    return file.append(chunk)
  }

  async *written(start: number): AsyncIterable<Buffer> {
    if (this.#file !== undefined) yield* this.#file.read(start)
    else if (headroom + start < this.#end) yield this.#buffer.subarray(headroom + start, this.#end)
  }

  commit(entry: Entry, pending: readonly Pending[], prefix: Buffer): Promise<Accepted> {
    if (this.#over) throw new Error(`${this.id}: it was committed or thrown away before`)
    this.#over = true
    step("accept.received")
    if (this.#file === undefined) return this.#commitRow(entry, pending, this.#whole(prefix))
    return this.#commitFile(this.#file, entry, pending, prefix)
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    this.#buffer = nothing
    void this.#file?.abort()
  }

  /** Prefix and octets in one piece. */
  #whole(prefix: Buffer): Buffer {
    const start = headroom - prefix.length
    if (start < 0) return Buffer.concat([prefix, this.#buffer.subarray(headroom, this.#end)])
    prefix.copy(this.#buffer, start)
    return this.#buffer.subarray(start, this.#end)
  }

  async #commitRow(entry: Entry, pending: readonly Pending[], octets: Buffer): Promise<Accepted> {
    const failure = await this.#accept(entry, pending, octets, undefined)
    if (failure !== undefined) return this.#refused(failure)
    step("accept.answered")
    return ok({ entry, pending, content: inMemory(octets, entry.headerSize) })
  }

  async #commitFile(
    body: BodyFile,
    entry: Entry,
    pending: readonly Pending[],
    prefix: Buffer,
  ): Promise<Accepted> {
    const finished = await body.finish()
    if (!finished.ok)
      return this.#refused({ full: isFull(finished.error), why: explainError(finished.error) })
    const failure = await this.#accept(entry, pending, prefix, finished.value)
    if (failure !== undefined) {
      await body.abort()
      return this.#refused(failure)
    }
    step("accept.answered")
    const path = bodyPath(this.#intake.folders, this.id)
    const content = fileContent(path, prefix, finished.value.size, entry.headerSize)
    return ok({ entry, pending, content })
  }

  #accept(
    entry: Entry,
    pending: readonly Pending[],
    octets: Buffer,
    file: BodyFileFacts | undefined,
  ): Promise<Failure | undefined> {
    const { json, held } = printEntry(entry)
    const { id, acceptedAt } = entry
    return this.#intake.ledger.accept(
      { id, acceptedAt, json, held, pending: pending.map(printPending), file },
      octets,
    )
  }

  #refused(failure: Failure): Accepted {
    this.#intake.room.lookAgain()
    return fail(failure)
  }
}
