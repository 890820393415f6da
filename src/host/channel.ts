// A conversation's octets, in whatever way they travel: over a stream of Node, or over a descriptor that is waited for in place.
// And the lines they make.
import type { Duplex } from "node:stream"

/** Both directions of one conversation. */
export type Channel = {
  /** Settles when more may be said. A conversation that has ended takes it and says nothing: the next read tells. */
  readonly write: (octets: Buffer | string) => Promise<void>
  /** What the other side said next; undefined: it says no more. */
  readonly read: () => Promise<Buffer | undefined>
  /** Says a last thing, and that it is the last. */
  readonly end: (last: string) => void
  /** Ends it without another word. */
  readonly close: () => void
}

/** A stream as a channel; nobody else may read it. */
export function streamChannel(stream: Duplex): Channel {
  stream.on("error", () => {}) // told by the octets that do not come
  const chunks = stream[Symbol.asyncIterator]()
  return {
    async write(octets) {
      if (stream.destroyed || stream.write(octets)) return
      await drained(stream)
    },
    async read() {
      try {
        const next = await chunks.next()
        return next.done === true ? undefined : Buffer.from(next.value)
      } catch {
        return undefined // a connection that broke says no more than one that ended
      }
    },
    end(last) {
      stream.end(last)
    },
    close() {
      stream.destroy()
    },
  }
}

function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      stream.off("drain", settle).off("close", settle)
      resolve()
    }
    stream.on("drain", settle).on("close", settle)
  })
}

const lf = 0x0a
const cr = 0x0d

/** What the other side says, line by line, without line ends. What it left without an end is no line. */
export async function* linesOf(channel: Pick<Channel, "read">): AsyncGenerator<string, void> {
  let begun: Buffer[] = []
  for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) {
    let from = 0
    for (let end = chunk.indexOf(lf); end >= 0; end = chunk.indexOf(lf, from)) {
      const piece = chunk.subarray(from, end)
      const line = begun.length === 0 ? piece : Buffer.concat([...begun, piece])
      begun = []
      from = end + 1
      yield line.toString("utf8", 0, line.at(-1) === cr ? line.length - 1 : line.length)
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
  }
}
