// A site's own word on TLS with other hosts, asked before access: Local_try_tls whether to try, Local_tls_server what the way must
// be, Local_tls_rcpt what it must be for this recipient (proto.m4: try_tls, tls_server, tls_rcpt).
import type { TlsFacts } from "../mail/arrival.ts"
import { type Decision, withTrail, yes } from "../mail/decision.ts"
import type { LookupTable } from "../maps/table.ts"
import type { Settings } from "../config/settings.ts"
import type { SiteRules } from "../routing/site-rules.ts"
import { accessBridges } from "./check-bridges.ts"
import { inputTokens, ruleVerdict } from "./site-question.ts"
import type { TlsPeer } from "./tls.ts"

export type SiteTls = {
  /** Whether STARTTLS is tried; what the rules do not say is `base`'s to say. */
  tries(peer: TlsPeer, base: () => Promise<Decision<boolean>>): Promise<Decision<boolean>>
  server(peer: TlsPeer, facts: TlsFacts | undefined, base: Base): Promise<Decision<undefined>>
  recipient(
    address: string,
    peer: TlsPeer,
    facts: TlsFacts | undefined,
    base: Base,
  ): Promise<Decision<undefined>>
  /** There are rules about recipients. */
  readonly judgesRecipients: boolean
}

type Base = () => Promise<Decision<undefined>>

export type SiteTlsParts = {
  readonly rules: SiteRules | undefined
  readonly settings: Settings
  readonly access: readonly LookupTable[]
  /** FEATURE(lookupdotdomain). */
  readonly dots: boolean
}

/** Made once for each configuration; without rules everything is `base`'s. */
export function makeSiteTls(parts: SiteTlsParts): SiteTls {
  const judge = async (
    name: string,
    input: string,
    about: About,
    base: Base,
  ): Promise<Decision<undefined>> => {
    const said = await ask(name, input, about, parts)
    if (said === undefined) return base()
    if (said.outcome === "no" || said.outcome === "later") return said
    if (said.outcome === "yes") return yes(undefined, said.reason)
    const decision = await base()
    return { ...decision, reason: withTrail(decision.reason, [said.reason]) }
  }
  return {
    judgesRecipients: parts.rules?.has("Local_tls_rcpt") === true,
    async tries(peer, base) {
      const said = await ask("Local_try_tls", peer.host, { peer, facts: undefined }, parts)
      if (said === undefined) return base()
      // $#error: sendmail goes on without TLS, whatever the words.
      if (said.outcome === "no" || said.outcome === "later") return yes(false, said.reason)
      if (said.outcome === "yes") return yes(true, said.reason)
      const decision = await base()
      return { ...decision, reason: withTrail(decision.reason, [said.reason]) }
    },
    server: (peer, facts, base) => judge("Local_tls_server", facts?.verify ?? "NONE", { peer, facts }, base),
    recipient: (address, peer, facts, base) => judge("Local_tls_rcpt", address, { peer, facts }, base),
  }
}

type About = { readonly peer: TlsPeer; readonly facts: TlsFacts | undefined }

async function ask(
  name: string,
  input: string,
  { peer, facts }: About,
  { rules, settings, access, dots }: SiteTlsParts,
): Promise<Decision<"accept"> | undefined> {
  if (rules?.has(name) !== true) return undefined
  const outcome = await rules.run(name, inputTokens(input, settings), {
    macros: new Map(Object.entries(peerMacros(peer, facts))),
    bridges: accessBridges({ tables: access, dots, settings }),
  })
  return ruleVerdict(name, outcome, settings)
}

/** sendmail's macros of a host that we speak with. */
function peerMacros(
  { host, address }: TlsPeer,
  facts: TlsFacts | undefined,
): Readonly<Record<string, string>> {
  const certificate = facts?.certificate
  const bits = facts === undefined ? "" : String(facts.bits)
  return {
    server_name: host,
    server_addr: address,
    verify: facts?.verify ?? "NONE",
    tls_version: facts?.version ?? "",
    cipher: facts?.cipher ?? "",
    cipher_bits: bits,
    alg_bits: bits,
    cert_subject: certificate?.subject ?? "",
    cert_issuer: certificate?.issuer ?? "",
    cn_subject: certificate?.cnSubject ?? "",
    cn_issuer: certificate?.cnIssuer ?? "",
    cert_fp: certificate?.fingerprint ?? "",
  }
}
