// Unix sockets of the two kinds that Node has not: datagrams (syslog's), and a conversation that is waited for in place. The second
// is for commands that ask one thing and end: node:net and its streams take longer to load than all of their other work.
import { closeSync } from "node:fs"
import { errnoLocation, failureOf, loadLibc } from "./libc.ts"

// Each call that is loaded costs a tenth of a millisecond, so a connection that comes about knows of no more than it needs.
const few = {
  connect: { arguments: ["int32", "buffer", "uint32"], return: "int32" },
  socket: { arguments: ["int32", "int32", "int32"], return: "int32" },
} as const

const all = {
  ...few,
  __errno_location: errnoLocation,
  send: { arguments: ["int32", "buffer", "uint64", "int32"], return: "int64" },
} as const

type Few = ReturnType<typeof loadLibc<typeof few>>

type Calls = ReturnType<typeof loadLibc<typeof all>>

let loaded: Calls | undefined
let errno = 0n

function libc(): Calls {
  if (loaded === undefined) {
    loaded = loadLibc(all)
    errno = loaded.__errno_location()
  }
  return loaded
}

const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const MSG_NOSIGNAL = 0x4000

/** A datagram socket connected to the one at this path. Never blocks. */
export function openDatagram(path: string): number {
  return open(path, SOCK_DGRAM | SOCK_NONBLOCK)
}

/** Sends one datagram; false when the other side does not take it now. */
export function sendDatagram(fd: number, octets: Buffer): boolean {
  return libc().send(fd, octets, BigInt(octets.length), MSG_NOSIGNAL) === BigInt(octets.length)
}

/** A stream connected to the socket at this path; reading and writing it stops this process until it is done. */
export function openBlocking(path: string): number {
  return attempt(loadLibc(few), path) ?? open(path, SOCK_STREAM)
}

/** Undefined: it did not come about. Why not is asked by trying again with what it takes to hear that. */
function attempt(calls: Few, path: string): number | undefined {
  const address = addressOf(path)
  const fd = calls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)
  if (fd < 0) return undefined
  if (calls.connect(fd, address, address.length) === 0) return fd
  closeSync(fd)
  return undefined
}

function open(path: string, kind: number): number {
  const calls = libc()
  const address = addressOf(path)
  const fd = calls.socket(AF_UNIX, kind | SOCK_CLOEXEC, 0)
  if (fd < 0) throw failureOf("socket", errno)
  if (calls.connect(fd, address, address.length) === 0) return fd
  const error = failureOf("connect", errno)
  closeSync(fd)
  throw error
}

/** The longest path that a name has room for: sun_path without its final NUL. */
const longestPath = 107

/** struct sockaddr_un. */
function addressOf(path: string): Buffer {
  const name = Buffer.from(path)
  if (name.length > longestPath)
    throw Object.assign(new Error(`${path}: too long for a socket`), { code: "ENAMETOOLONG" })
  const address = Buffer.alloc(2 + name.length + 1)
  address.writeUInt16LE(AF_UNIX)
  name.copy(address, 2)
  return address
}
