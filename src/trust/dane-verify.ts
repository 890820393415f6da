// Does a certificate meet TLSA records? Usage 3 looks at the certificate alone; usage 2 at the chain up to an authority that the
// records name, at its dates and at the name (RFC 6698 §2.1, RFC 7671 §5, RFC 7672 §3.1).
import { createHash, createPublicKey, type KeyObject, X509Certificate } from "node:crypto"
import type { TLSSocket } from "node:tls"
import type { TlsaRecord } from "../mail/world.ts"
import type { DaneDemand } from "./dane.ts"

/** Whether what was demanded is there, in a few words. */
export type Proof = { readonly kept: boolean; readonly says: string }

/** The certificates a server showed, its own first. */
export function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = []
  const seen = new Set<string>()
  let next: ReturnType<TLSSocket["getPeerCertificate"]> | undefined = socket.getPeerCertificate(true)
  while (next?.raw !== undefined && !seen.has(next.fingerprint256)) {
    seen.add(next.fingerprint256)
    chain.push(new X509Certificate(next.raw))
    next = "issuerCertificate" in next ? (next.issuerCertificate as typeof next) : undefined
  }
  return chain
}

/** Whether the chain meets one of the records. */
export function proves(chain: readonly X509Certificate[], demand: DaneDemand, now: number): Proof {
  if (demand.records.length === 0) return { kept: true, says: "TLS alone is demanded" }
  const [own] = chain
  if (own === undefined) return { kept: false, says: "the server showed no certificate" }
  let why = "no TLSA record matches the certificate"
  for (const record of demand.records) {
    const { usage, selector, matching } = record
    const said = `TLSA ${usage} ${selector} ${matching}`
    if (usage === 3) {
      // RFC 7672 §3.1.1: neither name nor dates of the certificate count, only the record.
      if (matches(own, record)) return { kept: true, says: `${said} matches the certificate` }
      continue
    }
    const lacks = underAuthority(chain, record, { demand, now })
    if (lacks === undefined) return { kept: true, says: `${said} matches an authority of the certificate` }
    if (lacks !== "no match") why = `${said}: ${lacks}`
  }
  return { kept: false, says: why }
}

function matches(certificate: X509Certificate, { selector, matching, octets }: TlsaRecord): boolean {
  const part = selector === 0 ? certificate.raw : spkiOf(certificate.publicKey)
  return digest(part, matching).equals(octets)
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" })
}

function digest(part: Buffer, matching: number): Buffer {
  if (matching === 0) return part
  return createHash(matching === 1 ? "sha256" : "sha512")
    .update(part)
    .digest()
}

type Asked = { readonly demand: DaneDemand; readonly now: number }

/** What is wrong with it; undefined: nothing. */
function underAuthority(
  chain: readonly X509Certificate[],
  record: TlsaRecord,
  { demand, now }: Asked,
): string | undefined {
  const place = chain.findIndex((one) => matches(one, record))
  const path = place < 0 ? chain : chain.slice(0, place + 1)
  if (place < 0 && !endsAt(chain, record)) return "no match"
  const [own] = path
  if (own === undefined) return "no match"
  // RFC 7672 §3.1.2: under an authority the name and the dates count.
  if (!demand.names.some((name) => own.checkHost(name, { subject: "default" }) !== undefined))
    return `the certificate is not for ${demand.names.join(" or ")}`
  for (const [n, certificate] of path.entries()) {
    if (Date.parse(certificate.validTo) < now) return `${shown(certificate)} has expired`
    if (Date.parse(certificate.validFrom) > now) return `${shown(certificate)} is not valid yet`
    const issuer = path[n + 1]
    if (issuer === undefined) continue
    if (!issuer.ca) return `${shown(issuer)} is no authority`
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      return `${shown(certificate)} is not signed by ${shown(issuer)}`
  }
  return undefined
}

/** RFC 7671 §5.2.1: an authority that a record has whole need not be in the chain: it has to have signed the last of it. */
function endsAt(chain: readonly X509Certificate[], { selector, matching, octets }: TlsaRecord): boolean {
  const last = chain.at(-1)
  if (matching !== 0 || last === undefined) return false
  try {
    if (selector === 1) return last.verify(createPublicKey({ key: octets, format: "der", type: "spki" }))
    const authority = new X509Certificate(octets)
    return authority.ca && last.checkIssued(authority) && last.verify(authority.publicKey)
  } catch {
    return false // no certificate and no key at all
  }
}

/** Node has no subject where the authority left it out. */
function shown({ subject, subjectAltName }: Partial<X509Certificate>): string {
  return `"${(subject ?? subjectAltName ?? "").replaceAll("\n", ", ")}"`
}
