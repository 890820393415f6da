// A message while filters look at it: nothing is in the spool yet, for they may change every octet. Small ones stay in memory, large
// ones in a file that has no name, so that whatever happens nothing of it is left behind.
import { type FileHandle, open, unlink } from "node:fs/promises"
import { join } from "node:path"

const mostInMemory = 1024 * 1024
const piece = 64 * 1024

export class HeldOctets {
  readonly #path: string
  readonly #kept: Buffer[] = []
  #file: FileHandle | undefined
  #size = 0
  #writing: Promise<void> = Promise.resolve()

  /** `directory` is where a large one is kept; `name` tells it from others. */
  constructor(directory: string, name: string) {
    this.#path = join(directory, `held-${name}`)
  }

  get size(): number {
    return this.#size
  }

  /** The octets are copied. A promise means: wait before the next. */
  write(octets: Buffer): void | Promise<void> {
    this.#size += octets.length
    this.#kept.push(Buffer.from(octets))
    if (this.#size <= mostInMemory) return
    this.#writing = this.#writing.then(() => this.#flush())
    return this.#writing
  }

  async #flush(): Promise<void> {
    const octets = this.#kept.splice(0)
    if (octets.length === 0) return
    this.#file ??= await this.#open()
    const whole = octets.length === 1 ? octets[0]! : Buffer.concat(octets)
    for (let at = 0; at < whole.length; ) at += (await this.#file.write(whole, at)).bytesWritten
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, "wx+", 0o600)
    await unlink(this.#path)
    return file
  }

  /** The octets from `start` on, in pieces of at most 64 KiB, each good until the next is asked for. */
  async *chunks(start = 0): AsyncGenerator<Buffer> {
    await this.#writing
    if (this.#file === undefined) return yield* pieces(this.#kept, start)
    const room = Buffer.allocUnsafe(piece)
    for (let at = start; ; ) {
      const { bytesRead } = await this.#file.read(room, 0, piece, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield room.subarray(0, bytesRead)
    }
  }

  /** Lets go of it. */
  async close(): Promise<void> {
    this.#kept.length = 0
    await this.#writing.catch(() => {}) // whoever wrote has heard of it
    await this.#file?.close()
    this.#file = undefined
  }
}

function* pieces(kept: readonly Buffer[], start: number): Generator<Buffer> {
  let skip = start
  for (const octets of kept) {
    for (let at = Math.min(skip, octets.length); at < octets.length; at += piece)
      yield octets.subarray(at, at + piece)
    skip = Math.max(0, skip - octets.length)
  }
}
