// Subjects as people read them: encoded words (RFC 2047) made into text. The same as message/encoded-words.ts does, with what browsers
// have; and nothing that turns the words around it about.

const encodedWord = /=\?([\w-]{1,40})(?:\*[\w-]{1,20})?\?([bq])\?([^? ]{0,500})\?=(?:\s+(?==\?))?/gi
/** Controls, and what changes the direction of the text that follows (Unicode TR 9). */
const unruly = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** The text with its encoded words decoded; what cannot be decoded stays as it is. */
export function readable(text: string): string {
  const decoded = text.includes("=?")
    ? text.replaceAll(
        encodedWord,
        (whole, charset: string, coding: string, encoded: string) =>
          decode(charset, coding.toLowerCase() === "b" ? fromBase64(encoded) : fromQ(encoded)) ?? whole,
      )
    : eightBit(text)
  return decoded.replaceAll(unruly, "")
}

/** Octets that were read as Latin-1 and are UTF-8. */
function eightBit(text: string): string {
  if (!/[\u0080-\u00ff]/.test(text) || /[^\u0000-\u00ff]/.test(text)) return text
  return decode("utf-8", text) ?? text
}

function fromBase64(text: string): string {
  try {
    return atob(text)
  } catch {
    return "" // no base 64: some decoders guess, this one does not
  }
}

// RFC 2047 §4.2: "_" is a blank.
function fromQ(text: string): string {
  return text
    .replaceAll("_", " ")
    .replaceAll(/=([0-9A-F]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

/** Octets, one character each, as text of this charset. */
function decode(charset: string, octets: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(
      Uint8Array.from(octets, (letter) => letter.charCodeAt(0)),
    )
  } catch {
    return undefined // a charset nobody knows, or octets that are not of it
  }
}
