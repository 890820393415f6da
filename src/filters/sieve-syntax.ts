// A Sieve script as text: tokens and the tree of commands, tests and arguments (RFC 5228 §8). What the words mean is
// sieve-compile.ts's; a mistake is an issue with its line, column and what was expected.

export type Place = { readonly line: number; readonly column: number }

export type SieveIssue = Place & { readonly says: string }

export type Argument =
  | { readonly kind: "string"; readonly text: string; readonly at: Place }
  | { readonly kind: "list"; readonly items: readonly string[]; readonly at: Place }
  | { readonly kind: "number"; readonly number: number; readonly at: Place }
  | { readonly kind: "tag"; readonly name: string; readonly at: Place }

export type TestNode = {
  readonly name: string
  readonly at: Place
  readonly arguments: readonly Argument[]
  readonly tests: readonly TestNode[]
}

export type CommandNode = TestNode & { readonly block: readonly CommandNode[] | undefined }

/** Blocks and tests within each other (RFC 5228 §1.3 wants 15 at least). */
const deepest = 32
/** Larger scripts are refused. */
export const largestScript = 1024 * 1024

type Token = {
  readonly kind: "identifier" | "tag" | "number" | "string" | "punctuation" | "end"
  readonly text: string
  readonly at: number
}

/** Thrown within the parser alone, and caught there: the first mistake ends the reading. */
class Mistake extends Error {
  readonly at: number

  constructor(says: string, at: number) {
    super(says)
    this.at = at
  }
}

/** The tree, or where it is no script and why. */
export function parseSieve(
  text: string,
):
  | { readonly ok: true; readonly commands: readonly CommandNode[] }
  | { readonly ok: false; readonly issue: SieveIssue } {
  const parser = new Parser(text)
  try {
    if (text.length > largestScript) throw new Mistake(`more than ${largestScript} characters`, 0)
    return { ok: true, commands: parser.script() }
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    return { ok: false, issue: { ...parser.place(error.at), says: error.message } }
  }
}

class Parser {
  readonly #text: string
  readonly #lines: number[] = [0]
  #at = 0
  #token: Token
  #depth = 0

  constructor(text: string) {
    this.#text = text
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#lines.push(at + 1)
    this.#token = { kind: "end", text: "", at: 0 }
  }

  place(at: number): Place {
    let low = 0
    let high = this.#lines.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#lines[middle] ?? 0) <= at) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: at - (this.#lines[low] ?? 0) + 1 }
  }

