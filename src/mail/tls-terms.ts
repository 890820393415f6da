// What TLS is to be with one host, where that is something else than with all others.

export type TlsTerms = {
  /** OpenSSL options, in the place of confSERVER_SSL_OPTIONS and confCLIENT_SSL_OPTIONS. */
  readonly options?: readonly string[]
  /** Ciphers up to TLS 1.2, in the place of confCIPHER_LIST. */
  readonly ciphers?: string
  /** Files of our certificate and its key. */
  readonly certificate?: string
  readonly key?: string
  /** Whether a client is asked for a certificate. */
  readonly clientCertificate?: boolean
  /** A certificate without a list of revoked ones beside it is not good. */
  readonly needsRevocations?: true
  /** Whether a host whose TLS fails is spoken to without. */
  readonly fallsBack?: boolean
  /** The host need not prove itself by DANE. */
  readonly noDane?: true
}
