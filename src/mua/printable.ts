// What strangers wrote, made harmless for a terminal: no escape sequences, no characters that move or hide others.
// Everything of a message that reaches a terminal comes through here.

// C0 but tab, DEL, C1, and what changes the direction of the text around it (Unicode's bidi controls), plus line separators.
const harmful =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** One line: what would act on the terminal is shown as what it is, a line end as a blank. */
export function printable(text: string): string {
  return text.replaceAll(/\r?\n|\t/g, " ").replaceAll(harmful, shown)
}

/** Several lines: line ends and tabs stay. */
export function printableLines(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(harmful, shown)
}

function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x20) return `^${String.fromCodePoint(code + 0x40)}`
  if (code === 0x7f) return "^?"
  return "\ufffd"
}
