// The names of sendmail's own rulesets and maps that a site's rules may use: behind each stands a decision of ours
// (routing/rule-bridges.ts, policy/rule-bridges.ts).

/** Rulesets that decide here, by the name sendmail gives them. */
export const ourRulesets: readonly string[] = [
  "canonify",
  "Canonify2",
  "CanonAddr",
  "parse",
  "Parse0",
  "Parse1",
  "Recurse",
  "localaddr",
  "final",
  "MasqHdr",
  "MasqEnv",
  "check_relay",
  "check_mail",
  "check_rcpt",
  "Basic_check_relay",
  "Basic_check_mail",
  "Basic_check_rcpt",
  "Rcpt_ok",
  "Relay_ok",
  "D",
  "A",
  "LookUpDomain",
  "LookUpAddress",
]

/** The same by number. */
export const numbersOfOurs: ReadonlyMap<string, string> = new Map([
  ["0", "parse"],
  ["3", "canonify"],
  ["4", "final"],
  ["5", "localaddr"],
  ["93", "MasqHdr"],
  ["94", "MasqEnv"],
  ["96", "Canonify2"],
  ["97", "Recurse"],
])

const known: ReadonlySet<string> = new Set([
  ...ourRulesets.map((name) => name.toLowerCase()),
  ...numbersOfOurs.keys(),
])

/** Whether we answer for this ruleset. */
export function isOurRuleset(name: string): boolean {
  return known.has(name.toLowerCase())
}

/** Hooks of sendmail that nothing here asks: rules for them would be silent, so they are told. */
export const unaskedHooks: ReadonlySet<string> = new Set(
  (
    "srv_features clt_features try_tls tls_rcpt tls_client tls_server trust_auth " +
    "greet_pause queuegroup bestmx"
  )
    .toLowerCase()
    .split(" "),
)

/** Maps that are there without a K line. */
export const ourMaps: readonly string[] = ["host", "dequote", "macro", "arith", "virtuser", "generics"]
