// From what the configuration says about TLS to what Node's TLS is told. TLS 1.2 is the least, always (RFC 8996, RFC 8314).
import type { SecureContextOptions, SecureVersion } from "node:tls"

export type KeyPair = {
  readonly certificate: string
  readonly key: string
}

/** A certificate for the names in it, chosen by SNI. */
export type NamedCertificate = KeyPair & { readonly names: readonly string[] }

/** What TLS is made of: certificates, and what the configuration says of it. */
export type TlsMaterial = {
  /** Our certificates as a server, one for each kind of key. None: no TLS. */
  readonly server: readonly KeyPair[]
  /** More of them, for clients that ask for another name (SNI). */
  readonly named: readonly NamedCertificate[]
  readonly client: readonly KeyPair[]
  /** PEM texts of authorities. */
  readonly authorities: readonly string[]
  readonly revoked: readonly string[]
  readonly ciphers: string | undefined
  /** Of the key exchange, as OpenSSL names them; undefined: OpenSSL's own. */
  readonly groups?: string | undefined
  readonly dhParameters: string | undefined
  readonly options: readonly string[]
  readonly clientOptions: readonly string[]
  /** TLSSrvOptions=V: clients are not asked for a certificate. */
  readonly noClientCertificate: boolean
  /** What could not be read or does not fit, a line each. */
  readonly issues: readonly string[]
  /** Changes when a file does. */
  readonly fingerprint: string
}

const suites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"

/** What sendmail's own default comes to with what Debian's OpenSSL takes at its level of security. */
const usualCiphers =
  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256:AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA:AES128-SHA"

/** Keys, authorities and ciphers. */
export function contextOptions(material: TlsMaterial, side: "server" | "client"): SecureContextOptions {
  const pairs = side === "server" ? material.server : material.client
  const authorities =
    material.authorities.length > 0 || side === "server" ? { ca: [...material.authorities] } : {}
  return {
    ...(pairs.length === 0
      ? {}
      : { cert: pairs.map(({ certificate }) => certificate), key: pairs.map(({ key }) => key) }),
    ...authorities,
    ...(material.revoked.length === 0 ? {} : { crl: [...material.revoked] }),
    ...(material.dhParameters === undefined ? { dhparam: "auto" } : { dhparam: material.dhParameters }),
    ciphers: `${suites}:${material.ciphers ?? usualCiphers}`,
    ...(material.groups === undefined ? {} : { ecdhCurve: material.groups }),
    honorCipherOrder: side === "server",
    sessionIdContext: "waypost",
  }
}

/** SSL_OP_NO_TLSv1_2 and SSL_OP_NO_TLSv1_3 narrow what is spoken; everything older is off already. */
export function versions({ options }: Pick<TlsMaterial, "options">): {
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
} {
  const words = new Set(options.map((word) => word.replace(/^\+?(?:SSL_OP_)?/i, "").toUpperCase()))
  return {
    minVersion: words.has("NO_TLSV1_2") ? "TLSv1.3" : "TLSv1.2",
    maxVersion: words.has("NO_TLSV1_3") ? "TLSv1.2" : "TLSv1.3",
  }
}
