// The fields of a message that say who it is from, read once for all checks: names, addresses, ids and dates with their places.
import { parseAddressList } from "../message/addresses.ts"
import { serverOf } from "../message/auth-results.ts"
import { type ReadDate, readDate } from "../message/date-read.ts"
import { type Field, type Header, nameOf } from "../message/header.ts"
import type { Span } from "../message/received-tokens.ts"
import { decodeWords } from "../message/encoded-words.ts"

/** A field of the header with its text: unfolded, and no longer than what is read of it. */
export type Line = {
  readonly name: string
  readonly field: Field
  readonly span: Span
  readonly text: string
}

export type Person = {
  readonly line: Line
  /** The words beside the address, decoded. */
  readonly display: string
  readonly address: string
  /** In lower case; "" when the address has none. */
  readonly domain: string
  readonly span: Span
}

export type AuthClaim = {
  readonly line: Line
  readonly server: string
  /** `spf` → `pass`; the first of each method. */
  readonly results: ReadonlyMap<string, string>
  /** Domains that passed: header.d, header.from, smtp.mailfrom of methods with pass. */
  readonly passed: readonly string[]
}

export type Fields = {
  readonly header: Header
  readonly from: readonly Person[]
  readonly sender: Person | undefined
  readonly replyTo: readonly Person[]
  /** The envelope's reverse-path as the topmost Return-Path tells it; "" is the null path. */
  readonly returnPath: { readonly line: Line; readonly address: string; readonly domain: string } | undefined
  readonly messageId: Line | undefined
  readonly date: { readonly line: Line; readonly date: ReadDate | undefined } | undefined
  readonly mailer: Line | undefined
  /** It answers another message, or is of its thread. */
  readonly isReply: boolean
  readonly authResults: readonly AuthClaim[]
  readonly receivedSpf: readonly Line[]
  readonly dkim: readonly Line[]
  readonly arc: readonly Line[]
  readonly list: readonly Line[]
  /** Precedence or a list's own mark say that a machine or a list sent it. */
  readonly marked: boolean
  /** That, or it has List- fields. */
  readonly bulk: boolean
}

/** Octets of one field that are read: no honest one is longer. */
export const longestField = 16 * 998

/** Fields of one name that are read. */
export const mostOfOne = 200

/** The names that are looked at, for scanning a header of any size (lower case). */
export const readNames: ReadonlySet<string> = new Set([
  "received", "from", "sender", "reply-to", "return-path", "message-id", "date", "x-mailer", "user-agent", "to",
  "authentication-results", "received-spf", "dkim-signature", "arc-seal", "arc-message-signature", "arc-authentication-results",
  "list-id", "list-post", "list-unsubscribe", "list-help", "list-subscribe", "list-owner", "list-archive",
  "precedence", "mailing-list", "x-mailing-list", "x-beenthere", "auto-submitted", "x-loop", "subject", "in-reply-to",
]) // biome-ignore format: a list

/** Reads them. */
export function readFields(header: Header): Fields {
  const lines = new Map<string, Line[]>()
  for (const field of header.fields) {
    const name = nameOf(header, field).toLowerCase()
    if (name === "received" || !readNames.has(name)) continue
    const those = lines.get(name) ?? []
    if (those.length < mostOfOne) those.push(lineOf(header, field))
    lines.set(name, those)
  }
  const all = (name: string): readonly Line[] => lines.get(name) ?? []
  const list = [...lines].flatMap(([name, found]) => (name.startsWith("list-") ? found : []))
  const date = all("date")[0]
  return {
    header,
    from: all("from").flatMap(people),
    sender: all("sender").flatMap(people)[0],
    replyTo: all("reply-to").flatMap(people),
    returnPath: returnPath(all("return-path")[0]),
    messageId: all("message-id")[0],
    date: date === undefined ? undefined : { line: date, date: readDate(date.text) },
    mailer: all("x-mailer")[0] ?? all("user-agent")[0],
    isReply: all("in-reply-to").length > 0,
    authResults: all("authentication-results").map(authClaim),
    receivedSpf: all("received-spf"),
    dkim: all("dkim-signature"),
    arc: [...all("arc-seal"), ...all("arc-message-signature"), ...all("arc-authentication-results")],
    list,
    marked: isBulk(all),
    bulk: list.length > 0 || isBulk(all),
  }
}

function lineOf(header: Header, field: Field): Line {
  const end = Math.min(field.end, field.valueStart + longestField)
  const raw = header.bytes.toString("latin1", field.valueStart, end)
  // Line ends become blanks, so that places in the text stay places in the message.
  return {
    name: nameOf(header, field),
    field,
    span: { start: field.valueStart, end },
    text: raw.replaceAll(/[\r\n\t]/g, " "),
  }
}

function people(line: Line): readonly Person[] {
  const found = parseAddressList(line.text)
  let last = 0
  return found.slice(0, 50).map(({ address, start, end, angled }) => {
    const words = angled ? line.text.slice(last, start).replace(/<\s*$/, "") : commentAfter(line.text, end)
    last = end + 1
    const at = line.span.start
    const display = decodeWords(
      words
        .trim()
        .replace(/^[,;>\s]+/, "")
        .replaceAll(/^"|"$/g, ""),
    )
    return { line, display, address, domain: domainOf(address), span: { start: at + start, end: at + end } }
  })
}

/** `ann@example.org (Ann)`: the old way to tell a name. */
function commentAfter(text: string, end: number): string {
  return /^\s*\(([^()]{0,200})\)/.exec(text.slice(end, end + 220))?.[1] ?? ""
}

/** The part after the last @, in lower case. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf("@")
  return at < 0
    ? ""
    : address
        .slice(at + 1)
        .toLowerCase()
        .replace(/[.>\s]+$/, "")
}

/** The hosts that a text names in addresses and links. */
export function hostsIn(text: string): readonly string[] {
  return [...text.slice(0, 2000).matchAll(/(?:https?:\/\/|@|<)([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})/gi)].map(
    ([, host = ""]) => host.toLowerCase(),
  )
}

function returnPath(line: Line | undefined): Fields["returnPath"] {
  if (line === undefined) return undefined
  const address = parseAddressList(line.text)[0]?.address ?? ""
  return { line, address, domain: domainOf(address) }
}

function isBulk(all: (name: string) => readonly Line[]): boolean {
  const precedence = all("precedence")[0]?.text.toLowerCase() ?? ""
  if (/bulk|list|junk/.test(precedence)) return true
  return ["mailing-list", "x-mailing-list", "x-beenthere", "x-loop"].some((name) => all(name).length > 0)
}

/** RFC 8601 §2.2, as tolerant as needs be: `method=result` and `ptype.property=value`. */
export function authClaim(line: Line): AuthClaim {
  const server = serverOf(line.text).toLowerCase()
  const results = new Map<string, string>()
  const passed: string[] = []
  for (const piece of line.text.split(";").slice(0, 100)) {
    const found = /^\s*([a-z][\w-]{0,30})\s*=\s*([a-z]{1,20})/i.exec(piece.slice(0, 1000))
    const method = found?.[1]?.toLowerCase()
    const result = found?.[2]?.toLowerCase()
    if (method === undefined || result === undefined) continue
    if (!results.has(method)) results.set(method, result)
    if (result !== "pass") continue
    for (const [, value = ""] of piece
      .slice(0, 1000)
      .matchAll(/\b(?:header\.(?:d|i|from)|smtp\.mailfrom)=([^\s;()]{1,255})/gi))
      passed.push(value.slice(value.lastIndexOf("@") + 1).toLowerCase())
  }
  return { line, server, results, passed }
}
