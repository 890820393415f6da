// Programs of users that stay for a while and take one message after the other (our own procmail): a process for each user, with his
// rights alone, started as any other program of his. It speaks in frames on its standard input and output, and ends when it is idle.
import type { ChildProcessWithoutNullStreams } from "node:child_process"
import type { Owner } from "../mailbox/owner.ts"
import { answerFor } from "./exit-codes.ts"
import { frameHead, FrameReader } from "./frames.ts"
import type { AgentAnswer, RunRequest } from "./protocol.ts"
import { becomeAndStart, killGroup, wordsOf } from "./run.ts"

/** What the program is asked: the number of the message, and its arguments. */
export type WarmQuestion = { readonly number: number; readonly arguments: readonly string[] }
/** What it answers; the frame's body is what it had to say. */
export type WarmAnswer = { readonly number: number; readonly code: number }

export type WarmRequest = RunRequest & { readonly serve: NonNullable<RunRequest["serve"]> }

/** Each keeps some 50 MiB of memory. */
const most = 8
const idleMilliseconds = 30_000

/** The processes that are warm, the one used last at the end. */
export class WarmPrograms {
  readonly #running = new Map<string, WarmProgram>()

  /** Has the owner's process take one message; starts it when there is none. */
  run(request: WarmRequest, owner: Owner, body: readonly Buffer[]): Promise<AgentAnswer> {
    const { serve, environment, mailboxes, directory } = request
    const key = JSON.stringify([owner.uid, owner.rights, serve.command, environment, mailboxes, directory])
    let program = this.#running.get(key)
    this.#running.delete(key)
    if (program === undefined || program.isGone) program = this.#start(key, request, owner)
    this.#running.set(key, program)
    return program.take(request, body)
  }

  #start(key: string, request: WarmRequest, owner: Owner): WarmProgram {
    if (this.#running.size >= most) {
      const [oldest, first] = this.#running.entries().next().value ?? []
      if (oldest !== undefined) this.#running.delete(oldest)
      first?.retire()
    }
    const child = becomeAndStart({ ...request, command: request.serve.command }, owner)
    return new WarmProgram(child, () => this.#running.delete(key))
  }
}

type Waiting = { readonly answer: (answer: AgentAnswer) => void; readonly timer: NodeJS.Timeout }

const later = (text: string): AgentAnswer => ({ outcome: "later", status: "4.3.0", text })

class WarmProgram {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting = new Map<number, Waiting>()
  readonly #reader = new FrameReader()
  #count = 0
  #idle: NodeJS.Timeout | undefined
  isGone = false

  constructor(child: ChildProcessWithoutNullStreams, gone: () => void) {
    this.#child = child
    let complaint = ""
    child.stdout.on("data", (piece: Buffer) => this.#heard(piece))
    child.stderr.on("data", (piece: Buffer) => (complaint = (complaint + piece.toString()).slice(-1000)))
    child.stdin.on("error", () => {}) // its end is told by "close"
    const end = (why: string) => {
      this.isGone = true
      clearTimeout(this.#idle)
      gone()
      for (const number of this.#waiting.keys()) this.#settle(number, later(why))
    }
    child.on("error", (error) => end(`the program could not be started: ${error.message}`))
    child.on("close", () => end(`the program ended: ${wordsOf(complaint)}`))
  }

  take(request: WarmRequest, body: readonly Buffer[]): Promise<AgentAnswer> {
    clearTimeout(this.#idle)
    const number = this.#count++
    const { promise, resolve } = Promise.withResolvers<AgentAnswer>()
    const timer = setTimeout(() => {
      this.#settle(number, later(`the program was stopped after ${request.timeoutSeconds} s`))
      this.#kill()
    }, request.timeoutSeconds * 1000)
    this.#waiting.set(number, { answer: resolve, timer })
    const question: WarmQuestion = { number, arguments: request.serve.arguments }
    const octets = body.reduce((sum, { length }) => sum + length, 0)
    for (const piece of [frameHead(question, octets), ...body]) this.#child.stdin.write(piece)
    return promise
  }

  /** No more messages; it ends when it has answered those it has. */
  retire(): void {
    this.isGone = true
    this.#child.stdin.end()
  }

  #heard(piece: Buffer): void {
    try {
      for (const { head, body } of this.#reader.push(piece)) {
        const { number, code } = JSON.parse(head.toString()) as WarmAnswer
        const said = wordsOf(Buffer.concat(body).toString())
        this.#settle(number, answerFor({ code, signal: undefined }, said))
      }
    } catch {
      this.#kill() // it says what is no frame: nothing of it can be believed any more
    }
  }

  #kill(): void {
    this.isGone = true
    killGroup(this.#child)
  }

  #settle(number: number, answer: AgentAnswer): void {
    const waiting = this.#waiting.get(number)
    if (waiting === undefined) return
    this.#waiting.delete(number)
    clearTimeout(waiting.timer)
    waiting.answer(answer)
    if (this.#waiting.size > 0 || this.isGone) return
    this.#idle = setTimeout(() => this.retire(), idleMilliseconds)
    this.#idle.unref()
  }
}
