// procmail's words: sh(1)'s quotes, backslashes, backquotes and $ forms, in assignments, actions and conditions that begin with $
// (procmailrc(5), "Environment variable assignments and substitutions").
import type { Steps } from "./procmail-effects.ts"
import { endOfFile, Source } from "./procmail-source.ts"

export type WordWorld = {
  /** The variable's value; undefined when it is not set, or when nothing is to be evaluated now. */
  readonly value: (name: string) => string | undefined
  /** `$$`, `$?`, `$#`, `$=`, `$_`, `$-`. */
  readonly special: (name: string) => string
  /** A recipe that is passed over: nothing is evaluated. */
  readonly isPassed: boolean
  /** Between backquotes: its output. */
  readonly output: (line: string) => Steps<string>
  readonly say: (line: string) => void
  /** LINEBUF. */
  readonly limit: number
}

/** `words`: split as a shell does; `value`: up to a blank; `text`: all of it, blanks made one. */
export type Splitting = "words" | "value" | "text"

export type Words = { readonly words: readonly string[]; readonly overflow: boolean }

/** Stands for "$@" in a word; no octet. */
export const allArguments = "\u0100"

const nothingYet = -1
const skipping = 0
const normal = 1
const doubled = 2
const single = 3

/** Reads to the end of the line, or to where the splitting says. `begun` is what was read of the first words already. */
export function* readWords(source: Source, splitting: Splitting, world: WordWorld, begun = ""): Steps<Words> {
  const reader = new Reader(source, splitting, world, begun)
  while (yield* reader.step()) {
    // each step takes a character or what it begins
  }
  return reader.finish()
}

type PassedAlternative = {
  readonly length: number
  readonly level: number
  readonly value: string
  readonly got: number
}

class Reader {
  readonly #source: Source
  readonly #splitting: Splitting
  readonly #world: WordWorld
  #out: string
  #got = nothingYet
  #braces = 0
  #quotedBraces = 0
  #passed: PassedAlternative | undefined
  #overflow = false

  constructor(source: Source, splitting: Splitting, world: WordWorld, begun: string) {
    this.#source = source
    this.#splitting = splitting
    this.#world = world
    this.#out = begun
  }

  finish(): Words {
    const open = this.#got === skipping && this.#splitting === "words"
    const words = (open ? this.#out.slice(0, -1) : this.#out).split("\0")
    if (this.#overflow) this.#world.say("Exceeded LINEBUF")
    return { words, overflow: this.#overflow }
  }

  /** False when the line has been read. */
  *step(): Steps<boolean> {
    if (this.#out.length > this.#world.limit) {
      this.#overflow = true
      this.#out = this.#out.slice(0, this.#world.limit)
    }
    const c = this.#source.next()
    if (c === endOfFile) return this.#end()
    const text = String.fromCharCode(c)
    if (this.#got === single) return this.#inSingle(text)
    switch (text) {
      case "\\":
        return this.#escaped(this.#source.next())
      case "`":
        yield* this.#backquote()
        return true
      case '"':
        return this.#doubleQuote()
      case "'":
        if (this.#got === doubled) this.#push(text)
        else this.#got = single
        return true
      case "}":
        return this.#brace()
      case "#":
        return this.#comment()
      case "$":
        return this.#dollar(this.#source.next())
      case " ":
      case "\t":
        return this.#blank(text)
      case "\n":
        if (this.#got <= normal) return false
    }
    this.#push(text)
    return true
  }

  #push(text: string): void {
    this.#out += text
    if (this.#got <= skipping) this.#got = normal
  }

  #end(): boolean {
    this.#source.back()
    if (this.#splitting !== "text" && this.#got > normal) this.#world.say("Unexpected EOL")
    return false
  }

  #inSingle(text: string): boolean {
    if (text === "'") this.#got = normal
    else this.#push(text)
    return true
  }

  #escaped(c: number): boolean {
    if (c === endOfFile) {
      this.#source.back()
      this.#world.say("Unexpected EOL")
      return false
    }
    const text = String.fromCharCode(c)
    if (text === "\n") return true
    if (!this.#isEscapable(text) && this.#got > normal) this.#out += "\\"
    // A # is escaped at the beginning of a word only.
    else if (text === "#" && this.#got > skipping) this.#out += "\\"
    this.#push(text)
    return true
  }

  #isEscapable(text: string): boolean {
    if ('"\\$`'.includes(text)) return true
    if (text === "}") return this.#inBraces()
    return " \t'#".includes(text) && this.#got !== doubled
  }

  #inBraces(): boolean {
    return this.#got <= normal ? this.#braces > 0 : this.#got === doubled && this.#braces > this.#quotedBraces
  }

  #doubleQuote(): boolean {
    if (this.#got === doubled) {
      if (this.#quotedBraces < this.#braces) this.#push('"')
      else this.#got = normal
      return true
    }
    this.#quotedBraces = this.#braces
    this.#got = doubled
    return true
  }

  #brace(): boolean {
    if (!this.#inBraces()) {
      this.#push("}")
      return true
    }
    this.#braces--
    const passed = this.#passed
    if (passed === undefined || this.#braces !== passed.level) return true
    this.#passed = undefined
    this.#out = this.#out.slice(0, passed.length)
    this.#got = passed.got
    this.#insert(passed.value)
    return true
  }

  #comment(): boolean {
    if (this.#got > skipping) {
      this.#push("#")
      return true
    }
    this.#source.restOfLine()
    return false
  }

  #blank(text: string): boolean {
    if (this.#got > normal) {
      this.#push(text)
      return true
    }
    if (this.#got !== normal) return true
    if (this.#splitting === "value") return false
    this.#got = skipping
    this.#out += this.#splitting === "words" ? "\0" : " "
    return true
  }

  /** A value where it stands: split at its blanks outside quotes, when words are wanted. */
  #insert(value: string): void {
    if (this.#got === doubled || this.#splitting !== "words") return this.#copy(value)
    for (const c of value) {
      if (c !== " " && c !== "\t" && c !== "\n") this.#push(c)
      else if (this.#got > skipping) {
        this.#out += "\0"
        this.#got = skipping
      }
    }
  }

  #copy(value: string): void {
    this.#out += value
    if (this.#got <= skipping) this.#got = normal
  }

  #isPassed(): boolean {
    return this.#world.isPassed || this.#passed !== undefined
  }

  #value(name: string): string | undefined {
    return this.#isPassed() ? undefined : this.#world.value(name)
  }

  #dollar(c: number): boolean {
    const text = c === endOfFile ? "" : String.fromCharCode(c)
    switch (text) {
      case "":
        this.#source.back()
        this.#push("$")
        return false
      case "@":
        return this.#arguments()
      case "{":
        return this.#braced()
      case "$":
      case "?":
      case "#":
      case "=":
        this.#copy(this.#world.special(text))
        return true
      case "_":
      case "-":
        this.#insert(this.#world.special(text))
        return true
    }
    return this.#named(text)
  }

  #arguments(): boolean {
    if (this.#got !== doubled) this.#push("@")
    else if (!this.#isPassed()) this.#out += allArguments
    return true
  }

  #named(first: string): boolean {
    if (/[0-9]/.test(first)) {
      this.#insert(this.#value(first) ?? "")
      return true
    }
    const literal = first === "\\"
    if (!literal) this.#source.back()
    const name = this.#name()
    if (name === "") {
      this.#push("$")
      return literal ? this.#escaped(this.#source.next()) : true
    }
    const value = this.#value(name) ?? ""
    // procmail protects the first character by an empty group, and takes all others that mean something literally.
    if (literal) this.#copy(`()${value.replaceAll(/[(|)*?+.^$[\\]/g, String.raw`\$&`)}`)
    else this.#insert(value)
    return true
  }

  #name(): string {
    const { text, at } = this.#source
    let end = at
    while (isNameOctet(text[end])) end++
    this.#source.at = end
    return text.slice(at, end)
  }

