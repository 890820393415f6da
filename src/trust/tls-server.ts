// TLS on connections that are open already: STARTTLS, and implicit TLS at its own door. One tls.Server that listens nowhere does
// the handshakes, so that session tickets, SNI and the checking of client certificates are Node's own.
import type { Duplex } from "node:stream"
import { Socket } from "node:net"
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from "node:tls"
import { ThinStream } from "./thin-stream.ts"
import type { TlsFacts } from "../mail/arrival.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { TlsTerms } from "../mail/tls-terms.ts"
import { factsOf } from "./tls-facts.ts"
import { contextOptions, type NamedCertificate, type TlsMaterial, versions } from "./tls-options.ts"
import { keyOfTerms, mostRemembered, underTerms } from "./tls-terms.ts"

export type Secured = { readonly stream: Duplex; readonly facts: TlsFacts }

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
        allowHalfOpen: true,
        SNICallback: (name, done) => done(null, this.#contextFor(name)),
      },
      (socket) => this.#begun(socket),
    )
    this.#server.on("tlsClientError", (error, socket) => this.#failed(socket, words(error)))
  }

  secure(stream: Duplex, terms?: TlsTerms): Promise<Result<Secured>> {
    const key = keyOfTerms(terms)
    if (terms !== undefined && key !== undefined) {
      const special = this.#under(terms, key)
      return special.ok ? special.value.secure(stream) : Promise.resolve(special)
    }
    if (!(stream instanceof Socket) || stream.destroyed) return Promise.resolve(fail("the client is gone"))
    const thin = new ThinStream(stream)
    return new Promise((resolve) => {
      const gone = () => this.#settle(thin, fail("the client closed the connection during the handshake"))
      thin.once("close", gone)
      this.#waiting.set(thin, (result) => {
        thin.off("close", gone)
        if (!result.ok) thin.destroy()
        resolve(result)
      })
      this.#server.emit("connection", thin)
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
    this.#settle(
      streamBelow(socket),
      ok({ stream: socket, facts: factsOf(socket, this.#asksForCertificate) }),
    )
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

type Layered = TLSSocket & {
  readonly _handle?: { readonly _parentWrap?: { readonly stream?: Duplex } } | null
}

/** What TLS runs over here. Node tells it by no public name; without it the handshake ends by its limit of time. */
function streamBelow(socket: TLSSocket): Duplex | undefined {
  return (socket as Layered)._handle?._parentWrap?.stream
}

function words(error: Error & { readonly reason?: string; readonly code?: string }): string {
  return error.reason ?? error.message
}
