// Whose turn it is in a typed SMTP session, and the server's lines gathered into replies. So that a session from a pipe sends
// nothing before the server has answered (RFC 5321 §4.3.1), without knowing more of SMTP than it must.
import type { Socket } from "node:net"

export type HeardReply = { readonly code: number; readonly lines: readonly string[] }

/** The replies as they come; a line that is no reply is one of its own, with code 0. Control characters are made visible. */
export async function* repliesOf(socket: Socket): AsyncGenerator<HeardReply, void> {
  let text = ""
  let lines: string[] = []
  socket.setEncoding("utf8")
  for await (const chunk of socket) {
    text += String(chunk)
    const whole = text.split("\n")
    text = whole.pop() ?? ""
    for (const line of whole) {
      lines.push(visible(line.replace(/\r$/, "")))
      if (/^\d{3}-/.test(line)) continue // RFC 5321 §4.2.1: more lines follow
      yield { code: Number(/^\d{3}/.exec(line)?.[0] ?? 0), lines }
      lines = []
    }
  }
}

// A server elsewhere must not be able to steer this terminal.
function visible(line: string): string {
  // oxlint-disable-next-line no-control-regex
  return line.replace(
    /[\u0000-\u0008\u000A-\u001F\u007F-\u009F]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  )
}

/** Keeps the account of what was said and what was answered. */
export class Turn {
  /** Replies that are still to come; the first is the greeting. */
  #awaited = 1
  #inData = false
  /** Octets of a BDAT chunk that are still to be sent (RFC 3030 §2). */
  #chunk = 0
  #wake: () => void = () => {}

  /** Resolves when the server has answered everything. */
  async mine(): Promise<void> {
    while (this.#awaited > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  said(line: string): void {
    if (this.#chunk > 0) {
      this.#chunk -= Buffer.byteLength(line) + 2
      if (this.#chunk <= 0) this.#awaited++
    } else if (this.#inData) {
      if (line !== ".") return
      this.#inData = false
      this.#awaited++
    } else {
      this.#chunk = Number(/^BDAT\s+(\d+)/i.exec(line)?.[1] ?? 0)
      if (this.#chunk === 0) this.#awaited++
    }
  }

  heard(reply: HeardReply): void {
    if (reply.code === 354) this.#inData = true
    this.#awaited = Math.max(0, this.#awaited - 1)
    this.#wake()
  }
}
