// The terminal as a screen: taken over and given back whole, whatever happens; only lines that changed are written.
import type { Io } from "../../commands/io.ts"
import { readKeys } from "./keys.ts"

/** A line of the screen, printable already; the style goes over all of it. */
export type Line = { readonly text: string; readonly style: Style }
export type Style = "plain" | "bold" | "dim" | "bar" | "cursor" | "warn"

const styles: Readonly<Record<Style, string>> = {
  plain: "",
  bold: "\u001b[1m",
  dim: "\u001b[2m",
  bar: "\u001b[7m",
  cursor: "\u001b[7m",
  warn: "\u001b[1;31m",
}

export type Screen = {
  readonly width: number
  readonly height: number
  /** Shows these lines, and the cursor where something is typed. */
  draw(lines: readonly Line[], cursor?: { readonly column: number; readonly row: number }): void
  /** Gives the terminal away while `act` runs. */
  lend<T>(act: () => Promise<T>): Promise<T>
  close(): void
}

type Hears = { readonly key: (key: string) => void; readonly resize: () => void }

/** Takes the terminal over. */
export function openScreen(io: Io, hears: Hears): Screen {
  return new TerminalScreen(io, hears)
}

class TerminalScreen implements Screen {
  readonly #io: Io
  readonly #hears: Hears
  #shown: string[] = []

  constructor(io: Io, hears: Hears) {
    this.#io = io
    this.#hears = hears
    this.#take()
    process.on("exit", this.#give)
    io.stdout.on("resize", this.#resized)
  }

  get width(): number {
    return ("columns" in this.#io.stdout && Number(this.#io.stdout.columns)) || 80
  }

  get height(): number {
    return ("rows" in this.#io.stdout && Number(this.#io.stdout.rows)) || 24
  }

  draw(lines: readonly Line[], cursor?: { readonly column: number; readonly row: number }): void {
    let out = "\u001b[?25l"
    for (let row = 0; row < this.height; row++) {
      const line = lines[row] ?? { text: "", style: "plain" }
      const painted = line.style === "plain" ? line.text : `${styles[line.style]}${line.text}\u001b[0m`
      if (painted === this.#shown[row]) continue
      out += `\u001b[${row + 1};1H${painted}\u001b[K`
      this.#shown[row] = painted
    }
    if (cursor !== undefined) out += `\u001b[${cursor.row + 1};${cursor.column + 1}H\u001b[?25h`
    this.#io.stdout.write(out)
  }

  async lend<T>(act: () => Promise<T>): Promise<T> {
    this.#give()
    try {
      return await act()
    } finally {
      this.#take()
    }
  }

  close(): void {
    this.#give()
    process.off("exit", this.#give)
    this.#io.stdout.off("resize", this.#resized)
  }

  #take(): void {
    const { stdin, stdout } = this.#io
    if ("setRawMode" in stdin && typeof stdin.setRawMode === "function") stdin.setRawMode(true)
    stdin.setEncoding("utf8")
    stdin.on("data", this.#heard)
    stdin.resume()
    this.#shown = []
    stdout.write("\u001b[?1049h\u001b[2J")
  }

  readonly #give = (): void => {
    const { stdin, stdout } = this.#io
    stdin.off("data", this.#heard)
    stdin.pause()
    if ("setRawMode" in stdin && typeof stdin.setRawMode === "function") stdin.setRawMode(false)
    stdout.write("\u001b[0m\u001b[?25h\u001b[?1049l")
  }

  readonly #heard = (chunk: string): void => {
    for (const key of readKeys(chunk)) this.#hears.key(key)
  }

  readonly #resized = (): void => {
    this.#shown = []
    this.#io.stdout.write("\u001b[2J")
    this.#hears.resize()
  }
}
