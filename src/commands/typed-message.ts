// A message as programs write it to sendmail's standard input, made into what goes over the wire: CRLF line ends, an end at a
// line of a single dot (unless -i), a last line that is whole. It streams: no message is ever in memory.

/** The most octets that are gathered in the hope of the header's end. */
const longestHeader = 256 * 1024

const lf = 0x0a
const cr = 0x0d
const dot = 0x2e

/** The octets of the input with CRLF line ends. A lone CR, as progress bars write it, ends a line too. */
export async function* asLines(
  input: AsyncIterable<Buffer | string>,
  { dotEnds }: { readonly dotEnds: boolean },
): AsyncGenerator<Buffer> {
  const ends = new LineEnds(dotEnds)
  for await (const chunk of input) {
    const octets = typeof chunk === "string" ? Buffer.from(chunk) : chunk
    const out = ends.take(octets)
    if (out.length > 0) yield out
    if (ends.ended) return
  }
  const rest = ends.finish()
  if (rest.length > 0) yield rest
}

/** Where a line stands: at its start, within it, after its CR, after a dot at its start (and then a CR). */
type Place = "start" | "within" | "cr" | "dot" | "dot cr"

class LineEnds {
  readonly #dotEnds: boolean
  #place: Place = "start"
  /** The lone dot was read: what follows is not ours. */
  ended = false

  constructor(dotEnds: boolean) {
    this.#dotEnds = dotEnds
  }

  take(octets: Buffer): Buffer {
    const out = Buffer.allocUnsafe(octets.length * 2 + 4)
    let at = 0
    for (const c of octets) {
      at = this.#octet(c, out, at)
      if (this.ended) break
    }
    return out.subarray(0, at)
  }

  finish(): Buffer {
    if (this.#place === "start") return Buffer.alloc(0)
    // A lone dot without a line end ends the message as well.
    if (this.#place === "dot" || this.#place === "dot cr") return Buffer.alloc(0)
    return Buffer.from("\r\n")
  }

  #octet(c: number, out: Buffer, from: number): number {
    let at = from
    if (this.#place === "dot" || this.#place === "dot cr") {
      if (c === lf) {
        this.ended = true
        return at
      }
      if (c === cr && this.#place === "dot") {
        this.#place = "dot cr"
        return at
      }
      out[at++] = dot
      this.#place = this.#place === "dot cr" ? "cr" : "within"
    }
    if (this.#place === "cr" && c !== lf) {
      at = endLine(out, at) // the CR before was alone
      this.#place = "start"
    }
    if (c === cr) this.#place = "cr"
    else if (c === lf) {
      at = endLine(out, at)
      this.#place = "start"
    } else if (c === dot && this.#place === "start" && this.#dotEnds) this.#place = "dot"
    else {
      out[at++] = c
      this.#place = "within"
    }
    return at
  }
}

function endLine(out: Buffer, at: number): number {
  out[at] = cr
  out[at + 1] = lf
  return at + 2
}

/** What was read in search of the header's end, and the rest of the message. */
export type Opened = { readonly head: Buffer; readonly rest: AsyncGenerator<Buffer> }

/** Reads until the header's blank line, or as far as a header may go. */
export async function openMessage(lines: AsyncGenerator<Buffer>): Promise<Opened> {
  const pieces: Buffer[] = []
  let octets = 0
  while (octets < longestHeader) {
    const next = await lines.next()
    if (next.done === true) break
    pieces.push(next.value)
    octets += next.value.length
    const head = Buffer.concat(pieces)
    if (head.includes("\r\n\r\n") || head.subarray(0, 2).equals(Buffer.from("\r\n"))) break
  }
  return { head: Buffer.concat(pieces), rest: lines }
}
