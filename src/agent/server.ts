// The agent's end of the socket: who may speak, requests in, answers out in whatever order they are ready. Octets in hand are
// bounded: beyond, the socket is not read until deliveries have ended.
import { createServer, type Server, type Socket } from "node:net"
import { peerCredentials } from "../host/posix.ts"
import type { Body } from "../mailbox/body.ts"
import { sizeOf } from "../mailbox/body.ts"
import { type Frame, frameHead, FrameReader } from "./frames.ts"
import { Pieces } from "./pieces.ts"
import type { AgentReply, AgentRequest, AnswerHead, RequestHead } from "./protocol.ts"

/** `gone` fires when nobody hears the answer any more. */
export type Serve = (request: AgentRequest, body: Body, gone: AbortSignal) => Promise<AgentReply>

export type AgentServerWorld = {
  readonly serve: Serve
  /** Whether the kernel's word on who is there suffices. */
  readonly mayAsk: (uid: number) => boolean
  readonly log: (line: string) => void
}

/** A server that is not listening yet. */
export function makeAgentServer(world: AgentServerWorld): Server {
  return createServer((socket) => {
    const peer = peerOf(socket)
    if (peer === undefined || !world.mayAsk(peer)) {
      world.log(`uid ${peer ?? "unknown"} may not ask the delivery agent`)
      socket.destroy()
      return
    }
    void new Connection(socket, world)
  })
}

function peerOf(socket: Socket): number | undefined {
  const { fd } = (socket as Socket & { readonly _handle?: { readonly fd?: number } })._handle ?? {}
  return fd === undefined || fd < 0 ? undefined : peerCredentials(fd).uid
}

/** Octets of bodies in hand on one connection before it is no longer read. */
const mostInHand = 8 * 1024 * 1024

class Connection {
  readonly #socket: Socket
  readonly #world: AgentServerWorld
  readonly #reader = new FrameReader()
  #inHand = 0
  #pieces: Pieces | undefined
  readonly #gone = new AbortController()

  constructor(socket: Socket, world: AgentServerWorld) {
    this.#socket = socket
    this.#world = world
    socket.on("data", (chunk: Buffer) => this.#read(chunk))
    socket.on("error", () => {}) // its close follows
    // A client that went away has no use for the answer; what is whole is delivered, what is not is thrown away.
    socket.on("close", () => {
      this.#pieces?.breakOff()
      this.#gone.abort()
    })
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#take(frame)
    } catch (error) {
      this.#world.log(
        `a client of the delivery agent speaks nonsense: ${error instanceof Error ? error.message : String(error)}`,
      )
      this.#socket.destroy()
    }
  }

  #take({ head, body }: Frame): void {
    if (this.#pieces !== undefined) {
      this.#pieces.push(body)
      if (sizeOf(body) === 0) this.#pieces = undefined
      return
    }
    const { number, request, pieces } = JSON.parse(head.toString("utf8")) as RequestHead
    if (typeof number !== "number" || typeof request?.verb !== "string")
      throw new Error("a request without verb")
    if (pieces === true) this.#pieces = new Pieces(this.#socket)
    void this.#serve(number, request, this.#pieces ?? body)
  }

  async #serve(number: number, request: AgentRequest, body: Body): Promise<void> {
    const size = body instanceof Pieces ? 0 : sizeOf(body as readonly Buffer[])
    this.#hold(size)
    const reply = await this.#world.serve(request, body, this.#gone.signal)
    this.#hold(-size)
    if (body instanceof Pieces) body.skip()
    this.#answer({ number, answer: reply.answer }, reply.body)
  }

  #hold(octets: number): void {
    const before = this.#inHand
    this.#inHand += octets
    if (before <= mostInHand && this.#inHand > mostInHand) this.#socket.pause()
    if (before > mostInHand && this.#inHand <= mostInHand) this.#socket.resume()
  }

  #answer(head: AnswerHead, body: Buffer): void {
    if (this.#socket.destroyed) return
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork() // the answers of one turn of the loop go out together
      process.nextTick(() => this.#socket.uncork())
    }
    this.#socket.write(frameHead(head, body.length))
    if (body.length > 0) this.#socket.write(body)
  }
}
