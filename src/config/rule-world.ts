// What rules may ask, put together from a configuration's classes, macros, rulesets and maps.
import type { RuleMap } from "./rule-maps.ts"
import type { Ruleset, RuleWorld } from "./rule-run.ts"
import { expandText } from "./rule-text.ts"
import { type Token, untokenize } from "./rule-tokens.ts"
import type { ClassMembers } from "./settings.ts"

export type RuleParts = {
  readonly classes: ReadonlyMap<string, ClassMembers>
  /** A macro's value as written; $j may name $w. */
  readonly macro: (name: string) => string | undefined
  /** Macros of this transaction ({client_addr} …) and those that rules set; they come before `macro`. */
  readonly ownMacros: Map<string, string>
  readonly ruleset: (name: string) => Ruleset | undefined
  readonly map: (name: string) => RuleMap | undefined
  readonly operators: string
  readonly blank: string
  readonly deepest: number
  readonly trace?: RuleWorld["trace"]
}

/** The world that rules run in. */
export function makeRuleWorld(parts: RuleParts): RuleWorld {
  const { classes, ownMacros, ruleset, map, operators, blank, deepest, trace } = parts
  const macro = (name: string) => ownMacros.get(name) ?? parts.macro(name)
  return {
    inClass: (name, phrase) => classes.get(name)?.has(phrase.toLowerCase()) === true,
    longest: (name) => longestOf(classes.get(name)),
    macro: (name) => {
      const value = macro(name)
      return value === undefined ? undefined : expandText(value, macro)
    },
    setMacro: (name, value) => {
      // One that was taken away is empty: what the configuration says of it does not come back.
      ownMacros.set(name, value ?? "")
    },
    join: (tokens: readonly Token[]) => untokenize(tokens, blank, operators),
    ruleset,
    map,
    operators,
    blank,
    deepest,
    trace,
  }
}

// Classes do not change once they are read, and their longest member is asked for by every `$=`.
const lengths = new WeakMap<ClassMembers, number>()

function longestOf(members: ClassMembers | undefined): number {
  if (members === undefined) return 0
  const known = lengths.get(members)
  if (known !== undefined) return known
  let longest = 0
  for (const member of members.keys()) longest = Math.max(longest, member.length)
  lengths.set(members, longest)
  return longest
}
