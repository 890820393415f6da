// What m4 reads: a stack of texts, each knowing the file and line it came from. Expansions are pushed on top and read
// before what follows, so a word may begin in one text and end in the next, as in every m4.
import type { Origin } from "../mail/decision.ts"
import type { Frame, Input, Piece } from "./m4-types.ts"

/** Puts a piece before everything still to be read. */
export function push(input: Input, piece: Piece): void {
  if (piece.text === "" && piece.builtin === undefined) return
  dropFinished(input)
  const { file, line, column, via } = piece.at
  const { text, builtin } = piece
  input.push({ text, file, via, builtin, pos: 0, lineEnd: undefined, line, lineStart: 1 - column })
}

function dropFinished(input: Input): void {
  let top = input.at(-1)
  while (top !== undefined && top.pos >= top.text.length && top.builtin === undefined) {
    input.pop()
    top = input.at(-1)
  }
}

/** The frame to read from, or undefined at the end of all input. */
export function current(input: Input): Frame | undefined {
  dropFinished(input)
  return input.at(-1)
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from)
  return end < 0 ? text.length : end
}

/** Where the frame's next character stands. */
export function position(frame: Frame): Origin {
  const { text, pos } = frame
  frame.lineEnd ??= endOfLine(text, 0)
  while (frame.lineEnd < pos) {
    frame.line++
    frame.lineStart = frame.lineEnd + 1
    frame.lineEnd = endOfLine(text, frame.lineStart)
  }
  const column = pos - frame.lineStart + 1
  const { file, line, via } = frame
  return via === undefined ? { file, line, column } : { file, line, column, via }
}

/** Whether the input goes on with `text`, which may reach over several frames. */
export function startsWith(input: Input, text: string): boolean {
  const top = current(input)
  if (top === undefined || text === "") return false
  if (top.text.startsWith(text, top.pos)) return true
  if (top.text.length - top.pos >= text.length) return false
  let need = text
  for (let index = input.length - 1; index >= 0 && need !== ""; index--) {
    const frame = input[index]
    if (frame === undefined || frame.builtin !== undefined) return false
    const rest = frame.text.slice(frame.pos, frame.pos + need.length)
    if (!need.startsWith(rest)) return false
    need = need.slice(rest.length)
  }
  return need === ""
}

/** Skips `count` characters, over frames if need be. */
export function skip(input: Input, count: number): void {
  let left = count
  while (left > 0) {
    const top = current(input)
    if (top === undefined) return
    const taken = Math.min(left, top.text.length - top.pos)
    top.pos += taken
    left -= taken
    if (taken === 0) return
  }
}

/** The next character, not taken; "" at the end or before a builtin. */
export function peek(input: Input): string {
  const top = current(input)
  return top === undefined ? "" : (top.text[top.pos] ?? "")
}

/** The position `offset` characters into a piece, for pieces cut out of it. */
export function within(piece: Piece, offset: number): Origin {
  let { line } = piece.at
  let lineStart = 1 - piece.at.column
  for (
    let end = piece.text.indexOf("\n");
    end >= 0 && end < offset;
    end = piece.text.indexOf("\n", end + 1)
  ) {
    line++
    lineStart = end + 1
  }
  return { ...piece.at, line, column: offset - lineStart + 1 }
}
