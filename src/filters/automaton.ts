// Regular expressions as automata: syntax trees become a program of a few instructions, and the program is run as a set of states
// that is remembered once met (Thompson 1968; a DFA made as it is needed). Time is linear in the text, whatever the expression is.

/** The symbols of a text: its octets, and the place before its first octet, which counts as the end of a line. */
export const symbols = 257
/** The line end that stands before the first octet. */
export const textStart = 256

/** Which symbols match: 1 where they do. */
export type SymbolSet = Uint8Array

export type Node =
  | { readonly kind: "set"; readonly set: SymbolSet }
  | { readonly kind: "all"; readonly nodes: readonly Node[] }
  | { readonly kind: "any"; readonly nodes: readonly Node[] }
  | { readonly kind: "repeat"; readonly node: Node; readonly least: 0 | 1; readonly many: boolean }
  /** What is matched from here on is wanted: procmail's `\/`. */
  | { readonly kind: "mark" }
  /** The end of the text and no other place. */
  | { readonly kind: "end" }
  | { readonly kind: "group"; readonly node: Node; readonly index: number }

export const opSet = 0
export const opSplit = 1
export const opMark = 2
export const opEnd = 3
export const opSave = 4
export const opFinal = 5

/** Instructions in columns: what each does, where it goes on, and where else. */
export type Program = {
  readonly op: Uint8Array
  /** The next instruction. */
  readonly next: Int32Array
  /** opSplit: the second way. opSave: which place is kept. opSet: which set. */
  readonly other: Int32Array
  readonly sets: readonly SymbolSet[]
  readonly marks: boolean
}

/** What `search` answers when nothing matches: no place a match could end at. */
export const noMatch = -2

/** Larger programs are refused: every state may hold all of them. */
export const mostInstructions = 20_000

/** The program of a tree; undefined when it would be too large. */
export function compile(tree: Node): Program | undefined {
  const op: number[] = []
  const next: number[] = []
  const other: number[] = []
  const sets: SymbolSet[] = []
  const known = new Map<SymbolSet, number>()
  let marks = false
  // From the end to the beginning, so that each instruction knows where it goes on.
  const final = add(opFinal, -1, -1)
  const start = emit(tree, final)
  if (start < 0 || op.length > mostInstructions) return undefined
  add(opSplit, start, -1) // the last one is where a match begins
  return { op: Uint8Array.from(op), next: Int32Array.from(next), other: Int32Array.from(other), sets, marks }

  function add(code: number, to: number, way: number): number {
    op.push(code)
    next.push(to)
    other.push(way)
    return op.length - 1
  }

  function emit(node: Node, to: number): number {
    if (op.length > mostInstructions) return -1
    switch (node.kind) {
      case "set":
        return add(opSet, to, indexOf(node.set))
      case "mark":
        marks = true
        return add(opMark, to, -1)
      case "end":
        return add(opEnd, to, -1)
      case "all":
        return node.nodes.reduceRight((place, one) => emit(one, place), to)
      case "any":
        return node.nodes.map((one) => emit(one, to)).reduceRight((rest, one) => add(opSplit, one, rest))
      case "repeat":
        return repeat(node.node, node.least, node.many, to)
      case "group":
        return add(opSave, emit(node.node, add(opSave, to, 2 * node.index + 1)), 2 * node.index)
    }
  }

  function repeat(node: Node, least: 0 | 1, many: boolean, to: number): number {
    if (!many) return add(opSplit, emit(node, to), to)
    const split = add(opSplit, -1, to)
    const body = emit(node, split)
    next[split] = body
    return least === 1 ? body : split
  }

  function indexOf(set: SymbolSet): number {
    const found = known.get(set)
    if (found !== undefined) return found
    known.set(set, sets.length)
    return sets.push(set) - 1
  }
}

/** Where a match begins. */
export function startOf({ op }: Program): number {
  return op.length - 1
}

type State = {
  /** Instructions that wait for the next symbol, before anything is followed from them. */
  readonly core: Int32Array
  /** Set instructions to try on the next symbol, those of a new beginning included. */
  readonly waiting: Int32Array
  /** A match ends before the next symbol. */
  readonly accepts: boolean
  readonly next: (State | undefined)[]
  /** Octets that the match ends after the text's end: 0, 1 (after the line end that stands there), noMatch; undefined: not asked yet. */
  ending: number | undefined
}

/** A machine that keeps more states forgets them all and begins anew: memory is bounded, time stays linear. */
const mostStates = 2000

