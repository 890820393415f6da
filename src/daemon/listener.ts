// A listening socket: bound by whoever has the right to, served by whoever has the session; how many clients may be there
// at once, in all and from one address.
import { createServer, type Server, type Socket } from "node:net"
import type { DaemonOptions } from "../config/settings.ts"
import { fail, ok, type Result } from "../mail/result.ts"

/** How many connections are borne; 0 is no limit. */
export type ConnectionLimits = { readonly total: number; readonly perAddress: number }

export type Listener = {
  readonly address: string
  readonly port: number
  /** One more client, accepted elsewhere. */
  welcome(socket: Socket): void
  /** No new connections; those that are there live on. */
  close(): void
}

/** Clients write on while we still answer, and may close their side first. Replies leave at once. */
const socketOptions = { allowHalfOpen: true, noDelay: true, keepAlive: true } as const

/**
 * Binds the daemon's address. The error is one line that says what to do. Who comes before anybody serves is kept for
 * serve(), or for whoever takes the listener over.
 */
export function bind(daemon: DaemonOptions): Promise<Result<Server>> {
  const server = createServer({ ...socketOptions, pauseOnConnect: true })
  keepEarly(server)
  const host = daemon.address ?? (daemon.family === "inet6" ? "::" : "0.0.0.0")
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      resolve(fail(cannotListen(host, daemon.port, error)))
    })
    const ipv6Only = daemon.family === "inet6"
    server.listen({ host, port: daemon.port, backlog: 511, ipv6Only }, () => resolve(ok(server)))
  })
}

const notYet = "421 4.3.2 Service not available yet, try again shortly\r\n"

/** Clients of a server that is not served yet, and how many of them are kept. */
const waiting = new WeakMap<Server, Socket[]>()
const mostWaiting = 500

/**
 * To be called at once when a server has come from another process: Node accepts clients from that moment on, and they are
 * kept here for serve().
 */
export function hold(bound: Server): void {
  keepEarly(bound)
}

function keepEarly(server: Server): void {
  const early: Socket[] = []
  waiting.set(server, early)
  server.on("connection", (socket) => {
    if (waiting.get(server) !== early || early.length >= mostWaiting) return turnAway(socket)
    adopt(socket)
    early.push(socket)
  })
}

/** Nobody will talk with this client now. It has not been asked for anything, so it has said nothing that a reset could punish. */
export function turnAway(socket: Socket): void {
  socket.on("error", () => {})
  socket.end(notYet)
  socket.destroySoon()
}

/** A client that was accepted elsewhere gets what serve()'s own have, and is not read until somebody talks with it. */
export function adopt(socket: Socket): void {
  socket.on("error", () => {})
  socket.pause()
  socket.allowHalfOpen = true
  socket.setNoDelay(true)
}

/** The clients that came before anybody served, for whoever takes this listener over; it is closed here. */
export function handOver(bound: Server): readonly Socket[] {
  const early = waiting.get(bound) ?? []
  waiting.delete(bound)
  bound.close()
  return early
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException): string {
  const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
  switch (error.code) {
    case "EADDRINUSE":
      return `${where} is in use by another program: stop it, or choose another port with DAEMON_OPTIONS`
    case "EACCES":
      return `${where}: permission denied; ports below 1024 need root: start as root, or choose another port with DAEMON_OPTIONS`
    case "EADDRNOTAVAIL":
      return `${where} is not an address of this machine: correct Addr= in DAEMON_OPTIONS`
    case "ENOTFOUND":
      return `${host} is not known as an address: correct Addr= in DAEMON_OPTIONS`
  }
  return `${where}: cannot listen (${error.code ?? error.message})`
}

/**
 * Serves a server that is bound already, by bind() here or by the supervisor, who hands it over. `tooMany` is what a
 * client hears that is one too many, after which it is let go.
 */
export function serve(
  bound: Server,
  limits: ConnectionLimits,
  onSocket: (socket: Socket) => void,
  tooMany: string,
): Listener {
  const places = new Places(limits)
  const welcome = (socket: Socket): void => {
    socket.on("error", () => {}) // the conversation learns of it by "close"
    const address = plainAddress(socket.remoteAddress ?? "")
    if (!places.take(address)) {
      socket.end(tooMany)
      socket.resume()
      socket.setTimeout(lingering, () => socket.destroy())
      return
    }
    socket.once("close", () => places.release(address))
    onSocket(socket)
  }
  const at = bound.address()
  // A server that came from another process has Node's own options, so ours takes over its handle.
  const server = createServer(socketOptions, welcome)
  server.listen(bound)
  for (const socket of waiting.get(bound) ?? []) welcome(socket)
  waiting.delete(bound)
  const { address, port } = typeof at === "object" && at !== null ? at : { address: String(at), port: 0 }
  return {
    address,
    port,
    welcome,
    close() {
      server.close()
      bound.close()
    },
  }
}

/** How long a client that was sent away may take to notice. */
const lingering = 5000

/** An IPv4 client of an IPv6 socket is written as IPv4. */
export function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address
}

class Places {
  readonly #limits: ConnectionLimits
  readonly #byAddress = new Map<string, number>()
  #total = 0

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  take(address: string): boolean {
    const { total, perAddress } = this.#limits
    const here = this.#byAddress.get(address) ?? 0
    if ((total > 0 && this.#total >= total) || (perAddress > 0 && here >= perAddress)) return false
    this.#total++
    this.#byAddress.set(address, here + 1)
    return true
  }

  release(address: string): void {
    this.#total--
    const here = (this.#byAddress.get(address) ?? 1) - 1
    if (here <= 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, here)
  }
}
