// The reasons behind the replies of one session, as the running system tells them over its control socket.
import { createServer } from "node:net"
import { type Answer, Control } from "./control-client.ts"
import { Refusal } from "./io.ts"
import type { Place } from "./talk-place.ts"
import type { HeardReply } from "./talk-turn.ts"

type Told = { readonly reply: string; readonly reasons: readonly string[] }

/** The system tells the reasons just before or after it replies; when it has none, nothing comes. */
const patience = 100 // milliseconds

/** Watches the session that will come from `from`. */
export class Reasons {
  /** Where the session must come from. */
  readonly from: { readonly localAddress: string; readonly localPort: number }
  readonly #control: Control
  #told: Told[] = []
  #wake: () => void = () => {}

  private constructor(control: Control, localAddress: string, localPort: number) {
    this.#control = control
    this.from = { localAddress, localPort }
  }

  /** Undefined when no Waypost of this machine is at that place. */
  static async of(state: string, place: Place): Promise<Reasons | undefined> {
    if (!isLoopback(place.host)) return undefined
    const control = await Control.open(state).catch((error: unknown) => {
      if (error instanceof Refusal) return undefined // some other server is there
      throw error
    })
    if (control === undefined) return undefined
    const address = place.host === "::1" ? "::1" : "127.0.0.1"
    const port = await freePort(address)
    const reasons = new Reasons(control, address, port)
    await drain(control.ask({ verb: "ready" })) // so that the question below is read before our session begins
    void reasons.#listen(`${address}:${port}`)
    return reasons
  }

  async #listen(client: string): Promise<void> {
    try {
      for await (const answer of this.#control.ask({ verb: "watch", client })) {
        const told = toldIn(answer)
        if (told !== undefined) this.#told.push(told)
        this.#wake()
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error // it ended; the session itself will say so
    }
  }

  /** The reasons of this reply, and of any before it that came late. */
  async behind(reply: HeardReply): Promise<readonly string[]> {
    const until = performance.now() + patience
    while (!this.#told.some((told) => isOf(told, reply)) && performance.now() < until) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, until - performance.now())
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    const found = this.#told.findIndex((told) => isOf(told, reply))
    return this.#told.splice(0, found + 1).flatMap((told) => told.reasons)
  }

  close(): void {
    this.#control.close()
  }
}

function toldIn(answer: Answer): Told | undefined {
  const { reply, reasons } = answer
  if (typeof reply !== "string" || !Array.isArray(reasons)) return undefined
  return { reply, reasons: reasons.map(String) }
}

// It is told on one line (replyLine in mail/reply.ts), which begins with the first line as it was on the wire.
function isOf(told: Told, reply: HeardReply): boolean {
  const [heard = ""] = reply.lines
  return told.reply.startsWith(`${heard.slice(0, 3)} ${heard.slice(4)}`)
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.")
}

/** The port our session will come from must be known before it begins: the greeting has its reasons too. */
async function freePort(host: string): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen({ port: 0, host }, resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === "object" && address !== null ? address.port : 0
}

async function drain(answers: AsyncIterable<Answer>): Promise<void> {
  for await (const _answer of answers);
}
