// A message's last form, for mailboxes and programs: lines end with LF alone, Return-Path: says the reverse-path (RFC 5321 §4.4)
// where the mailer wants it. Small messages are made at once, large ones by piece.
import type { Content } from "../mail/content.ts"
import { type Envelope, shownSender } from "../mail/envelope.ts"

/** What goes before the message: a From_ line for programs, Return-Path for mailboxes. */
export type FinalForm = {
  readonly start: readonly Buffer[]
  /** It is stored with marks of its own: what its sender wrote in their place goes. */
  readonly marked?: true
}

/** Larger messages go to the agent by piece. */
const mostAtOnce = 1024 * 1024

export type FinalMessage =
  | { readonly kind: "whole"; readonly octets: readonly Buffer[] }
  /** A new iteration for each recipient. */
  | { readonly kind: "pieces"; readonly pieces: () => AsyncIterable<Buffer> }

/** `Return-Path: <ann@example.org>`. */
export function returnPath(envelope: Pick<Envelope, "reversePath" | "typedSender">): Buffer {
  return Buffer.from(`Return-Path: <${shownSender(envelope)}>\n`)
}

/** The message as it is stored, made once for all recipients. */
export function finalMessage(content: Content, form: FinalForm): FinalMessage {
  const { bytes, headerSize } = content
  if (bytes !== undefined && bytes.length <= mostAtOnce) {
    const [header, body] = splitWithout(dropped(form), bytes, headerSize)
    return { kind: "whole", octets: [...form.start, ...[header, body].map(toLf)] }
  }
  return { kind: "pieces", pieces: () => finalPieces(content, form) }
}

async function* finalPieces(content: Content, form: FinalForm): AsyncGenerator<Buffer> {
  const { start } = form
  yield* start
  const head: Buffer[] = []
  let missing = content.headerSize
  const rest = new LfPieces()
  for await (const piece of content.chunks()) {
    const part = piece.subarray(0, missing)
    missing -= part.length
    if (part.length > 0) head.push(Buffer.from(part))
    if (missing > 0) continue
    if (head.length > 0)
      yield* rest.push(splitWithout(dropped(form), Buffer.concat(head), content.headerSize)[0])
    head.length = 0
    yield* rest.push(piece.subarray(part.length))
  }
  yield* rest.push(head.length > 0 ? Buffer.concat(head) : Buffer.alloc(0))
  yield* rest.end()
}

const returnPaths = /^return-path[ \t]*:/im
const marks = /^(?:return-path|status|x-status|x-keywords)[ \t]*:/im

/** Fields that say another host's Return-Path are left out: this is the final delivery. */
function dropped({ marked }: FinalForm): RegExp {
  return marked === true ? marks : returnPaths
}

/** Header and body, without the fields of these names. */
function splitWithout(name: RegExp, bytes: Buffer, headerSize: number): [Buffer, Buffer] {
  const header = bytes.subarray(0, headerSize)
  const body = bytes.subarray(headerSize)
  const text = header.toString("latin1")
  if (!name.test(text)) return [header, body]
  const kept = text.split(/(?<=\n)(?![ \t])/).filter((field) => !name.test(firstLine(field)))
  return [Buffer.from(kept.join(""), "latin1"), body]
}

function firstLine(field: string): string {
  return field.slice(0, field.indexOf("\n") + 1 || undefined)
}

/** CRLF becomes LF; a lone CR stays what it is. Through a string of latin1: V8 does it twice as fast as a loop over octets. */
export function toLf(octets: Buffer): Buffer {
  return Buffer.from(octets.toString("latin1").replaceAll("\r\n", "\n"), "latin1")
}

const cr = 0x0d

/** The same by piece; a CR at a piece's end waits for what follows. */
class LfPieces {
  #cr = false

  push(piece: Buffer): Buffer[] {
    if (piece.length === 0) return []
    const octets = this.#cr ? Buffer.concat([Buffer.from("\r"), piece]) : piece
    this.#cr = octets.at(-1) === cr
    const whole = this.#cr ? octets.subarray(0, -1) : octets
    return whole.length > 0 ? [toLf(whole)] : []
  }

  end(): Buffer[] {
    return this.#cr ? [Buffer.from("\r")] : []
  }
}
