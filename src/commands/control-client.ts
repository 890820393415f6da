// Asking a running system over its control socket: one JSON object a line each way; the last line of an answer has "end".
import { layoutOf } from "../daemon/layout.ts"
import { type Channel, linesOf } from "../host/channel.ts"
import { type Alone, exits, Refusal } from "./io.ts"

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

/** The first line of an answer; `alone` is the process's, where it may wait in place. */
export async function askOnce(state: string, request: Request, alone?: Alone): Promise<Answer> {
  const control = await Control.open(state, { alone })
  try {
    for await (const answer of control.ask(request)) return answer
    return {}
  } finally {
    control.close()
  }
}

export type Way = {
  /** That of another socket of the system: the console's. */
  readonly path?: string
  /** The process's, where it may wait in place. */
  readonly alone?: Alone | undefined
}

/** A conversation with the running system; questions are answered one after the other. */
export class Control {
  readonly #channel: Channel
  readonly #lines: AsyncIterator<string>
  #closed = false

  private constructor(channel: Channel) {
    this.#channel = channel
    this.#lines = linesOf(channel)
  }

  /** Throws a Refusal when nobody is there. */
  static async open(state: string, { path = layoutOf(state).control, alone }: Way = {}): Promise<Control> {
    try {
      return new Control(await (alone === undefined ? streamTo(path) : alone.connect(path)))
    } catch (error) {
      throw nobody(state, error as NodeJS.ErrnoException)
    }
  }

  async *ask(request: Request): AsyncGenerator<Answer, void> {
    await this.#channel.write(`${JSON.stringify(request)}\n`)
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
    const line = await this.#lines.next()
    return line.done === true ? undefined : line.value
  }

  close(): void {
    this.#closed = true
    this.#channel.close()
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

async function streamTo(path: string): Promise<Channel> {
  return await (await import("./stream-connect.ts")).streamTo(path)
}
