// From a script's tree to a program: every word known, every argument of its shape, every extension required, every if in its
// place. All mistakes are told at once, each with its line and column.
import {
  type Argument,
  type CommandNode,
  parseSieve,
  type Place,
  type SieveIssue,
  type TestNode,
} from "./sieve-syntax.ts"
import { type Value, wrongValues } from "./sieve-checks.ts"
import { commands, extensions, type Shape, tests, type Word } from "./sieve-words.ts"

/** A command or test as it is run. */
export type Call = {
  readonly name: string
  readonly at: Place
  readonly tags: ReadonlyMap<string, Value>
  readonly arguments: readonly Value[]
  readonly tests: readonly Call[]
  readonly block: readonly Call[]
}

export type Script = {
  /** As origins name it. */
  readonly file: string
  readonly calls: readonly Call[]
  readonly required: ReadonlySet<string>
}

export type Compiled =
  | { readonly ok: true; readonly script: Script }
  | { readonly ok: false; readonly issues: readonly SieveIssue[] }

/** Compiles a script. */
export function compileSieve(file: string, text: string): Compiled {
  const parsed = parseSieve(text)
  if (!parsed.ok) return { ok: false, issues: [parsed.issue] }
  const compiler = new Compiler()
  const calls = compiler.block(parsed.commands, true)
  if (compiler.issues.length > 0) return { ok: false, issues: compiler.issues }
  return { ok: true, script: { file, calls, required: compiler.required } }
}

const mostIssues = 20

class Compiler {
  readonly issues: SieveIssue[] = []
  readonly required = new Set<string>()

  block(nodes: readonly CommandNode[], isTop: boolean): Call[] {
    const calls: Call[] = []
    let before = ""
    let mayRequire = isTop
    for (const node of nodes) {
      if (node.name === "require") {
        if (!mayRequire) this.#issue(node.at, "require stands before all other commands") // RFC 5228 §3.2
        this.#require(node)
        continue
      }
      mayRequire = false
      if ((node.name === "elsif" || node.name === "else") && before !== "if" && before !== "elsif")
        this.#issue(node.at, `${node.name} without an if before it`)
      calls.push(this.#call(node, commands, "command"))
      before = node.name
    }
    return calls
  }

  #issue(at: Place, says: string): void {
    if (this.issues.length < mostIssues) this.issues.push({ ...at, says })
  }

