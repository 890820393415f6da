// One Waypost for one spool: a lock on a file in it, which the kernel gives back when the process ends, however it ends.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { lockFile } from "../host/posix.ts"
import { fail, ok, type Result } from "../mail/result.ts"

export type DirectoryLock = { release(): void }

class OpenLock implements DirectoryLock {
  #file: number | undefined

  constructor(file: number) {
    this.#file = file
  }

  /** Once: afterwards the number may be another file's. */
  release(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}

/** Takes the lock, or says who has it. */
export function lockDirectory(directory: string): Result<DirectoryLock> {
  const path = join(directory, "lock")
  const file = openSync(path, "a+", 0o600)
  if (!lockFile(file, "try")) {
    closeSync(file)
    return fail(`another Waypost (pid ${readFileSync(path, "utf8").trim()}) is using ${directory}`)
  }
  ftruncateSync(file)
  writeSync(file, `${process.pid}\n`)
  return ok(new OpenLock(file))
}
