// What an SMTP client asks about a peer before it trusts it with mail: whether to begin TLS, whether what came of it is good enough,
// as whom to log in. policy/ and trust/ answer; here is only what is asked.
import type { Socket } from "node:net"
import type { ClientExchange } from "../auth/sasl-client.ts"
import type { TlsFacts } from "../mail/arrival.ts"
import type { Decision, Reason } from "../mail/decision.ts"
import type { Result } from "../mail/result.ts"
import type { Soon } from "../mail/soon.ts"
import type { DaneDemand } from "../trust/dane.ts"
import type { SecuredSocket } from "../trust/tls-client.ts"

export type NamedPeer = { readonly host: string; readonly address: string }

export type PeerSecurity = {
  /** Try_TLS: whether STARTTLS is to be tried. */
  tries(peer: NamedPeer): Promise<Decision<boolean>>
  /** clt_features, and Flags=d of tls_clt_features: letters about a server, D without DANE, M without MTA-STS. */
  features(peer: NamedPeer): Promise<Decision<string>>
  /** TLS_Srv: whether the way to this host is good enough; no facts: in clear text. */
  isWell(peer: NamedPeer, facts: TlsFacts | undefined): Promise<Decision<undefined>>
  /** Whether access has anything to say by TLS_Rcpt. */
  readonly judgesRecipients: boolean
  /** TLS_Rcpt: whether it is good enough for mail to this address. */
  isWellFor(address: string, peer: NamedPeer, facts: TlsFacts | undefined): Soon<Decision<undefined>>
  /** AuthInfo: how to log in; undefined: nobody asks us to; a string says why it cannot be done. `tls`: undefined in clear text. */
  login(
    peer: NamedPeer,
    offered: readonly string[],
    tls: Pick<SecuredSocket, "channel"> | undefined,
  ): Promise<ClientExchange | string | undefined>
  /** AuthOptions=A: whose mail it is (AUTH=) is told to those alone to whom we are logged in. */
  readonly submitterIfLoggedIn: boolean
  /** What would be asked of this host, in words, before it is given mail for this address. */
  foresee(peer: NamedPeer, to: string): Promise<readonly Reason[]>
  /** The handshake, with this end as the client; with TLSA records, whether they are met is told too. */
  secure(
    socket: Socket,
    peer: NamedPeer,
    timeoutMs: number,
    dane?: DaneDemand,
  ): Promise<Result<SecuredSocket>>
  /** TLSFallbacktoClear, or Flags=C for this one: a peer whose TLS fails is tried without. */
  fallsBack(peer: NamedPeer): Promise<boolean>
}

/** mx1.example.org [192.0.2.7] */
export function shown({ host, address }: NamedPeer): string {
  return `${host} ${address.includes(":") ? `[IPv6:${address}]` : `[${address}]`}`
}

/** sendmail's line for the log. */
export function tlsLine(peer: NamedPeer, { version, verify, cipher, bits, why }: TlsFacts): string {
  const because = why === undefined ? "" : `, reason=${why}`
  return `STARTTLS=client, relay=${shown(peer)}, version=${version}, verify=${verify}${because}, cipher=${cipher}, bits=${bits}/${bits}`
}
