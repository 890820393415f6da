// A message on its way in: its header is held back until it is whole (it has to be read before anything can be kept), the
// rest is passed on as it comes. Limits are kept here, so that nothing larger than allowed is ever held or stored.
import { claimsToBeOurs } from "../message/auth-results.ts"
import { type Field, type Header, has, isNamed, scanHeader } from "../message/header.ts"
import type { Reply } from "../mail/reply.ts"
import { replies, tooLarge } from "./replies.ts"
import { type Asked, byRule, type Offers } from "./session.ts"

const nothing = Buffer.alloc(0)
const crlf = Buffer.from("\r\n")
const emptyBcc = Buffer.from("Bcc: \r\n")
const endOfHeader = Buffer.from("\r\n\r\n")
/** Smaller pieces are put together: a client that sends octet by octet must not cost a hundred octets of memory for each. */
const smallPiece = 1024
const block = 16 * 1024

type Limits = Pick<
  Offers,
  "hostname" | "maxMessageSize" | "maxHeaderSize" | "rejectNul" | "origins" | "ourFields"
>

/** Why a message is not taken. */
export type Failure = { readonly reply: Reply; readonly rule: Asked }

/** Collects one message. What is ready to be stored is put into `out`. */
export class Collector {
  /** Octets of content received. */
  size = 0
  /** Octets put out, which differ from those received by a blank line or two. */
  stored = 0
  /** Octets of the stored message up to and with the blank line. */
  headerSize = 0
  /** Why the message cannot be taken; from then on nothing is put out. */
  failure: Failure | undefined
  header: Header | undefined
  readonly #limits: Limits
  #held: Buffer = nothing
  #heldLength = 0
  #block: Buffer | undefined
  #blockLength = 0
  #last = 0x0a

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** More content. */
  add(piece: Buffer, out: Buffer[]): void {
    if (piece.length === 0) return
    this.size += piece.length
    if (this.failure !== undefined) return
    const { maxMessageSize } = this.#limits
    if (maxMessageSize > 0 && this.size > maxMessageSize) {
      const rule = byRule("MaxMessageSize", "the message is larger", this.#limits.origins.maxMessageSize)
      return this.fail({ reply: tooLarge(maxMessageSize), rule })
    }
    if (this.#limits.rejectNul && piece.includes(0)) {
      const rule = byRule("RejectNul", "the message has a NUL octet", this.#limits.origins.rejectNul)
      return this.fail({ reply: replies.nul, rule })
    }
    this.#last = piece[piece.length - 1] ?? 0
    if (this.header === undefined) this.#addHeader(piece, out)
    else this.#put(piece, out)
  }

  /** The message is whole. Text that lacks the end of its last line is given one (RFC 5321 §2.3.8). */
  end(out: Buffer[], text: boolean): void {
    if (this.failure !== undefined) return
    if (text && this.#last !== 0x0a) this.add(crlf, out)
    if (this.header === undefined && this.failure === undefined) this.#headerIsWhole(this.#heldBytes(), out)
    this.#flush(out)
  }

  /** The message will not be taken; what was held is let go. */
  fail(failure: Failure): void {
    this.failure ??= failure
    this.#held = nothing
    this.#heldLength = 0
    this.#block = undefined
  }

  #addHeader(piece: Buffer, out: Buffer[]): void {
    const searchFrom = Math.max(0, this.#heldLength - 3)
    if (this.#heldLength === 0) this.#held = piece
    else this.#grow(piece)
    this.#heldLength += piece.length
    const bytes = this.#heldBytes()
    const end = headerEnd(bytes, searchFrom)
    if (end >= 0 && end <= this.#limits.maxHeaderSize) this.#headerIsWhole(bytes, out)
    else if (end >= 0 || bytes.length > this.#limits.maxHeaderSize) this.#tooLong(bytes, out)
  }

  /** No blank line as far as a header may reach: either a body without a header, or a header beyond all measure. */
  #tooLong(bytes: Buffer, out: Buffer[]): void {
    // Only what is in bounds is looked at, so that the answer does not depend on how the octets came.
    const within = bytes.subarray(0, this.#limits.maxHeaderSize)
    const { ends, end } = scanHeader(within)
    if (ends === "no blank line" && within.indexOf(0x0a, end) >= 0) this.#headerIsWhole(bytes, out)
    else {
      const rule = byRule(
        "MaxHeadersLength",
        `more than ${this.#limits.maxHeaderSize} octets`,
        this.#limits.origins.maxHeaderSize,
      )
      this.fail({ reply: replies.headerTooLarge, rule })
    }
  }

  #grow(piece: Buffer): void {
    const needed = this.#heldLength + piece.length
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed * 2, 1024))
      this.#held.copy(larger, 0, 0, this.#heldLength)
      this.#held = larger
    }
    piece.copy(this.#held, this.#heldLength)
  }

  #heldBytes(): Buffer {
    return this.#held.subarray(0, this.#heldLength)
  }

  // As sendmail does (collect.c, headers.c): an mbox's From_ line goes, and where a line that is no field ends the header
  // without a blank line, the blank line is put there.
  #headerIsWhole(bytes: Buffer, out: Buffer[]): void {
    const header = scanHeader(bytes)
    const { fields, end, bodyStart, ends } = header
    this.header = header
    this.#held = nothing
    this.#heldLength = 0
    const bcc = has(header, "bcc")
    if (ends !== "no blank line" && !bcc && !this.#hasOurs(header)) {
      const start = fields[0]?.start ?? end // the usual message stays in one piece
      this.headerSize = bodyStart - start
      return this.#put(bytes.subarray(start), out)
    }
    this.#putFields(header, bcc, out)
    this.#put(ends === "no blank line" ? crlf : bytes.subarray(end, bodyStart), out)
    this.headerSize = this.stored
    this.#put(bytes.subarray(bodyStart), out)
  }

  /**
   * Bcc: names whom others must not see, so it goes where To: or Cc: name others (RFC 5322 §3.6.3), at every door, as in
   * sendmail; alone it stays, empty. Fields that are ours to write alone go as well.
   */
  #putFields(header: Header, bcc: boolean, out: Buffer[]): void {
    const { bytes, fields } = header
    for (const field of fields) {
      const goes = isNamed(header, field, "bcc") || this.#isOurs(header, field)
      if (!goes) this.#put(bytes.subarray(field.start, field.end), out)
    }
    if (bcc && !has(header, "to") && !has(header, "cc")) this.#put(emptyBcc, out)
  }

