// What a delivery asks before it says "done": that its file, and its directory's entry of it, will survive a crash.

export type Written = {
  /** The file; it stays open until this is done. */
  readonly fd: number
  /** Opens the directory whose entry is new; undefined when only the file has changed. Its descriptor is closed by who asked. */
  readonly directory: (() => number) | undefined
  /** It is locked until this is done: it is not to wait for others. */
  readonly locked?: true
}

/** Resolves when it is on stable storage; rejects when that failed, and then nothing is known of what is there. */
export type MakeDurable = (written: Written) => Promise<void>
