// Macros of SPF records (RFC 7208 §7): %{d}, %{ir}.%{v}, %{L} … read once with the record, filled in when a term needs its domain.
import { fail, ok, type Result } from "../mail/result.ts"

const letters = "slodiphcrtv"
/** c, r and t have a meaning in explanations only (RFC 7208 §7.2). */
const inExplanations = "crt"

export type MacroLetter = "s" | "l" | "o" | "d" | "i" | "p" | "h" | "c" | "r" | "t" | "v"

/** Text as it is, or what is to be filled in: the last `count` parts between delimiters (0: all), reversed or not. */
export type MacroPart =
  | string
  | {
      readonly letter: MacroLetter
      readonly escaped: boolean
      readonly count: number
      readonly reversed: boolean
      readonly delimiters: string
    }

export type MacroString = { readonly text: string; readonly parts: readonly MacroPart[] }

/** Reads a macro-string; in an explanation blanks and three more letters are allowed. */
export function parseMacros(text: string, explanation: boolean): Result<MacroString> {
  const parts: MacroPart[] = []
  let at = 0
  while (at < text.length) {
    const percent = text.indexOf("%", at)
    const end = percent < 0 ? text.length : percent
    const literal = text.slice(at, end)
    if (!(explanation ? /^[\x20-\x7e]*$/ : /^[\x21-\x7e]*$/).test(literal)) {
      return fail(`"${text}" has characters that no macro-string has`)
    }
    if (literal !== "") parts.push(literal)
    if (percent < 0) break
    const read = readMacro(text, percent, explanation)
    if (!read.ok) return read
    parts.push(read.value.part)
    at = read.value.end
  }
  return ok({ text, parts })
}

const plain: Readonly<Record<string, string>> = { "%": "%", _: " ", "-": "%20" }

function readMacro(
  text: string,
  at: number,
  explanation: boolean,
): Result<{ readonly part: MacroPart; readonly end: number }> {
  const next = text[at + 1] ?? ""
  const sign = plain[next]
  if (sign !== undefined) return ok({ part: sign, end: at + 2 })
  const close = text.indexOf("}", at)
  if (next !== "{" || close < 0) return fail(`"${text}" has a % that begins no macro`)
  const inside = text.slice(at + 2, close)
  const found = /^([A-Za-z])(\d*)(r?)([.\-+,/_=]*)$/i.exec(inside)
  const [, name = "", count = "", r = "", delimiters = ""] = found ?? []
  const letter = letterOf(name.toLowerCase())
  if (found === null || letter === undefined) return fail(`%{${inside}} is no macro`)
  if (!explanation && inExplanations.includes(letter)) return fail(`%{${letter}} is for explanations only`)
  if (count !== "" && Number(count) === 0) return fail(`%{${inside}} keeps no part at all`)
  const part = {
    letter,
    escaped: name !== name.toLowerCase(),
    count: Math.min(Number(count), 128),
    reversed: r !== "",
    delimiters: delimiters === "" ? "." : delimiters,
  }
  return ok({ part, end: close + 1 })
}

function letterOf(name: string): MacroLetter | undefined {
  return name !== "" && letters.includes(name) ? (name as MacroLetter) : undefined // it is one of those
}

/** Whether %{p} is asked for, which costs questions to DNS. */
export function needsName({ parts }: MacroString): boolean {
  return parts.some((part) => typeof part !== "string" && part.letter === "p")
}

/** The text with its macros filled in. */
export function fillIn({ parts }: MacroString, values: Readonly<Record<MacroLetter, string>>): string {
  let out = ""
  for (const part of parts) {
    if (typeof part === "string") out += part
    else {
      const value = transformed(values[part.letter], part)
      out += part.escaped ? escaped(value) : value
    }
  }
  return out
}

function transformed(value: string, { count, reversed, delimiters }: Exclude<MacroPart, string>): string {
  if (count === 0 && !reversed && delimiters === ".") return value
  const pieces = split(value, delimiters)
  if (reversed) pieces.reverse()
  return (count === 0 ? pieces : pieces.slice(-count)).join(".")
}

function split(value: string, delimiters: string): string[] {
  const pieces: string[] = []
  let from = 0
  for (let at = 0; at < value.length; at++) {
    if (!delimiters.includes(value[at] ?? "")) continue
    pieces.push(value.slice(from, at))
    from = at + 1
  }
  pieces.push(value.slice(from))
  return pieces
}

// RFC 3986 §2.3: what is not unreserved is written as %XX.
function escaped(value: string): string {
  return [...Buffer.from(value)]
    .map((octet) => {
      const char = String.fromCharCode(octet)
      return /[A-Za-z0-9\-._~]/.test(char) ? char : `%${octet.toString(16).toUpperCase().padStart(2, "0")}`
    })
    .join("")
}

/** A name for DNS: without a trailing dot, and cut from the left, label by label, to 253 octets (RFC 7208 §7.3). */
export function asDomain(text: string): string {
  let name = text.endsWith(".") ? text.slice(0, -1) : text
  while (name.length > 253) {
    const dot = name.indexOf(".")
    if (dot < 0) return name
    name = name.slice(dot + 1)
  }
  return name
}