  script(): CommandNode[] {
    this.#next()
    const commands = this.#commands()
    if (this.#token.kind !== "end") throw this.#unexpected("a command")
    return commands
  }

  #commands(): CommandNode[] {
    const commands: CommandNode[] = []
    while (this.#token.kind === "identifier") commands.push(this.#command())
    return commands
  }

  #command(): CommandNode {
    const head = this.#head()
    if (this.#takes(";")) return { ...head, block: undefined }
    if (!this.#takes("{")) throw this.#unexpected('";" or a block')
    this.#deeper()
    const block = this.#commands()
    if (!this.#takes("}")) throw this.#unexpected('a command or "}"')
    this.#depth--
    return { ...head, block }
  }

  #deeper(): void {
    if (++this.#depth > deepest) throw new Mistake(`more than ${deepest} within each other`, this.#token.at)
  }

  /** A name, its arguments, and its test or tests. */
  #head(): TestNode {
    const { text, at } = this.#token
    this.#next()
    const args: Argument[] = []
    for (let one = this.#argument(); one !== undefined; one = this.#argument()) args.push(one)
    const tests = this.#tests()
    return { name: text.toLowerCase(), at: this.place(at), arguments: args, tests }
  }

  #tests(): TestNode[] {
    if (this.#token.kind === "identifier") return [this.#test()]
    if (!this.#takes("(")) return []
    const tests = [this.#test()]
    while (this.#takes(",")) tests.push(this.#test())
    if (!this.#takes(")")) throw this.#unexpected('"," or ")"')
    return tests
  }

  #test(): TestNode {
    if (this.#token.kind !== "identifier") throw this.#unexpected("a test")
    this.#deeper()
    const test = this.#head()
    this.#depth--
    return test
  }

  #argument(): Argument | undefined {
    const { kind, text, at } = this.#token
    const place = () => this.place(at)
    switch (kind) {
      case "string":
        this.#next()
        return { kind: "string", text, at: place() }
      case "number":
        this.#next()
        return { kind: "number", number: Number(text), at: place() }
      case "tag":
        this.#next()
        return { kind: "tag", name: text.toLowerCase(), at: place() }
      case "punctuation":
        return text === "[" ? this.#list() : undefined
      case "identifier":
      case "end":
        return undefined
    }
  }

  #list(): Argument {
    const { at } = this.#token
    this.#next()
    const items: string[] = []
    if (this.#takes("]")) return { kind: "list", items, at: this.place(at) }
    do {
      const { kind, text } = this.#token
      if (kind !== "string") throw this.#unexpected("a string")
      items.push(text)
      this.#next()
    } while (this.#takes(","))
    if (!this.#takes("]")) throw this.#unexpected('"," or "]"')
    return { kind: "list", items, at: this.place(at) }
  }

  #takes(text: string): boolean {
    if (this.#token.kind !== "punctuation" || this.#token.text !== text) return false
    this.#next()
    return true
  }

  #unexpected(wanted: string): Mistake {
    const { kind, text, at } = this.#token
    const found = kind === "end" ? "the script ends" : `there is "${text.slice(0, 40)}"`
    return new Mistake(`${wanted} is expected here, and ${found}`, at)
  }

  #next(): void {
    this.#skip()
    this.#token = this.#read()
  }

  /** White space and comments (RFC 5228 §2.2, §2.3). */
  #skip(): void {
    const text = this.#text
    for (;;) {
      while (/[ \t\r\n]/.test(text[this.#at] ?? "")) this.#at++
      if (text[this.#at] === "#") this.#at = this.#after("\n", this.#at)
      else if (text.startsWith("/*", this.#at)) {
        const end = text.indexOf("*/", this.#at + 2)
        if (end < 0) throw new Mistake("this comment does not end", this.#at)
        this.#at = end + 2
      } else return
    }
  }

  #after(end: string, from: number): number {
    const at = this.#text.indexOf(end, from)
    return at < 0 ? this.#text.length : at + end.length
  }

  #read(): Token {
    const at = this.#at
    const c = this.#text[at]
    if (c === undefined) return { kind: "end", text: "", at }
    if (c === '"') return { kind: "string", text: this.#quoted(), at }
    if (/[0-9]/.test(c)) return { kind: "number", text: this.#number(), at }
    if (c === ":" || /[A-Za-z_]/.test(c)) return this.#word(c === ":")
    if (!"[](){},;".includes(c)) throw new Mistake(`"${c}" means nothing here`, at)
    this.#at++
    return { kind: "punctuation", text: c, at }
  }

  #word(isTag: boolean): Token {
    const at = this.#at
    let end = at + (isTag ? 1 : 0)
    while (/\w/.test(this.#text[end] ?? "")) end++
    const text = this.#text.slice(isTag ? at + 1 : at, end)
    this.#at = end
    if (isTag && !/^[A-Za-z_]/.test(text)) throw new Mistake("a tag has a name", at)
    if (!isTag && text.toLowerCase() === "text" && this.#text[end] === ":")
      return { kind: "string", text: this.#multiLine(), at }
    return { kind: isTag ? "tag" : "identifier", text, at }
  }

  /** RFC 5228 §2.4.1: with K, M or G behind it. */
  #number(): string {
    const [digits = ""] = /^\d+/.exec(this.#text.slice(this.#at, this.#at + 20)) ?? []
    this.#at += digits.length
    const power = ["k", "m", "g"].indexOf((this.#text[this.#at] ?? "").toLowerCase()) + 1
    if (power > 0) this.#at++
    const number = Number(digits) * 1024 ** power
    if (number > Number.MAX_SAFE_INTEGER || /^\d/.test(this.#text[this.#at] ?? ""))
      throw new Mistake(`a number is at most ${Number.MAX_SAFE_INTEGER}`, this.#at - digits.length)
    return String(number)
  }

  #quoted(): string {
    const from = this.#at
    let out = ""
    let start = from + 1
    for (let at = start; at < this.#text.length; at++) {
      const c = this.#text[at]
      if (c === '"') {
        this.#at = at + 1
        return (out + this.#text.slice(start, at)).replaceAll("\r\n", "\n")
      }
      if (c !== "\\") continue
      out += this.#text.slice(start, at)
      start = at + 1
      at++
    }
    throw new Mistake("this string does not end", from)
  }

  /** `text:` up to a lone dot, dots doubled at the beginning of lines (RFC 5228 §2.4.2). */
  #multiLine(): string {
    const from = this.#at
    this.#at++
    while (/[ \t]/.test(this.#text[this.#at] ?? "")) this.#at++
    if (this.#text[this.#at] === "#") this.#at = this.#after("\n", this.#at) - 1
    if (this.#text[this.#at] === "\r") this.#at++
    if (this.#text[this.#at] !== "\n") throw new Mistake("nothing but a comment may stand behind text:", from)
    const start = this.#at + 1
    const end = /^\.\r?$/m.exec(this.#text.slice(start))
    if (end === null) throw new Mistake("this text does not end with a lone dot", from)
    const text = this.#text.slice(start, start + end.index)
    this.#at = start + end.index + end[0].length
    return text.replaceAll("\r\n", "\n").replaceAll(/^\.\./gm, ".")
  }
}

/** `FILE:3:5: what`, the line, and a caret beneath the place. */
export function showIssue(file: string, text: string, { line, column, says }: SieveIssue): string {
  const source = (text.split("\n")[line - 1] ?? "").replaceAll("\r", "")
  const from = Math.max(0, column - 60)
  const before = source.slice(from, column - 1).replaceAll(/[^\t]/g, " ")
  return `${file}:${line}:${column}: ${says}\n  ${source.slice(from, from + 110)}\n  ${before}^\n`
}
