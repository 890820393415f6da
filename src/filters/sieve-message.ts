// The message as Sieve's tests see it: fields decoded, addresses in parts, the body's text out of its MIME; and the header as
// addheader and deleteheader leave it.
import { decodeWords } from "../message/encoded-words.ts"
import { type Field, nameOf, scanHeader, valueOf } from "../message/header.ts"

/** One field: its value as text, and its octets with the line end. */
type Line = {
  readonly name: string
  readonly lower: string
  readonly value: () => string
  readonly octets: Buffer
}

export class SieveMessage {
  readonly size: number
  /** The octets behind the header, as far as they are in memory. */
  readonly body: Buffer
  #lines: Line[]
  #changed = false

  constructor(bytes: Buffer, size = bytes.length) {
    this.size = size
    const header = scanHeader(bytes)
    this.body = bytes.subarray(header.bodyStart)
    this.#lines = header.fields.map((field: Field) => {
      const name = nameOf(header, field)
      let value: string | undefined
      return {
        name,
        lower: name.toLowerCase(),
        value: () => (value ??= valueOf(header, field)),
        octets: bytes.subarray(field.start, field.end),
      }
    })
  }

  /** The values of all fields of this name, from the top, decoded (RFC 5228 §2.7.2). */
  values(name: string): readonly string[] {
    return this.raw(name).map((value) => decodeWords(value))
  }

  /** The values as they are, unfolded. */
  raw(name: string): readonly string[] {
    const lower = name.toLowerCase()
    return this.#lines.filter((line) => line.lower === lower).map((line) => line.value())
  }

  has(name: string): boolean {
    const lower = name.toLowerCase()
    return this.#lines.some((line) => line.lower === lower)
  }

  /** RFC 5293 §4. */
  add(name: string, value: string, last: boolean): void {
    const text = value.replaceAll(/[\r\n]+[ \t]*/g, " ").replaceAll("\0", "")
    const octets = Buffer.from(`${name}: ${text}\r\n`)
    const line = { name, lower: name.toLowerCase(), value: () => text, octets }
    if (last) this.#lines.push(line)
    else this.#lines.unshift(line)
    this.#changed = true
  }

  /** RFC 5293 §5: those of this name for which `wanted` says yes, by number from the top or the bottom. */
  delete(name: string, index: number | undefined, last: boolean, wanted: (value: string) => boolean): void {
    const lower = name.toLowerCase()
    const named = this.#lines.filter((line) => line.lower === lower)
    const ordered = last ? named.toReversed() : named
    const chosen = index === undefined ? ordered : ordered.slice(index - 1, index)
    const gone = new Set(chosen.filter((line) => wanted(decodeWords(line.value()))))
    if (gone.size === 0) return
    this.#lines = this.#lines.filter((line) => !gone.has(line))
    this.#changed = true
  }

  /** The header as it is now, without the blank line; undefined when nothing has changed it. */
  changedHeader(): Buffer | undefined {
    return this.#changed ? Buffer.concat(this.#lines.map(({ octets }) => octets)) : undefined
  }

  /** Texts of the body: `text` parts only, or those of the content types named; all decoded (RFC 5173). */
  parts(types: readonly string[] | undefined): readonly string[] {
    const [type = "text/plain"] = this.raw("content-type")
    const [coding = ""] = this.raw("content-transfer-encoding")
    const budget = { parts: mostParts }
    return partsOf({ body: this.body, type, coding, depth: 0 }, budget)
      .filter((part) => isWanted(part.type, types))
      .map(textOf)
  }
}

const mostParts = 200
const deepestPart = 20

type Part = { readonly body: Buffer; readonly type: string; readonly coding: string; readonly depth: number }

function isWanted(type: string, types: readonly string[] | undefined): boolean {
  const full = mediaType(type)
  if (types === undefined) return full.startsWith("text/")
  return types.some((one) => {
    const wanted = one.toLowerCase()
    if (wanted === "") return true
    return wanted.includes("/") ? full === wanted : full.startsWith(`${wanted}/`)
  })
}

function mediaType(type: string): string {
  const found = /^\s*([\w.+-]+\/[\w.+-]+)/.exec(type.slice(0, 300))
  return found?.[1]?.toLowerCase() ?? "text/plain"
}

function parameter(type: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^\\s;]+))`, "i").exec(type.slice(0, 2000))
  return found?.[1] ?? found?.[2]
}

/** Leaves of a MIME tree (RFC 2046 §5.1). */
function partsOf(part: Part, budget: { parts: number }): readonly Part[] {
  const type = mediaType(part.type)
  if (budget.parts-- <= 0 || part.depth > deepestPart) return []
  if (type === "message/rfc822") return nested(part.body, part.depth, budget)
  const boundary = type.startsWith("multipart/") ? parameter(part.type, "boundary") : undefined
  if (boundary === undefined) return [part]
  return between(part.body, boundary).flatMap((piece) => nested(piece, part.depth, budget))
}

function nested(bytes: Buffer, depth: number, budget: { parts: number }): readonly Part[] {
  const header = scanHeader(bytes)
  const value = (name: string) => {
    const field = header.fields.find((one) => nameOf(header, one).toLowerCase() === name)
    return field === undefined ? undefined : valueOf(header, field)
  }
  return partsOf(
    {
      body: bytes.subarray(header.bodyStart),
      type: value("content-type") ?? "text/plain",
      coding: value("content-transfer-encoding") ?? "",
      depth: depth + 1,
    },
    budget,
  )
}

function between(body: Buffer, boundary: string): readonly Buffer[] {
  const line = Buffer.from(`--${boundary}`)
  const pieces: Buffer[] = []
  let start = -1
  for (let at = body.indexOf(line); at >= 0; at = body.indexOf(line, at + line.length)) {
    if (at > 0 && body[at - 1] !== 0x0a) continue
    if (start >= 0) pieces.push(withoutLineEnd(body.subarray(start, at)))
    const closes = body[at + line.length] === 0x2d && body[at + line.length + 1] === 0x2d
    const end = body.indexOf(0x0a, at)
    if (closes || end < 0) return pieces
    start = end + 1
  }
  if (start >= 0) pieces.push(body.subarray(start))
  return pieces
}

function withoutLineEnd(piece: Buffer): Buffer {
  const end = piece.at(-1) === 0x0a ? (piece.at(-2) === 0x0d ? -2 : -1) : piece.length
  return piece.subarray(0, end)
}

function textOf({ body, type, coding }: Part): string {
  const octets = decoded(body, coding.trim().toLowerCase())
  const charset = parameter(type, "charset") ?? "utf-8"
  return decodeText(octets, charset)
}

function decoded(body: Buffer, coding: string): Buffer {
  if (coding === "base64") return Buffer.from(body.toString("latin1"), "base64")
  if (coding !== "quoted-printable") return body
  const text = body
    .toString("latin1")
    .replaceAll(/=[ \t]*\r?\n/g, "")
    .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(text, "latin1")
}

/** In its charset; one that nobody knows is read as Latin-1, so that ASCII in it still matches. */
export function decodeText(octets: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(octets)
  } catch {
    return octets.toString("latin1")
  }
}
