// A message's octets on their way from the wire to a mailbox: CRLF line ends, small ones in memory, large ones read by piece.
import type { Soon } from "./soon.ts"

export type Content = {
  /** Octets in all. */
  readonly size: number
  /** Octets up to and including the blank line that ends the header. */
  readonly headerSize: number
  /** The whole message when it is in memory, in one piece. */
  readonly bytes: Buffer | undefined
  /** The octets from `start` on, in pieces of at most 64 KiB. What a piece holds is gone when the next one is asked for. */
  chunks(start?: number): AsyncIterable<Buffer>
}

/** A message that is in memory. */
export function inMemory(bytes: Buffer, headerSize: number): Content {
  return {
    size: bytes.length,
    headerSize,
    bytes,
    async *chunks(start = 0) {
      if (start < bytes.length) yield bytes.subarray(start)
    },
  }
}

/** The same message below other fields, whole ones. */
export function withFieldsOnTop(content: Content, fields: Buffer): Content {
  const { bytes, headerSize, size } = content
  if (bytes !== undefined) return inMemory(Buffer.concat([fields, bytes]), fields.length + headerSize)
  return {
    size: size + fields.length,
    headerSize: headerSize + fields.length,
    bytes: undefined,
    async *chunks(start = 0) {
      if (start < fields.length) yield fields.subarray(start)
      yield* content.chunks(Math.max(0, start - fields.length))
    },
  }
}

/** The octets of the header, the blank line that ends it included. */
export function headerOf(content: Content): Soon<Buffer> {
  const { bytes, headerSize } = content
  return bytes === undefined ? headerByPiece(content) : bytes.subarray(0, headerSize)
}

async function headerByPiece(content: Content): Promise<Buffer> {
  const pieces: Buffer[] = []
  let octets = 0
  for await (const piece of content.chunks()) {
    pieces.push(Buffer.from(piece))
    octets += piece.length
    if (octets >= content.headerSize) break
  }
  return Buffer.concat(pieces).subarray(0, content.headerSize)
}