  /** Whether there may be fields that are ours to write alone. */
  #hasOurs(header: Header): boolean {
    const { ourFields = [] } = this.#limits
    return has(header, "authentication-results") || ourFields.some((name) => has(header, name))
  }

  /** Authentication-Results with our name (RFC 8601 §5), and what a FEATURE writes. */
  #isOurs(header: Header, field: Field): boolean {
    const { hostname, ourFields = [] } = this.#limits
    return claimsToBeOurs(header, field, hostname) || ourFields.some((name) => isNamed(header, field, name))
  }

  #put(piece: Buffer, out: Buffer[]): void {
    if (piece.length === 0) return
    this.stored += piece.length
    if (piece.length >= smallPiece) {
      this.#flush(out)
      out.push(piece)
      return
    }
    if (this.#block === undefined || this.#blockLength + piece.length > block) {
      this.#flush(out)
      this.#block = Buffer.allocUnsafe(block)
    }
    piece.copy(this.#block, this.#blockLength)
    this.#blockLength += piece.length
  }

  #flush(out: Buffer[]): void {
    if (this.#block !== undefined && this.#blockLength > 0)
      out.push(this.#block.subarray(0, this.#blockLength))
    this.#block = undefined
    this.#blockLength = 0
  }
}

/** Where the blank line ends that ends the header, -1 when there is none yet. A message may begin with it: no header. */
function headerEnd(bytes: Buffer, searchFrom: number): number {
  if (bytes[0] === 0x0d && bytes[1] === 0x0a) return 2
  const blank = bytes.indexOf(endOfHeader, searchFrom)
  return blank < 0 ? -1 : blank + endOfHeader.length
}
