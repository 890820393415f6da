// The content after DATA: where it ends, which dots were only put in for transport, and line ends that are none
// (RFC 5321 §4.5.2, §2.3.8). Works on whole chunks; a message without stuffed dots is passed on without being copied.

/** `bare CR` and `bare LF`: a lone CR or LF, which never ends a line and is never let in. */
export type Progress = "more" | "end" | "bare CR" | "bare LF"

const cr = 0x0d
const lf = 0x0a
const dot = 0x2e

/** Octets looked at in one go. Small enough that many short messages in one chunk cost no more than one long one. */
const window = 16 * 1024

/** CRLF before a dot, CR without LF, LF without CR: everything in a text that needs a thought. */
const notable = /\r\n\.|\r(?!\n)|(?<!\r)\n/g
const lone = /\r(?!\n)|(?<!\r)\n/

/** Where in a line we are: at its start, after a CR, after the dot that began it (and the CR after that), or further on. */
type Place = "start" | "middle" | "cr" | "dot" | "dot cr"
type Halt = "end" | "bare CR" | "bare LF"

/** Reads the content of one message, in whatever pieces it comes. */
export class DataReader {
  progress: Progress = "more"
  #place: Place = "start"

  /** Reads from `from` on and puts the content found into `into`. Says where it stopped: at the end of the message, or of the chunk. */
  read(chunk: Buffer, from: number, into: Buffer[]): number {
    let at = from
    while (at < chunk.length && this.progress === "more") {
      at = this.#window(chunk, at, Math.min(chunk.length, at + window), into)
    }
    return at
  }

  #window(chunk: Buffer, from: number, to: number, into: Buffer[]): number {
    let at = from
    let begin = from // of the content not yet passed on
    let text = ""
    while (at < to) {
      if (this.#place === "middle") {
        if (text === "") text = chunk.toString("latin1", from, to)
        const index = nextNotable(text, at - from) + from
        if (index < from) {
          this.#place = chunk[to - 1] === lf ? "start" : "middle"
          break
        }
        const led = judge(chunk, index, to)
        if (this.#enter(led)) return index
        at = index + (led === "dot" ? 3 : 1)
        if (led !== "dot") continue
        push(into, chunk, begin, at - 1)
        begin = at
        continue
      }
      const before: Place = this.#place
      const next = step(before, chunk[at])
      if (this.#enter(next)) return next === "end" ? at + 1 : at
      if (before === "dot" && next === "middle") {
        begin = at // the dot was put in for transport: only what follows it counts (RFC 5321 §4.5.2)
        continue
      }
      if (next === "dot") push(into, chunk, begin, at)
      at++
      if (next === "dot") begin = at
    }
    if (this.#place !== "dot cr") push(into, chunk, begin, to)
    return to
  }

  /** Takes the next state; true when it is the last. */
  #enter(next: Place | Halt): boolean {
    if (next === "end" || next === "bare CR" || next === "bare LF") {
      this.progress = next
      return true
    }
    this.#place = next
    return false
  }
}

/** What a notable place in the middle of a line leads to. */
function judge(chunk: Buffer, index: number, to: number): Place | Halt {
  if (chunk[index] === lf) return "bare LF"
  if (index === to - 1) return "cr"
  return chunk[index + 1] === lf ? "dot" : "bare CR"
}

/** One octet at a place where it may mean something. */
function step(place: Exclude<Place, "middle">, octet: number | undefined): Place | Halt {
  switch (place) {
    case "cr":
      return octet === lf ? "start" : "bare CR"
    case "start":
      if (octet === lf) return "bare LF"
      if (octet === cr) return "cr"
      return octet === dot ? "dot" : "middle"
    case "dot":
      if (octet === lf) return "bare LF"
      return octet === cr ? "dot cr" : "middle"
    case "dot cr":
      return octet === lf ? "end" : "bare CR" // RFC 5321 §4.1.1.4: only CRLF . CRLF
  }
}

/** The next place that needs a thought, minus infinity when there is none. */
function nextNotable(text: string, from: number): number {
  notable.lastIndex = from
  const found = notable.exec(text)
  return found === null ? Number.NEGATIVE_INFINITY : found.index
}

function push(into: Buffer[], chunk: Buffer, begin: number, end: number): void {
  if (end > begin) into.push(chunk.subarray(begin, end))
}

/** Looks for lone CR and LF in the chunks of BDAT, which have no end of data and no dots (RFC 3030 §2). */
export class LineEnds {
  #afterCr = false

  /** What is wrong with the content up to here, if something is. */
  check(piece: Buffer): "bare CR" | "bare LF" | undefined {
    for (let at = 0; at < piece.length; at += window) {
      const wrong = this.#window(piece, at, Math.min(piece.length, at + window))
      if (wrong !== undefined) return wrong
    }
    return undefined
  }

  /** A CR at the very end is one without LF. */
  end(): "bare CR" | undefined {
    return this.#afterCr ? "bare CR" : undefined
  }

  #window(piece: Buffer, from: number, to: number): "bare CR" | "bare LF" | undefined {
    if (this.#afterCr && piece[from] !== lf) return "bare CR"
    const text = piece.toString("latin1", this.#afterCr ? from + 1 : from, to)
    this.#afterCr = piece[to - 1] === cr
    const index = text.search(lone)
    if (index < 0 || (this.#afterCr && index === text.length - 1)) return undefined
    return text.charCodeAt(index) === cr ? "bare CR" : "bare LF"
  }
}
