// POSIX extended regular expressions for Sieve's :regex (draft-murchison-sieve-regex): the automaton of automaton.ts, and for the
// variables ${0} to ${9} one pass that keeps the places of groups. The leftmost match, and of those the longest; in linear time.
import { fail, ok, type Result } from "../mail/result.ts"
import {
  Automaton,
  compile,
  type Node,
  noMatch,
  opEnd,
  opFinal,
  opSave,
  opSet,
  opSplit,
  type Program,
  startOf,
  type SymbolSet,
  symbols,
  textStart,
} from "./automaton.ts"

export type Regex = { readonly automaton: Automaton; readonly groups: number }

/** The expression, or what is wrong with it. */
export function compileRegex(source: string, ignoreCase: boolean): Result<Regex> {
  const key = `${ignoreCase ? "i" : "c"}${source}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const parser = new Parser(source, ignoreCase)
  const made = parser.regex()
  if (cache.size >= mostKept) cache.clear()
  cache.set(key, made)
  return made
}

const cache = new Map<string, Result<Regex>>()
const mostKept = 1000
/** Numbers in braces, and groups within groups. */
const mostTimes = 255
const deepest = 100

class Wrong extends Error {}

class Parser {
  readonly #source: Buffer
  readonly #ignoreCase: boolean
  #at = 0
  #groups = 0
  #depth = 0

  constructor(source: string, ignoreCase: boolean) {
    this.#source = Buffer.from(source)
    this.#ignoreCase = ignoreCase
  }

  regex(): Result<Regex> {
    try {
      const tree = this.#alternatives()
      if (this.#at < this.#source.length) throw new Wrong("a ) that nothing opened")
      const program = compile({ kind: "group", node: tree, index: 0 })
      if (program === undefined) throw new Wrong("too large")
      return ok({ automaton: new Automaton(program), groups: this.#groups })
    } catch (error) {
      if (error instanceof Wrong) return fail(error.message)
      throw error
    }
  }

  #peek(): string {
    const c = this.#source[this.#at]
    return c === undefined ? "" : String.fromCharCode(c)
  }

  #alternatives(): Node {
    if (++this.#depth > deepest) throw new Wrong("too many groups within each other")
    const nodes = [this.#sequence()]
    while (this.#peek() === "|") {
      this.#at++
      nodes.push(this.#sequence())
    }
    this.#depth--
    const [only] = nodes
    return nodes.length === 1 && only !== undefined ? only : { kind: "any", nodes }
  }

  #sequence(): Node {
    const nodes: Node[] = []
    for (let c = this.#peek(); c !== "" && c !== "|" && c !== ")"; c = this.#peek()) nodes.push(this.#item())
    return { kind: "all", nodes }
  }

  #item(): Node {
    let node = this.#simple()
    for (;;) {
      const c = this.#peek()
      if (c === "*" || c === "+" || c === "?") {
        this.#at++
        node = { kind: "repeat", node, least: c === "+" ? 1 : 0, many: c !== "?" }
      } else if (c === "{") node = this.#times(node)
      else return node
    }
  }

  /** `{2}`, `{2,}`, `{2,5}`. */
  #times(node: Node): Node {
    const found = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(
      this.#source.toString("latin1", this.#at, this.#at + 12),
    )
    if (found === null) throw new Wrong("a { that is no count")
    this.#at += found[0].length
    const least = Number(found[1])
    const most = found[2] === undefined ? least : found[3] === "" ? undefined : Number(found[3])
    if (least > mostTimes || (most ?? 0) > mostTimes) throw new Wrong(`a count above ${mostTimes}`)
    if (most !== undefined && most < least) throw new Wrong("a count from more to less")
    const nodes: Node[] = Array.from({ length: least }, () => node)
    if (most === undefined) nodes.push({ kind: "repeat", node, least: 0, many: true })
    else {
      let more: Node = { kind: "all", nodes: [] }
      for (let n = least; n < most; n++)
        more = { kind: "repeat", node: { kind: "all", nodes: [node, more] }, least: 0, many: false }
      nodes.push(more)
    }
    return { kind: "all", nodes }
  }

  #simple(): Node {
    const c = this.#source[this.#at++] ?? 0
    switch (String.fromCharCode(c)) {
      case "(":
        return this.#group()
      case "[":
        return { kind: "set", set: this.#bracket() }
      case ".":
        return { kind: "set", set: anything }
      case "^":
        return { kind: "set", set: beginning }
      case "$":
        return { kind: "end" }
      case "*":
      case "+":
      case "?":
        throw new Wrong("nothing stands before a repetition")
      case "\\": {
        const escaped = this.#source[this.#at++]
        if (escaped === undefined) throw new Wrong("a backslash at the end")
        return { kind: "set", set: this.#single(escaped) }
      }
    }
    return { kind: "set", set: this.#single(c) }
  }

  #group(): Node {
    const index = ++this.#groups
    const node = this.#alternatives()
    if (this.#peek() !== ")") throw new Wrong("a ( that is not closed")
    this.#at++
    return { kind: "group", node, index }
  }

  #single(c: number): SymbolSet {
    const set = new Uint8Array(symbols)
    this.#put(set, c)
    return set
  }

  #put(set: SymbolSet, c: number): void {
    set[c] = 1
    if (!this.#ignoreCase) return
    if (c >= 0x41 && c <= 0x5a) set[c + 0x20] = 1
    else if (c >= 0x61 && c <= 0x7a) set[c - 0x20] = 1
  }

  #bracket(): SymbolSet {
    const set = new Uint8Array(symbols)
    const not = this.#peek() === "^"
    if (not) this.#at++
    for (let first = true; ; first = false) {
      const c = this.#source[this.#at]
      if (c === undefined) throw new Wrong("a [ that is not closed")
      if (c === 0x5d && !first) break
      this.#at++
      if (c === 0x5b && this.#peek() === ":") this.#named(set)
      else this.#range(set, c)
    }
    this.#at++
    if (not) for (let c = 0; c < 256; c++) set[c] = set[c] === 1 ? 0 : 1
    return set
  }

  #range(set: SymbolSet, from: number): void {
    const next = this.#source[this.#at + 1]
    if (this.#peek() !== "-" || next === undefined || next === 0x5d) return this.#put(set, from)
    this.#at += 2
    if (next < from) throw new Wrong("a range from more to less")
    for (let c = from; c <= next; c++) this.#put(set, c)
  }

  #named(set: SymbolSet): void {
    const found = /^:([a-z]+):\]/.exec(this.#source.toString("latin1", this.#at, this.#at + 12))
    const members = found?.[1] === undefined ? undefined : classes[found[1]]
    if (found === null || members === undefined) throw new Wrong("a class of no known name")
    this.#at += found[0].length
    for (let c = 0; c < 128; c++) if (members.test(String.fromCharCode(c))) this.#put(set, c)
  }
}

const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /\s/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
}

const anything: SymbolSet = new Uint8Array(symbols).fill(1)
anything[textStart] = 0
const beginning: SymbolSet = new Uint8Array(symbols)
beginning[textStart] = 1

/** The groups of the first match, the whole match first; undefined when there is none. */
export function matchRegex({ automaton, groups }: Regex, text: string): readonly string[] | undefined {
  const octets = Buffer.from(text)
  if (automaton.search(octets, { start: 0, from: 0, to: octets.length }) === noMatch) return undefined
  const places = new Matcher(automaton.program, octets).run()
  if (places === undefined) return undefined
  return Array.from({ length: groups + 1 }, (_, n) => {
    const from = places[2 * n] ?? -1
    const to = places[2 * n + 1] ?? -1
    return from < 0 || to < from ? "" : octets.toString("utf8", Math.max(0, from), to)
  })
}

type Thread = { readonly at: number; readonly places: readonly number[] }

/** Runs a program with the places of its groups. */
class Matcher {
  readonly #program: Program
  readonly #text: Buffer
  #best: readonly number[] | undefined

  constructor(program: Program, text: Buffer) {
    this.#program = program
    this.#text = text
  }

  run(): readonly number[] | undefined {
    let threads: Thread[] = []
    for (let at = -1; at <= this.#text.length; at++) {
      const waiting: Thread[] = []
      const seen = new Set<number>()
      for (const thread of threads) this.#follow(thread, at, seen, waiting)
      if (this.#best === undefined)
        this.#follow({ at: startOf(this.#program), places: [] }, at, seen, waiting)
      if (this.#best !== undefined && waiting.length === 0) break
      threads = this.#step(waiting, at < 0 ? textStart : (this.#text[at] ?? -1))
    }
    return this.#best
  }

  #step(waiting: readonly Thread[], symbol: number): Thread[] {
    const { next, other, sets } = this.#program
    return waiting
      .filter(({ at }) => sets[other[at] ?? 0]?.[symbol] === 1)
      .map(({ at, places }) => ({ at: next[at] ?? 0, places }))
  }

  #follow(from: Thread, at: number, seen: Set<number>, waiting: Thread[]): void {
    const { op, next, other } = this.#program
    const todo = [from]
    for (let one = todo.pop(); one !== undefined; one = todo.pop()) {
      if (one.at < 0 || seen.has(one.at)) continue
      seen.add(one.at)
      const { places } = one
      const to = next[one.at] ?? -1
      switch (op[one.at]) {
        case opSet:
          waiting.push(one)
          break
        case opFinal:
          this.#matched(places)
          break
        case opEnd:
          if (at === this.#text.length) todo.push({ at: to, places })
          break
        case opSplit:
          todo.push({ at: other[one.at] ?? -1, places }, { at: to, places })
          break
        case opSave:
          todo.push({ at: to, places: withPlace(places, other[one.at] ?? 0, Math.max(0, at)) })
          break
      }
    }
  }

  /** The leftmost, then the longest, then the one that comes first. */
  #matched(places: readonly number[]): void {
    const best = this.#best
    const [start = 0, end = 0] = places
    const isBetter =
      best === undefined || start < (best[0] ?? 0) || (start === best[0] && end > (best[1] ?? 0))
    if (isBetter) this.#best = places
  }
}

function withPlace(places: readonly number[], index: number, at: number): readonly number[] {
  const copy = [...places]
  while (copy.length < index) copy.push(-1)
  copy[index] = at
  return copy
}
