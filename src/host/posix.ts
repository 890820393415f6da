// The few calls of libc that Node lacks: locks, rights, limits, the clock, who is at a socket's other end. Loaded at the first call, so that
// importing this file is harmless where there is no such library.
import type { Socket } from "node:net"
import { getRawPointer } from "node:ffi"
import { readdirSync } from "node:fs"
import { fail, ok, type Result } from "../mail/result.ts"
import { errnoLocation, failureOf, loadLibc } from "./libc.ts"

const signatures = {
  __errno_location: errnoLocation,
  adjtimex: { arguments: ["buffer"], return: "int32" },
  fcntl: { arguments: ["int32", "int32", "buffer"], return: "int32" },
  getsockopt: { arguments: ["int32", "int32", "int32", "buffer", "buffer"], return: "int32" },
  malloc_trim: { arguments: ["uint64"], return: "int32" },
  prctl: { arguments: ["int32", "uint64", "uint64", "uint64", "uint64"], return: "int32" },
  setfsgid: { arguments: ["uint32"], return: "int32" },
  setfsuid: { arguments: ["uint32"], return: "int32" },
  setrlimit: { arguments: ["int32", "buffer"], return: "int32" },
  syncfs: { arguments: ["int32"], return: "int32" },
  syscall: { arguments: ["int64", "int64", "buffer"], return: "int64" },
} as const

type Libc = ReturnType<typeof loadLibc<typeof signatures>>

let loaded: Libc | undefined
let errnoAt = 0n

function libc(): Libc {
  if (loaded === undefined) {
    loaded = loadLibc(signatures)
    errnoAt = loaded.__errno_location()
  }
  return loaded
}

