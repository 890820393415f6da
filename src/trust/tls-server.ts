// TLS on connections that are open already: STARTTLS, and implicit TLS at its own door. One tls.Server that listens nowhere does
// the handshakes, so that session tickets, SNI and the checking of client certificates are Node's own.
import type { Duplex } from "node:stream"
import { Socket } from "node:net"
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from "node:tls"
import type { TlsFacts } from "../mail/arrival.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { factsOf } from "./tls-facts.ts"
import { contextOptions, type NamedCertificate, type TlsMaterial, versions } from "./tls-options.ts"

export type Secured = { readonly stream: Duplex; readonly facts: TlsFacts }

export type ServerTls = {
  /** The handshake, with this end as the server. The error is OpenSSL's word for what went wrong. */
  secure(stream: Duplex): Promise<Result<Secured>>
  /** Other certificates from the next handshake on. */
  renew(material: TlsMaterial): void
  close(): void
}

/** A client that does not get on with its handshake is let go (milliseconds). */
const handshakeTimeout = 60_000

type Waiting = (result: Result<Secured>) => void

/** TLS with these certificates; the error says which of them is none. */
export function makeServerTls(material: TlsMaterial): Result<ServerTls> {
  try {
    return ok(new Handshakes(material))
  } catch (error) {
    return fail(`TLS: ${error instanceof Error ? error.message : String(error)}`)
  }
}

class Handshakes implements ServerTls {
  readonly #waiting = new Map<string, Waiting>()
  readonly #server: Server
  readonly #asksForCertificate: boolean
  #named: readonly NamedContext[] = []

  constructor(material: TlsMaterial) {
    this.#asksForCertificate = !material.noClientCertificate
    this.#named = namedContexts(material)
    this.#server = createServer(
      {
        ...contextOptions(material, "server"),
        ...versions(material),
        requestCert: this.#asksForCertificate,
        rejectUnauthorized: false, // what a bad one means is policy (TLS_Clt)
        handshakeTimeout,
        allowHalfOpen: true,
        SNICallback: (name, done) => done(null, this.#contextFor(name)),
      },
      (socket) => this.#begun(socket),
    )
    this.#server.on("tlsClientError", (error, socket) => this.#failed(socket, words(error)))
  }

  secure(stream: Duplex): Promise<Result<Secured>> {
    if (!(stream instanceof Socket) || stream.destroyed) return Promise.resolve(fail("the client is gone"))
    const key = endpoint(stream)
    return new Promise((resolve) => {
      const gone = () => this.#settle(key, fail("the client closed the connection during the handshake"))
      stream.once("close", gone)
      this.#waiting.set(key, (result) => {
        stream.off("close", gone)
        if (!result.ok) stream.destroy()
        resolve(result)
      })
      this.#server.emit("connection", stream)
    })
  }

  renew(material: TlsMaterial): void {
    this.#named = namedContexts(material)
    this.#server.setSecureContext({ ...contextOptions(material, "server"), ...versions(material) })
  }

  close(): void {
    this.#server.removeAllListeners()
  }

  #begun(socket: TLSSocket): void {
    socket.on("error", () => {}) // its close follows
    this.#settle(endpoint(socket), ok({ stream: socket, facts: factsOf(socket, this.#asksForCertificate) }))
  }

  #failed(socket: TLSSocket, why: string): void {
    socket.on("error", () => {})
    this.#settle(endpoint(socket), fail(why))
  }

  #settle(key: string, result: Result<Secured>): void {
    const waiting = this.#waiting.get(key)
    this.#waiting.delete(key)
    waiting?.(result)
  }

  #contextFor(name: string): SecureContext | undefined {
    const asked = name.toLowerCase()
    const wild = asked.replace(/^[^.]+/, "*")
    return (
      this.#named.find(({ names }) => names.includes(asked)) ??
      this.#named.find(({ names }) => names.includes(wild))
    )?.context
  }
}

type NamedContext = { readonly names: readonly string[]; readonly context: SecureContext }

function namedContexts(material: TlsMaterial): readonly NamedContext[] {
  return material.named.map((one: NamedCertificate) => ({
    names: one.names,
    context: createSecureContext({
      ...contextOptions({ ...material, server: [one] }, "server"),
      ...versions(material),
    }),
  }))
}

/** Both ends of a connection: no two that are open have the same. */
function endpoint({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

function words(error: Error & { readonly reason?: string; readonly code?: string }): string {
  return error.reason ?? error.message
}
