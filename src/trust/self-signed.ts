// The certificate of a host that has none yet: signed by itself, so that mail is encrypted from the first start on. Whoever needs
// to know that it is us needs one of an authority (docs/tls.md).
import { createPublicKey, generateKeyPairSync, randomBytes, sign, type X509Certificate } from "node:crypto"
import * as der from "./der.ts"

export type KeyAndCertificate = { readonly key: string; readonly certificate: string }

const ids = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const

const day = 86_400_000

/** The longest common name (RFC 5280, ub-common-name). */
const longestCommonName = 64

/** A new P-256 key and its certificate for these names, the first of them its subject; from yesterday on, for clocks differ. */
export function makeSelfSigned(names: readonly string[], now: Date, days = 3650): KeyAndCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const algorithm = der.sequence(der.oid(ids.ecdsaWithSha256))
  const [first = "localhost"] = names
  const name = der.sequence(
    der.set(der.sequence(der.oid(ids.commonName), der.utf8(first.slice(0, longestCommonName)))),
  )
  const until = new Date(now.getTime() + days * day)
  const toBeSigned = der.sequence(
    der.tagged(0, true, der.integer(Buffer.from([2]))), // version 3
    der.integer(serial()),
    algorithm,
    name,
    der.sequence(der.time(new Date(now.getTime() - day)), der.time(until)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der.tagged(3, true, der.sequence(...extensionsFor(names))),
  )
  const signature = sign("sha256", toBeSigned, privateKey)
  const certificate = der.sequence(toBeSigned, algorithm, der.bitString(signature))
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    certificate: pem("CERTIFICATE", certificate),
  }
}

// RFC 5280 §4.1.2.2: positive, at most 20 octets.
function serial(): Buffer {
  const octets = randomBytes(16)
  octets[0] = ((octets[0] ?? 0) & 0x7f) | 0x40
  return octets
}

function extensionsFor(names: readonly string[]): readonly Buffer[] {
  const dnsNames = names.map((name) => der.tagged(2, false, Buffer.from(name, "latin1")))
  return [
    extension(ids.basicConstraints, true, der.sequence(der.boolean(true))), // it signs itself
    extension(ids.keyUsage, true, der.bitString(Buffer.from([0b1000_0100]), 2)), // digitalSignature, keyCertSign
    extension(ids.extendedKeyUsage, false, der.sequence(der.oid(ids.serverAuth), der.oid(ids.clientAuth))),
    extension(ids.subjectAltName, false, der.sequence(...dnsNames)),
  ]
}

function extension(id: string, critical: boolean, content: Buffer): Buffer {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octetString(content))
}

function pem(label: string, octets: Buffer): string {
  const lines = octets.toString("base64").match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`
}

/** Whether this private key is the certificate's. */
export function belongTogether(certificate: X509Certificate, keyPem: string): boolean {
  const own = createPublicKey(keyPem).export({ type: "spki", format: "der" })
  return certificate.publicKey.export({ type: "spki", format: "der" }).equals(own)
}
