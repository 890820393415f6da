// Running rules: each rule of a ruleset is applied as long as its pattern matches, map lookups are put in, then other rulesets called
// (sendmail: rewrite). What happened is told step by step, each with the line of its rule.
import { because, type Reason } from "../mail/decision.ts"
import { lookUpAll } from "./rule-lookup.ts"
import { match, type Taken } from "./rule-match.ts"
import { addressScan, complain, type Ruleset, type Run, wrongRules } from "./rule-run.ts"
import { printName, type RulePart } from "./rule-text.ts"
import { marks, mostTokens, printTokens, stripQuotes, tokenize, type Token } from "./rule-tokens.ts"
import type { Rule } from "./rule.ts"

/** A rule that is applied oftener than this on one address goes in circles. */
const mostLoops = 100
/** All rules together: what rulesets that call each other in loops may cost. */
const mostApplied = 50_000
/** Steps that are told; what a wild ruleset does beyond is only counted. */
const mostSteps = 400

/** Runs a ruleset on an address. */
export async function rewrite(
  tokens: readonly Token[],
  ruleset: Ruleset,
  run: Run,
): Promise<readonly Token[]> {
  const { world } = run
  world.trace?.({ kind: "input", ruleset: ruleset.name, tokens })
  if (run.depth > world.deepest) {
    wrongRules(run, `rewrite: excessive recursion (max ${world.deepest}), ruleset ${ruleset.name}`)
    return tokens
  }
  run.depth++
  const result = "rules" in ruleset ? await runRules(tokens, ruleset, run) : await ruleset.bridge(tokens, run)
  run.depth--
  world.trace?.({ kind: "returns", ruleset: ruleset.name, tokens: result })
  return result
}

type Rules = Extract<Ruleset, { readonly rules: readonly Rule[] }>

async function runRules(from: readonly Token[], ruleset: Rules, run: Run): Promise<readonly Token[]> {
  const { trace } = run.world
  let tokens = from
  let loops = 0
  for (let n = 0; n < ruleset.rules.length; ) {
    const rule = ruleset.rules[n]
    if (rule === undefined || tokens[0] === marks.mailer) break
    trace?.({ kind: "trying", rule })
    const taken = match(rule.pattern, tokens, run.world)
    if (taken === undefined) {
      trace?.({ kind: "fails" })
      n++
      loops = 0
      continue
    }
    if (++loops > mostLoops) {
      wrongRules(run, `554 5.3.5 Infinite loop in ruleset ${ruleset.name}, rule ${n + 1}`)
      break
    }
    if (++run.applied > mostApplied) {
      wrongRules(
        run,
        `554 5.3.5 ruleset ${ruleset.name}: more than ${mostApplied} rules applied to one address`,
      )
      break
    }
    trace?.({ kind: "matches", rule })
    const next = await applyRule(rule, tokens, taken, ruleset.name, run)
    if (next === undefined) break
    tokens = next
    trace?.({ kind: "rewritten", tokens })
    if (rule.after === "return") break
    if (rule.after === "next") {
      n++
      loops = 0
    }
  }
  return tokens
}

/** The address as the rule makes it; undefined when that cannot be done. */
async function applyRule(
  rule: Rule,
  tokens: readonly Token[],
  taken: readonly Taken[],
  name: string,
  run: Run,
): Promise<readonly Token[] | undefined> {
  const filled = fillIn(rule.becomes, tokens, taken, run)
  const asked: Reason[] = []
  const looked = await lookUpAll(filled, run, asked)
  if (looked === undefined) return undefined
  if (looked.length > mostTokens) {
    wrongRules(run, "554 5.3.0 rewrite: expansion too long")
    return undefined
  }
  if (run.steps.length < mostSteps) run.steps.push(stepOf(rule, name, tokens, looked, asked))
  return callRulesets(looked, run)
}

function stepOf(
  rule: Rule,
  name: string,
  before: readonly Token[],
  after: readonly Token[],
  asked: readonly Reason[],
): Reason {
  const says = `"${printTokens(before).trimStart()}" is "${printTokens(after).trimStart()}"`
  return { ...because(name, says, rule.at, asked), role: "changed" }
}

/** `$1` … `$9` and `$&x`. */
function fillIn(becomes: readonly RulePart[], tokens: readonly Token[], taken: readonly Taken[], run: Run) {
  const out: Token[] = []
  for (const part of becomes) {
    if (typeof part === "string" || "mark" in part) out.push(part)
    else if ("copy" in part) {
      const place = taken[part.copy - 1]
      if (place !== undefined) for (let t = place.start; t < place.end; t++) out.push(tokens[t] ?? "")
    } else if ("late" in part) {
      const scanned = tokenize(run.world.macro(part.late) ?? "", addressScan(run.world))
      for (const says of scanned.complaints) complain(run, `${printName(part.late)}: ${says}`)
      for (const token of scanned.tokens) out.push(token)
    }
  }
  return out
}

/** `$>name rest`: the last call first; each gets all that stands behind it, and what it returns takes that place. */
async function callRulesets(tokens: readonly Token[], run: Run): Promise<readonly Token[]> {
  let whole = tokens
  for (let n = whole.length - 2; n >= 0; n--) {
    if (whole[n] !== marks.call) continue
    const called = whole[n + 1]
    const name = typeof called === "string" ? stripQuotes(called) : (called?.mark ?? "")
    const ruleset = run.world.ruleset(name)
    if (ruleset === undefined) {
      wrongRules(run, `554 5.3.5 Unknown ruleset ${name}`)
      return whole
    }
    const rest = whole.slice(n + 2)
    const empty = "rules" in ruleset && ruleset.rules.length === 0
    whole = [...whole.slice(0, n), ...(empty ? rest : await rewrite(rest, ruleset, run))]
  }
  return whole
}
