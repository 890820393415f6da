// The form in which DKIM hashes a message, "relaxed" for header and body (RFC 6376 §3.4.2, §3.4.4), on octets and piece by piece.
import { createHash, hash } from "node:crypto"
import { type Field, type Header, nameOf } from "../message/header.ts"

const lf = 0x0a
const cr = 0x0d
const tab = 0x09
const space = 0x20
const crlf = Buffer.from("\r\n")
/** CRLFs that were held back go out in blocks of this many. */
const block = Buffer.from("\r\n".repeat(512))

/** The hash of a body, which comes in pieces. */
export class RelaxedBody {
  readonly #hash = createHash("sha256")
  /** Line ends held back: those at the end of a body do not count. */
  #lines = 0
  #blank = false
  #cr = false
  #empty = true

  update(piece: Buffer): void {
    const out = Buffer.allocUnsafe(piece.length * 2 + 4)
    let length = 0
    for (let i = 0; i < piece.length; i++) {
      const octet = piece[i] ?? 0
      if (this.#cr && octet === lf) {
        this.#cr = false
        this.#blank = false
        this.#lines++
        continue
      }
      const bareCr = this.#cr
      this.#cr = octet === cr
      if (!bareCr && (octet === cr || octet === space || octet === tab)) {
        if (octet !== cr) this.#blank = true
        continue
      }
      if (this.#lines > 0) {
        this.#hash.update(out.subarray(0, length))
        length = 0
        this.#putLines()
      }
      if (this.#blank) out[length++] = space
      this.#blank = !this.#cr && (octet === space || octet === tab)
      if (bareCr) out[length++] = cr
      if (!this.#cr && !this.#blank) out[length++] = octet
      this.#empty = false
    }
    this.#hash.update(out.subarray(0, length))
  }

  /** One at the very end is an octet like others. */
  #putBareCr(): void {
    this.#putLines()
    this.#hash.update(this.#blank ? " \r" : "\r")
    this.#empty = false
  }

  #putLines(): void {
    for (; this.#lines > 0; this.#lines -= Math.min(this.#lines, 512))
      this.#hash.update(block.subarray(0, Math.min(this.#lines, 512) * 2))
  }

  /** bh=: an empty body has no line end either. */
  digest(): string {
    if (this.#cr) this.#putBareCr()
    if (!this.#empty) this.#hash.update(crlf)
    return this.#hash.digest("base64")
  }
}

/** bh= of a body that is here as a whole (RFC 6376 §3.4.3): line ends at its end are one. */
export function simpleBodyHash(body: Buffer): string {
  const end = withoutLastLines(body)
  const octets = end + 2 <= body.length ? body.subarray(0, end + 2) : Buffer.concat([body, crlf])
  return hash("sha256", octets, "base64")
}

/** The same in the form "relaxed" (RFC 6376 §3.4.4): what RelaxedBody says, sooner. */
export function relaxedBodyHash(body: Buffer): string {
  const text = body.toString("latin1")
  // Without tabs, runs of blanks and blanks at the ends of lines both forms are one, but for a body of nothing.
  const form = /\t| [ \r]| $/.test(text) ? Buffer.from(relaxedText(text), "latin1") : body
  return withoutLastLines(form) === 0 ? hash("sha256", "", "base64") : simpleBodyHash(form)
}

/** Runs of blanks first: to look for their ends at once would take a long one's length squared. */
function relaxedText(text: string): string {
  return text.replaceAll(/\t[\t ]*| [\t ]+/g, " ").replaceAll(/ (?=\r\n|$)/g, "")
}

function withoutLastLines(body: Buffer): number {
  let end = body.length
  while (end >= 2 && body[end - 2] === cr && body[end - 1] === lf) end -= 2
  return end
}

/** A field: its name in lower case, unfolded, runs of blanks as one, none at the ends; without a line end. */
export function relaxedField(name: string, value: string): string {
  const unfolded = value.replaceAll(/[\t\r\n ]+/g, " ")
  const start = unfolded.startsWith(" ") ? 1 : 0
  const end = unfolded.endsWith(" ") && unfolded.length > start ? unfolded.length - 1 : unfolded.length
  return `${name.toLowerCase()}:${unfolded.slice(start, end)}`
}

/** Fields that are signed once more than they stand there, so that none can be added (RFC 6376 §8.15). */
const sealed =
  "from sender reply-to subject date message-id to cc mime-version content-type content-transfer-encoding in-reply-to references".split(
    " ",
  )
/** Fields that are signed as often as they stand there: others may add their own (RFC 6376 §5.4.1). */
const covered =
  "content-id content-description resent-date resent-from resent-sender resent-to resent-cc resent-message-id list-id list-help list-unsubscribe list-unsubscribe-post list-subscribe list-post list-owner list-archive autocrypt feedback-id bimi-selector".split(
    " ",
  )

/** What is signed: the names for h=, and the fields themselves, from the bottom up for each name (RFC 6376 §5.4.2). */
export function signedFields(header: Header): { readonly names: readonly string[]; readonly text: string } {
  const byName = new Map<string, Field[]>()
  for (const field of header.fields) {
    const name = nameOf(header, field).toLowerCase()
    if (!sealed.includes(name) && !covered.includes(name)) continue
    byName.set(name, [field, ...(byName.get(name) ?? [])])
  }
  const names: string[] = []
  let text = ""
  for (const name of [...sealed, ...covered]) {
    const fields = byName.get(name) ?? []
    for (const { valueStart, end } of fields) {
      names.push(name)
      text += `${relaxedField(name, header.bytes.toString("latin1", valueStart, end))}\r\n`
    }
    if (sealed.includes(name)) names.push(name)
  }
  return { names, text }
}
