// The form of a message in an mbox: a From_ line before it, lines that begin with "From " quoted, an empty line behind it
// (RFC 4155, and sendmail's local mailer: only "From " is quoted, not ">From "). Octets in, octets out.
import { printCtime } from "../message/date.ts"

/** Where the line stands: sendmail writes two blanks in a mailbox (mail.local, procmail), one in files and for programs (putfromline). */
export type Place = "mailbox" | "file"

/** `From me@grussell.org  Sat Nov 15 11:12:21 2008`. A sender with blanks or worse must not break the line apart. */
export function fromLine(sender: string, date: number, place: Place): Buffer {
  const blanks = place === "mailbox" ? "  " : " "
  const safe = sender.replaceAll(/[^\x21-\x7e\x80-\u{10ffff}]/gu, "?")
  return Buffer.from(`From ${safe === "" ? "MAILER-DAEMON" : safe}${blanks}${printCtime(date)}\n`)
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
  #lastButOne = 0

  /** The piece as the mailbox wants it, in slices of what was given. */
  push(piece: Buffer): Buffer[] {
    return this.#quote(this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]), false)
  }

  /** What is left, the last line ended, and the empty line that ends a message where its own last line is none. */
  end(): Buffer[] {
    const rest = this.#quote(this.#held, true)
    if (this.#last !== newline) return [...rest, Buffer.from("\n\n")]
    return this.#lastButOne === newline ? rest : [...rest, Buffer.from("\n")] // as procmail does
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

  #remember(piece: Buffer): void {
    if (piece.length === 0) return
    this.#lastButOne = piece.length > 1 ? (piece.at(-2) ?? 0) : this.#last
    this.#last = piece.at(-1) ?? newline
  }

  #without(out: Buffer[]): Buffer[] {
    const [first, ...rest] = out
    const given =
      this.#atStart && first !== undefined && first.length > 0 ? [first.subarray(1), ...rest] : out
    if (given !== out) this.#atStart = false
    for (const piece of given) this.#remember(piece)
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
