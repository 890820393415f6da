// How wide text is on a terminal: most letters one column, East Asian ones and emoji two, combining marks none.

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const nothing = /\p{M}|[\u200b-\u200d]|\ufe0e|\ufe0f/u
const plain = /^[\u0020-\u02ff]*$/

/** Columns. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length
  let columns = 0
  for (const letter of text) columns += columnsOf(letter)
  return columns
}

function columnsOf(letter: string): number {
  if (nothing.test(letter)) return 0
  return wide.test(letter) ? 2 : 1
}

/** The text in exactly so many columns: cut, with an ellipsis, or filled with blanks. */
export function fitted(text: string, columns: number): string {
  if (columns <= 0) return ""
  const width = widthOf(text)
  if (width <= columns) return text + " ".repeat(columns - width)
  let out = ""
  let used = 0
  for (const letter of text) {
    const more = columnsOf(letter)
    if (used + more > columns - 1) break
    out += letter
    used += more
  }
  return `${out}…${" ".repeat(columns - 1 - used)}`
}

/** Lines of at most so many columns, broken at blanks where there are some; quotations keep their mark. */
export function wrapped(text: string, columns: number): string[] {
  return text.split("\n").flatMap((line) => wrapLine(line.replaceAll("\t", "    "), Math.max(columns, 10)))
}

function wrapLine(line: string, columns: number): string[] {
  if (widthOf(line) <= columns) return [line]
  const mark = /^(?:[>|] ?)+/.exec(line)?.[0].slice(0, Math.floor(columns / 2)) ?? ""
  const lines: string[] = []
  let current = ""
  let used = 0
  let blankAt = 0
  for (const letter of line) {
    const more = columnsOf(letter)
    if (used + more > columns) {
      const cut = blankAt > mark.length ? blankAt : current.length
      lines.push(current.slice(0, cut).trimEnd())
      current = mark + current.slice(cut).trimStart()
      used = widthOf(current)
      blankAt = 0
    }
    if (letter === " ") blankAt = current.length
    current += letter
    used += more
  }
  return [...lines, current]
}
