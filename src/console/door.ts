// Where the console listens: an address and a port, with or without TLS. A port that is taken is tried again; new settings move the
// door only when they name another place, so that nobody is cut off by a reload.
import { createAdaptorServer } from "@hono/node-server"
import { createServer as createPlain, type Server } from "node:http"
import { createServer as createSecure, type Server as SecureServer } from "node:https"
import { isIP } from "node:net"
import { type ConsoleConfiguration, isLoopback } from "../daemon/console-child.ts"

const tryAgainAfter = 30_000

/** Where it is to be. */
export type DoorPlace = Pick<ConsoleConfiguration, "address" | "port" | "tls">

/** Who stands behind it. */
export type DoorParts = {
  readonly answer: (request: Request, bindings: object) => Response | Promise<Response>
  /** The secret of a one-time link: said with an address that nobody could know before. */
  readonly link: () => string
  readonly say: (line: string) => void
}

/** Listens from the moment it is made. */
export class Door {
  #place: DoorPlace
  readonly #parts: DoorParts
  #server: Server | undefined
  #again: NodeJS.Timeout | undefined
  #url = ""
  #refused = false

  constructor(place: DoorPlace, parts: DoorParts) {
    this.#place = place
    this.#parts = parts
    this.#listen()
  }

  /** Its address for browsers; empty while it does not listen. */
  get url(): string {
    return this.#url
  }

  /** Whether it is where it should be; a new certificate it takes as it stands. */
  stays({ address, port, tls }: DoorPlace): boolean {
    const now = this.#place
    if (this.#url === "" || address !== now.address || port !== now.port) return false
    if ((tls === undefined) !== (now.tls === undefined)) return false
    if (tls !== undefined && (tls.cert !== now.tls?.cert || tls.key !== now.tls.key) && !this.#takes(tls))
      return false
    this.#place = { address, port, tls }
    return true
  }

  #takes(tls: NonNullable<DoorPlace["tls"]>): boolean {
    try {
      ;(this.#server as SecureServer).setSecureContext(tls) // made by createSecure: it had a certificate before
      return true
    } catch {
      return false // the door is made anew, and says why it cannot be
    }
  }

  #made(): Server | undefined {
    const { tls } = this.#place
    const how =
      tls === undefined ? { createServer: createPlain } : { createServer: createSecure, serverOptions: tls }
    try {
      return createAdaptorServer({ fetch: this.#parts.answer, ...how }) as Server // http and https: the one that was asked for
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#parts.say(`certificate and key cannot be used: ${why}; it does not listen`)
      return undefined
    }
  }

  #listen(): void {
    const { address, port, tls } = this.#place
    const { link, say } = this.#parts
    const server = this.#made()
    if (server === undefined) return
    this.#server = server
    server.on("error", (error: NodeJS.ErrnoException) => this.#tryAgain(error))
    server.listen(port, address, () => {
      const bound = server.address()
      const there = typeof bound === "object" && bound !== null ? bound.port : port
      this.#url = `${tls === undefined ? "http" : "https"}://${shownHost(address)}:${there}`
      if (port === 0) say(`${this.#url}/login/${link()}`)
      if (this.#refused) say(`listens on ${this.#url} now`)
      this.#refused = false
    })
  }

  #tryAgain({ code, message }: NodeJS.ErrnoException): void {
    const { address, port } = this.#place
    const why = code === "EADDRINUSE" ? "is taken" : `cannot be had (${code ?? message})`
    if (!this.#refused)
      this.#parts.say(
        `port ${port} of ${address} ${why}; tried again every ${tryAgainAfter / 1000} seconds, mail goes on`,
      )
    this.#refused = true
    this.close()
    this.#again = setTimeout(() => this.#listen(), tryAgainAfter)
  }

  close(): void {
    clearTimeout(this.#again)
    this.#server?.close()
    this.#server?.closeAllConnections()
    this.#server = undefined
    this.#url = ""
  }
}

/** An address as a browser is told it. */
export function shownHost(address: string): string {
  if (isLoopback(address)) return "localhost"
  return isIP(address) === 6 ? `[${address}]` : address
}
