// Frames on the agent's socket, both ways: two lengths, a head in JSON, a body. Read as they come, in whatever pieces; body
// octets are slices of what the socket gave, never copied.
import { frameStart, largestFrame } from "./protocol.ts"

export type Frame = { readonly head: Buffer; readonly body: readonly Buffer[] }

/** The start of a frame and its head, to be followed by `bodyLength` octets. */
export function frameHead(head: unknown, bodyLength: number): Buffer {
  const text = head === undefined ? "" : JSON.stringify(head)
  const length = Buffer.byteLength(text)
  const octets = Buffer.allocUnsafe(frameStart + length)
  octets.writeUInt32BE(length, 0)
  octets.writeUInt32BE(bodyLength, 4)
  octets.write(text, frameStart)
  return octets
}

/** Cuts a stream of octets into frames. */
export class FrameReader {
  #pieces: Buffer[] = []
  #have = 0
  /** Of the frame that is being read, once its start is here. */
  #lengths: { readonly head: number; readonly body: number } | undefined

  /** The frames that this chunk completes. Throws when what comes is no frame of ours. */
  push(chunk: Buffer): Frame[] {
    this.#pieces.push(chunk)
    this.#have += chunk.length
    const frames: Frame[] = []
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame)
    return frames
  }

  #next(): Frame | undefined {
    this.#lengths ??= this.#start()
    if (this.#lengths === undefined || this.#have < this.#lengths.head + this.#lengths.body) return undefined
    const head = joined(this.#take(this.#lengths.head))
    const body = this.#take(this.#lengths.body)
    this.#lengths = undefined
    return { head, body }
  }

  #start(): { head: number; body: number } | undefined {
    if (this.#have < frameStart) return undefined
    const octets = joined(this.#take(frameStart))
    const head = octets.readUInt32BE(0)
    const body = octets.readUInt32BE(4)
    if (head > largestFrame || body > largestFrame) throw new Error(`a frame of ${head} + ${body} octets`)
    return { head, body }
  }

  #take(length: number): Buffer[] {
    const taken: Buffer[] = []
    let used = 0
    let left = length
    while (left > 0) {
      const piece = this.#pieces[used]
      if (piece === undefined) break
      if (piece.length > left) {
        taken.push(piece.subarray(0, left))
        this.#pieces[used] = piece.subarray(left)
        break
      }
      taken.push(piece)
      left -= piece.length
      used++
    }
    this.#pieces.splice(0, used)
    this.#have -= length
    return taken
  }
}

function joined(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
}
