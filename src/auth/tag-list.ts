// Tag lists, `v=1; a=rsa-sha256; …`, as DKIM, ARC and DMARC have them (RFC 6376 §3.2), read exactly: a tag that stands twice, a name
// that is none, a value with octets it may not have make the whole list wrong.
import { fail, ok, type Result } from "../mail/result.ts"

/** The tags by name, which is case-sensitive; values without white space at their ends. */
export type Tags = ReadonlyMap<string, string>

/** Reads a list; the error says what is wrong with it. */
export function parseTags(text: string): Result<Tags> {
  const tags = new Map<string, string>()
  const plain = /^[\x21-\x7e \t\r\n]*$/.test(text) // then each value is
  const specs = text.split(";")
  if (specs.length > 1 && trimmed(specs.at(-1) ?? "") === "") specs.pop() // the last ";" may stand alone
  for (const spec of specs) {
    const equals = spec.indexOf("=")
    if (equals < 0) return fail(trimmed(spec) === "" ? "an empty tag" : `"${trimmed(spec)}" has no "="`)
    const name = trimmed(spec.slice(0, equals))
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) return fail(`"${name}" is no name of a tag`)
    const value = trimmed(spec.slice(equals + 1))
    if (!plain && !/^[\x21-\x3a\x3c-\x7e \t\r\n]*$/.test(value))
      return fail(`${name}= has letters it may not have`)
    if (tags.has(name)) return fail(`${name}= stands twice`)
    tags.set(name, value)
  }
  return ok(tags)
}

/** White space of folding; nothing else that JavaScript would take for a blank. */
function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a
}

/** A value of base64 without its white space; undefined when it is none. */
export function base64Of(value: string): string | undefined {
  const text = value.replaceAll(/[ \t\r\n]/g, "")
  return text !== "" && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? text : undefined
}