/** The automaton of a program, states made when they are first met. */
export class Automaton {
  readonly program: Program
  readonly #classes: Uint16Array
  readonly #samples: number[] = []
  #states = new Map<string, State>()
  #first: State
  readonly #seen: Uint8Array

  constructor(program: Program) {
    this.program = program
    this.#seen = new Uint8Array(program.op.length)
    this.#classes = classesOf(program.sets, this.#samples)
    this.#first = this.#state(new Int32Array(0))
  }

  /**
   * Where the match that ends first ends, looking from `from`; `noMatch` when there is none. A line end stands before the text and
   * behind it; matching the one behind it is an end of `to + 1`, matching nothing at the beginning of a line is `from - 1`.
   */
  search(text: Buffer, area: { readonly start: number; readonly from: number; readonly to: number }): number {
    const { start, from, to } = area
    let state = this.#first
    if (from === start || text[from - 1] === newline || from === to) {
      if (state.accepts) return from - 1
      state = this.#step(state, this.#classes[from === start ? textStart : newline] ?? 0)
    }
    const classes = this.#classes
    for (let at = from; at < to; at++) {
      if (state.accepts) return at
      const symbol = classes[text[at] ?? 0] ?? 0
      state = state.next[symbol] ?? this.#step(state, symbol)
    }
    const ending = this.#ending(state)
    return ending === noMatch ? noMatch : to + ending
  }

  #step(state: State, symbol: number): State {
    const known = state.next[symbol]
    if (known !== undefined) return known
    const { next, other, sets } = this.program
    const sample = this.#samples[symbol] ?? 0
    const core = new Set<number>()
    for (const at of state.waiting) if (sets[other[at] ?? 0]?.[sample] === 1) core.add(next[at] ?? 0)
    const to = this.#state(Int32Array.from(core).toSorted())
    state.next[symbol] = to
    return to
  }

  #state(core: Int32Array): State {
    const key = core.join()
    const known = this.#states.get(key)
    if (known !== undefined) return known
    if (this.#states.size >= mostStates) this.#states = new Map()
    const waiting: number[] = []
    const accepts = this.#follow([...core, startOf(this.program)], waiting, false)
    const state: State = { core, waiting: Int32Array.from(waiting), accepts, next: [], ending: undefined }
    this.#states.set(key, state)
    return state
  }

  // At the end of the text nothing begins any more: first what ends there, then what ends after one more line end.
  #ending(state: State): number {
    if (state.ending !== undefined) return state.ending
    const { next, other, sets } = this.program
    const waiting: number[] = []
    if (this.#follow([...state.core], waiting, true)) return (state.ending = 0)
    const last = waiting.filter((at) => sets[other[at] ?? 0]?.[newline] === 1).map((at) => next[at] ?? 0)
    return (state.ending = this.#follow(last, [], false) ? 1 : noMatch)
  }

  /** Follows what needs no symbol; true when a match ends here. */
  #follow(from: number[], waiting: number[], atEnd: boolean): boolean {
    const { op, next, other } = this.program
    const seen = this.#seen
    const met: number[] = []
    let accepts = false
    for (let at = from.pop(); at !== undefined; at = from.pop()) {
      if (at < 0 || seen[at] === 1) continue
      seen[at] = 1
      met.push(at)
      const code = op[at]
      if (code === opSet) waiting.push(at)
      else if (code === opFinal || (code === opEnd && atEnd)) accepts = true
      else if (code !== opEnd) from.push(next[at] ?? -1)
      if (code === opSplit) from.push(other[at] ?? -1)
    }
    for (const at of met) seen[at] = 0
    return accepts
  }
}

const newline = 0x0a

/** Symbols that no set tells apart are one class. */
function classesOf(sets: readonly SymbolSet[], samples: number[]): Uint16Array {
  const classes = new Uint16Array(symbols)
  for (const set of sets) {
    const split = new Map<number, number>()
    for (let symbol = 0; symbol < symbols; symbol++) {
      const key = (classes[symbol] ?? 0) * 2 + (set[symbol] ?? 0)
      const known = split.get(key)
      if (known !== undefined) classes[symbol] = known
      else {
        split.set(key, split.size)
        classes[symbol] = split.size - 1
      }
    }
  }
  for (let symbol = symbols - 1; symbol >= 0; symbol--) samples[classes[symbol] ?? 0] = symbol
  return classes
}
