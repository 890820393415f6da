// A large body on its way in: written to a file of its own as it comes, synced with its name before its row is written.
// The first error ends it; it is told at the end, since the client goes on sending until then.
import { type FileHandle, open, unlink } from "node:fs/promises"
import { crc32 } from "node:zlib"
import { bodyPath, type Folders } from "./bodies.ts"
import type { BodyFileFacts } from "./requests.ts"
import { step } from "./steps.ts"

/** Octets gathered for one write. */
const portion = 128 * 1024

export class BodyFile {
  readonly #path: string
  readonly #folderSync: FolderSync
  #file: FileHandle | undefined
  #staged = Buffer.allocUnsafeSlow(portion)
  #length = 0
  #size = 0
  #crc = 0
  #error: unknown
  /** Writes follow each other, also when somebody does not wait for them. */
  #last: Promise<void>

  constructor(folders: Folders, id: string, folderSync: FolderSync) {
    this.#path = bodyPath(folders, id)
    this.#folderSync = folderSync
    this.#last = this.#guarded(async () => {
      this.#file = await open(this.#path, "wx", 0o600)
      step("body.created")
    })
  }

  /** Resolves when the next piece may come. */
  append(chunk: Buffer): Promise<void> {
    this.#last = this.#last.then(() => this.#guarded(() => this.#take(chunk)))
    return this.#last
  }

  /** What was appended so far, from this octet on. A piece is gone when the next one is asked for. */
  async *read(start: number): AsyncIterable<Buffer> {
    await this.#last
    await this.#guarded(() => this.#flush())
    if (this.#error !== undefined) throw this.#error
    const file = await open(this.#path, "r")
    try {
      const piece = Buffer.allocUnsafe(portion)
      for (let at = start; ; ) {
        const { bytesRead } = await file.read(piece, 0, portion, at)
        if (bytesRead === 0) return
        yield piece.subarray(0, bytesRead)
        at += bytesRead
      }
    } finally {
      await file.close()
    }
  }

  /** On stable storage with its name; the error that kept it from that otherwise. */
  async finish(): Promise<{ ok: true; value: BodyFileFacts } | { ok: false; error: unknown }> {
    await this.#last
    await this.#guarded(async () => {
      await this.#flush()
      await this.#file?.datasync()
      step("body.synced")
      await this.#close()
      await this.#folderSync.sync()
      step("body.linked")
    })
    if (this.#error === undefined) return { ok: true, value: { size: this.#size, crc: this.#crc } }
    await this.abort()
    return { ok: false, error: this.#error }
  }

  /** Away with it. */
  async abort(): Promise<void> {
    await this.#last
    await this.#close().catch(() => {}) // whatever is wrong with it, it goes
    await unlink(this.#path).catch(() => {}) // the next start removes what cannot be removed now
    step("body.aborted")
  }

  async #take(chunk: Buffer): Promise<void> {
    for (let taken = 0; taken < chunk.length; ) {
      const fits = chunk.copy(this.#staged, this.#length, taken)
      taken += fits
      this.#length += fits
      if (this.#length === portion) await this.#flush()
    }
  }

  async #flush(): Promise<void> {
    const octets = this.#staged.subarray(0, this.#length)
    this.#crc = crc32(octets, this.#crc)
    this.#size += octets.length
    this.#length = 0
    for (let done = 0; done < octets.length; ) {
      const { bytesWritten } = (await this.#file?.write(octets, done)) ?? { bytesWritten: octets.length }
      done += bytesWritten
    }
    step("body.written")
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #guarded(act: () => Promise<void>): Promise<void> {
    if (this.#error !== undefined) return
    try {
      await act()
    } catch (error) {
      this.#error = error
    }
  }
}

/** Makes the names in a folder durable; those who ask while one sync runs share the next. */
export class FolderSync {
  readonly #path: string
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(path: string) {
    this.#path = path
  }

  sync(): Promise<void> {
    if (this.#running === undefined) return this.#run()
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        return this.#run()
      })
    return this.#next
  }

  #run(): Promise<void> {
    this.#running = syncNow(this.#path).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }
}

async function syncNow(path: string): Promise<void> {
  const folder = await open(path, "r")
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
