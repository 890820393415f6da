// What the peer hears: a code, an enhanced code and lines of text. Never a file name, never a map's name: those are in the Reason.

/** RFC 3463: class.subject.detail. */
export type EnhancedCode = `${2 | 4 | 5}.${number}.${number}`

export type Reply = {
  readonly code: number
  readonly status: EnhancedCode | undefined
  readonly text: readonly string[]
}

/** A reply of one line (or more, one for each text). */
export function reply(code: number, status: EnhancedCode | undefined, ...text: string[]): Reply {
  return { code, status, text }
}

/** The longest reply line, CRLF included (RFC 5321 §4.5.3.1.5). */
const longest = 512

/**
 * The octets of a reply: every line with the code, `-` on all but the last, the enhanced code on each (RFC 2034 §4).
 * Control and 8-bit characters never reach the wire; a line that would be too long is cut.
 */
export function printReply({ code, status, text }: Reply): string {
  const prefix = status === undefined ? "" : `${status} `
  const last = text.length - 1
  let out = ""
  for (let i = 0; i <= last; i++) {
    const line = `${code}${i < last ? "-" : " "}${prefix}${printable(text[i] ?? "")}`
    out += `${line.length > longest - 2 ? line.slice(0, longest - 2) : line}\r\n`
  }
  return out
}

/** `550 5.7.1 Relaying denied`, as the log and a DSN's Diagnostic-Code have it. */
export function replyLine({ code, status, text }: Reply): string {
  return status === undefined ? `${code} ${text.join(" ")}` : `${code} ${status} ${text.join(" ")}`
}

/** The text with what cannot be printed shown as `?`. */
export function printable(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : text.replaceAll(/[^\x20-\x7e]/g, "?")
}
