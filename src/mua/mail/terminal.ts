// Lines from a person or a script, and lines to them. One reader for commands and letters alike, so that what a script gives is
// taken in its order.
import { createInterface, type Interface } from "node:readline"
import type { Io } from "../../commands/io.ts"
import { printableLines } from "../printable.ts"

/** A line, "interrupted" for Ctrl-C, undefined at the end of input. */
export type Typed = string | "interrupted" | undefined

export class Terminal {
  readonly interactive: boolean
  readonly width: number
  readonly height: number
  readonly #io: Io
  #lines: Interface | undefined
  readonly #waiting: string[] = []
  #wanted: ((typed: Typed) => void) | undefined
  #ended = false

  constructor(io: Io) {
    this.#io = io
    this.interactive = isTty(io.stdin) && isTty(io.stdout)
    this.width = ("columns" in io.stdout && Number(io.stdout.columns)) || 80
    this.height = ("rows" in io.stdout && Number(io.stdout.rows)) || 24
  }

  /** Standard input is only taken when a line is wanted: a letter from a pipe is not for us. */
  #reader(): Interface {
    if (this.#lines !== undefined) return this.#lines
    const lines = createInterface({
      input: this.#io.stdin,
      ...(this.interactive ? { output: this.#io.stdout } : {}),
      terminal: this.interactive,
      crlfDelay: Number.POSITIVE_INFINITY,
    })
    lines.on("line", (line) => this.#give(line))
    lines.on("SIGINT", () => this.#give("interrupted"))
    lines.on("close", () => {
      this.#ended = true
      if (this.#wanted !== undefined) this.#give(undefined)
    })
    this.#lines = lines
    return lines
  }

  #give(typed: Typed): void {
    const wanted = this.#wanted
    if (wanted === undefined) {
      if (typed !== undefined) this.#waiting.push(typed)
      return
    }
    this.#wanted = undefined
    wanted(typed)
  }

  /** The next line; the prompt is shown only to a person. */
  async line(prompt = ""): Promise<Typed> {
    const next = this.#waiting.shift()
    if (next !== undefined) return next
    if (this.#ended) return undefined
    const reader = this.#reader()
    if (this.interactive) {
      reader.setPrompt(prompt)
      reader.prompt()
    }
    return await new Promise((resolve) => (this.#wanted = resolve))
  }

  /** Puts lines before those still to be read: those of a sourced file. */
  before(lines: readonly string[]): void {
    this.#waiting.unshift(...lines)
  }

  /** Says a line. What came from a stranger must have been made printable before, or goes through `show`. */
  say(line: string): void {
    this.#io.stdout.write(`${line}\n`)
  }

  complain(line: string): void {
    this.#io.stderr.write(`${line}\n`)
  }

  /** Shows a stranger's text. */
  show(text: string): void {
    this.#io.stdout.write(printableLines(text))
  }

  /** Gives the terminal to another program while `act` runs. */
  async lend<T>(act: () => Promise<T>): Promise<T> {
    if (!this.interactive) return await act()
    this.#lines?.pause()
    try {
      return await act()
    } finally {
      this.#lines?.resume()
    }
  }

  close(): void {
    this.#lines?.close()
  }
}

function isTty(stream: object): boolean {
  return "isTTY" in stream && stream.isTTY === true
}
