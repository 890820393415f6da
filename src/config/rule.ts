// One line R: pattern, tab, what it becomes, tab, a comment. Read once, with everything that can be wrong with it said then, so
// that running it (rewrite.ts) has nothing left to doubt.
import type { Origin } from "../mail/decision.ts"
import { error, type Issue, warning } from "./issues.ts"
import {
  expandParts,
  type MacroText,
  printPart,
  readParts,
  type RulePart,
  withoutComment,
} from "./rule-text.ts"
import { marks, tokenizeParts } from "./rule-tokens.ts"

export type Rule = {
  readonly pattern: readonly RulePart[]
  readonly becomes: readonly RulePart[]
  /** `$:` before it: applied at most once; `$@`: the ruleset ends with it; else again and again. */
  readonly after: "again" | "next" | "return"
  readonly at: Origin
}

/** The most wildcards of a pattern: there is no `$10`. */
const mostWildcards = 9

/** Reads a line that begins with R; undefined where it is no rule at all. */
export function readRule(
  line: string,
  at: Origin,
  macros: MacroText,
  operators: string,
): { readonly rule: Rule | undefined; readonly issues: readonly Issue[] } {
  const text = withoutComment(line).trimEnd().slice(1)
  const tab = text.indexOf("\t")
  if (tab < 0) {
    const hint = "a tab parts the pattern from what it becomes; blanks do not"
    return {
      rule: undefined,
      issues: [error("bad-rule", `no tab in the rule "${line.slice(0, 60)}"`, at, hint)],
    }
  }
  const side = (part: string) => cut(expandParts(readParts(part), macros), operators)
  const pattern = side(text.slice(0, tab))
  const becomes = side(text.slice(tab).replace(/^\t+/, "").split("\t", 1)[0] ?? "")
  const issues = [...wrongPattern(pattern, at), ...wrongResult(pattern, becomes, at)]
  const first = becomes[0]
  const after = first === marks.user ? "next" : first === marks.host ? "return" : "again"
  const rest = after === "again" ? becomes : becomes.slice(1)
  return { rule: { pattern, becomes: rest, after, at }, issues }
}

function cut(parts: readonly RulePart[], operators: string): readonly RulePart[] {
  const quoted = withTextInQuotes(parts)
  return tokenizeParts<Exclude<RulePart, string>>(quoted, { operators, comments: "keep", balance: false })
    .tokens
}

/** Inside quotes `$1` and its like are text: nothing is put in there. */
function withTextInQuotes(parts: readonly RulePart[]): readonly RulePart[] {
  let open = false
  return parts
    .map((part) => {
      if (typeof part !== "string") return open ? printPart(part) : part
      for (const found of part.matchAll(/\\.|"/gs)) if (found[0] === '"') open = !open
      return part
    })
    .reduce<RulePart[]>(joinText, [])
}

function joinText(all: RulePart[], part: RulePart): RulePart[] {
  const last = all.at(-1)
  if (typeof part === "string" && typeof last === "string") all[all.length - 1] = last + part
  else all.push(part)
  return all
}

function isWildcard(part: RulePart): boolean {
  return typeof part !== "string" && "match" in part
}

function wrongPattern(pattern: readonly RulePart[], at: Origin): Issue[] {
  const issues: Issue[] = []
  if (pattern.length === 0) issues.push(error("bad-rule", "the rule has no pattern", at))
  if (pattern.filter(isWildcard).length > mostWildcards) {
    issues.push(error("bad-rule", `more than ${mostWildcards} wildcards in a pattern`, at))
  }
  const allowed = new Set<RulePart>([marks.mailer, marks.host, marks.or])
  for (const part of pattern) {
    if (typeof part === "string" || isWildcard(part) || "late" in part || allowed.has(part)) continue
    issues.push(error("bad-rule", `${printPart(part)} has no meaning in a pattern`, at))
  }
  return issues
}

function wrongResult(pattern: readonly RulePart[], becomes: readonly RulePart[], at: Origin): Issue[] {
  const wildcards = pattern.filter(isWildcard).length
  const issues: Issue[] = []
  if (becomes.length === 0) issues.push(error("bad-rule", "the rule does not say what it becomes", at))
  let open: RulePart | undefined
  for (const part of becomes) {
    if (typeof part === "string") {
      if (part.startsWith('"') && part.includes("$")) issues.push(insideQuotes(part, at))
    } else if ("match" in part) {
      issues.push(error("bad-rule", `${printPart(part)} belongs in the pattern, before the tab`, at))
    } else if ("copy" in part && part.copy > wildcards) {
      issues.push(error("bad-rule", `$${part.copy}: the pattern has only ${wildcards} wildcards`, at))
    } else if (part === marks.mapBegin || part === marks.hostBegin) {
      if (open !== undefined) issues.push(error("bad-rule", "a lookup cannot stand in another", at))
      open = part
    } else if (part === marks.mapEnd || part === marks.hostEnd) open = undefined
  }
  if (open !== undefined) {
    const missing = open === marks.mapBegin ? "$)" : "$]"
    issues.push(error("bad-rule", `${printPart(open)} has no ${missing}`, at))
  }
  return issues
}

function insideQuotes(text: string, at: Origin): Issue {
  const hint = 'end the quotes before it: "550 Refused: " $1'
  return warning("bad-rule", `nothing is put in for $ inside the quotes of ${text}`, at, hint)
}
