// The display names of header fields as people see them: encoded words (RFC 2047) made into text, for comparing, not for showing.

/** The text with its encoded words decoded; what cannot be decoded stays as it is. */
export function decodeWords(text: string): string {
  if (!text.includes("=?")) return eightBit(text)
  return text.replaceAll(
    /=\?([\w-]{1,40})(?:\*[\w-]{1,20})?\?([bq])\?([^? ]{0,500})\?=(?:\s+(?==\?))?/gi,
    (whole, charset: string, coding: string, encoded: string) =>
      decode(charset, coding.toLowerCase() === "b" ? fromBase64(encoded) : fromQ(encoded)) ?? whole,
  )
}

/** Octets that were read as Latin-1 and are UTF-8. */
function eightBit(text: string): string {
  if (!/[\u0080-\u00ff]/.test(text)) return text
  return decode("utf-8", Buffer.from(text, "latin1")) ?? text
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, "base64")
}

// RFC 2047 §4.2: "_" is a blank.
function fromQ(text: string): Buffer {
  const octets = text
    .replaceAll("_", " ")
    .replaceAll(/=([0-9A-F]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return Buffer.from(octets, "latin1")
}

function decode(charset: string, octets: Buffer): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(octets)
  } catch {
    return undefined // a charset nobody knows, or octets that are not of it
  }
}
