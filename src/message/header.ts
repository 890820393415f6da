// A message's header as spans over the original octets: read in one pass, never changed, never re-printed.
// It reads what mail really looks like: no header at all, lines without a colon, a From_ line of an mbox, 8-bit octets, NUL.
import { isAscii, isUtf8 } from "node:buffer"

/** One field, as places in the octets: the name, the colon, the value, and the line end of its last line. */
export type Field = {
  readonly start: number
  readonly nameEnd: number
  readonly valueStart: number
  /** After the line end of the field's last line. */
  readonly end: number
  /** The value goes on over several lines (RFC 5322 §2.2.3). */
  readonly folded: boolean
}

export type Header = {
  readonly bytes: Buffer
  readonly fields: readonly Field[]
  /** Where the last field ends: the blank line's place, when there is one. */
  readonly end: number
  /** The first octet of the body. */
  readonly bodyStart: number
  /**
   * How the header came to its end. `no blank line`: a line that is no field came first; whoever adds a field must add a
   * blank line at `end`, or the body's first lines would be read as header. `end of message`: there is no body.
   */
  readonly ends: "blank line" | "no blank line" | "end of message"
}

const lf = 0x0a
const cr = 0x0d
const tab = 0x09
const space = 0x20
const colon = 0x3a

/** Whether the field with its name here, and its end there, is wanted: asked before there is an object for it. */
export type Wanted = (start: number, nameEnd: number, end: number) => boolean

/** Finds the fields. Linear, whatever the octets are. With `wanted` only fields that it says yes to are kept. */
export function scanHeader(bytes: Buffer, wanted?: Wanted): Header {
  const found: Field[] = []
  let at = afterEnvelopeLine(bytes)
  while (at < bytes.length) {
    const blank = blankLineAt(bytes, at)
    if (blank > 0) return { bytes, fields: found, end: at, bodyStart: at + blank, ends: "blank line" }
    const field = fieldAt(bytes, at, wanted)
    if (field === undefined) return { bytes, fields: found, end: at, bodyStart: at, ends: "no blank line" }
    if (typeof field !== "number") found.push(field)
    at = typeof field === "number" ? field : field.end
  }
  return { bytes, fields: found, end: at, bodyStart: at, ends: "end of message" }
}

/** An mbox's `From ann@example.org Tue Nov 24 …` before the header is not a field and not the body (sendmail does so too). */
function afterEnvelopeLine(bytes: Buffer): number {
  const start = bytes[0] === 0x3e ? 1 : 0 // ">From ": quoted once too often
  if (bytes.length < start + 5 || bytes.toString("latin1", start, start + 5) !== "From ") return 0
  return afterLine(bytes, start)
}

function afterLine(bytes: Buffer, from: number): number {
  const end = bytes.indexOf(lf, from)
  return end < 0 ? bytes.length : end + 1
}

/** The octets of a blank line that stands here; 0 when none does. */
function blankLineAt(bytes: Buffer, at: number): 0 | 1 | 2 {
  if (bytes[at] === lf) return 1
  return bytes[at] === cr && bytes[at + 1] === lf ? 2 : 0
}

/** The field that begins here, with its continuation lines, or only its end when it is not wanted; undefined when this line is none. */
function fieldAt(bytes: Buffer, start: number, wanted: Wanted | undefined): Field | number | undefined {
  let nameEnd = start
  // RFC 5322 §2.2: a name is of printable US-ASCII but the colon.
  for (let c = bytes[nameEnd]; c !== undefined && c > space && c < 0x7f && c !== colon; c = bytes[nameEnd])
    nameEnd++
  if (nameEnd === start) return undefined
  let at = nameEnd
  while (bytes[at] === space || bytes[at] === tab) at++ // RFC 5322 §4.5: white space before the colon, of old
  if (bytes[at] !== colon) return undefined
  const valueStart = at + 1
  let end = afterLine(bytes, valueStart)
  let folded = false
  while (bytes[end] === space || bytes[end] === tab) {
    folded = true
    end = afterLine(bytes, end)
  }
  if (wanted !== undefined && !wanted(start, nameEnd, end)) return end
  return { start, nameEnd, valueStart, end, folded }
}

/** Whether the field is called so; `name` in lower case. */
export function isNamed({ bytes }: Header, field: Field, name: string): boolean {
  if (field.nameEnd - field.start !== name.length) return false
  for (let i = 0; i < name.length; i++) {
    const c = bytes[field.start + i] ?? 0
    const lower = c >= 0x41 && c <= 0x5a ? c + 0x20 : c // ASCII letters only: "ſ" is no s
    if (lower !== name.charCodeAt(i)) return false
  }
  return true
}

