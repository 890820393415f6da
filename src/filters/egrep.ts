// procmail's regular expressions: egrep's, but that ^ and $ are line ends, \/ begins what MATCH is, ^^ is the text's beginning or
// end, \< and \> are octets of no word, and lines are matched as one text (procmailrc(5), "Extended regular expressions").
import { Automaton, compile, type Node, type SymbolSet, symbols, textStart } from "./automaton.ts"

export type Expression = {
  readonly automaton: Automaton
  /** What every match begins with, in lower case when case is not distinguished; "" when nothing is certain. */
  readonly beginning: Buffer
  readonly distinguishCase: boolean
  /** Said once: "Invalid regexp" of procmail; it is used as far as it can be understood. */
  readonly invalid: boolean
}

/** The expression; undefined when it is too large to be run. */
export function parseExpression(source: string, distinguishCase: boolean): Expression | undefined {
  const parser = new Parser(source, distinguishCase)
  const tree = parser.all()
  const program = compile(tree)
  if (program === undefined) return undefined
  const beginning = Buffer.from(literalOf(tree), "latin1")
  return { automaton: new Automaton(program), beginning, distinguishCase, invalid: parser.invalid }
}

const newline = 10
/** Groups within groups. */
const deepest = 200

class Parser {
  readonly #source: string
  readonly #sets: Sets
  #at = 0
  #depth = 0
  invalid = false

  constructor(source: string, distinguishCase: boolean) {
    this.#source = source
    this.#sets = setsFor(distinguishCase)
  }

