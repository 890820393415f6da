// The words of a finding as they stand in the message: the lines with them, and marks under the words. Safe for a terminal, whatever
// the octets are.
import type { Span } from "../message/received-tokens.ts"

/** Columns of a line that are shown. */
const widest = 150
/** Lines shown of one place. */
const mostLines = 6

/** The lines in which these places lie, each with a line of marks under it. */
export function markedLines(bytes: Buffer, spans: readonly Span[]): readonly string[] {
  const shown: string[] = []
  const done = new Set<number>()
  for (const span of spans.slice(0, 4)) {
    let start = span.start === 0 ? 0 : bytes.lastIndexOf(0x0a, span.start - 1) + 1
    for (let n = 0; n < mostLines && start < span.end; n++) {
      const newline = bytes.indexOf(0x0a, start)
      const end = newline < 0 ? bytes.length : newline
      if (!done.has(start)) shown.push(...lineWithMarks(bytes, start, end, spans))
      done.add(start)
      start = end + 1
    }
  }
  return shown
}

function lineWithMarks(bytes: Buffer, start: number, end: number, spans: readonly Span[]): readonly string[] {
  // A long line is shown around its first marked word.
  const first = spans.find((span) => span.start < end && span.end > start)
  const shift = first !== undefined && first.start - start > widest - 40 ? first.start - start - 40 : 0
  const from = start + shift
  const to = Math.min(end, from + widest)
  let text = ""
  let marks = ""
  for (let at = from; at < to; at++) {
    const c = bytes[at] ?? 0
    if (c === 0x0d) continue
    const inside = spans.some((span) => at >= span.start && at < span.end)
    const width = c === 0x09 ? 4 : 1
    text += c === 0x09 ? "    " : c >= 0x20 && c < 0x7f ? String.fromCharCode(c) : "?"
    marks += (inside && c > 0x20 ? "^" : " ").repeat(width)
  }
  const cut = `${shift > 0 ? "… " : ""}${text}${to < end ? " …" : ""}`
  const under = `${shift > 0 ? "  " : ""}${marks}`.trimEnd()
  return under === "" ? [cut] : [cut, under]
}

/** Text of a message made safe for one line of a terminal. */
export function plain(text: string, longest = 120): string {
  const clean = text
    .replaceAll(/[^\x20-\x7e\u00a1-\uffff]/g, "?")
    .replaceAll(/[\u202a-\u202e\u2066-\u2069\u200b-\u200f]/g, "?")
  return clean.length <= longest ? clean : `${clean.slice(0, longest - 1)}…`
}
