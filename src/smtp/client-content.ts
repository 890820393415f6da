// A message's octets as DATA carries them: a dot before each dot that begins a line, and the end (RFC 5321 §4.5.2). Works on whole
// pieces of memory: a message without such lines is passed on without a copy.

const dot = Buffer.from(".")
const lineDot = Buffer.from("\n.")
const ends = {
  afterLine: Buffer.from(".\r\n"),
  afterCr: Buffer.from("\n.\r\n"),
  withinLine: Buffer.from("\r\n.\r\n"),
} as const

/** Stuffs one message, piece by piece. */
export class DotStuffer {
  /** The last two octets so far, as 256 × the one before the last + the last; CRLF before anything. */
  #tail = 0x0d0a

  /** Adds the piece to `out`, with the dots it needs. */
  stuff(piece: Buffer, out: Buffer[]): void {
    if (piece.length === 0) return
    let from = 0
    // A line after a bare LF is stuffed too: a peer that takes LF for a line's end must not see the end of the message in it.
    if (piece[0] === 0x2e && (this.#tail & 0xff) === 0x0a) out.push(dot)
    for (let at = piece.indexOf(lineDot); at >= 0; at = piece.indexOf(lineDot, from)) {
      out.push(piece.subarray(from, at + 1), dot)
      from = at + 1
    }
    out.push(from === 0 ? piece : piece.subarray(from))
    const last = piece.length - 1
    this.#tail = (((last > 0 ? piece[last - 1] : this.#tail & 0xff) ?? 0) << 8) | (piece[last] ?? 0)
  }

  /** What ends the message: a line of a dot, after the end of the last line. */
  end(): Buffer {
    if (this.#tail === 0x0d0a) return ends.afterLine
    return (this.#tail & 0xff) === 0x0d ? ends.afterCr : ends.withinLine
  }
}

/** A whole message in memory, as pieces ready to be written. */
export function stuffed(message: Buffer): Buffer[] {
  const out: Buffer[] = []
  const stuffer = new DotStuffer()
  stuffer.stuff(message, out)
  out.push(stuffer.end())
  return out
}