  all(): Node {
    const tree = this.#alternatives(true)
    if (this.#at < this.#source.length) this.invalid = true // a ) that nothing opened: what follows is not read
    return tree
  }

  /** `last`: what ends here ends the expression, so that ^^ there is the end of the text. */
  #alternatives(last: boolean): Node {
    const nodes = [this.#sequence(last)]
    while (this.#peek() === "|") {
      this.#at++
      nodes.push(this.#sequence(last))
    }
    const [only] = nodes
    return nodes.length === 1 && only !== undefined ? only : { kind: "any", nodes }
  }

  #sequence(last: boolean): Node {
    const nodes: Node[] = []
    while (!this.#atEnd()) nodes.push(this.#item(last))
    return { kind: "all", nodes }
  }

  #item(last: boolean): Node {
    const node = this.#simple(last)
    const operator = this.#peek()
    if (operator !== "*" && operator !== "+" && operator !== "?") return node
    this.#at++
    return { kind: "repeat", node, least: operator === "+" ? 1 : 0, many: operator !== "?" }
  }

  #simple(last: boolean): Node {
    const c = this.#source.charCodeAt(this.#at++)
    switch (String.fromCharCode(c)) {
      case "(":
        return this.#group(last)
      case "[":
        return { kind: "set", set: this.#class() }
      case ".":
        return { kind: "set", set: this.#sets.dot }
      case "^":
        return this.#peek() === "^" ? this.#edge(last) : { kind: "set", set: this.#sets.of(newline) }
      case "$":
        return { kind: "set", set: this.#sets.of(newline) }
      case "\\":
        return this.#escaped()
    }
    return { kind: "set", set: this.#sets.of(c) }
  }

  #edge(last: boolean): Node {
    this.#at++
    return last && this.#atEnd() ? { kind: "end" } : { kind: "set", set: this.#sets.start }
  }

  #group(last: boolean): Node {
    if (++this.#depth > deepest) {
      this.invalid = true
      this.#at = this.#source.length
      return { kind: "all", nodes: [] }
    }
    const closing = this.#closingAfter()
    const isLast = last && closing >= 0 && endsExpression(this.#source, closing + 1)
    const node = this.#alternatives(isLast)
    if (this.#peek() === ")") this.#at++
    else this.invalid = true
    this.#depth--
    return node
  }

  /** Where the group that was just opened closes. */
  #closingAfter(): number {
    let depth = 0
    for (let at = this.#at; at < this.#source.length; at++) {
      const c = this.#source[at]
      if (c === "\\") at++
      else if (c === "(") depth++
      else if (c === ")" && depth-- === 0) return at
    }
    return -1
  }

  #escaped(): Node {
    const c = this.#source.charCodeAt(this.#at)
    if (Number.isNaN(c)) return { kind: "set", set: this.#sets.of(0x5c) }
    this.#at++
    if (c === 0x2f) return { kind: "mark" }
    if (c === 0x3c || c === 0x3e) return { kind: "set", set: this.#sets.noWord }
    return { kind: "set", set: this.#sets.of(c) }
  }

  #class(): SymbolSet {
    const not = this.#peek() === "^"
    if (not) this.#at++
    const set = new Uint8Array(symbols).fill(not ? 1 : 0)
    const mark = not ? 0 : 1
    if (not) set[newline] = 0
    let before = -1
    const first = this.#source.charCodeAt(this.#at)
    if (first === 0x5d || first === 0x2d) {
      set[first] = mark // at the beginning they mean themselves
      before = first
      this.#at++
    }
    for (; this.#at < this.#source.length; this.#at++) {
      let c = this.#source.charCodeAt(this.#at)
      if (c === 0x5d) break
      const end = this.#source.charCodeAt(this.#at + 1)
      if (c === 0x2d && !Number.isNaN(end) && end !== 0x5d) {
        this.#at++
        c = end
        for (let one = before + 1; one < c; one++) this.#sets.put(set, one, mark)
      }
      this.#sets.put(set, c, mark)
      before = c
    }
    this.#at++
    set[textStart] = set[newline] ?? 0
    return set
  }

  #peek(): string | undefined {
    return this.#source[this.#at]
  }

  #atEnd(): boolean {
    const c = this.#peek()
    return c === undefined || c === "|" || c === ")"
  }
}

/** Whether nothing but ends of groups and other alternatives follows. */
function endsExpression(source: string, at: number): boolean {
  const c = source[at]
  return c === undefined || c === "|" || c === ")"
}

/** The sets that expressions share; each letter stands for both where case is not distinguished. */
class Sets {
  readonly #distinguishCase: boolean
  readonly #single: (SymbolSet | undefined)[] = []
  readonly dot: SymbolSet
  readonly noWord: SymbolSet
  readonly start: SymbolSet

  constructor(distinguishCase: boolean) {
    this.#distinguishCase = distinguishCase
    this.dot = new Uint8Array(symbols).fill(1)
    this.dot[newline] = this.dot[textStart] = 0
    this.noWord = Uint8Array.from({ length: symbols }, (_, c) =>
      c < 256 && /\w/.test(String.fromCharCode(c)) ? 0 : 1,
    )
    this.start = new Uint8Array(symbols)
    this.start[textStart] = 1
  }

  of(c: number): SymbolSet {
    const known = this.#single[c]
    if (known !== undefined) return known
    const set = new Uint8Array(symbols)
    this.put(set, c, 1)
    set[textStart] = set[newline] ?? 0
    this.#single[c] = set
    return set
  }

  put(set: SymbolSet, c: number, mark: number): void {
    if (c > 255) return
    set[c] = mark
    if (this.#distinguishCase) return
    if (c >= 0x41 && c <= 0x5a) set[c + 0x20] = mark
    else if (c >= 0x61 && c <= 0x7a) set[c - 0x20] = mark
  }
}

const sensitive = new Sets(true)
const insensitive = new Sets(false)

function setsFor(distinguishCase: boolean): Sets {
  return distinguishCase ? sensitive : insensitive
}

/** The octets with which every match begins: a line end may be the first of them and no other. */
function literalOf(tree: Node): string {
  const nodes = tree.kind === "all" ? tree.nodes : [tree]
  let text = ""
  for (const node of nodes) {
    const c = node.kind === "set" ? onlyOf(node.set) : undefined
    if (c === undefined || (c === newline && text !== "")) break
    text += String.fromCharCode(c)
  }
  return text
}

/** The one octet of the set, the smaller letter of two that differ in case; undefined when there are more. */
function onlyOf(set: SymbolSet): number | undefined {
  const first = set.indexOf(1)
  if (first < 0 || first === textStart) return undefined
  const second = set.indexOf(1, first + 1)
  if (second < 0 || second === textStart) return first
  const isPair = second === first + 0x20 && first >= 0x41 && first <= 0x5a
  const third = set.indexOf(1, second + 1)
  return isPair && third < 0 ? second : undefined
}
