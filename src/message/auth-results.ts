// Authentication-Results (RFC 8601): what we found out about who vouches for a message, written on top of it; and fields of that name
// which claim to be ours but came from outside, found so that they can be taken away.
import type { AuthResult } from "../mail/auth-result.ts"
import { type Field, type Header, isNamed, valueOf } from "./header.ts"

export type { AuthResult } from "../mail/auth-result.ts"

/** The whole field, with CRLF. Without results it says so: `none`. */
export function writeAuthResults(host: string, results: readonly AuthResult[]): string {
  if (results.length === 0) return `Authentication-Results: ${host}; none\r\n`
  return `Authentication-Results: ${host}${results.map((result) => `;\r\n\t${printResult(result)}`).join("")}\r\n`
}

function printResult({ method, result, comment, properties }: AuthResult): string {
  const why = comment === undefined ? "" : ` (${commentText(comment)})`
  const found = Object.entries(properties).map(([name, value]) => ` ${name}=${valueText(value)}`)
  return `${method}=${result}${why}${found.join("")}`
}

/** Text fit for a comment: printable US-ASCII without what ends it, and not beyond a line's length (RFC 5322 §2.1.1). */
export function commentText(text: string): string {
  const clean = text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/[()\\]/g, "'")
  return clean.length <= 300 ? clean : `${clean.slice(0, 297)}...`
}

// RFC 8601 §2.2: a value is a token, an address, or a quoted string.
function valueText(value: string): string {
  const clean = value.replaceAll(/[^\x21-\x7e]/g, "?").slice(0, 320)
  return /^[A-Za-z0-9!#$%&'*+\-.^_`{|}~@/]+$/.test(clean) ? clean : quoted(clean)
}

/** The text as a quoted string (RFC 5322 §3.2.4). */
export function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`
}

/** Whether this field claims to be written by us: whoever sent it from outside lies (RFC 8601 §5). */
export function claimsToBeOurs(header: Header, field: Field, host: string): boolean {
  if (!isNamed(header, field, "authentication-results")) return false
  return serverOf(valueOf(header, field)).toLowerCase() === host.toLowerCase()
}

/** The authserv-id: the first word, which comments may stand before. */
export function serverOf(value: string): string {
  const at = afterComments(value, 0)
  if (value[at] === '"') {
    const end = endOfQuoted(value, at)
    return value.slice(at + 1, end).replaceAll(/\\(.)/g, "$1")
  }
  return /^[^\s;()"]*/.exec(value.slice(at))?.[0] ?? ""
}

/** What is found of a method, in lower case; comments and quoted strings may say what they like. */
export function resultOf(value: string, method: string): string | undefined {
  let plain = ""
  for (let at = 0; at < value.length; ) {
    const next = afterComments(value, at)
    const isQuoted = value[next] === '"'
    if (next > at) plain += " "
    at = isQuoted ? endOfQuoted(value, next) + 1 : next + 1
    plain += isQuoted ? '""' : value.slice(next, at)
  }
  return new RegExp(`; ?${method} ?= ?([a-z]+)`, "i").exec(plain)?.[1]?.toLowerCase()
}

function endOfQuoted(value: string, start: number): number {
  let at = start + 1
  while (at < value.length && value[at] !== '"') at += value[at] === "\\" ? 2 : 1
  return Math.min(at, value.length)
}

/** Blanks and comments, nested ones too (RFC 5322 §3.2.2). */
function afterComments(value: string, from: number): number {
  let depth = 0
  for (let at = from; at < value.length; at++) {
    const char = value[at]
    if (char === "(") depth++
    else if (char === ")" && depth > 0) depth--
    else if (char === "\\" && depth > 0) at++
    else if (depth === 0 && !/\s/.test(char ?? "")) return at
  }
  return value.length
}
