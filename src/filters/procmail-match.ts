// Looking for an expression in a part of the message or in a variable: the quick way past what cannot match first.
import { noMatch } from "./automaton.ts"
import type { Expression } from "./egrep.ts"
import { searchMarked } from "./marked.ts"

const folded = new WeakMap<Buffer, Buffer>()

/** Where the first match ends; `noMatch` when there is none. `from` is where looking goes on after another match. */
export function search(expression: Expression, text: Buffer, from = 0): number {
  const { beginning } = expression
  const area = { start: 0, from, to: text.length }
  if (beginning.length < 2) return expression.automaton.search(text, area)
  const first = possible(expression, text, from)
  return first < 0 ? noMatch : expression.automaton.search(text, { ...area, from: first })
}

/** What stands behind the mark of a match; undefined when the expression has none. */
export function matched(expression: Expression, text: Buffer): string | undefined {
  const { program } = expression.automaton
  if (!program.marks) return undefined
  const found = searchMarked(program, text, { start: 0, to: text.length })
  return found === undefined ? undefined : text.toString("latin1", found.start, found.end)
}

const newline = 0x0a

/** Where the octets that every match begins with stand for the first time; -1 nowhere. */
function possible({ beginning, distinguishCase }: Expression, text: Buffer, from: number): number {
  const among = distinguishCase ? text : foldedOf(text)
  if (beginning[0] === newline && (from === 0 || text[from - 1] === newline)) {
    const rest = beginning.length - 1
    if (from + rest <= text.length && among.compare(beginning, 1, rest + 1, from, from + rest) === 0)
      return from
  }
  return among.indexOf(beginning, from)
}

function foldedOf(text: Buffer): Buffer {
  const known = folded.get(text)
  if (known !== undefined) return known
  const made = Buffer.from(text.toString("latin1").replaceAll(/[A-Z]+/g, lower), "latin1")
  folded.set(text, made)
  return made
}

function lower(letters: string): string {
  return letters.toLowerCase()
}
