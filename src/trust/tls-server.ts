// TLS on connections that are open already: STARTTLS, and implicit TLS at its own door. One tls.Server that listens nowhere does
// the handshakes, so that session tickets, SNI and the checking of client certificates are Node's own.
//
// What an idle session costs is decided in its first moments (bench/idle.ts). TLS keeps a buffer as large as the first piece that it is
// given, or as libuv's first read, which is 64 KiB; and once a read fills that buffer, a second one of 16 KiB. So TLS begins only when
// the client has, and is given its first octets in pieces that do not fill the smallest buffer Node has, of 1,024.
import type { Duplex } from "node:stream"
import { Socket } from "node:net"
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from "node:tls"
import type { TlsFacts } from "../mail/arrival.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { TlsTerms } from "../mail/tls-terms.ts"
import { channelOf, factsOf } from "./tls-facts.ts"
import { contextOptions, type NamedCertificate, type TlsMaterial, versions } from "./tls-options.ts"
import { keyOfTerms, mostRemembered, underTerms } from "./tls-terms.ts"

export type Secured = {
  readonly stream: Duplex
  readonly facts: TlsFacts
  /** What a login can be bound to. */
  readonly channel: () => Buffer | undefined
}

export type ServerTls = {
  /** The handshake, with this end as the server, under terms of this client's own. The error is OpenSSL's word for what went wrong. */
  secure(stream: Duplex, terms?: TlsTerms): Promise<Result<Secured>>
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
  readonly #waiting = new WeakMap<Duplex, Waiting>()
  readonly #server: Server
  readonly #asksForCertificate: boolean
  #named: readonly NamedContext[] = []
  #material: TlsMaterial
  /** By their terms. */
  readonly #special = new Map<string, Handshakes>()

  constructor(material: TlsMaterial) {
    this.#material = material
    this.#asksForCertificate = !material.noClientCertificate
    this.#named = namedContexts(material)
    this.#server = createServer(
      {
        ...contextOptions(material, "server"),
        ...versions(material),
        requestCert: this.#asksForCertificate,
        rejectUnauthorized: false, // what a bad one means is policy (TLS_Clt)
        handshakeTimeout,
        SNICallback: (name, done) => done(null, this.#contextFor(name)),
      },
      (socket) => this.#begun(socket),
    )
    this.#server.on("tlsClientError", (error, socket) => this.#failed(socket, words(error)))
  }

  async secure(stream: Duplex, terms?: TlsTerms): Promise<Result<Secured>> {
    const key = keyOfTerms(terms)
    if (terms !== undefined && key !== undefined) {
      const special = this.#under(terms, key)
      return special.ok ? special.value.secure(stream) : special
    }
    if (!(stream instanceof Socket) || stream.destroyed) return fail("the client is gone")
    const silent = await firstOctets(stream)
    if (silent !== undefined) return fail(silent)
    return new Promise((resolve) => {
      const gone = () => this.#settle(stream, fail(closedMeanwhile))
      stream.once("close", gone)
      this.#waiting.set(stream, (result) => {
        stream.off("close", gone)
        if (!result.ok) stream.destroy()
        resolve(result)
      })
      stream.read = readLittle
      stream.allowHalfOpen = false // who ends in the middle of a handshake is gone
      this.#server.emit("connection", stream)
    })
  }

  #under(terms: TlsTerms, key: string): Result<Handshakes> {
    const known = this.#special.get(key)
    if (known !== undefined) return ok(known)
    const material = underTerms(this.#material, terms, "server")
    if (!material.ok) return material
    try {
      const made = new Handshakes(material.value)
      if (this.#special.size >= mostRemembered) this.#special.clear()
      this.#special.set(key, made)
      return ok(made)
    } catch (error) {
      return fail(error instanceof Error ? error.message : String(error))
    }
  }

  renew(material: TlsMaterial): void {
    this.#material = material
    this.#special.clear()
    this.#named = namedContexts(material)
    this.#server.setSecureContext({ ...contextOptions(material, "server"), ...versions(material) })
  }

  close(): void {
    this.#server.removeAllListeners()
  }

  #begun(socket: TLSSocket): void {
    socket.on("error", () => {}) // its close follows
    socket.allowHalfOpen = true
    const facts = factsOf(socket, this.#asksForCertificate)
    this.#settle(streamBelow(socket), ok({ stream: socket, facts, channel: () => channelOf(socket) }))
  }

  #failed(socket: TLSSocket, why: string): void {
    socket.on("error", () => {})
    this.#settle(streamBelow(socket), fail(why))
  }

  #settle(stream: Duplex | undefined, result: Result<Secured>): void {
    const waiting = stream === undefined ? undefined : this.#waiting.get(stream)
    if (stream !== undefined) this.#waiting.delete(stream)
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

const closedMeanwhile = "the client closed the connection during the handshake"

/** Waits until the client has begun, and leaves what it said in the stream; else says why it has not. */
function firstOctets(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    const settle = (why: string | undefined) => {
      clearTimeout(timer)
      socket.off("readable", heard).off("close", left)
      resolve(why)
    }
    const left = () => settle(closedMeanwhile)
    const heard = () => settle(socket.readableLength > 0 ? undefined : closedMeanwhile) // without octets: its end
    const timer = setTimeout(() => settle("the client did not begin its handshake"), handshakeTimeout)
    socket.on("readable", heard).on("close", left)
  })
}

/** The stream's own read, for Node, which hands TLS what is there already: not all of it at once. */
function readLittle(this: Socket, size = Math.min(this.readableLength, 1000)): unknown {
  return Socket.prototype.read.call(this, size)
}

type Layered = TLSSocket & { readonly _parent?: Duplex | null }

/** What TLS runs over here. Node tells it by no public name; without it the handshake ends by its limit of time. */
function streamBelow(socket: TLSSocket): Duplex | undefined {
  return (socket as Layered)._parent ?? undefined
}

function words(error: Error & { readonly reason?: string; readonly code?: string }): string {
  return error.reason ?? error.message
}
