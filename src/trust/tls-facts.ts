// What a TLS connection came to, from Node's socket: version, cipher, and the peer's certificate in sendmail's words.
import type { X509Certificate } from "node:crypto"
import type { TLSSocket } from "node:tls"
import type { CertificateFacts, TlsFacts } from "../mail/arrival.ts"

/** What is known once the handshake is over. `asked`: we wanted to see a certificate. */
export function factsOf(socket: TLSSocket, asked: boolean): TlsFacts {
  const cipher = socket.getCipher()
  const version = socket.getProtocol() ?? cipher.version
  const facts = { version, cipher: nameOf(cipher, version), bits: bitsOf(cipher.standardName ?? cipher.name) }
  if (!asked) return { ...facts, verify: "NOT" }
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { ...facts, verify: "NO" }
  const described = { ...facts, certificate: describe(certificate) }
  if (socket.authorized) return { ...described, verify: "OK" }
  const why = String(socket.authorizationError ?? "not verified").slice(0, 200)
  return { ...described, verify: "FAIL", why }
}

/**
 * What a login over this connection can be bound to (RFC 9266 §2). undefined: it is no TLS 1.3, whose older kin export the same keys to
 * both sides of somebody in the middle (§4.2), or it is closed.
 */
export function channelOf(socket: TLSSocket): Buffer | undefined {
  if (socket.destroyed || socket.getProtocol() !== "TLSv1.3") return undefined
  return socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0))
}

/** sendmail writes OpenSSL's own names: ECDHE-RSA-AES256-GCM-SHA384; those of TLS 1.3 are the standard's. */
function nameOf(cipher: { readonly name: string; readonly standardName?: string }, version: string): string {
  return version === "TLSv1.3" ? (cipher.standardName ?? cipher.name) : cipher.name
}

/** Bits of the cipher's key; Node does not tell them, its name does. */
export function bitsOf(cipher: string): number {
  if (/AES_?256|CHACHA20|CAMELLIA_?256|ARIA_?256/.test(cipher)) return 256
  if (/3DES|DES_?CBC3/.test(cipher)) return 112
  return /AES_?128|CAMELLIA_?128|ARIA_?128|SEED|IDEA|RC4/.test(cipher) ? 128 : 0
}

function describe(certificate: X509Certificate): CertificateFacts {
  const { subject, issuer, subjectAltName, fingerprint256 } = certificate
  return {
    subject: slashed(subject),
    issuer: slashed(issuer),
    cnSubject: commonName(subject),
    cnIssuer: commonName(issuer),
    altNames: altNamesOf(subjectAltName),
    fingerprint: fingerprint256,
  }
}

/** Node's lines of a name as sendmail has it: /C=GB/O=Napier+20University/CN=…, with what could mislead as +XX (tls.c: xtextify). */
export function slashed(name: string | undefined): string {
  return partsOf(name)
    .map(([key, value]) => `/${key}=${encoded(value)}`)
    .join("")
}

function partsOf(name: string | undefined): readonly (readonly [string, string])[] {
  if (name === undefined) return []
  return name.split("\n").flatMap((line) => {
    const equals = line.indexOf("=")
    return equals < 0 ? [] : [[line.slice(0, equals), line.slice(equals + 1)] as const]
  })
}

function commonName(name: string | undefined): string {
  return encoded(partsOf(name).findLast(([key]) => key === "CN")?.[1] ?? "")
}

function encoded(text: string): string {
  return text.replaceAll(/[^!#-'*,\-./0-;=?-~]/gu, (char) =>
    [...Buffer.from(char, "utf8")]
      .map((octet) => `+${octet.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  )
}

/** "DNS:mail.napier.ac.uk, IP Address:192.0.2.7": the names of hosts. */
export function altNamesOf(text: string | undefined): readonly string[] {
  return (text ?? "").split(/,\s*/).flatMap((item) => {
    const name = /^DNS:"?([^"]+)"?$/.exec(item)?.[1]
    return name === undefined ? [] : [name.toLowerCase()]
  })
}
