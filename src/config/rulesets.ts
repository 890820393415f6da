// Rulesets as they are declared: S lines name them, R lines fill them. From LOCAL_RULESETS of a sendmail.mc or from a sendmail.cf.
import type { Origin } from "../mail/decision.ts"
import { error, type Issue } from "./issues.ts"
import { expandText, type MacroText } from "./rule-text.ts"
import { stripQuotes } from "./rule-tokens.ts"
import { readRule, type Rule } from "./rule.ts"

export type NamedRules = {
  readonly name: string
  readonly number: number | undefined
  readonly rules: readonly Rule[]
  readonly at: Origin | undefined
}

/** By name in lower case, and by number. */
export type Rulesets = ReadonlyMap<string, NamedRules>

type Mutable = { name: string; number: number | undefined; rules: Rule[]; at: Origin | undefined }

/** Rulesets while lines are read. */
export type RulesetReader = {
  readonly rulesets: Map<string, Mutable>
  readonly issues: Issue[]
  readonly operators: string
  current: Mutable | undefined
}

export function newRulesets(operators: string): RulesetReader {
  return { rulesets: new Map(), issues: [], operators, current: undefined }
}

/** The largest number a ruleset may have (MAXRWSETS / 2); above are those that only have names. */
const largestNumber = 99

/**
 * An S line: `Sname`, `S3`, `Sname=3`. Rules go there from now on; a name that was there already gets more rules, as in
 * sendmail.
 */
export function selectRuleset(reader: RulesetReader, line: string, at: Origin, macros: MacroText): void {
  const text = expandText(line.slice(1), macros).trim()
  reader.current = enterRuleset(reader, text, at)
}

/** The ruleset of that name, `name=number` or number, made when it is new. */
export function enterRuleset(
  reader: RulesetReader,
  text: string,
  at: Origin | undefined,
): Mutable | undefined {
  const match = /^(?:(\d+)|("[^"]*"|[A-Za-z_][\w-]*)\s*(?:=\s*(\d+|\$[^\s]+))?)(?:\s.*)?$/s.exec(text)
  if (match === null) {
    reader.issues.push(error("bad-rule", `"${text}" names no ruleset`, at, "Sname, Sname=3 or S3"))
    return undefined
  }
  const given = match[1] ?? match[3]
  const number = given === undefined ? undefined : Number(given)
  if (number !== undefined && !(number <= largestNumber)) {
    reader.issues.push(error("bad-rule", `ruleset ${given}: numbers go from 0 to ${largestNumber}`, at))
    return undefined
  }
  const name = stripQuotes(match[2] ?? given ?? "")
  const { rulesets } = reader
  const byNumber = number === undefined ? undefined : rulesets.get(String(number))
  const found = rulesets.get(name.toLowerCase()) ?? byNumber ?? { name, number, rules: [], at }
  if (number !== undefined) {
    // sendmail takes another name for a number that has one; a name that was another ruleset's is a mistake.
    if (byNumber !== undefined && byNumber !== found) {
      reader.issues.push(error("bad-rule", `ruleset ${name}: ${number} is ${byNumber.name} already`, at))
      return undefined
    }
    if (found.number === undefined || found.name === String(found.number)) found.name = name
    found.number = number
    rulesets.set(String(number), found)
  }
  rulesets.set(name.toLowerCase(), found)
  return found
}

/** An R line, for the ruleset that the last S line named. */
export function addRule(reader: RulesetReader, line: string, at: Origin, macros: MacroText): void {
  if (reader.current === undefined) {
    reader.issues.push(error("bad-rule", "a rule before any ruleset is named (S line)", at))
    return
  }
  const { rule, issues } = readRule(line, at, macros, reader.operators)
  reader.issues.push(...issues)
  if (rule !== undefined) reader.current.rules.push(rule)
}