  #require({ arguments: args, at }: CommandNode): void {
    const [names] = args
    if (names === undefined || (names.kind !== "string" && names.kind !== "list") || args.length !== 1)
      return this.#issue(at, "require has one argument: the extensions' names")
    for (const name of names.kind === "list" ? names.items : [names.text]) {
      if (extensions.has(name)) this.required.add(name)
      else this.#issue(names.at, `there is no extension "${name}" here`)
      if (name === "vacation-seconds") this.required.add("vacation") // RFC 6131 §2
    }
  }

  #call(node: TestNode | CommandNode, words: Readonly<Record<string, Word>>, kind: string): Call {
    const { name, at } = node
    const word = Object.hasOwn(words, name) ? words[name] : undefined
    const block = "block" in node && node.block !== undefined ? this.block(node.block, false) : []
    const tested = node.tests.map((one) => this.#call(one, tests, "test"))
    if (word === undefined) {
      this.#issue(at, `there is no ${kind} "${name}"`)
      return { name, at, tags: new Map(), arguments: [], tests: tested, block }
    }
    this.#needs(word.needs, name, at)
    this.#structure(node, word)
    const { tags, rest } = this.#tags(node, word)
    const args = this.#positional(node, word, rest)
    const call: Call = { name, at, tags, arguments: args, tests: tested, block }
    this.#check(call)
    return call
  }

  #needs(extension: string | undefined, name: string, at: Place): void {
    if (extension === undefined || this.required.has(extension)) return
    // RFC 5232 names it so, old scripts have it without: both need the word.
    this.#issue(at, `${name} needs require "${extension}"`)
  }

  #structure(node: TestNode | CommandNode, word: Word): void {
    const { name, at } = node
    const count = node.tests.length
    if (word.tests === undefined && count > 0) this.#issue(at, `${name} takes no test`)
    if (word.tests === "one" && count !== 1) this.#issue(at, `${name} takes one test`)
    if (word.tests === "many" && count === 0) this.#issue(at, `${name} takes tests in parentheses`)
    if (!("block" in node)) return
    if (word.block === true && node.block === undefined) this.#issue(at, `${name} needs a block`)
    if (word.block === undefined && node.block !== undefined) this.#issue(at, `${name} takes no block`)
  }

  #tags(node: TestNode, word: Word): { readonly tags: Map<string, Value>; readonly rest: Argument[] } {
    const tags = new Map<string, Value>()
    const groups = new Set<string>()
    const rest: Argument[] = []
    const args = node.arguments
    for (let n = 0; n < args.length; n++) {
      const one = args[n]
      if (one === undefined) break
      if (one.kind !== "tag") {
        rest.push(one)
        continue
      }
      if (rest.length > 0) this.#issue(one.at, `:${one.name} stands behind an argument`)
      const tag =
        word.tags !== undefined && Object.hasOwn(word.tags, one.name) ? word.tags[one.name] : undefined
      if (tag === undefined) {
        this.#issue(one.at, `${node.name} has no :${one.name}`)
        continue
      }
      this.#needs(tag.needs, `:${one.name}`, one.at)
      const group = tag.group ?? one.name
      if (groups.has(group)) this.#issue(one.at, `:${one.name} is one too many`)
      groups.add(group)
      if (tag.value === undefined) tags.set(one.name, true)
      else {
        const value = this.#shaped(args[++n], tag.value, `:${one.name}`, one.at)
        if (value !== undefined) tags.set(one.name, value)
      }
    }
    return { tags, rest }
  }

  #positional(node: TestNode, word: Word, given: readonly Argument[]): Value[] {
    const wanted = word.arguments.length
    const { optionalFirst, optionalLast } = word
    const more = given.length === wanted + 1
    const shapes: readonly Shape[] = [
      ...(more && optionalFirst !== undefined ? [optionalFirst] : []),
      ...word.arguments,
      ...(more && optionalLast !== undefined ? [optionalLast] : []),
    ]
    if (given.length !== shapes.length) {
      this.#issue(
        node.at,
        `${node.name} takes ${counted(wanted)}, and there ${given.length === 1 ? "is" : "are"} ${given.length}`,
      )
      return []
    }
    return shapes.flatMap((shape, n) => {
      const value = this.#shaped(given[n], shape, node.name, given[n]?.at ?? node.at)
      return value === undefined ? [] : [value]
    })
  }

  #shaped(given: Argument | undefined, shape: Shape, of: string, at: Place): Value | undefined {
    if (given?.kind === "number" && shape === "number") return given.number
    if (given?.kind === "string" && shape !== "number") {
      const text = this.#decoded(given.text, given.at)
      return shape === "list" ? [text] : text
    }
    if (given?.kind === "list" && shape === "list") {
      if (given.items.length === 0) this.#issue(given.at, `${of} wants at least one string`) // RFC 5228 §8.2
      return given.items.map((item) => this.#decoded(item, given.at))
    }
    const wanted = shape === "list" ? "a string or a list of strings" : `a ${shape}`
    this.#issue(given?.at ?? at, `${of} wants ${wanted}`)
    return undefined
  }

  /** RFC 5228 §2.4.2.4: ${hex:40} and ${unicode:40}. */
  #decoded(text: string, at: Place): string {
    if (!this.required.has("encoded-character") || !text.includes("${")) return text
    return text
      .replaceAll(/\$\{unicode:\s*((?:[0-9a-f]{1,6}\s*)+)\}/gi, (whole, list: string) => {
        const points = list
          .trim()
          .split(/\s+/)
          .map((one) => Number.parseInt(one, 16))
        if (points.every((point) => point <= 0x10_ff_ff && (point < 0xd8_00 || point > 0xdf_ff)))
          return String.fromCodePoint(...points)
        this.#issue(at, `${whole} is no character of Unicode`)
        return whole
      })
      .replaceAll(/\$\{hex:\s*((?:[0-9a-f]{1,2}\s*)+)\}/gi, (_, list: string) =>
        Buffer.from(
          list
            .trim()
            .split(/\s+/)
            .map((one) => Number.parseInt(one, 16)),
        ).toString("utf8"),
      )
  }

  /** What the shapes do not say. */
  #check(call: Call): void {
    const { at, tags, name } = call
    if (tags.get("comparator") === "i;ascii-numeric")
      this.#needs("comparator-i;ascii-numeric", "i;ascii-numeric", at)
    if (name === "global") this.#needs("variables", name, at) // RFC 6609 §3.4.1
    for (const says of wrongValues(call, this.required.has("variables"))) this.#issue(at, says)
  }
}

function counted(count: number): string {
  return count === 0 ? "no argument" : count === 1 ? "one argument" : `${count} arguments`
}
