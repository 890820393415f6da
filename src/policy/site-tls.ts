// A site's own word on TLS with other hosts, asked before access: Local_clt_features what a server need not prove, Local_try_tls whether
// to try, Local_tls_server what the way must be, Local_tls_rcpt what it must be for this recipient, authinfo how to log in (proto.m4:
// clt_features, try_tls, tls_server, tls_rcpt).
import type { TlsFacts } from "../mail/arrival.ts"
import { because, type Decision, pass, withTrail, yes } from "../mail/decision.ts"
import type { Soon } from "../mail/soon.ts"
import type { LookupTable } from "../maps/table.ts"
import type { Settings } from "../config/settings.ts"
import { isResolved } from "../config/triple.ts"
import { cannotTell, type RuleOutcome, type SiteRules } from "../routing/site-rules.ts"
import { accessBridges } from "./check-bridges.ts"
import { inputTokens, ruleVerdict, wordsSaid } from "./site-question.ts"
import type { TlsPeer } from "./tls.ts"

export type SiteTls = {
  /** Whether STARTTLS is tried; what the rules do not say is `base`'s to say. */
  tries(peer: TlsPeer, base: () => Promise<Decision<boolean>>): Promise<Decision<boolean>>
  /** Letters about this server (Local_clt_features); what the rules do not say is `base`'s to say. */
  features(peer: TlsPeer, base: () => Promise<Decision<string>>): Promise<Decision<string>>
  server(peer: TlsPeer, facts: TlsFacts | undefined, base: Base): Promise<Decision<undefined>>
  recipient(
    address: string,
    peer: TlsPeer,
    facts: TlsFacts | undefined,
    base: Base,
  ): Promise<Decision<undefined>>
  /** As whom to log in (authinfo): `"U:gor" "P:secret"`; a pass where the rules name nobody. Its reason shows nothing of it. */
  login(peer: TlsPeer): Promise<Decision<string>>
  /** There are rules about recipients. */
  readonly judgesRecipients: boolean
}

type Base = () => Soon<Decision<undefined>>

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
    async features(peer, base) {
      const said = await features(peer, parts)
      if (said !== undefined && said.outcome !== "pass") return said
      const decision = await base()
      return said === undefined
        ? decision
        : { ...decision, reason: withTrail(decision.reason, [said.reason]) }
    },
    login: (peer) => login(peer, parts),
    server: (peer, facts, base) => judge("Local_tls_server", facts?.verify ?? "NONE", { peer, facts }, base),
    recipient: (address, peer, facts, base) => judge("Local_tls_rcpt", address, { peer, facts }, base),
  }
}

type About = { readonly peer: TlsPeer; readonly facts: TlsFacts | undefined }

async function ask(
  name: string,
  input: string,
  about: About,
  parts: SiteTlsParts,
): Promise<Decision<"accept"> | undefined> {
  const outcome = await run(name, input, about, parts)
  return outcome && ruleVerdict(name, outcome, parts.settings)
}

async function features(peer: TlsPeer, parts: SiteTlsParts): Promise<Decision<string> | undefined> {
  const name = "Local_clt_features"
  const outcome = await run(name, peer.host, { peer, facts: undefined }, parts)
  return outcome && wordsSaid(name, outcome, parts.settings)
}

const namesNobody = pass(because("authinfo", "the site's rules name no login for this host"))

/** What the rules wrote on their way has the password in it: only where they stand is told. */
async function login(peer: TlsPeer, parts: SiteTlsParts): Promise<Decision<string>> {
  const name = "authinfo"
  const outcome = await run(name, [peer.host, peer.address], { peer, facts: undefined }, parts)
  if (outcome === undefined) return namesNobody
  const at = outcome.steps.at(-1)?.at
  if (isResolved(outcome.tokens)) {
    const words = outcome.tokens.slice(1).filter((token) => typeof token === "string")
    return yes(words.join(" "), because(name, "the site's rules name a login", at))
  }
  const silent = cannotTell(name, outcome)
  if (silent === undefined) return namesNobody
  return {
    ...silent,
    reason: { ...because(name, "the site's rules have no answer now", at), role: "unknown" },
  }
}

/** What the rules leave; undefined where there are none. */
async function run(
  name: string,
  input: string | readonly string[],
  { peer, facts }: About,
  { rules, settings, access, dots }: SiteTlsParts,
): Promise<RuleOutcome | undefined> {
  if (rules?.has(name) !== true) return undefined
  return rules.run(name, inputTokens(input, settings), {
    macros: new Map(Object.entries(peerMacros(peer, facts))),
    bridges: accessBridges({ tables: access, dots, settings }),
  })
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
