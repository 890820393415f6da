// What a match with procmail's `\/` has behind the mark: the longest match, and of those that end there the one whose mark comes
// first. One pass over the text with the places of marks beside the states.
import { opEnd, opFinal, opMark, opSet, opSplit, type Program, startOf, textStart } from "./automaton.ts"

export type Area = { readonly start: number; readonly to: number }

const none = Number.POSITIVE_INFINITY
const newline = 0x0a

/** Where MATCH begins and ends; undefined when the expression does not match or meets no mark. */
export function searchMarked(
  program: Program,
  text: Buffer,
  { start, to }: Area,
): { readonly start: number; readonly end: number } | undefined {
  const run = new Run(program)
  run.round(textStart, start - 1, "text")
  for (let at = start; at < to && run.isOpen(); at++) run.round(text[at] ?? 0, at, "text")
  if (run.isOpen()) run.round(newline, to, "end")
  if (run.isOpen()) run.round(newline, to + 1, "after")
  if (run.end === undefined) return undefined
  const from = Math.max(run.start, start)
  return { start: from, end: Math.max(from, Math.min(run.end, to)) }
}

class Run {
  readonly #program: Program
  /** Instructions that wait, each with the earliest mark that led to it. */
  #now: Map<number, number> = new Map()
  start = none
  end: number | undefined

  constructor(program: Program) {
    this.#program = program
  }

  isOpen(): boolean {
    return this.end === undefined || this.#now.size > 0
  }

  /** One symbol: what ends before it, and what goes on after it. */
  round(symbol: number, at: number, where: "text" | "end" | "after"): void {
    const { op, next, other, sets } = this.#program
    const reached = this.#follow(at, where)
    const after = new Map<number, number>()
    for (const [place, mark] of reached) {
      // Once something has matched, only what began to match as early or earlier may match longer.
      if (op[place] !== opSet || mark > this.start) continue
      if (sets[other[place] ?? 0]?.[symbol] !== 1) continue
      const to = next[place] ?? 0
      const known = after.get(to)
      if (known === undefined || mark < known) after.set(to, mark)
    }
    this.#now = after
  }

  #follow(at: number, where: "text" | "end" | "after"): Map<number, number> {
    const { op, next, other } = this.#program
    const reached = new Map<number, number>()
    const todo: [number, number][] = [...this.#now].toReversed()
    if (this.end === undefined && where === "text") todo.unshift([startOf(this.#program), none])
    for (let one = todo.pop(); one !== undefined; one = todo.pop()) {
      const [place, mark] = one
      const known = reached.get(place)
      if (place < 0 || (known !== undefined && known <= mark)) continue
      reached.set(place, mark)
      const code = op[place]
      if (code === opFinal || (code === opEnd && where === "end")) this.#matched(mark, at)
      else if (code === opMark) todo.push([next[place] ?? -1, this.end === undefined ? at : mark])
      else if (code === opSplit) todo.push([other[place] ?? -1, mark], [next[place] ?? -1, mark])
    }
    return reached
  }

  #matched(mark: number, at: number): void {
    if (mark === none) return
    if (this.end !== at || mark < this.start) this.start = mark
    this.end = at
  }
}
