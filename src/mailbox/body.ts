// The octets of a message on their way into a mailbox: all in memory, or coming by piece when it is large.
import { writevSync } from "node:fs"

export type Body = readonly Buffer[] | AsyncIterable<Buffer>

/** Whether all of it is here, so that it can be written without waiting. */
export function isInMemory(body: Body): body is readonly Buffer[] {
  return Array.isArray(body)
}

/** Octets in all. */
export function sizeOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0)
}

/** Writes all of it, however little a single write takes. A full disk is an error thrown by the write that met it. */
export function writeAll(fd: number, pieces: readonly Buffer[]): void {
  let rest = pieces.filter(({ length }) => length > 0)
  while (rest.length > 0) {
    const batch = rest.slice(0, mostInOne)
    rest = [...unwritten(batch, writevSync(fd, batch)), ...rest.slice(mostInOne)]
  }
}

/** IOV_MAX of Linux. */
const mostInOne = 1024

function unwritten(pieces: readonly Buffer[], written: number): Buffer[] {
  let left = written
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i]
    if (piece === undefined) break
    if (left < piece.length) return [piece.subarray(left), ...pieces.slice(i + 1)]
    left -= piece.length
  }
  return []
}
