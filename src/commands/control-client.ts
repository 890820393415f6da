// Asking a running system over its control socket: one JSON object a line each way; the last line of an answer has "end".
import { connect, type Socket } from "node:net"
import { layoutOf } from "../daemon/layout.ts"
import { exits, Refusal } from "./io.ts"

export type Request = { readonly verb: string } & Readonly<Record<string, unknown>>

export type Answer = Readonly<Record<string, unknown>>

/** Asks one thing. Throws a Refusal when nobody is there, or when the answer is an error; the signal ends a long answer. */
export async function* ask(
  state: string,
  request: Request,
  signal?: AbortSignal,
): AsyncGenerator<Answer, void> {
  const control = await Control.open(state)
  const close = () => control.close()
  signal?.addEventListener("abort", close, { once: true })
  if (signal?.aborted === true) control.close()
  try {
    yield* control.ask(request)
  } finally {
    signal?.removeEventListener("abort", close)
    control.close()
  }
}

/** The first line of an answer. */
export async function askOnce(state: string, request: Request): Promise<Answer> {
  for await (const answer of ask(state, request)) return answer
  return {}
}

/** A conversation with the running system; questions are answered one after the other. */
export class Control {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<string>
  #closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#lines = linesOf(socket)
  }

  /** `path` is that of another socket of the system: the console's. */
  static async open(state: string, path = layoutOf(state).control): Promise<Control> {
    const socket = connect(path)
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve)
      socket.once("error", (error: NodeJS.ErrnoException) => reject(nobody(state, error)))
    })
    return new Control(socket)
  }

  async *ask(request: Request): AsyncGenerator<Answer, void> {
    this.#socket.write(`${JSON.stringify(request)}\n`)
    for (;;) {
      const line = await this.#next()
      if (line === undefined && this.#closed) return
      if (line === undefined)
        throw new Refusal("the mail system ended in the middle of its answer", exits.tryAgain)
      const answer = JSON.parse(line) as Answer
      if (answer["end"] === true) return
      const { error, code } = answer
      if (typeof error === "string")
        throw new Refusal(error, typeof code === "number" ? code : exits.unavailable)
      yield answer
    }
  }

  /** Undefined: there is no more, because one side has gone. */
  async #next(): Promise<string | undefined> {
    try {
      const line = await this.#lines.next()
      return line.done === true ? undefined : line.value
    } catch {
      return undefined // a connection that broke says no more than one that ended
    }
  }

  close(): void {
    this.#closed = true
    this.#socket.destroy()
  }
}

function nobody(state: string, error: NodeJS.ErrnoException): Refusal {
  if (error.code === "EACCES" || error.code === "EPERM") {
    return new Refusal(
      `you may not speak to the Waypost on ${state}: run this as its owner or as root`,
      exits.noPermission,
    )
  }
  if (error.code === "ENOENT" || error.code === "ECONNREFUSED" || error.code === "ENOTDIR") {
    return new Refusal(
      `no Waypost is running on ${state}: start one with ./waypost start, or name its --state DIR`,
      exits.unavailable,
    )
  }
  return new Refusal(`${layoutOf(state).control}: ${error.message}`, exits.unavailable)
}

async function* linesOf(socket: Socket): AsyncGenerator<string, void> {
  let text = ""
  socket.setEncoding("utf8")
  for await (const chunk of socket) {
    text += String(chunk)
    let from = 0
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      yield text.slice(from, end)
      from = end + 1
    }
    text = text.slice(from)
  }
}
