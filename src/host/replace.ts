// Replaces a file at once: readers see the old one or the new one, whole, also after a crash.
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writevSync,
} from "node:fs"
import { dirname } from "node:path"
import { fail, ok, type Result } from "../mail/result.ts"

/** Writes aside, syncs, renames, syncs the folder. Rights are those of the old file, else of `like`, else 0644. */
export function replaceFile(path: string, pieces: readonly Buffer[], like?: string): Result<void> {
  const aside = `${path}.new.${process.pid}`
  const model = statOf(path) ?? (like === undefined ? undefined : statOf(like))
  try {
    const file = openSync(aside, "wx", 0o600)
    try {
      writeAll(file, pieces)
      fchmodSync(file, model === undefined ? 0o644 : model.mode & 0o777)
      if (model !== undefined && process.getuid?.() === 0) chownSync(aside, model.uid, model.gid)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(aside, path)
    syncFolder(dirname(path))
    return ok(undefined)
  } catch (error) {
    remove(aside)
    return fail(`${path}: ${reasonOf(error)}`)
  }
}

/** The file's state, or undefined when there is none to be seen. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined // a folder on the way cannot be searched; who opens the file hears why
  }
}

/** What a system call's failure is called: "Permission denied". */
export function reasonOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return "No such file or directory"
    case "EACCES":
    case "EPERM":
      return "Permission denied"
    case "ENOSPC":
      return "No space left on device"
    case "EISDIR":
      return "Is a directory"
    case "ENOTDIR":
      return "Not a directory"
    case "EROFS":
      return "Read-only file system"
    case "EEXIST":
      return "somebody else is writing it; remove what is left of that if it is over"
    default:
      return error instanceof Error ? error.message : String(error)
  }
}

function writeAll(file: number, pieces: readonly Buffer[]): void {
  for (let start = 0; start < pieces.length; start += 64) {
    let batch = pieces.slice(start, start + 64).filter((piece) => piece.length > 0)
    while (batch.length > 0) batch = unwritten(batch, writevSync(file, batch))
  }
}

/** A write may be cut short by a nearly full disk. */
function unwritten(batch: readonly Buffer[], written: number): Buffer[] {
  let left = written
  const rest: Buffer[] = []
  for (const piece of batch) {
    if (left < piece.length) rest.push(piece.subarray(left))
    left = Math.max(0, left - piece.length)
  }
  return rest
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r")
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // it was never there, or the folder is gone: nothing is left behind
  }
}
