// Opening a mailbox file for appending and locking it against everyone else who may write it: the dot lock first, then the
// kernel's, as procmail and mail.local do. Where the second is not to be had the first is given back, because mutt takes them in
// the other order. Waits by timer: other mailboxes are served meanwhile.
import { closeSync, constants, fchownSync, fstatSync, lstatSync, openSync, type Stats } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { lockFile, withRights } from "../host/posix.ts"
import { type DotLock, releaseDotLock, takeDotLock } from "./dotlock.ts"
import { failed, later, Refused } from "./outcome.ts"
import type { DirectoryRights, Owner } from "./owner.ts"

export type LockTarget = {
  readonly path: string
  readonly owner: Owner
  /** With whose rights the file and its dot lock are made. */
  readonly place: DirectoryRights
  /** A dot lock beside the kernel's: mailboxes have one; files of aliases may lie where only they can be written. */
  readonly dotLock: "needed" | "none"
  /** Whether the file as it was found may be written. */
  readonly check: (file: Stats, path: string) => void
  readonly waitMilliseconds: number
}

/** A file that is open for appending and locked. */
export class LockedFile {
  readonly fd: number
  readonly size: number
  readonly #lock: DotLock | undefined
  readonly #place: DirectoryRights

  constructor(fd: number, lock: DotLock | undefined, place: DirectoryRights) {
    this.fd = fd
    this.size = fstatSync(fd).size
    this.#lock = lock
    this.#place = place
  }

  /** Unlocks and closes. */
  close(): void {
    closeSync(this.fd)
    release(this.#lock, this.#place)
  }
}

/** Waits until the file is ours, at most as long as the target says; then it is to be tried again later. */
export async function openLocked(target: LockTarget): Promise<LockedFile> {
  const deadline = performance.now() + target.waitMilliseconds
  for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
    const locked = tryOpen(target)
    if (locked !== undefined) return locked
    if (performance.now() + pause > deadline)
      throw new Refused(later("4.2.0", `${target.path}: locked by another program`))
    await sleep(pause)
  }
}

function tryOpen(target: LockTarget): LockedFile | undefined {
  const { path, place } = target
  const lock =
    target.dotLock === "needed" ? withRights(place.rights, () => takeDotLock(path, Date.now())) : undefined
  if (target.dotLock === "needed" && lock === undefined) return undefined
  let fd: number | undefined
  try {
    fd = open(target)
    if (lockFile(fd, "try") && isStill(fd, target)) return new LockedFile(fd, lock, place)
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    release(lock, place)
    throw error
  }
  closeSync(fd)
  release(lock, place)
  return undefined
}

function release(lock: DotLock | undefined, place: DirectoryRights): void {
  if (lock !== undefined) withRights(place.rights, () => releaseDotLock(lock))
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants

// O_NONBLOCK: a FIFO in the mailbox's place must not stop us; that it is one is seen right after.
function open({ path, owner, place, check }: LockTarget): number {
  for (let tries = 0; ; tries++) {
    const fd = openExisting(path, owner) ?? create(path, owner, place)
    if (fd === undefined && tries < 10) continue // made by another between our two looks
    if (fd === undefined) throw new Refused(later("4.2.0", `${path}: comes and goes`))
    try {
      check(fstatSync(fd), path)
      return fd
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }
}

function openExisting(path: string, { rights }: Owner): number | undefined {
  try {
    return withRights(rights, () => openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

function create(path: string, { uid, gid }: Owner, { rights, asRoot }: DirectoryRights): number | undefined {
  try {
    const fd = withRights(rights, () =>
      openSync(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
    )
    if (asRoot) fchownSync(fd, uid, gid)
    return fd
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined
    throw error
  }
}

/** Whether the path still leads to the file we opened, now that nobody else may write it. */
function isStill(fd: number, { path, owner, check }: LockTarget): boolean {
  const ours = fstatSync(fd)
  check(ours, path)
  const there = withRights(owner.rights, () => lstatSync(path, { throwIfNoEntry: false }))
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev
}

/** What mail.local asks of a mailbox: a regular file, one name, the owner's. */
export function checkMailbox(owner: Owner): (file: Stats, path: string) => void {
  return (file, path) => {
    if (!file.isFile()) throw new Refused(failed("5.2.0", `${path}: irregular file`))
    if (file.nlink !== 1) throw new Refused(failed("5.2.0", `${path}: too many links`))
    if (file.uid !== owner.uid) {
      throw new Refused(failed("5.2.0", `${path}: wrong ownership (uid ${file.uid}, not ${owner.uid})`))
    }
  }
}
