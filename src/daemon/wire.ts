// A duplex stream as a conversation needs it: read a piece when one is wanted, say replies in one write, wait no longer
// than allowed, and close so that the last words arrive.
import type { Duplex } from "node:stream"
import type { Soon } from "../mail/soon.ts"

/** What came instead of octets: the peer ended its side, was silent too long, is gone; or we are stopping. */
export type Silence = "end" | "timeout" | "gone" | "stopping"

/** Heard by whoever waits for the peer to read on. */
const nothing = Buffer.alloc(0)

/** How long a peer may take to read our last words and close. */
const lingering = 5000

export class Wire {
  readonly #stream: Duplex
  readonly #stopping: AbortSignal | undefined
  readonly #chunks: Buffer[] = []
  #unsaid = ""
  #ended = false
  #gone = false
  #full = false
  #wake: ((heard: Buffer | Silence) => void) | undefined
  #interruptible = false
  #timer: NodeJS.Timeout | undefined
  #timeout = 0

  constructor(stream: Duplex, stopping: AbortSignal | undefined) {
    this.#stream = stream
    this.#stopping = stopping
    stream.on("data", this.#onData)
    stream.on("end", this.#onEnd)
    stream.on("close", this.#onGone)
    stream.on("error", this.#onGone)
    stream.on("drain", this.#onDrain)
    stopping?.addEventListener("abort", this.#onStop)
  }

  /** To be said with the next write: replies to pipelined commands go out together (RFC 2920 §3.2). */
  say(text: string): void {
    this.#unsaid += text
  }

  /**
   * Says what is to be said, then waits for octets for at most `timeout` milliseconds. A peer that does not read its
   * replies is not read from either. `atRest`: nothing is in hand, so that a stopping daemon may end it here.
   */
  read(timeout: number, atRest: boolean): Soon<Buffer | Silence> {
    this.#flush()
    return this.#full && !this.#gone ? this.#readWhenHeard(timeout, atRest) : this.#next(timeout, atRest)
  }

  async #readWhenHeard(timeout: number, atRest: boolean): Promise<Buffer | Silence> {
    while (this.#full && !this.#gone) {
      if ((await this.#wait(timeout, false)) === "timeout") return "timeout"
    }
    return this.#next(timeout, atRest)
  }

  #next(timeout: number, atRest: boolean): Soon<Buffer | Silence> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) return chunk
    if (this.#gone) return "gone"
    if (this.#ended) return "end"
    if (atRest && this.#stopping?.aborted === true) return "stopping"
    if (this.#stream.isPaused()) this.#stream.resume()
    return this.#wait(timeout, atRest)
  }

  /** Lets time pass, unless the peer goes first: then false. */
  async pause(milliseconds: number): Promise<boolean> {
    this.#flush()
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, milliseconds)
    this.#stream.once("close", resolve)
    await promise
    clearTimeout(timer)
    this.#stream.off("close", resolve)
    return !this.#gone
  }

  /** Says the rest and closes. What the peer still sends is read and thrown away, or a reset would take our last words with it. */
  async close(): Promise<void> {
    const heard = !this.#full
    this.#flush()
    clearTimeout(this.#timer)
    this.#stopping?.removeEventListener("abort", this.#onStop)
    this.#chunks.length = 0
    // One that does not read what we said before will not read our last words either.
    if (!this.#gone && heard) {
      this.#stream.off("data", this.#onData)
      this.#stream.resume()
      this.#stream.end()
      await this.#closed()
    }
    this.#stream.destroy()
  }

  #closed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, lingering)
    const check = () => {
      if (this.#gone || (this.#ended && this.#stream.writableFinished)) resolve()
    }
    this.#stream.once("finish", check)
    this.#stream.once("end", check)
    this.#stream.once("close", check)
    check()
    return promise.finally(() => clearTimeout(timer))
  }

  /**
   * Says the rest and lets the stream go, for TLS to take it over. What the peer has sent already is thrown away: it came in
   * clear text, and whoever stands between us may have written it (RFC 3207 §6).
   */
  release(): Duplex {
    this.#flush()
    clearTimeout(this.#timer)
    this.#stopping?.removeEventListener("abort", this.#onStop)
    this.#chunks.length = 0
    const stream = this.#stream
    stream.pause()
    stream.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onGone)
    stream.off("error", this.#onGone).off("drain", this.#onDrain)
    while (stream.read() !== null) continue
    this.#gone = true
    return stream
  }

  #flush(): void {
    if (this.#unsaid === "") return
    const text = this.#unsaid
    this.#unsaid = ""
    if (this.#stream.writable) this.#full = !this.#stream.write(text, "latin1")
  }

  #wait(timeout: number, interruptible: boolean): Promise<Buffer | Silence> {
    this.#interruptible = interruptible
    if (this.#timer !== undefined && this.#timeout === timeout) this.#timer.refresh()
    else {
      clearTimeout(this.#timer)
      this.#timeout = timeout
      this.#timer = setTimeout(this.#onTimeout, timeout)
    }
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #woken(heard: Buffer | Silence): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.(heard)
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#wake !== undefined && !this.#full) return this.#woken(chunk)
    this.#chunks.push(chunk)
    this.#stream.pause()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    if (!this.#full) this.#woken("end")
  }

  readonly #onGone = (): void => {
    this.#gone = true
    this.#woken("gone")
  }

  readonly #onDrain = (): void => {
    this.#full = false
    this.#woken(nothing)
  }

  readonly #onTimeout = (): void => this.#woken("timeout")

  readonly #onStop = (): void => {
    if (this.#interruptible) this.#woken("stopping")
  }
}
