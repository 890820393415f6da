// One evaluation of rules: what they may ask, what was found wrong, and the steps that were taken. rewrite.ts runs it.
import type { Reason } from "../mail/decision.ts"
import type { MatchWorld } from "./rule-match.ts"
import type { RuleMap, SetMacro } from "./rule-maps.ts"
import type { Token } from "./rule-tokens.ts"
import type { Rule } from "./rule.ts"

/** Rules of a configuration, or a decision of our own that rules may call by the name of sendmail's ruleset. */
export type Ruleset =
  | { readonly name: string; readonly rules: readonly Rule[] }
  | {
      readonly name: string
      readonly bridge: (tokens: readonly Token[], run: Run) => Promise<readonly Token[]>
    }

/** What rules may ask. */
export type RuleWorld = MatchWorld & {
  readonly ruleset: (name: string) => Ruleset | undefined
  readonly map: (name: string) => RuleMap | undefined
  readonly setMacro: SetMacro
  /** OperatorChars. */
  readonly operators: string
  /** BlankSub. */
  readonly blank: string
  /** MaxRuleRecursion. */
  readonly deepest: number
  /** Told of each step as it happens, for -bt. */
  readonly trace?: ((event: TraceEvent) => void) | undefined
}

export type TraceEvent =
  | { readonly kind: "input" | "returns"; readonly ruleset: string; readonly tokens: readonly Token[] }
  | { readonly kind: "trying"; readonly rule: Rule }
  | { readonly kind: "fails" }
  | { readonly kind: "matches"; readonly rule: Rule }
  | { readonly kind: "rewritten"; readonly tokens: readonly Token[] }
  | { readonly kind: "complaint"; readonly says: string }

/** One evaluation: what was found wrong, and the steps. Handed on to rulesets that rulesets call. */
export type Run = {
  readonly world: RuleWorld
  readonly steps: Reason[]
  readonly complaints: string[]
  /** `unavailable`: a lookup has no answer now; `wrong`: the rules themselves are at fault. Neither is a no. */
  status: "ok" | "unavailable" | "wrong"
  /** Rules applied so far. */
  applied: number
  /** Rulesets called from rulesets. */
  depth: number
}

/** A new evaluation. */
export function newRun(world: RuleWorld): Run {
  return { world, steps: [], complaints: [], status: "ok", applied: 0, depth: 0 }
}

/** Says what is wrong with the rules or the address; nothing is decided by it alone. */
export function complain(run: Run, says: string): void {
  run.complaints.push(says)
  run.world.trace?.({ kind: "complaint", says })
}

/** As complain; the result of the rules cannot be relied on. */
export function wrongRules(run: Run, says: string): void {
  if (run.status === "ok") run.status = "wrong"
  complain(run, says)
}

/** How text from outside is cut. */
export function addressScan({ operators }: Pick<RuleWorld, "operators">) {
  return { operators, comments: "drop", balance: true } as const
}
