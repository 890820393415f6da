// TLS as a client on a connection that is open already. Nobody is turned away here for a certificate that is not good: most hosts of
// the Internet have none that is. What came of it is told, and policy decides.
import { isIP, type Socket } from "node:net"
import { connect, createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls"
import type { TlsFacts } from "../mail/arrival.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { TlsTerms } from "../mail/tls-terms.ts"
import type { DaneDemand } from "./dane.ts"
import { chainOf, type Proof, proves } from "./dane-verify.ts"
import { channelOf, factsOf } from "./tls-facts.ts"
import { contextOptions, type TlsMaterial, versions } from "./tls-options.ts"
import { keyOfTerms, mostRemembered, underTerms } from "./tls-terms.ts"

export type SecuredSocket = {
  readonly socket: Socket
  readonly facts: TlsFacts
  readonly proof?: Proof
  /** What a login can be bound to. */
  readonly channel: () => Buffer | undefined
}

export type ClientTls = {
  /** Our own certificate is shown to those who ask. */
  readonly certified: boolean
  /** With TLSA records, whether they are met is told too. */
  secure(socket: Socket, handshake: Handshake): Promise<Result<SecuredSocket>>
}

export type Handshake = {
  readonly host: string
  readonly timeoutMs: number
  readonly dane?: DaneDemand | undefined
  /** Of this host's own. */
  readonly terms?: TlsTerms | undefined
}

/** TLS with these authorities and our own certificate; without one that can be used it is done without. */
export function makeClientTls(material: TlsMaterial, log: (line: string) => void): ClientTls {
  const context = contextFor(material, log)
  const special = new Map<string, SecureContext>()
  return {
    certified: material.client.length > 0,
    async secure(socket, wanted) {
      const key = keyOfTerms(wanted.terms)
      if (wanted.terms === undefined || key === undefined) return handshake(socket, context, wanted)
      const own = special.get(key) ?? contextUnder(wanted.terms, material)
      if (typeof own === "string") return fail(own)
      if (special.size >= mostRemembered) special.clear()
      special.set(key, own)
      return handshake(socket, own, wanted)
    },
  }
}

/** The context under these terms, or why there is none: no host that has its own is treated as any other. */
function contextUnder(terms: TlsTerms, material: TlsMaterial): SecureContext | string {
  const own = underTerms(material, terms, "client")
  if (!own.ok) return own.error
  try {
    return createSecureContext(clientOptions(own.value))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function clientOptions(material: TlsMaterial): SecureContextOptions {
  return { ...contextOptions(material, "client"), ...versions({ options: material.clientOptions }) }
}

function contextFor(material: TlsMaterial, log: (line: string) => void): SecureContext {
  try {
    return createSecureContext(clientOptions(material))
  } catch (error) {
    log(
      `TLS as a client: ${error instanceof Error ? error.message : String(error)}: without our certificate and authorities`,
    )
    return createSecureContext({ minVersion: "TLSv1.2" })
  }
}

function handshake(
  socket: Socket,
  secureContext: SecureContext,
  { host, timeoutMs, dane }: Handshake,
): Promise<Result<SecuredSocket>> {
  const name = dane?.base ?? host
  const servername = isIP(name) === 0 && /^[A-Za-z0-9._-]+$/.test(name) ? { servername: name } : {}
  return new Promise((resolve) => {
    const secured = connect({
      socket,
      secureContext,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined, // a name that is another's is told, too
      ...servername,
    })
    const end = (result: Result<SecuredSocket>) => {
      clearTimeout(timer)
      secured.removeAllListeners("error").removeAllListeners("close").removeAllListeners("secureConnect")
      if (!result.ok) {
        secured.on("error", () => {}) // it is being destroyed
        secured.destroy()
      }
      resolve(result)
    }
    const timer = setTimeout(() => end(fail("the peer did not go on with the handshake")), timeoutMs)
    secured.once("secureConnect", () => {
      const shown = secured.getPeerX509Certificate()
      const named = shown?.checkHost(host, { subject: "default" }) !== undefined
      const facts = { ...factsOf(secured, true), named }
      const own = { socket: secured, facts, channel: () => channelOf(secured) }
      if (dane === undefined) return end(ok(own))
      end(ok({ ...own, proof: proves(chainOf(secured), dane, Date.now()) }))
    })
    secured.once("error", (error: Error & { reason?: string }) => end(fail(error.reason ?? error.message)))
    secured.once("close", () => end(fail("the peer closed the connection during the handshake")))
  })
}
