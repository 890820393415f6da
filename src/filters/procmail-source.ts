// An rcfile as it is read: octet by octet, with the line it stands in, and where it is gone back to after an INCLUDERC.

export const endOfFile = -1

export class Source {
  readonly name: string
  readonly text: string
  at: number
  #lineAt = 0
  #line = 1

  constructor(name: string, text: string, at = 0) {
    this.name = name
    this.text = text
    this.at = at
  }

  /** The next octet, or endOfFile. */
  next(): number {
    const { at, text } = this
    this.at = at + 1
    return at < text.length ? text.charCodeAt(at) : endOfFile
  }

  /** Steps back over what `next` gave last. */
  back(): void {
    this.at--
  }

  /** Takes this octet if it is the next one. */
  takes(c: string): boolean {
    if (this.text[this.at] !== c) return false
    this.at++
    return true
  }

  isAtEnd(): boolean {
    return this.at >= this.text.length
  }

  /** Skips blanks; true when there were any. */
  skipBlanks(): boolean {
    const from = this.at
    while (this.text[this.at] === " " || this.text[this.at] === "\t") this.at++
    return this.at > from
  }

  /** Up to the end of the line, which is taken and not given. */
  restOfLine(): string {
    const end = this.text.indexOf("\n", this.at)
    const line = this.text.slice(this.at, end < 0 ? undefined : end)
    this.at = end < 0 ? this.text.length : end + 1
    return line
  }

  /** The line and those that a backslash at its end joins to it; backslash and line end stay in it, for a shell. */
  longLine(): string {
    let line = this.restOfLine()
    let last = line
    while (last.endsWith("\\") && !this.isAtEnd()) {
      if (last === "\\") line = line.slice(0, -1)
      last = this.restOfLine()
      line += `\n${last}`
    }
    return last === "\\" ? line.slice(0, -1) : line
  }

  /** The number of the line that stands at `at`. */
  line(at = this.at): number {
    if (at < this.#lineAt) {
      this.#lineAt = 0
      this.#line = 1
    }
    for (let end = this.text.indexOf("\n", this.#lineAt); end >= 0 && end < at; ) {
      this.#line++
      this.#lineAt = end + 1
      end = this.text.indexOf("\n", this.#lineAt)
    }
    return this.#line
  }

  copy(): Source {
    return new Source(this.name, this.text, this.at)
  }
}
