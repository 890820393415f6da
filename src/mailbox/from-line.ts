// The form of a message in an mbox: a From_ line before it, lines that begin with "From " quoted, an empty line behind it
// (RFC 4155, and sendmail's local mailer: only "From " is quoted, not ">From "). Octets in, octets out.
import { printCtime } from "../message/date.ts"

/** `From me@grussell.org Sat Nov 15 11:12:21 2008`. A sender with blanks or worse must not break the line apart. */
export function fromLine(sender: string, date: number): Buffer {
  const safe = sender.replaceAll(/[^\x21-\x7e\x80-\u{10ffff}]/gu, "?")
  return Buffer.from(`From ${safe === "" ? "MAILER-DAEMON" : safe} ${printCtime(date)}\n`)
}

const newlineFrom = Buffer.from("\nFrom ")
const bracket = Buffer.from(">")
const newline = 0x0a

/**
 * Quotes a message that comes by piece. Holds back what may be the beginning of "\nFrom " at a piece's end, never more
 * than five octets.
 */
export class FromQuoter {
  #held: Buffer = Buffer.from("\n") // so that the first line is met like any other; never given out
  #atStart = true
  #last: number = newline

  /** The piece as the mailbox wants it, in slices of what was given. */
  push(piece: Buffer): Buffer[] {
    return this.#quote(this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]), false)
  }

  /** What is left, the last line ended, and the empty line that ends a message. */
  end(): Buffer[] {
    const rest = this.#quote(this.#held, true)
    return [...rest, Buffer.from(this.#last === newline ? "\n" : "\n\n")]
  }

  #quote(octets: Buffer, isLast: boolean): Buffer[] {
    const out: Buffer[] = []
    let start = 0
    for (let at = octets.indexOf(newlineFrom); at >= 0; at = octets.indexOf(newlineFrom, at + 5)) {
      out.push(octets.subarray(start, at + 1), bracket)
      start = at + 1
    }
    const keep = isLast ? octets.length : Math.max(start, octets.length - beginning(octets))
    out.push(octets.subarray(start, keep))
    this.#held = octets.subarray(keep)
    return this.#without(out)
  }

  #without(out: Buffer[]): Buffer[] {
    const [first, ...rest] = out
    const given =
      this.#atStart && first !== undefined && first.length > 0 ? [first.subarray(1), ...rest] : out
    if (given !== out) this.#atStart = false
    this.#last = given.findLast(({ length }) => length > 0)?.at(-1) ?? this.#last
    return given
  }
}

/** How many octets at the end may be the beginning of "\nFrom ". */
function beginning(octets: Buffer): number {
  const at = octets.lastIndexOf(newline)
  const tail = octets.length - at
  return at >= 0 && tail < newlineFrom.length && newlineFrom.subarray(0, tail).equals(octets.subarray(at))
    ? tail
    : 0
}

/** A whole message that is in memory, quoted: the pieces between "From " lines are slices of what was given. */
export function quoteFrom(pieces: readonly Buffer[]): readonly Buffer[] {
  const quoter = new FromQuoter()
  return [...pieces.flatMap((piece) => quoter.push(piece)), ...quoter.end()]
}
