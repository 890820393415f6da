// Waiting for a stream to take more.
import type { Writable } from "node:stream"

/** Resolves when the stream may be written again, or never will be. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off("drain", go)
      stream.off("close", go)
      resolve()
    }
    stream.on("drain", go)
    stream.on("close", go)
    if (stream.destroyed) go()
  })
}