/** Whether everything this file offers is there: asked once at start, so that a missing call is a refusal and not a surprise. */
export function checkPosix(): Result<void> {
  try {
    libc()
    return ok(undefined)
  } catch (error) {
    return fail(`the C library cannot be used: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function failure(call: string): NodeJS.ErrnoException {
  return failureOf(call, errnoAt)
}

/** A buffer that begins at a multiple of so many octets: what O_DIRECT reads and writes. Memory of a buffer never moves. */
export function alignedBuffer(octets: number, multiple: number): Buffer {
  const roomy = Buffer.allocUnsafeSlow(octets + multiple)
  const over = Number(getRawPointer(roomy) % BigInt(multiple))
  const start = over === 0 ? 0 : multiple - over
  return roomy.subarray(start, start + octets)
}

const F_UNLCK = 2
const F_WRLCK = 1
const F_OFD_SETLK = 37
const F_OFD_SETLKW = 38

/** struct flock of 64-bit Linux with everything zero but the type: the whole file, from its start. */
function flock(type: number): Buffer {
  const lock = Buffer.alloc(32)
  lock.writeInt16LE(type, 0)
  return lock
}

const writeLock = flock(F_WRLCK)
const noLock = flock(F_UNLCK)

/**
 * Locks the whole file as lockf(3) does, so that it keeps out mutt, procmail, Dovecot and `fcntl.lockf`; the descriptor
 * must be open for writing. False when "try" found another's lock; "wait" stops this thread until it has the lock.
 */
export function lockFile(fd: number, how: "try" | "wait"): boolean {
  // lockf itself would lose the lock as soon as this process closes any descriptor of the same file. An "open file
  // description" lock conflicts with lockf's in the same way, and lasts as long as this descriptor (fcntl(2)).
  if (libc().fcntl(fd, how === "try" ? F_OFD_SETLK : F_OFD_SETLKW, writeLock) === 0) return true
  const error = failure("lock")
  if (error.code === "EAGAIN" || error.code === "EACCES") return false
  throw error
}

/** Gives up the lock; closing the descriptor does it too. */
export function unlockFile(fd: number): void {
  if (libc().fcntl(fd, F_OFD_SETLK, noLock) !== 0) throw failure("unlock")
}

/** Writes out everything of the file system this descriptor is on, and waits for it. Blocks: call it in a thread of its own. */
export function syncfs(fd: number): void {
  if (libc().syncfs(fd) !== 0) throw failure("syncfs")
}

/** Gives memory that was freed back to the kernel: what handshakes needed and nobody needs any more. */
export function trimMemory(): void {
  libc().malloc_trim(0n)
}

const F_SETFD = 2
const FD_CLOEXEC = 1n

/** What we inherited from whoever started us is not inherited by the programs we start. Node sees to its own descriptors. */
export function closeInheritedOnExec(): void {
  for (const name of readdirSync("/proc/self/fd")) {
    const fd = Number(name)
    if (fd > 2) libc().fcntl(fd, F_SETFD, FD_CLOEXEC) // one that is closed meanwhile is no matter
  }
}

const TIME_ERROR = 5

/** Whether somebody (chrony, systemd-timesyncd, the machine around us) keeps the clock right, by the kernel's word (adjtimex(2)). */
export function clockIsKept(): boolean {
  const state = libc().adjtimex(Buffer.alloc(256)) // struct timex is 208 octets; modes 0: only asks
  if (state < 0) throw failure("adjtimex")
  return state !== TIME_ERROR
}

export type PeerCredentials = { readonly pid: number; readonly uid: number; readonly gid: number }

const SOL_SOCKET = 1
const SO_PEERCRED = 17

/** Who is at the other end of a unix socket, by the kernel's word (unix(7)). */
export function peerCredentials(end: number | Socket): PeerCredentials {
  const fd = typeof end === "number" ? end : descriptorOf(end)
  const credentials = Buffer.alloc(12)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(12)
  if (libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0) throw failure("getsockopt")
  return {
    pid: credentials.readInt32LE(0),
    uid: credentials.readUInt32LE(4),
    gid: credentials.readUInt32LE(8),
  }
}

/** Node has no public name for a socket's descriptor; its handle has carried it since the beginning. */
function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, "_handle")
  const fd: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : undefined
  if (typeof fd !== "number" || fd < 0) throw new Error("the socket is closed: nobody is at its other end")
  return fd
}

const PR_SET_NO_NEW_PRIVS = 38

/** From here on no program started by this thread gains rights by being setuid. */
export function noNewPrivileges(): void {
  if (libc().prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) throw failure("prctl")
}

const resources = { fileSize: 1, core: 4, processes: 6, openFiles: 7 } as const

/** Sets soft and hard limit of this process and of what it starts (setrlimit(2)). */
export function setLimit(resource: keyof typeof resources, value: number): void {
  const limit = Buffer.alloc(16)
  limit.writeBigUInt64LE(BigInt(value), 0)
  limit.writeBigUInt64LE(BigInt(value), 8)
  if (libc().setrlimit(resources[resource], limit) !== 0) throw failure("setrlimit")
}

/** Whose rights the file system is to see. */
export type Rights = { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }

const systemCalls: Readonly<Record<string, { readonly setgroups: bigint; readonly capset: bigint }>> = {
  x64: { setgroups: 116n, capset: 126n },
  arm64: { setgroups: 159n, capset: 91n },
}

function systemCall(name: "setgroups" | "capset"): bigint {
  const numbers = systemCalls[process.arch]
  if (numbers === undefined) throw new Error(`users' rights are not known how to be taken on ${process.arch}`)
  return numbers[name]
}

const nobody = 0xffff_ffff
const noGroups: readonly number[] = []

/** Whose rights this thread has now; undefined: our own. */
let current: Rights | undefined
/** The supplementary groups that go with them; undefined: nobody has set them yet. */
let currentGroups: readonly number[] | undefined

/**
 * Does `act` with these rights on the file system (undefined: our own), then goes back to those of before. Only for this
 * thread and only until `act` returns, so it must not await. While it lasts, root's power to override permissions is gone
 * too (capabilities(7)). process.seteuid would stop every thread of the process for it: 200 µs against 15.
 */
export function withRights<T>(rights: Rights | undefined, act: () => T): T {
  if (rights === current) return act()
  const before = current
  try {
    become(rights)
    return act()
  } finally {
    comeBack(before)
  }
}

function become(rights: Rights | undefined): void {
  const { uid, gid } = rights ?? ourOwn()
  const calls = libc()
  const groups = furtherGroups(rights)
  if (groups !== currentGroups) setGroups(groups)
  currentGroups = groups
  calls.setfsgid(gid)
  calls.setfsuid(uid)
  current = rights
  // Both calls return what was before and never an error; asking for an impossible id tells what is.
  if (calls.setfsuid(nobody) !== (uid | 0) || calls.setfsgid(nobody) !== (gid | 0)) {
    throw new Error(`the rights of uid ${uid} gid ${gid} cannot be taken`)
  }
}

let own: { readonly uid: number; readonly gid: number } | undefined

/** Ours do not change while we run; asking the kernel twice for each file would cost more than the file's permissions. */
function ourOwn(): { readonly uid: number; readonly gid: number } {
  own ??= { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  return own
}

/** The group that is taken by setfsgid need not stand in the list as well, and most users have no other. */
function furtherGroups(rights: Rights | undefined): readonly number[] {
  if (rights === undefined) return noGroups
  const { gid, groups } = rights
  return groups.length === 0 || (groups.length === 1 && groups[0] === gid) ? noGroups : groups
}

/** A process that does not know whose rights it has must not go on. */
function comeBack(before: Rights | undefined): void {
  try {
    become(before)
  } catch (error) {
    process.stderr.write(`cannot go back to the rights of before: ${String(error)}\n`)
    process.abort()
  }
}

// setgroups(3) of glibc changes all threads; the system call only this one. Our own list is empty: main.ts sees to it.
function setGroups(groups: readonly number[]): void {
  const list = Buffer.alloc(Math.max(4, groups.length * 4))
  groups.forEach((group, i) => list.writeUInt32LE(group, i * 4))
  if (libc().syscall(systemCall("setgroups"), BigInt(groups.length), list) !== 0n) throw failure("setgroups")
}

const capabilities = {
  chown: 0,
  dac_override: 1,
  dac_read_search: 2,
  fowner: 3,
  fsetid: 4,
  kill: 5,
  setgid: 6,
  setuid: 7,
} as const

const linuxCapabilityVersion3 = 0x2008_0522

/**
 * Gives up every capability of root but these, for this thread and all that are made from it. Among what goes:
 * CAP_SYS_RESOURCE, with which a file system would ignore quotas and hand out its reserve.
 */
export function keepCapabilities(names: readonly (keyof typeof capabilities)[]): void {
  const header = Buffer.alloc(8) // and pid 0: this thread
  header.writeUInt32LE(linuxCapabilityVersion3, 0)
  const sets = Buffer.alloc(24)
  const mask = names.reduce((bits, name) => bits | (1 << capabilities[name]), 0)
  sets.writeUInt32LE(mask, 0) // effective
  sets.writeUInt32LE(mask, 4) // permitted
  if (libc().syscall(systemCall("capset"), getRawPointer(header), sets) !== 0n) throw failure("capset")
}
