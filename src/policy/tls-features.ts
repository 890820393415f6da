// TLS for one host (FEATURE(tls_session_features): TLS_Srv_Features: and TLS_Clt_Features: in access, and the site's own rulesets
// tls_srv_features and tls_clt_features): `CipherList=HIGH; Options=SSL_OP_NO_TLSv1_2; CertFile=…; KeyFile=…; Flags=R`. What makes no
// sense keeps TLS from being begun: a host that was to be treated specially is not treated as any other (sendmail: tls.c,
// get_tls_se_options).
import { because, type Decision, later, pass, type Reason, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { TlsTerms } from "../mail/tls-terms.ts"
import { option } from "../config/options.ts"
import { untokenize } from "../config/rule-tokens.ts"
import { feature, type Settings } from "../config/settings.ts"
import type { LookupTable } from "../maps/table.ts"
import { cause } from "../routing/reasons.ts"
import { cannotTell, rulesReason, type SiteRules } from "../routing/site-rules.ts"
import { accessBridges } from "./check-bridges.ts"
import { inputTokens } from "./site-question.ts"
import { askTag, peerKeys, type TlsPeer } from "./tls.ts"

export type TlsFeatureParts = {
  readonly rules: SiteRules | undefined
  readonly settings: Settings
  readonly access: readonly LookupTable[]
  /** FEATURE(lookupdotdomain). */
  readonly dots: boolean
}

/** What TLS is with this host, as its client (`clt`) or server (`srv`); a pass: as with all. */
export type TlsFeatures = (peer: TlsPeer) => Promise<Decision<TlsTerms>>

const usual = pass({
  ...because("tls_features", "TLS is with this host as with all"),
  role: "passed",
} as const)

/** Made once for each configuration; undefined where no line asks for it. */
export function makeTlsFeatures(side: "srv" | "clt", parts: TlsFeatureParts): TlsFeatures | undefined {
  const { rules, settings, access } = parts
  const used = feature(settings, "tls_session_features")
  const ruleset = `tls_${side}_features`
  const asksRules = rules?.has(ruleset) === true
  if (!asksRules && (used === undefined || access.length === 0)) return undefined
  return async (peer) => {
    const said = asksRules ? await byRules(ruleset, peer, parts) : usual
    if (said.outcome !== "pass" || used === undefined) return said
    const tag = side === "srv" ? "TLS_Srv_Features" : "TLS_Clt_Features"
    const listed = await askTag(access, tag, peerKeys(peer))
    if (listed.found === "silent") return listed.decision
    if (listed.found === "nothing") return usual
    const { reason, entry } = listed
    const after = [...reason.after, ...cause("FEATURE(tls_session_features)", used.at)]
    return read(entry.value, { ...reason, after })
  }
}

async function byRules(
  ruleset: string,
  { host, address }: TlsPeer,
  { rules, settings, access, dots }: TlsFeatureParts,
): Promise<Decision<TlsTerms>> {
  const outcome = await rules?.run(ruleset, inputTokens([host, address], settings), {
    macros: new Map(),
    bridges: accessBridges({ tables: access, dots, settings }),
  })
  if (outcome === undefined || outcome.steps.length === 0) return usual
  const silent = cannotTell(ruleset, outcome)
  if (silent !== undefined) return silent
  const text = untokenize(outcome.tokens, "", option(settings, "OperatorChars")).replaceAll('"', "")
  return text === "" ? usual : read(text, rulesReason(ruleset, text, outcome))
}

/** sendmail's reply where TLS cannot be begun now. */
const notNow = reply(454, "4.3.3", "TLS not available: local configuration error")

function read(text: string, reason: Reason): Decision<TlsTerms> {
  const terms = parseTlsTerms(text)
  if (terms.ok) return yes(terms.value, reason)
  return later(notNow, { ...reason, says: `${reason.says}, which is wrong: ${terms.error}`, role: "unknown" })
}

/** `CipherList=HIGH; Flags=c`; the error says what is wrong. */
export function parseTlsTerms(text: string): Result<TlsTerms> {
  const terms: TlsTerms = {}
  for (const item of text.split(";")) {
    if (item.trim() === "") continue
    const equals = item.indexOf("=")
    const key = (equals < 0 ? item : item.slice(0, equals)).trim()
    const one = readOne(key, equals < 0 ? "" : item.slice(equals + 1).trim())
    if (!one.ok) return one
    Object.assign(terms, one.value)
  }
  return (terms.certificate === undefined) === (terms.key === undefined)
    ? ok(terms)
    : fail("CertFile= and KeyFile= need each other")
}

function readOne(key: string, value: string): Result<TlsTerms> {
  if (value === "") return fail(`${key}= has no value`)
  switch (key.toLowerCase()) {
    case "options":
      return ok({ options: value.split(/[\s,]+/) })
    case "cipherlist":
      return ok({ ciphers: value })
    case "certfile":
      return ok({ certificate: value })
    case "keyfile":
      return ok({ key: value })
    case "flags":
      return readFlags(value)
  }
  return fail(`there is no key ${key}=: Options, CipherList, CertFile, KeyFile and Flags are known`)
}

const flags: Readonly<Record<string, TlsTerms>> = {
  R: { needsRevocations: true },
  c: { fallsBack: false },
  C: { fallsBack: true },
  d: { noDane: true },
}

function readFlags(value: string): Result<TlsTerms> {
  const terms: TlsTerms = {}
  for (const letter of value.replaceAll(/[\s,]/g, "")) {
    const one = Object.hasOwn(flags, letter) ? flags[letter] : undefined
    if (one === undefined) return fail(`Flags= has no letter "${letter}": R, c, C and d are known`)
    Object.assign(terms, one)
  }
  return ok(terms)
}
