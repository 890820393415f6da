// Where Prometheus reads: GET /metrics on 127.0.0.1, where confMETRICS_PORT asks for it. Nobody but this machine gets in.
import type { Server } from "node:http"

export type MetricsDoorParts = {
  readonly page: () => Promise<string>
  readonly say: (line: string) => void
  readonly bug: (error: unknown) => void
}

/** Owns the listener; `follow` opens it, moves it and shuts it as the settings say. */
export class MetricsDoor {
  readonly #parts: MetricsDoorParts
  #port = 0
  #server: Server | undefined

  constructor(parts: MetricsDoorParts) {
    this.#parts = parts
  }

  /** Listens on this port of 127.0.0.1 from now on; 0: nowhere. A port that is taken is said, and mail goes on. */
  async follow(port: number): Promise<void> {
    if (port === this.#port) return
    this.close()
    this.#port = port
    if (port === 0) return
    const { createServer } = await import("node:http") // seldom needed
    if (this.#port !== port) return // another change came meanwhile
    const server = createServer((request, response) => {
      void this.#answer(request.method ?? "", request.url ?? "").then(
        ({ code, body, type }) => response.writeHead(code, { "content-type": type }).end(body),
        (error: unknown) => {
          this.#parts.bug(error)
          response.writeHead(503, { "content-type": plain }).end("the mail system cannot answer now\n")
        },
      )
    })
    this.#server = server
    await new Promise<void>((resolve) => {
      server.once("listening", resolve)
      server.once("error", (error) => {
        this.#parts.say(`metrics on 127.0.0.1 port ${port}: ${error.message}`)
        this.#port = 0
        resolve()
      })
      server.listen(port, "127.0.0.1")
    })
  }

  async #answer(method: string, url: string): Promise<Answer> {
    if (url !== "/metrics") return { code: 404, type: plain, body: "only /metrics is here\n" }
    if (method !== "GET" && method !== "HEAD") return { code: 405, type: plain, body: "GET only\n" }
    return { code: 200, type: exposition, body: await this.#parts.page() }
  }

  close(): void {
    this.#server?.close()
    this.#server?.closeAllConnections()
    this.#server = undefined
    this.#port = 0
  }
}

type Answer = { readonly code: number; readonly type: string; readonly body: string }

const plain = "text/plain; charset=utf-8"
const exposition = "text/plain; version=0.0.4; charset=utf-8"
