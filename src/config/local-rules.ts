// The rules a site writes into its sendmail.mc (LOCAL_RULE_0 … 3, LOCAL_RULESETS, LOCAL_NET_CONFIG …), read into rulesets by the
// names of sendmail's hooks. Which hook asks which ruleset is routing's and policy's affair.
import type { Origin } from "../mail/decision.ts"
import { error, type Issue, suggestion, warning } from "./issues.ts"
import { marks } from "./rule-tokens.ts"
import { isOurRuleset, ourMaps, ourRulesets, unaskedHooks } from "./ruleset-names.ts"
import {
  addRule,
  enterRuleset,
  newRulesets,
  type RulesetReader,
  type Rulesets,
  selectRuleset,
} from "./rulesets.ts"
import type { Rule } from "./rule.ts"
import type { LocalLine, MapDeclaration, Setting } from "./settings.ts"

/** The ruleset that a section's rules go to until an S line names another. */
const rulesetOf: Readonly<Record<string, string>> = {
  LOCAL_RULE_0: "LOCAL_RULE_0",
  LOCAL_RULE_1: "1",
  LOCAL_RULE_2: "2",
  LOCAL_RULE_3: "LOCAL_RULE_3",
  LOCAL_NET_CONFIG: "LOCAL_NET_CONFIG",
  LOCAL_DNSBL: "LOCAL_DNSBL",
  LOCAL_SRV_FEATURES: "Local_srv_features",
  LOCAL_CLT_FEATURES: "Local_clt_features",
  LOCAL_TRY_TLS: "Local_try_tls",
  LOCAL_TLS_RCPT: "Local_tls_rcpt",
  LOCAL_TLS_CLIENT: "Local_tls_client",
  LOCAL_TLS_SERVER: "Local_tls_server",
}

export type LocalSource = {
  readonly localRules: readonly LocalLine[]
  readonly macros: ReadonlyMap<string, Setting<string>>
  readonly maps: ReadonlyMap<string, MapDeclaration>
  readonly tables: readonly { readonly name: string }[]
  /** OperatorChars. */
  readonly operators: string
}

/** The site's rulesets, and what is wrong with them; none when it has no rules. */
export function readLocalRules(source: LocalSource): {
  readonly rulesets: Rulesets
  readonly issues: readonly Issue[]
} {
  const reader = newRulesets(source.operators)
  const macros = (name: string) => source.macros.get(name)?.value
  let section: string | undefined
  for (const line of source.localRules) {
    if (line.section !== section) {
      section = line.section
      const name = rulesetOf[section]
      reader.current = name === undefined ? undefined : enterRuleset(reader, name, line.at)
    }
    if (line.text.startsWith("S")) selectRuleset(reader, line.text, line.at, macros)
    else if (line.text.startsWith("R")) addRule(reader, line.text, line.at, macros)
  }
  standForOurs(reader, source)
  return { rulesets: reader.rulesets, issues: [...reader.issues, ...unknownNames(reader, source)] }
}

/** Rulesets of proto.m4 that are empty without the access map, and the hook that asks the same. */
const emptyWithoutAccess: ReadonlyMap<string, string> = new Map([
  ["srv_features", "Local_srv_features"],
  ["clt_features", "Local_clt_features"],
  ["try_tls", "Local_try_tls"],
  ["tls_rcpt", "Local_tls_rcpt"],
])

/** Without access, rules that a site writes into one of these are all there is of it: they are asked as its hook's are. */
function standForOurs({ rulesets }: RulesetReader, { tables }: LocalSource): void {
  if (tables.some(({ name }) => name === "access")) return
  for (const [name, hook] of emptyWithoutAccess) {
    const own = rulesets.get(name)
    if (own !== undefined && !rulesets.has(hook.toLowerCase())) rulesets.set(hook.toLowerCase(), own)
  }
}

/** Whether nothing asks the rules of this name: sendmail's own stand before them, and let nothing through. */
function isUnasked(key: string, tables: LocalSource["tables"]): boolean {
  return (
    unaskedHooks.has(key) && (tables.some(({ name }) => name === "access") || !emptyWithoutAccess.has(key))
  )
}

/** Maps and rulesets that rules name and nobody has; and rulesets of a name that is ours to decide. */
function unknownNames({ rulesets }: RulesetReader, source: LocalSource): readonly Issue[] {
  const issues: Issue[] = []
  const maps = new Set([
    ...source.maps.keys(),
    ...ourMaps,
    ...source.tables.map(({ name }) => name.toLowerCase()),
  ])
  for (const [key, ruleset] of rulesets) {
    if (key !== ruleset.name.toLowerCase()) continue // by number: it has its turn by name
    if (isOurRuleset(key) && ruleset.rules.length > 0) issues.push(addedToOurs(ruleset.name, ruleset.at))
    if (isUnasked(key, source.tables) && ruleset.rules.length > 0)
      issues.push(neverAsked(ruleset.name, ruleset.at))
    for (const rule of ruleset.rules) {
      issues.push(...unknownMaps(rule, maps), ...unknownCalls(rule, rulesets))
    }
  }
  return issues
}

function addedToOurs(name: string, at: Origin | undefined): Issue {
  const hint = "sendmail puts them behind its own; a ruleset of the name Local_… is asked before"
  return warning("risky", `the rules added to ${name} are run on what ${name} leaves`, at, hint)
}

function neverAsked(name: string, at: Origin | undefined): Issue {
  const hint = "other rules may still call it"
  return warning("not-supported", `nothing here asks the ruleset ${name}: its rules have no effect`, at, hint)
}

function unknownMaps(rule: Rule, known: ReadonlySet<string>): Issue[] {
  const issues: Issue[] = []
  for (const [n, part] of rule.becomes.entries()) {
    const name = part === marks.mapBegin ? rule.becomes[n + 1] : undefined
    if (typeof name !== "string" || known.has(name.toLowerCase())) continue
    issues.push(
      error(
        "bad-rule",
        `there is no map ${name}`,
        rule.at,
        suggestion(name, known) ?? `K${name} declares one`,
      ),
    )
  }
  return issues
}

function unknownCalls(rule: Rule, rulesets: Rulesets): Issue[] {
  const issues: Issue[] = []
  for (const [n, part] of rule.becomes.entries()) {
    const called = part === marks.call ? rule.becomes[n + 1] : undefined
    if (typeof called !== "string") continue
    const name = called.replaceAll('"', "").toLowerCase()
    if (rulesets.has(name) || isOurRuleset(name)) continue
    const hint = suggestion(name, [...rulesets.keys(), ...ourRulesets])
    issues.push(error("bad-rule", `there is no ruleset ${called}`, rule.at, hint))
  }
  return issues
}
