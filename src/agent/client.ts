// The mail process's end of the agent's socket: requests go out as they come, answers find their request by its number. An agent
// that died fails what it had in hand with "later", and is connected to again by the next request.
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { drained } from "./drained.ts"
import { frameHead, FrameReader } from "./frames.ts"
import type { Agent, AgentReply, AgentRequest, AnswerHead, RequestHead } from "./protocol.ts"

/** An agent that is being started again is waited for so long before its requests fail. */
const patienceMilliseconds = 3000

/** Connects; an agent that is not there in time is found by a later request. */
export async function connectAgent(path: string, patience = patienceMilliseconds): Promise<Agent> {
  const client = new AgentClient(path, patience)
  await client.ask({ verb: "ping" }, [])
  return client
}

const nothing = Buffer.alloc(0)

function unanswered(text: string): AgentReply {
  return { answer: { outcome: "later", status: "4.3.0", text }, body: nothing }
}

const died = "the delivery agent is not there"

class AgentClient implements Agent {
  readonly #path: string
  readonly #patience: number
  #line: Line | undefined
  #connecting: Promise<Line | undefined> | undefined
  #closed = false
  readonly #large = new Set<Line>()

  constructor(path: string, patience: number) {
    this.#path = path
    this.#patience = patience
  }

  async ask(request: AgentRequest, body: readonly Buffer[]): Promise<AgentReply> {
    const line = this.#line?.ended === false ? this.#line : await this.#connect()
    return line === undefined ? unanswered(died) : line.ask(request, body)
  }

  async askWithPieces(request: AgentRequest, body: AsyncIterable<Buffer>): Promise<AgentReply> {
    const line = await this.#open()
    if (line === undefined) return unanswered(died)
    this.#large.add(line)
    try {
      return await line.askWithPieces(request, body)
    } catch (error) {
      return unanswered(
        `the message could not be read: ${error instanceof Error ? error.message : String(error)}`,
      )
    } finally {
      this.#large.delete(line)
      line.end()
    }
  }

  close(): void {
    this.#closed = true
    this.#line?.end()
    for (const line of this.#large) line.end()
  }

  /** One connection is made for all who ask meanwhile. */
  #connect(): Promise<Line | undefined> {
    this.#connecting ??= this.#open().then((line) => {
      this.#line = line
      this.#connecting = undefined
      return line
    })
    return this.#connecting
  }

  async #open(): Promise<Line | undefined> {
    const deadline = performance.now() + this.#patience
    for (let pause = 20; !this.#closed; pause = Math.min(pause * 2, 250)) {
      const socket = await connected(this.#path)
      if (socket !== undefined) return new Line(socket)
      if (performance.now() + pause > deadline) return undefined
      await sleep(pause)
    }
    return undefined
  }
}

function connected(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(socket))
    socket.on("error", () => resolve(undefined)) // when it was connected already, its close follows
  })
}

/** One connection and what was asked on it. */
class Line {
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  readonly #asked = new Map<number, (reply: AgentReply) => void>()
  #next = 0
  ended = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.#socket.on("data", (chunk: Buffer) => this.#read(chunk))
    this.#socket.on("close", () => this.#end())
    if (socket.destroyed) this.ended = true
  }

  ask(request: AgentRequest, body: readonly Buffer[]): Promise<AgentReply> {
    const { number, reply } = this.#expect()
    this.#cork()
    const size = body.reduce((sum, { length }) => sum + length, 0)
    this.#socket.write(frameHead({ number, request } satisfies RequestHead, size))
    for (const piece of body) this.#socket.write(piece)
    return reply
  }

  async askWithPieces(request: AgentRequest, body: AsyncIterable<Buffer>): Promise<AgentReply> {
    const { number, reply } = this.#expect()
    this.#socket.write(frameHead({ number, request, pieces: true } satisfies RequestHead, 0))
    for await (const piece of body) {
      if (piece.length === 0) continue
      if (this.ended) break
      this.#socket.write(frameHead(undefined, piece.length))
      if (!this.#socket.write(piece)) await drained(this.#socket)
    }
    this.#socket.write(frameHead(undefined, 0))
    return reply
  }

  end(): void {
    this.#socket.destroy()
  }

  #expect(): { number: number; reply: Promise<AgentReply> } {
    const number = this.#next++
    const { promise, resolve } = Promise.withResolvers<AgentReply>()
    if (this.ended) resolve(unanswered(died))
    else this.#asked.set(number, resolve)
    return { number, reply: promise }
  }

  // What is asked in one turn of the loop goes out in one write.
  #cork(): void {
    if (this.#socket.writableCorked > 0) return
    this.#socket.cork()
    process.nextTick(() => this.#socket.uncork())
  }

  #read(chunk: Buffer): void {
    for (const { head, body } of this.#reader.push(chunk)) {
      const { number, answer } = JSON.parse(head.toString("utf8")) as AnswerHead
      this.#asked.get(number)?.({ answer, body: Buffer.concat(body) })
      this.#asked.delete(number)
    }
  }

  #end(): void {
    this.ended = true
    for (const answer of this.#asked.values()) answer(unanswered(died))
    this.#asked.clear()
  }
}
