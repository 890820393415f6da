// How a message came in: who handed it over, how, and through which door. Policy asks it, Received: tells it, the log keeps it.

export type Client = {
  /** "192.0.2.7" or "2001:db8::7" (an IPv4-mapped address is written as IPv4). */
  readonly address: string
  readonly port: number
  /** The reverse name that leads back to the address, lower case; undefined when there is none. */
  readonly name: string | undefined
  /** A reverse name that does not lead back to the address: nothing is decided by it, it is only shown. */
  readonly forged?: string | undefined
  /** DNS did not say now whether it has a name. */
  readonly unsure?: true
}

/** The words of RFC 3848 and 6531, and `local` for what the sendmail command hands in. */
export type Protocol = "SMTP" | "ESMTP" | "LMTP" | "UTF8SMTP" | "UTF8LMTP" | "local"

/** What TLS came to (RFC 8446, RFC 5246), in sendmail's words: Received:, access and rulesets speak of it. */
export type TlsFacts = {
  /** "TLSv1.3" */
  readonly version: string
  /** "TLS_AES_256_GCM_SHA384" */
  readonly cipher: string
  /** Octets of the key, times 8. */
  readonly bits: number
  /**
   * {verify}: OK, the peer's certificate is good; NO, it showed none; NOT, none was asked for; FAIL, it is not good. Where there is
   * no TLS, NONE stands for it.
   */
  readonly verify: "OK" | "NO" | "NOT" | "FAIL"
  /** As a client: the certificate is for the name of the host that we wanted. */
  readonly named?: boolean
  /** Why `verify` is FAIL, as OpenSSL says it. */
  readonly why?: string
  readonly certificate?: CertificateFacts
}

/** The peer's certificate. Distinguished names in sendmail's form: /C=GB/O=Napier+20University/CN=mail.napier.ac.uk. */
export type CertificateFacts = {
  readonly subject: string
  readonly issuer: string
  readonly cnSubject: string
  readonly cnIssuer: string
  /** Names of subjectAltName, in lower case. */
  readonly altNames: readonly string[]
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint: string
}

export type Arrival = {
  /** The session's id; sessions that end in a refusal are found by it. */
  readonly session: string
  readonly protocol: Protocol
  /** undefined for local submission. */
  readonly client: Client | undefined
  /** What the client called itself. */
  readonly helo: string | undefined
  /** The login name that AUTH or the local socket vouched for. */
  readonly authenticated: string | undefined
  /** The listener's Name= (DAEMON_OPTIONS): "MTA", "MSA". */
  readonly door: string
  /** True on a submission door: RFC 6409 applies. */
  readonly submission: boolean
  /** The address of ours that the client came to. */
  readonly reached?: string
  /**
   * What the client costs, counted by whoever listens: connections it holds, this one too, and came with in the last minute; and
   * the machine's load average, where a line asks for it (RefuseLA).
   */
  readonly load?: { readonly open: number; readonly rate: number; readonly average?: number }
  /** "TLSv1.3 TLS_AES_256_GCM_SHA384", undefined in plain text. */
  readonly tls: string | undefined
  /** More of the same, while the session lives. */
  readonly tlsFacts?: TlsFacts
  /** How it authenticated: "PLAIN", "SCRAM-SHA-256" … */
  readonly authType?: string
  /** A proxy or content filter in front of us vouched for client and helo (XCLIENT, XFORWARD, PROXY). */
  readonly forwardedBy?: string
}

/** How mail comes that the system makes itself: reports, notices, what users' scripts send. */
export function ownArrival(session: string, door: string): Arrival {
  return {
    session,
    protocol: "local",
    client: undefined,
    helo: undefined,
    authenticated: undefined,
    door,
    submission: false,
    tls: undefined,
  }
}