/** The field's name as it was written. */
export function nameOf({ bytes }: Header, field: Field): string {
  return bytes.toString("latin1", field.start, field.nameEnd)
}

/** All fields of this name (lower case), from the top. */
export function fields(header: Header, name: string): readonly Field[] {
  return header.fields.filter((field) => isNamed(header, field, name))
}

/** The topmost field of this name (lower case). */
export function firstField(header: Header, name: string): Field | undefined {
  return header.fields.find((field) => isNamed(header, field, name))
}

/** The value of the topmost field of this name (lower case), as text. */
export function first(header: Header, name: string): string | undefined {
  const field = firstField(header, name)
  return field === undefined ? undefined : valueOf(header, field)
}

/** Whether there is a field of this name (lower case). */
export function has(header: Header, name: string): boolean {
  return firstField(header, name) !== undefined
}

/** The value as text: unfolded (RFC 5322 §2.2.3), without white space at its ends, UTF-8 where it is that, else Latin-1. */
export function valueOf({ bytes }: Header, field: Field): string {
  return textOf(bytes, field.valueStart, field.end, field.folded)
}

function textOf(bytes: Buffer, start: number, end: number, folded: boolean): string {
  let from = start
  let to = end
  while (from < to && isBlank(bytes[from])) from++
  while (to > from && isBlank(bytes[to - 1])) to--
  const text = decode(bytes.subarray(from, to))
  return folded ? text.replaceAll(/\r?\n/g, "") : text
}

function isBlank(octet: number | undefined): boolean {
  return octet === space || octet === tab || octet === cr || octet === lf
}

function decode(octets: Buffer): string {
  return !isAscii(octets) && isUtf8(octets) ? octets.toString("utf8") : octets.toString("latin1")
}

/** Hops so far (RFC 5321 §6.3). */
export function countReceived(header: Header): number {
  let count = 0
  for (const field of header.fields) if (isNamed(header, field, "received")) count++
  return count
}

/** The longest value kept for queue lists, in octets. */
const longestSummary = 200

export type Summary = {
  readonly messageId: string
  readonly subject: string
  readonly from: string
  /** Precedence: as sendmail's number, where it is not 0; the log's class=. */
  readonly precedence?: number
  /** Priority: (RFC 2156), where it is not normal: which time limits of the queue hold. */
  readonly priority?: "urgent" | "non-urgent"
}

/** sendmail's cf: Pfirst-class, Pspecial-delivery, Plist, Pbulk, Pjunk. */
const precedences: ReadonlyMap<string, number> = new Map([
  ["special-delivery", 100],
  ["list", -30],
  ["bulk", -60],
  ["junk", -100],
])

/** What a queue list and a log line tell of a message. */
export function summary(header: Header): Summary {
  let messageId: Field | undefined
  let subject: Field | undefined
  let from: Field | undefined
  let precedence: number | undefined
  let priority: "urgent" | "non-urgent" | undefined
  for (const field of header.fields) {
    switch (field.nameEnd - field.start) {
      case 4:
        if (from === undefined && isNamed(header, field, "from")) from = field
        break
      case 7:
        if (subject === undefined && isNamed(header, field, "subject")) subject = field
        break
      case 8:
        if (isNamed(header, field, "priority")) priority = priorityOf(valueOf(header, field))
        break
      case 10:
        if (messageId === undefined && isNamed(header, field, "message-id")) messageId = field
        else if (isNamed(header, field, "precedence"))
          precedence = precedences.get(valueOf(header, field).toLowerCase())
        break
    }
  }
  return {
    messageId: cut(header, messageId),
    subject: cut(header, subject),
    from: cut(header, from),
    ...(precedence === undefined ? {} : { precedence }),
    ...(priority === undefined ? {} : { priority }),
  }
}

function priorityOf(value: string): Summary["priority"] {
  const word = value.toLowerCase()
  return word === "urgent" || word === "non-urgent" ? word : undefined
}

function cut({ bytes }: Header, field: Field | undefined): string {
  if (field === undefined) return ""
  let start = field.valueStart
  while (start < field.end && isBlank(bytes[start])) start++
  if (field.end - start <= longestSummary) return textOf(bytes, start, field.end, field.folded)
  let end = start + longestSummary
  // No half a character: back to where the octet after the cut begins one.
  while (end > start && end > start + longestSummary - 4 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return textOf(bytes, start, end, field.folded)
}
