// TLS for one host, where that is something else than with all others: the usual material with what its terms change.
import type { TlsTerms } from "../mail/tls-terms.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { readKeyPair } from "./tls-material.ts"
import type { TlsMaterial } from "./tls-options.ts"

/** The material under these terms; the error says what is missing for them. */
export function underTerms(
  material: TlsMaterial,
  terms: TlsTerms,
  side: "server" | "client",
): Result<TlsMaterial> {
  const { certificate, key, options, ciphers, clientCertificate, needsRevocations } = terms
  if (needsRevocations === true && material.revoked.length === 0)
    return fail("Flags=R needs a list of revoked certificates: confCRL or confCRL_PATH")
  const pair =
    certificate === undefined || key === undefined ? undefined : readKeyPair(certificate, key, new Date())
  if (pair?.ok === false) return pair
  const own = pair === undefined ? {} : { [side]: [pair.value], ...(side === "server" ? { named: [] } : {}) }
  return ok({
    ...material,
    ...own,
    ...(options === undefined ? {} : side === "server" ? { options } : { clientOptions: options }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(clientCertificate === undefined ? {} : { noClientCertificate: !clientCertificate }),
  })
}

/** Terms that come to something else than the usual, as a key to remember what was made of them; undefined: they do not. */
export function keyOfTerms(terms: TlsTerms = {}): string | undefined {
  const { fallsBack: _, ...handshake } = terms
  const { noDane: __, ...special } = handshake
  return Object.keys(special).length === 0 ? undefined : JSON.stringify(special)
}

/** Of so many terms at most what was made of them is remembered. */
export const mostRemembered = 100
