// What outgoing sessions may ask about their peers, put together: access and authinfo answer (policy/), TLS does the handshakes
// (trust/), and the exchanges are auth/'s.
import { randomBytes } from "node:crypto"
import { isLetBy, mechanisms } from "../auth/sasl.ts"
import { type ClientExchange, chooseExchange, parseAuthInfo } from "../auth/sasl-client.ts"
import { option } from "../config/options.ts"
import { feature, type Settings } from "../config/settings.ts"
import { parseMailbox } from "../mail/address.ts"
import { because, type Decision, pass, withTrail, yes } from "../mail/decision.ts"
import { fail } from "../mail/result.ts"
import type { LookupTable } from "../maps/table.ts"
import type { NamedPeer, PeerSecurity } from "../mailers/esmtp-security.ts"
import { askAuthInfo } from "../policy/auth-info.ts"
import { makeSiteTls, type SiteTls } from "../policy/site-tls.ts"
import { clientFeaturesFor, recipientIsWell, serverIsWell, triesTls } from "../policy/tls.ts"
import { makeTlsFeatures } from "../policy/tls-features.ts"
import type { SiteRules } from "../routing/site-rules.ts"
import type { ClientTls, SecuredSocket } from "../trust/tls-client.ts"
import { type Foresight, foreseePeer } from "./peer-foresight.ts"

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
  const special = makeTlsFeatures("clt", { rules, settings, access, dots })
  const termsFor = async (peer: NamedPeer) => special && (await special(peer))
  const asked: Omit<Foresight, "terms" | "credentials"> = {
    tries: (peer) => site.tries(peer, () => triesTls(peer, access)),
    async features(peer) {
      const letters = await site.features(peer, () => clientFeaturesFor(peer, access))
      if (letters.outcome === "no" || letters.outcome === "later") return letters
      const terms = await termsFor(peer)
      if (terms?.outcome !== "yes" || terms.value.noDane !== true) return letters
      const given = letters.outcome === "yes" ? letters.value : ""
      return yes(`${given}D`, withTrail(terms.reason, [letters.reason]))
    },
    isWell: (peer, facts) => site.server(peer, facts, () => serverIsWell(peer, facts, access)),
    isWellFor(address, peer, facts) {
      const mailbox = parseMailbox(address)
      const byAccess = () => (mailbox.ok ? recipientIsWell(mailbox.value, peer, facts, access) : unnamed)
      return site.judgesRecipients ? site.recipient(address, peer, facts, byAccess) : byAccess()
    },
  }
  const credentials = (peer: NamedPeer) => credentialsFor(peer, { ...parts, site })
  return {
    ...asked,
    judgesRecipients: access.length > 0 || site.judgesRecipients,
    login: (peer, offered, over) => login(offered, over, parts, () => credentials(peer)),
    foresee: (peer, to) => foreseePeer(peer, to, { ...asked, terms: termsFor, credentials }),
    async secure(socket, peer, timeoutMs, dane) {
      const terms = await termsFor(peer)
      if (terms?.outcome === "no" || terms?.outcome === "later") return fail(terms.reason.says)
      const own = terms?.outcome === "yes" ? terms.value : undefined
      return tls.secure(socket, { host: peer.host, timeoutMs, dane, terms: own })
    },
    async fallsBack(peer) {
      const terms = await termsFor(peer)
      const own = terms?.outcome === "yes" ? terms.value.fallsBack : undefined
      return own ?? option(settings, "TLSFallbacktoClear")
    },
    submitterIfLoggedIn: (option(settings, "AuthOptions") ?? "").includes("A"),
  }
}

type Site = PeerSecurityParts & { readonly site: SiteTls }

/** The line for this host: of the tables, else of the site's own rules. */
async function credentialsFor(peer: NamedPeer, { access, authInfo, site }: Site): Promise<Decision<string>> {
  const listed = await askAuthInfo(peer, { authInfo, access })
  return listed.outcome === "pass" ? site.login(peer) : listed
}

async function login(
  offered: readonly string[],
  over: Pick<SecuredSocket, "channel"> | undefined,
  { settings, tls }: PeerSecurityParts,
  find: () => Promise<Decision<string>>,
): Promise<ClientExchange | string | undefined> {
  if (offered.length === 0) return undefined
  const listed = await find()
  if (listed.outcome === "pass") return undefined
  if (listed.outcome !== "yes") return listed.reason.says
  const credentials = parseAuthInfo(listed.value)
  if (typeof credentials === "string") return `AuthInfo: ${credentials}`
  return chooseExchange(credentials, {
    offered,
    allowed: allowedMechanisms(settings),
    secure: over !== undefined,
    certified: tls.certified && over !== undefined,
    channel: over?.channel(),
    nonce: randomBytes(18).toString("base64url"),
  })
}

/** AuthMechanisms, without those that AuthOptions does not let be used. */
function allowedMechanisms(settings: Settings): readonly string[] {
  const words = option(settings, "AuthMechanisms")
    .toUpperCase()
    .split(/[\s,]+/)
  const letters = option(settings, "AuthOptions") ?? ""
  return mechanisms.filter((one) => words.includes(one) && isLetBy(letters, one))
}
