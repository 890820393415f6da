// Asking for a password: typed twice without being shown at a terminal, one line from anything else.
import type { Readable, Writable } from "node:stream"
import type { ReadStream } from "node:tty"
import { exits, Refusal } from "./io.ts"

/** The password; a Refusal when there is none. */
export async function askPassword(user: string, input: Readable, prompt: Writable): Promise<string> {
  const lines = linesOf(input)
  const terminal = isTerminal(input) ? input : undefined
  terminal?.setRawMode(true)
  try {
    const first = await ask(`Password for ${user}: `, lines, terminal === undefined ? undefined : prompt)
    if (first === "")
      throw new Refusal(
        `no password was given for ${user} (--no-password makes a user without one)`,
        exits.usage,
      )
    if (terminal === undefined) return first
    const second = await ask("The same again: ", lines, prompt)
    if (first !== second) throw new Refusal("the two passwords differ; nothing was changed", exits.usage)
    return first
  } finally {
    terminal?.setRawMode(false)
    input.pause()
  }
}

function isTerminal(input: Readable): input is ReadStream {
  return "isTTY" in input && input.isTTY === true
}

async function ask(
  question: string,
  lines: AsyncIterator<string>,
  prompt: Writable | undefined,
): Promise<string> {
  prompt?.write(question)
  const line = await lines.next()
  prompt?.write("\n")
  return line.done === true ? "" : line.value
}

const ctrlC = "\u0003"

/** Lines that end with CR or LF, backspaces applied, for a terminal in raw mode gives keys. */
async function* linesOf(input: Readable): AsyncGenerator<string, void> {
  let line = ""
  input.setEncoding("utf8")
  for await (const chunk of input) {
    for (const key of String(chunk)) {
      if (key === ctrlC) throw new Refusal("interrupted; nothing was changed", exits.usage)
      if (key === "\r" || key === "\n") {
        yield line
        line = ""
      } else line = key === "\u007f" || key === "\b" ? line.slice(0, -1) : line + key
    }
  }
  if (line !== "") yield line
}
