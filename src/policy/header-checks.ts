// H lines that name a ruleset for a field: `HSubject: $>CheckSubject`, `H*: $>CheckAny`; `$>+` keeps comments in what it is given.
import { stripQuotes } from "../config/rule-tokens.ts"
import type { Settings } from "../config/settings.ts"

export type HeaderCheck = { readonly ruleset: string; readonly comments: "keep" | "drop" }

/** By the field's name in lower case; `*` for all others. */
export function headerChecks({ localRules }: Pick<Settings, "localRules">): ReadonlyMap<string, HeaderCheck> {
  const checks = new Map<string, HeaderCheck>()
  for (const { text } of localRules) {
    const match = /^H(?:\?[^?]*\?)?([^\s:]+)\s*:\s*\$>\s*(\+)?\s*(\S+)/.exec(text)
    if (match === null) continue
    const [, name = "", plus, ruleset = ""] = match
    checks.set(name.toLowerCase(), {
      ruleset: stripQuotes(ruleset),
      comments: plus === undefined ? "drop" : "keep",
    })
  }
  return checks
}
