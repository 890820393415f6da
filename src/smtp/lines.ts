// The octets of a connection as they come in, cut into command lines, DATA content and BDAT chunks on demand. What the
// next octets mean is the session's to say, so the reader asks for one thing at a time and nothing is looked at twice.
import { isAscii, isUtf8 } from "node:buffer"
import type { DataReader } from "./content.ts"

export type Line =
  | { readonly kind: "line"; readonly text: string; readonly ascii: boolean }
  /** `shown` is its beginning, for the log. */
  | {
      readonly kind: "broken"
      readonly why: "too long" | "control character" | "not UTF-8"
      readonly shown: string
    }

/**
 * RFC 5321 §4.5.3.1.4 asks for 512 octets, extensions add to it (RFC 3461 §5: 1,500 and more); nobody who means well
 * needs more than this.
 */
const longestCommand = 4096

/** The longest response of AUTH that must be taken (RFC 4954 §4), and its end. */
export const longestResponse = 12_290

const nothing = Buffer.alloc(0)
const lf = 0x0a
const cr = 0x0d

/** What came from the peer and was not used yet. */
export class Input {
  #chunk: Buffer = nothing
  #at = 0
  #partial: Buffer = nothing
  #skipping = false

  /** More octets. Whatever was there has been used or is kept as the beginning of a line. */
  feed(chunk: Buffer): void {
    this.#chunk =
      this.#at < this.#chunk.length ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk
    this.#at = 0
  }

  /** Whether octets wait that nobody has looked at. */
  get waiting(): boolean {
    return this.#at < this.#chunk.length
  }

  /** The next command line, without its end. A lone LF ends it too: people type into netcat. */
  line(longest = longestCommand): Line | undefined {
    const end = this.#chunk.indexOf(lf, this.#at)
    if (end < 0) {
      this.#keep(this.#chunk.subarray(this.#at), longest)
      this.#chunk = nothing
      this.#at = 0
      return undefined
    }
    const octets = this.#joined(this.#chunk.subarray(this.#at, end))
    this.#at = end + 1
    if (this.#skipping || octets.length > longest) {
      this.#skipping = false
      return broken("too long", octets)
    }
    return readLine(octets)
  }

  /** DATA content, to the end of the message or of what is there. */
  content(reader: DataReader, into: Buffer[]): void {
    this.#at = reader.read(this.#chunk, this.#at, into)
  }

  /** At most `count` octets of a BDAT chunk. */
  take(count: number): Buffer {
    const piece = this.#chunk.subarray(this.#at, this.#at + count)
    this.#at += piece.length
    return piece
  }

  /** Throws away what waits: the connection is closing. */
  drop(): void {
    this.#chunk = nothing
    this.#at = 0
    this.#partial = nothing
  }

  #keep(piece: Buffer, longest: number): void {
    // What is kept is a copy: a piece of a read would keep all of it, for as long as the client says nothing.
    if (this.#skipping || piece.length === 0) return
    this.#partial = this.#joined(copied(piece))
    if (this.#partial.length > longest) {
      this.#skipping = true
      this.#partial = this.#partial.subarray(0, 80)
    }
  }

  #joined(piece: Buffer): Buffer {
    if (this.#partial.length === 0) return piece
    const whole = this.#skipping ? this.#partial : Buffer.concat([this.#partial, piece])
    this.#partial = nothing
    return whole
  }
}

const control = /[\u0000-\u0008\u000a-\u001f\u007f]/

function readLine(octets: Buffer): Line {
  const length = octets.at(-1) === cr ? octets.length - 1 : octets.length
  const ascii = isAscii(octets)
  if (!ascii && !isUtf8(octets)) return broken("not UTF-8", octets.subarray(0, length))
  const text = octets.toString(ascii ? "latin1" : "utf8", 0, length)
  return control.test(text)
    ? broken("control character", octets.subarray(0, length))
    : { kind: "line", text, ascii }
}

function broken(why: "too long" | "control character" | "not UTF-8", octets: Buffer): Line {
  return { kind: "broken", why, shown: octets.toString("latin1", 0, 80) }
}

/** In memory of its own: Buffer.from would take it from a pool that it then keeps. */
function copied(piece: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(piece.length)
  piece.copy(copy)
  return copy
}
