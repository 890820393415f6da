// A conversation with a socket of this machine that is waited for in place. For a process that has nothing else to do: while it
// waits, no timer, no signal handler and no other stream of it goes on.
import { closeSync, readSync, writeSync } from "node:fs"
import type { Channel } from "./channel.ts"
import { openBlocking } from "./sockets.ts"

const room = 65_536

/** Connects; throws an error of Node's shape. */
export function blockingChannel(path: string): Channel {
  const fd = openBlocking(path)
  let open = true
  const close = () => {
    if (open) closeSync(fd)
    open = false
  }
  return {
    write: async (octets) => {
      if (open) writeAll(fd, typeof octets === "string" ? Buffer.from(octets) : octets)
    },
    read: async () => (open ? readSome(fd) : undefined),
    end: (last) => {
      if (open) writeAll(fd, Buffer.from(last))
      close()
    },
    close,
  }
}

function readSome(fd: number): Buffer | undefined {
  const octets = Buffer.allocUnsafe(room)
  try {
    const count = readSync(fd, octets)
    return count === 0 ? undefined : octets.subarray(0, count)
  } catch {
    return undefined // a connection that broke says no more than one that ended
  }
}

function writeAll(fd: number, octets: Buffer): void {
  try {
    for (let done = 0; done < octets.length; ) done += writeSync(fd, octets, done)
  } catch {
    // The other side has gone; the next read tells, after what it still had to say.
  }
}
