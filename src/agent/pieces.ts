// The body of a large message on its way from the socket to the mailbox: a piece at a time, the socket stopped meanwhile.
import type { Socket } from "node:net"

/** Thrown to the delivery when the body ends before its time. */
const brokenOff = "the message broke off"

/** An iterable of what the connection pushes; nothing is read from the socket while more than a little waits. */
export class Pieces implements AsyncIterable<Buffer> {
  readonly #socket: Socket
  readonly #waiting: Buffer[] = []
  #octets = 0
  #state: "coming" | "whole" | "broken" | "unwanted" = "coming"
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** A frame's body; an empty one is the end. */
  push(pieces: readonly Buffer[]): void {
    if (this.#state === "unwanted") return
    if (pieces.length === 0) this.#state = "whole"
    for (const piece of pieces) {
      this.#waiting.push(piece)
      this.#octets += piece.length
    }
    if (this.#octets > enough) this.#socket.pause()
    this.#wake()
  }

  /** The client went away in the middle. */
  breakOff(): void {
    if (this.#state === "coming") this.#state = "broken"
    this.#wake()
  }

  /** Nobody wants the rest: it is read and thrown away, so that the answer can be given. */
  skip(): void {
    if (this.#state === "coming") this.#state = "unwanted"
    this.#waiting.length = 0
    this.#socket.resume()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = this.#waiting.shift()
      if (piece !== undefined) {
        this.#octets -= piece.length
        if (this.#octets <= enough) this.#socket.resume()
        yield piece
      } else if (this.#state === "whole") {
        return
      } else if (this.#state === "coming") {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      } else {
        throw new Error(brokenOff)
      }
    }
  }
}

const enough = 256 * 1024
