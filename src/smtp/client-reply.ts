// A peer's replies out of the octets it sent: one line or many, split anywhere, bounded in length (RFC 5321 §4.2). Not for the replies
// we give: those are printed by mail/reply.ts.
import type { EnhancedCode, Reply } from "../mail/reply.ts"

/** What a peer sent that is no reply. `says` completes the sentence "the peer …". */
export type Nonsense = { readonly nonsense: string }

// RFC 5321 §4.5.3.1.5 allows 512 octets a line; peers with long URLs in refusals exceed it, and lose nothing by it.
const longestLine = 4096
const mostLines = 200

/** Takes octets in, gives replies out; what is incomplete waits for more. */
export class ReplyReader {
  #pending: Buffer | undefined
  #code = ""
  #text: string[] = []
  #broken: Nonsense | undefined

  /** More octets from the peer. */
  feed(chunk: Buffer): void {
    this.#pending = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk])
  }

  /** The next whole reply; undefined when more octets are needed; after nonsense never anything else. */
  next(): Reply | Nonsense | undefined {
    while (this.#broken === undefined && this.#pending !== undefined) {
      const end = this.#pending.indexOf(10)
      if (end < 0 ? this.#pending.length > longestLine : end > longestLine) {
        return this.#fail("sent a reply line without end")
      }
      if (end < 0) return undefined
      const reply = this.#line(this.#take(this.#pending, end))
      if (reply !== undefined) return reply
    }
    return this.#broken
  }

  /** Whether octets came that no one has asked for yet. */
  get hasMore(): boolean {
    return this.#pending !== undefined || this.#text.length > 0
  }

  /** What came and was not asked for is forgotten: the line was in clear text, and now it is not (RFC 3207 §6). */
  drop(): void {
    this.#pending = undefined
    this.#text = []
    this.#code = ""
  }

  #take(pending: Buffer, end: number): string {
    const stop = end > 0 && pending[end - 1] === 13 ? end - 1 : end // a bare LF is forgiven in replies: it ends nothing of ours
    this.#pending = end + 1 < pending.length ? pending.subarray(end + 1) : undefined
    return pending.toString("utf8", 0, stop)
  }

  #line(line: string): Reply | Nonsense | undefined {
    if (!/^[2-5][0-9][0-9](?:[ -]|$)/.test(line)) return this.#fail("sent a line that is no reply")
    if (this.#code === "" && line[3] !== "-") return assemble(Number(line.slice(0, 3)), [line.slice(4)])
    const code = line.slice(0, 3)
    // RFC 5321 §4.2.1: the same code on each line. Peers that change it within its class are understood by the last one.
    if (this.#code !== "" && this.#code[0] !== code[0])
      return this.#fail("changed its mind in the middle of a reply")
    this.#code = code
    this.#text.push(line.slice(4))
    if (this.#text.length > mostLines) return this.#fail("sent a reply of too many lines")
    if (line[3] === "-") return undefined
    const reply = assemble(Number(code), this.#text)
    this.#code = ""
    this.#text = []
    return reply
  }

  #fail(says: string): Nonsense {
    this.#broken = { nonsense: says }
    this.#pending = undefined
    return this.#broken
  }
}

const enhanced = /^[245]\.[0-9]{1,3}\.[0-9]{1,3}(?= |$)/

/** A reply with its enhanced code (RFC 2034 §4) taken off the text, if it has one that agrees with its code. */
function assemble(code: number, lines: readonly string[]): Reply {
  const status = enhanced.exec(lines[0] ?? "")?.[0]
  if (status === undefined || Number(status[0]) !== Math.trunc(code / 100))
    return { code, status: undefined, text: lines }
  const prefix = `${status} `
  const text = lines.map((line) =>
    line === status ? "" : line.startsWith(prefix) ? line.slice(prefix.length) : line,
  )
  return { code, status: status as EnhancedCode, text }
}