  #braced(): boolean {
    const name = this.#name()
    const value = this.#value(name)
    const operator = this.#operator()
    if (operator === undefined || name === "" || /^[0-9]./.test(name)) {
      this.#world.say(`Bad substitution of "${name}"`)
      return true
    }
    if (operator === "}") {
      this.#insert(value ?? "")
      return true
    }
    const counts = operator.startsWith(":") ? value !== undefined && value !== "" : value !== undefined
    const wantsAlternative = operator.endsWith("-") ? !counts : counts
    if (!wantsAlternative && !this.#isPassed()) {
      const instead = operator.endsWith("-") ? (value ?? "") : ""
      this.#passed = { length: this.#out.length, level: this.#braces, value: instead, got: this.#got }
    }
    this.#braces++
    return true
  }

  #operator(): string | undefined {
    const c = this.#source.next()
    const first = c === endOfFile ? "" : String.fromCharCode(c)
    if (first === "}" || first === "-" || first === "+") return first
    if (first !== ":") return undefined
    const second = this.#source.next()
    const text = second === endOfFile ? "" : String.fromCharCode(second)
    return text === "-" || text === "+" ? `:${text}` : undefined
  }

  *#backquote(): Steps<void> {
    const { line, closed } = this.#backquoted()
    const output = this.#isPassed() ? "" : yield* this.#world.output(line)
    if (this.#got !== doubled) return this.#insert(output)
    this.#out += output
    if (closed === '"') this.#got = normal
  }

  #backquoted(): { readonly line: string; readonly closed: string } {
    let line = ""
    for (;;) {
      const c = this.#source.next()
      if (c === endOfFile) {
        this.#source.back()
        return { line, closed: "" }
      }
      const text = String.fromCharCode(c)
      if (text === "`" || (text === '"' && this.#got === doubled)) return { line, closed: text }
      line += text === "\\" ? this.#escapedInBackquotes() : text
    }
  }

  #escapedInBackquotes(): string {
    const c = this.#source.next()
    if (c === endOfFile) {
      this.#source.back()
      this.#world.say("Unexpected EOL")
      return ""
    }
    const text = String.fromCharCode(c)
    if (text === "\n") return ""
    return "\\$`".includes(text) || (text === '"' && this.#got === doubled) ? text : `\\${text}`
  }
}

function isNameOctet(c: string | undefined): boolean {
  return c !== undefined && /^[A-Za-z0-9_]$/.test(c)
}
