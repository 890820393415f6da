// The quick ways of a process that has nothing else to do (Io's `alone`): standard input, standard output and the daemon's sockets,
// each waited for in place. Where that cannot be, Node's own streams do it.
import { fstatSync, readSync, writeSync } from "node:fs"
import type { Channel } from "../host/channel.ts"
import type { Alone } from "./io.ts"

/** This process's own. */
export const alone: Alone = { isTerminal, input, print, connect }

const room = 65_536

/** A terminal is a device of characters; most that run us have none, and need not load what knows terminals. */
function isTerminal(): boolean {
  try {
    return fstatSync(0).isCharacterDevice() && process.stdin.isTTY === true
  } catch {
    return false // closed
  }
}

async function* input(): AsyncGenerator<Buffer> {
  for (;;) {
    const octets = Buffer.allocUnsafe(room)
    const count = readSome(octets)
    if (count === 0) return
    if (count === "not now") return yield* process.stdin as AsyncIterable<Buffer>
    yield octets.subarray(0, count)
  }
}

/** "not now": whoever gave us this descriptor has set it not to wait. */
function readSome(octets: Buffer): number | "not now" {
  try {
    return readSync(0, octets)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EAGAIN") return "not now"
    if (code === "EOF") return 0
    throw error
  }
}

function print(text: string | Buffer): void {
  const octets = typeof text === "string" ? Buffer.from(text) : text
  for (let done = 0; done < octets.length; ) {
    try {
      done += writeSync(1, octets, done)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
      return void process.stdout.write(octets.subarray(done)) // it waits its turn
    }
  }
}

async function connect(path: string): Promise<Channel> {
  if (process.platform === "linux") return (await import("../host/blocking-channel.ts")).blockingChannel(path)
  return (await import("./stream-connect.ts")).streamTo(path)
}
