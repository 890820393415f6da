// Dot locks: FILE.lock, made in one step, as mutt, procmail, c-client and liblockfile make them. Ours says who holds
// it, so that a lock left by a crash is known for what it is.
import {
  closeSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeSync,
} from "node:fs"
import { constants } from "node:fs"
import { hostname } from "node:os"

/** A lock we hold. */
export type DotLock = { readonly path: string; readonly inode: number }

/** liblockfile's rule: a lock whose holder cannot be known is stale after five minutes. */
export const unknownHolderMilliseconds = 300_000

/** A lock whose holder is gone, as far as its pid and boot tell, is stale after ten seconds. */
export const goneHolderMilliseconds = 10_000

let bootId: string | undefined

/** Changes with every boot of the machine: a pid means something only together with it. */
function boot(): string {
  bootId ??= readBootId()
  return bootId
}

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  } catch {
    return "unknown" // no Linux: then holders are unknown too, and age decides
  }
}

let ownStart: string | undefined

/**
 * When this process began (proc(5), starttime): a pid is given away again, in a container that is started anew often to the very
 * same program. Empty where there is no /proc.
 */
function started(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? ""
  } catch {
    return ""
  }
}

/** Takes the lock of `file`, or answers undefined when another has it. Breaks a stale one. Call it with the rights its directory needs. */
export function takeDotLock(file: string, now: number): DotLock | undefined {
  return takeLockFile(`${file}.lock`, now)
}

/** The same for a lock file of any name (procmail's LOCKFILE). */
export function takeLockFile(path: string, now: number): DotLock | undefined {
  // O_EXCL alone is safe everywhere but on NFS 2, and costs half of the directory's changes that link(2) would.
  const fd = created(path) ?? (breakStale(path, now) ? created(path) : undefined)
  if (fd === undefined) return undefined
  try {
    ownStart ??= started(process.pid)
    writeSync(fd, `${process.pid}\n${boot()}\n${ownStart}\n${hostname()}\n`)
    return { path, inode: fstatSync(fd).ino }
  } catch (error) {
    unlinkIfThere(path) // a full disk: a lock that says nothing would keep everybody out for minutes
    throw error
  } finally {
    closeSync(fd)
  }
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

function created(path: string): number | undefined {
  try {
    return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined
    throw error
  }
}

/** Gives the lock back, unless somebody broke it and it is another's now. */
export function releaseDotLock({ path, inode }: DotLock): void {
  if (statOf(path)?.ino === inode) unlinkIfThere(path)
}

/** rmSync, which does this too, takes half a millisecond longer. */
function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
  }
}

function linked(own: string, path: string): boolean {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
    throw error
  }
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

/** Removes a stale lock; true when it may be worth trying again. */
function breakStale(path: string, now: number): boolean {
  const lock = statOf(path)
  if (lock === undefined) return true
  if (!isStale(path, lock, now)) return false
  const aside = `${path}.${process.pid}.stale`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true
    throw error
  }
  // Another may have broken the same lock and taken a new one between our look and our rename: then it goes back.
  const isTheOne = statOf(aside)?.ino === lock.ino
  if (!isTheOne) linked(aside, path)
  unlinkSync(aside)
  return isTheOne
}

// What we wrote ourselves tells at once. A bare pid may be one of another host that shares the directory, a lock of another boot one
// of such a host too, unless it says ours: these get ten seconds.
function isStale(path: string, { mtimeMs, size }: Stats, now: number): boolean {
  const age = now - mtimeMs
  const holder = size > 0 && size < 256 ? holderOf(path) : undefined
  if (holder === undefined) return age > unknownHolderMilliseconds
  if (holder.boot === boot()) return !isAlive(holder.pid) || isAnother(holder)
  if (holder.boot !== undefined && holder.host === hostname()) return age > goneHolderMilliseconds
  if (isAlive(holder.pid)) return false
  return age > (holder.boot === undefined ? goneHolderMilliseconds : unknownHolderMilliseconds)
}

type Holder = {
  readonly pid: number
  readonly boot: string | undefined
  readonly started: string
  readonly host: string | undefined
}

/** liblockfile writes the pid alone; we write the boot id, our start and our host too. Others write nothing that can be read. */
function holderOf(path: string): Holder | undefined {
  const [pid = "", bootLine = "", start = "", host = ""] = readLock(path).split("\n")
  if (!/^\d{1,10}\s*$/.test(pid) || !/^[0-9a-f-]*$/.test(bootLine) || !/^\d*$/.test(start)) return undefined
  if (Number(pid) <= 0) return undefined
  return { pid: Number(pid), boot: bootLine || undefined, started: start, host: host || undefined }
}

/** Whether the pid is by now another process's. */
function isAnother(holder: Holder): boolean {
  const now = started(holder.pid)
  return holder.started !== "" && now !== "" && now !== holder.started
}

function readLock(path: string): string {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      return readFileSync(fd, "latin1")
    } finally {
      closeSync(fd)
    }
  } catch {
    return "" // gone, or not ours to read: the holder is unknown
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}
