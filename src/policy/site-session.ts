// A site's own rules about a session as a whole, at sendmail's hooks: Local_srv_features for what it offers, Local_greet_pause for how
// long it waits, Local_tls_client for its TLS, Local_Relay_Auth for what a login is worth, Local_trust_auth for whom it may name,
// check_etrn and check_other for commands.
import type { Arrival } from "../mail/arrival.ts"
import { type Decision, pass, withTrail, yes } from "../mail/decision.ts"
import type { Gate } from "../mail/gate.ts"
import { rulesReason } from "../routing/site-rules.ts"
import { ask, check, ruleVerdict, type Site, wordsSaid } from "./site-question.ts"
import { knownSubmitter, notTrusted } from "./trust-auth.ts"

/** The gate with these rules in front of ours; what the site has no rules for stays as it is. */
export function withSiteSession(gate: Gate, site: Site): Gate {
  const { rules } = site
  return {
    ...gate,
    ...(rules.has("Local_srv_features")
      ? { features: (arrival: Arrival) => features(arrival, gate, site) }
      : {}),
    ...(rules.has("Local_greet_pause") ? { pause: (arrival: Arrival) => pause(arrival, gate, site) } : {}),
    ...(rules.has("Local_tls_client")
      ? { secured: (arrival: Arrival) => tlsClient(arrival, "STARTTLS", gate.secured, site) }
      : {}),
    ...(rules.has("Local_trust_auth")
      ? { submitter: (arrival: Arrival, named: string) => submitter(arrival, named, site) }
      : {}),
    ...(rules.has("check_etrn")
      ? { queueRun: (arrival: Arrival, node: string) => etrn(arrival, node, site) }
      : {}),
    ...(rules.has("check_other")
      ? {
          other: (arrival: Arrival, line: string, digit: string) => other(arrival, [line, digit], gate, site),
        }
      : {}),
  }
}

/** The client's name and address, `$|` between them. */
function clientWords({ client }: Arrival): readonly [string, string] {
  const address = client?.address ?? "127.0.0.1"
  return [client?.name ?? `[${address}]`, address]
}

/** `$# S E` instead of what access says; anything else leaves it to that. */
async function features(arrival: Arrival, gate: Gate, site: Site): Promise<Decision<string>> {
  const name = "Local_srv_features"
  const outcome = await ask({ name, input: clientWords(arrival)[0], arrival }, site)
  const said = outcome === undefined ? undefined : wordsSaid(name, outcome, site.policy.routing.settings)
  if (said?.outcome === "yes" || said?.outcome === "later" || said?.outcome === "no") return said
  const decision = (await gate.features?.(arrival)) ?? nothing(name)
  return said === undefined ? decision : { ...decision, reason: withTrail(decision.reason, [said.reason]) }
}

/** `$# 5000`: milliseconds. */
async function pause(arrival: Arrival, gate: Gate, site: Site): Promise<Decision<number>> {
  const name = "Local_greet_pause"
  const outcome = await ask({ name, input: clientWords(arrival), arrival }, site)
  const said = outcome === undefined ? undefined : wordsSaid(name, outcome, site.policy.routing.settings)
  if (said?.outcome === "yes") {
    const milliseconds = Number(said.value)
    return milliseconds > 0 ? yes(Math.min(milliseconds, longestPause), said.reason) : pass(said.reason)
  }
  return (await gate.pause?.(arrival)) ?? nothing(name)
}

/** Clients wait five minutes for a greeting (RFC 5321 §4.5.3.2.1). */
const longestPause = 300_000

function nothing(name: string): Decision<never> {
  return pass({ step: name, says: "nothing is asked", at: undefined, after: [], role: "passed" })
}

/** Local_tls_client, asked of `{verify} $| MAIL` or `STARTTLS`; `$#` other than error lets it pass what access asks. */
export async function tlsClient(
  arrival: Arrival,
  when: "MAIL" | "STARTTLS",
  base: Gate["secured"],
  site: Site,
): Promise<Decision<undefined>> {
  const input = [arrival.tlsFacts?.verify ?? "NONE", when]
  const said = await check({ name: "Local_tls_client", input, arrival }, site)
  if (said.outcome === "no" || said.outcome === "later") return said
  if (said.outcome === "yes") return yes(undefined, said.reason)
  const decision = (await base?.(arrival)) ?? nothing("tls_client")
  return { ...decision, reason: withTrail(decision.reason, [said.reason]) }
}

/** Local_trust_auth, asked of AUTH= of MAIL by who is logged in as another: `$#` other than error believes it. */
async function submitter(arrival: Arrival, named: string, site: Site): Promise<Decision<undefined>> {
  const known = knownSubmitter(arrival, named)
  if (known.outcome !== "pass") return known
  const said = await check(
    { name: "Local_trust_auth", input: named, arrival, more: { auth_author: named } },
    site,
  )
  if (said.outcome === "no" || said.outcome === "later") return said
  if (said.outcome === "yes") return yes(undefined, said.reason)
  const usual = notTrusted(arrival, named)
  return { ...usual, reason: withTrail(usual.reason, [said.reason]) }
}

async function etrn(arrival: Arrival, node: string, site: Site): Promise<Decision<undefined>> {
  const said = await check({ name: "check_etrn", input: node, arrival }, site)
  return said.outcome === "yes" ? yes(undefined, said.reason) : said
}

/** check_other: the whole line of a command, and the first digit of our reply, behind what the FEATURE says. */
async function other(
  arrival: Arrival,
  [line, digit]: readonly [string, string],
  gate: Gate,
  site: Site,
): Promise<Decision<undefined>> {
  const ours = await gate.other?.(arrival, line, digit)
  if (ours?.outcome === "no" || ours?.outcome === "later") return ours
  const said = await check({ name: "check_other", input: [line, digit], arrival }, site)
  return said.outcome === "no" || said.outcome === "later" ? said : (ours ?? nothing("check_other"))
}

/**
 * Local_Relay_Auth, asked of `{auth_type}`: NO keeps a login from relaying, `$#error` refuses, any other `$#` lets it relay; silence
 * leaves it to class {TrustAuthMech}.
 */
export async function relayAuth(
  arrival: Arrival,
  site: Site,
): Promise<Decision<"accept" | "never"> | undefined> {
  const name = "Local_Relay_Auth"
  const outcome = await ask({ name, input: arrival.authType ?? "", arrival }, site)
  if (outcome === undefined) return undefined
  const [word] = outcome.tokens
  if (outcome.tokens.length === 1 && typeof word === "string" && word.toUpperCase() === "NO")
    return yes("never", rulesReason(name, "NO: a login is no reason to relay", outcome))
  return ruleVerdict(name, outcome, site.policy.routing.settings)
}
