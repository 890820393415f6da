// Plays a written dialog with a server that has no socket, and says at the first difference which line it was.
//   S: what the server says; * stands for anything, and "250-*" for any number of such lines
//   C: what the client types; several in a row are sent in one piece
//   R: octets as they are, without CRLF at the end; \r \n \0 \t \\ are escapes
//      | a reason behind the reply above: what the operator sees and the peer does not
//   S: [closed]
import assert from "node:assert/strict"
import type { Duplex } from "node:stream"
import { printReply } from "../../src/mail/reply.ts"
import { printReason } from "../../src/routing/explain.ts"
import type { Watched } from "./server.ts"

/** A running session, as talk needs it. */
export type Party = {
  readonly client: Duplex
  readonly traces: { readonly watched: Watched[]; readonly bugs: unknown[] }
  readonly over: Promise<void>
}

type Step = { readonly does: "says" | "types" | "because"; readonly text: string; readonly line: string }

/** Plays the dialog to its end, the session's too. */
export async function talk(party: Party, script: string): Promise<void> {
  try {
    await playOut(party, script)
  } finally {
    party.client.destroy()
  }
}

async function playOut(party: Party, script: string): Promise<void> {
  const replies = new Replies(party)
  const steps = parse(script)
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at]
    if (step === undefined) break
    switch (step.does) {
      case "types": {
        let text = step.text
        for (; steps[at + 1]?.does === "types"; at++) text += steps[at + 1]?.text ?? ""
        party.client.write(Buffer.from(text, "utf8"))
        break
      }
      case "says":
        await replies.expect(step)
        break
      case "because":
        replies.explain(step)
        break
    }
  }
  await replies.finish()
  assert.deepEqual(party.traces.bugs, [])
}

function parse(script: string): readonly Step[] {
  return script
    .split("\n")
    .map((line) => line.trimStart())
    .filter((line) => line !== "")
    .map((line) => {
      if (line.startsWith("S: ")) return { does: "says", text: line.slice(3), line }
      if (line.startsWith("|")) return { does: "because", text: line.slice(1).trim(), line }
      if (line === "C:" || line.startsWith("C: "))
        return { does: "types", text: `${line.slice(3)}\r\n`, line }
      if (line.startsWith("R: ")) return { does: "types", text: unescape(line.slice(3)), line }
      throw new Error(`a dialog has lines of S:, C:, R: and |, but this one is "${line}"`)
    })
}

const escapes: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "0": "\0", "\\": "\\" }

function unescape(text: string): string {
  return text.replaceAll(/\\([rnt0\\])/g, (_, letter: string) => escapes[letter] ?? "")
}

/** Whether the text is what the pattern says; * is anything, blanks around it too; runs of blanks are one. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern
    .split("*")
    .map(squeeze)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
  return new RegExp(`^${parts.join(".*")}$`).test(squeeze(text))
}

function squeeze(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim()
}

/** The lines the server has said and nobody has looked at, and the reasons behind the last one. */
class Replies {
  readonly #party: Party
  readonly #lines: string[] = []
  #rest = ""
  #closed = false
  #wake: () => void = () => {}
  #replied = 0
  #reasons: string[] = []

  constructor(party: Party) {
    this.#party = party
    party.client.setEncoding("latin1")
    party.client.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\r\n")
      this.#rest = lines.pop() ?? ""
      this.#lines.push(...lines)
      this.#wake()
    })
    party.client.on("end", () => {
      this.#closed = true
      this.#wake()
    })
  }

  async expect({ text, line }: Step): Promise<void> {
    if (text === "[closed]") return this.#expectClosed(line)
    const first = await this.#next(line)
    assert.ok(matches(text, first), `expected  ${line}\n     got  S: ${first}`)
    if (/^\d{3}-\*$/.test(text)) {
      while (matches(text, (await this.#peek()) ?? "")) await this.#next(line)
    }
  }

  async #expectClosed(line: string): Promise<void> {
    const more = await this.#peek()
    assert.equal(more, undefined, `expected  ${line}`)
  }

  explain({ text, line }: Step): void {
    const at = this.#reasons.findIndex((one) => matches(text, one))
    assert.ok(at >= 0, `expected  ${line}\namong\n${this.#reasons.join("\n")}`)
    this.#reasons.splice(0, at + 1)
  }

  /** Nothing more comes but what a client hears that goes without QUIT. */
  async finish(): Promise<void> {
    this.#party.client.end()
    await this.#party.over
    const left = this.#lines.filter((line) => !/^421 4\.4\.1 .* Lost input channel from /.test(line))
    assert.deepEqual(left, [], "the server said more than was written down")
  }

  async #next(line: string): Promise<string> {
    const next = await this.#peek()
    if (next === undefined)
      throw new assert.AssertionError({ message: `expected  ${line}\nbut the server closed` })
    this.#lines.shift()
    if (/^\d{3} /.test(next)) this.#remember()
    return next
  }

  async #peek(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#lines[0]
  }

  #remember(): void {
    const watched = this.#party.traces.watched[this.#replied++]
    assert.ok(watched !== undefined && printReply(watched.reply) !== "")
    this.#reasons = watched.reason === undefined ? [] : printReason(watched.reason)
  }
}
