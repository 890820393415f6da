// What outgoing sessions may ask about their peers, put together: access and authinfo answer (policy/), TLS does the handshakes
// (trust/), and the exchanges are auth/'s.
import { randomBytes } from "node:crypto"
import { type ClientExchange, chooseExchange, parseAuthInfo } from "../auth/sasl-client.ts"
import { option } from "../config/options.ts"
import { feature, type Settings } from "../config/settings.ts"
import { parseMailbox } from "../mail/address.ts"
import type { TlsFacts } from "../mail/arrival.ts"
import { because, pass } from "../mail/decision.ts"
import type { LookupTable } from "../maps/table.ts"
import type { NamedPeer, PeerSecurity } from "../mailers/esmtp-security.ts"
import { askAuthInfo } from "../policy/auth-info.ts"
import { makeSiteTls } from "../policy/site-tls.ts"
import { recipientIsWell, serverIsWell, triesTls } from "../policy/tls.ts"
import type { SiteRules } from "../routing/site-rules.ts"
import type { ClientTls } from "../trust/tls-client.ts"

export type PeerSecurityParts = {
  readonly settings: Settings
  /** The access tables, and authinfo. */
  readonly access: readonly LookupTable[]
  readonly authInfo: readonly LookupTable[]
  readonly tls: ClientTls
  /** The site's own rules. */
  readonly rules?: SiteRules | undefined
}

const unnamed = pass(because("TLS_Rcpt", "the address names no mailbox"))

/** Made once for each configuration. */
export function makePeerSecurity(parts: PeerSecurityParts): PeerSecurity {
  const { access, settings, tls, rules } = parts
  const dots = feature(settings, "lookupdotdomain") !== undefined
  const site = makeSiteTls({ rules, settings, access, dots })
  return {
    tries: (peer) => site.tries(peer, () => triesTls(peer, access)),
    isWell: (peer, facts) => site.server(peer, facts, () => serverIsWell(peer, facts, access)),
    judgesRecipients: access.length > 0 || site.judgesRecipients,
    isWellFor: (address, peer, facts) =>
      site.recipient(address, peer, facts, async () => {
        const mailbox = parseMailbox(address)
        return mailbox.ok ? recipientIsWell(mailbox.value, peer, facts, access) : unnamed
      }),
    login: (peer, offered, facts) => login(peer, offered, facts, parts),
    secure: (socket, host, timeoutMs, dane) => tls.secure(socket, host, timeoutMs, dane),
    fallsBack: option(settings, "TLSFallbacktoClear"),
    submitterIfLoggedIn: (option(settings, "AuthOptions") ?? "").includes("A"),
  }
}

async function login(
  peer: NamedPeer,
  offered: readonly string[],
  facts: TlsFacts | undefined,
  { settings, access, authInfo, tls }: PeerSecurityParts,
): Promise<ClientExchange | string | undefined> {
  if (offered.length === 0) return undefined
  const listed = await askAuthInfo(peer, { authInfo, access })
  if (listed.outcome === "pass") return undefined
  if (listed.outcome !== "yes") return listed.reason.says
  const credentials = parseAuthInfo(listed.value)
  if (typeof credentials === "string") return `AuthInfo: ${credentials}`
  return chooseExchange(credentials, {
    offered,
    allowed: option(settings, "AuthMechanisms").split(/[\s,]+/),
    secure: facts !== undefined,
    certified: tls.certified && facts !== undefined,
    nonce: randomBytes(18).toString("base64url"),
  })
}
