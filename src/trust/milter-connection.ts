// A connection with a filter: packets out, answers in, each within its time. It says what the filter said, and what became of it when
// it says nothing more; what follows from that is milter-session.ts's.
import type { Socket } from "node:net"
import { connect, lossWords } from "../host/net.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { type Answer, type Change, isAnswer, understand } from "./milter-answer.ts"
import type { MilterUse } from "./milter-definition.ts"
import {
  allActions,
  allSteps,
  type Packet,
  PacketReader,
  printPacket,
  version,
  words,
} from "./milter-wire.ts"

/** What the filter and we agreed on. */
export type Agreement = {
  readonly version: number
  readonly actions: number
  readonly steps: number
  /** The macros it wants at a stage, where it asked for others than the configuration's (SMFIF_SETSYMLIST). */
  readonly symbols: ReadonlyMap<number, readonly string[]>
}

export class MilterConnection {
  readonly agreement: Agreement
  readonly #link: Link
  readonly #use: MilterUse

  /** Connects and agrees. The error is a few words. */
  static async open(use: MilterUse): Promise<Result<MilterConnection>> {
    const connected = await connect(use.place, use.timeouts.connect)
    if (!connected.ok) return fail(connected.error.says)
    const link = new Link(connected.value, use.timeouts.send)
    await link.send(printPacket("O", words(version, allActions, allSteps)))
    const said = await link.next(use.timeouts.reply)
    const agreed = typeof said === "string" ? fail(said) : agree(said)
    if (agreed.ok) return ok(new MilterConnection(use, link, agreed.value))
    link.close()
    return agreed
  }

  private constructor(use: MilterUse, link: Link, agreement: Agreement) {
    this.#use = use
    this.#link = link
    this.agreement = agreement
  }

  /** Says something that is not answered. */
  tell(letter: string, ...parts: readonly (Buffer | string)[]): Promise<void> {
    return this.#link.send(printPacket(letter, ...parts))
  }

  /** Asks, and waits for the end of the answer; changes are given away as they come. */
  async ask(
    letter: string,
    parts: readonly (Buffer | string)[],
    hear?: (change: Change) => Promise<void>,
  ): Promise<Answer> {
    await this.tell(letter, ...parts)
    const { reply, end } = this.#use.timeouts
    for (;;) {
      // Progress begins the time anew: so does each change.
      const packet = await this.#link.next(letter === "E" ? end : reply)
      if (typeof packet === "string") return { kind: "failed", why: packet }
      const said = understand(packet)
      if (isAnswer(said)) return said
      if (said.kind === "progress") continue
      if (hear === undefined) return { kind: "failed", why: `it asked for a change (${said.kind}) too early` }
      await hear(said)
    }
  }

  /** Says goodbye. */
  quit(): void {
    void this.#link.send(printPacket("Q"))
    this.#link.close()
  }

  /** Ends it now. */
  destroy(): void {
    this.#link.destroy()
  }
}

/** What the filter answered to the negotiation. More than was offered is nonsense. */
function agree({ letter, octets }: Packet): Result<Agreement> {
  if (letter !== "O" || octets.length < 12) return fail("it did not negotiate")
  const [theirs, actions, steps] = [octets.readUInt32BE(0), octets.readUInt32BE(4), octets.readUInt32BE(8)]
  if (theirs < 2 || theirs > version) return fail(`it speaks version ${theirs} of the protocol`)
  if ((actions & ~allActions) !== 0)
    return fail(`it wants actions that there are not (0x${actions.toString(16)})`)
  if ((steps & ~allSteps) !== 0) return fail(`it wants steps that there are not (0x${steps.toString(16)})`)
  const symbols = new Map<number, readonly string[]>()
  for (let at = 12; at + 4 < octets.length; ) {
    const nul = octets.indexOf(0, at + 4)
    const end = nul < 0 ? octets.length : nul
    const names = octets.toString("latin1", at + 4, end).split(/[\s,]+/)
    symbols.set(
      octets.readUInt32BE(at),
      names.filter((name) => name !== ""),
    )
    at = end + 1
  }
  return ok({ version: theirs, actions, steps, symbols })
}

/** The socket. */
class Link {
  readonly #socket: Socket
  readonly #sendMs: number
  readonly #reader = new PacketReader()
  #lost: string | undefined
  #wake: () => void = () => {}

  constructor(socket: Socket, sendMs: number) {
    this.#socket = socket
    this.#sendMs = sendMs
    socket.on("data", (chunk: Buffer) => {
      this.#reader.feed(chunk)
      this.#wake()
    })
    socket.on("error", (error) => this.#end(lossWords(error)))
    socket.on("end", () => this.#end("it closed the connection"))
    socket.on("close", () => this.#end("it closed the connection"))
  }

  #end(why: string): void {
    this.#lost ??= why
    this.#wake()
  }

  /** Resolves when there is room for more; that it was lost is seen at the next answer. */
  async send(packet: Buffer): Promise<void> {
    if (this.#lost !== undefined || this.#socket.write(packet)) return
    const ended = await this.#until(
      () => this.#socket.writableLength === 0 || this.#lost !== undefined,
      this.#sendMs,
    )
    if (!ended) this.#end("it did not read what it was sent")
  }

  /** The next packet, or why there is none. */
  async next(milliseconds: number): Promise<Packet | string> {
    let packet = this.#reader.next()
    const seen = () => {
      packet ??= this.#reader.next()
      return packet !== undefined || this.#lost !== undefined
    }
    const came = seen() || (await this.#until(seen, milliseconds))
    if (packet === "nonsense") return "it speaks another protocol"
    if (packet !== undefined) return packet
    return came ? (this.#lost ?? "it closed the connection") : "it did not answer in time"
  }

  #until(seen: () => boolean, milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (came: boolean) => {
        clearTimeout(timer)
        this.#wake = () => {}
        this.#socket.off("drain", look)
        resolve(came)
      }
      const look = () => {
        if (seen()) end(true)
      }
      const timer = setTimeout(() => end(false), milliseconds)
      this.#wake = look
      this.#socket.on("drain", look)
      look()
    })
  }

  close(): void {
    this.#socket.end()
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
