// What rules look up, $(name key $@ argument $: default $): the kinds of K lines that compute, here; those that ask tables, DNS,
// accounts or programs are opened by the shell and handed in.
import type { Origin } from "../mail/decision.ts"

export type MapAnswer =
  | {
      readonly found: "value"
      readonly value: string
      readonly at: Origin | undefined
      /** The value in pieces that stand apart as by `$|`, whatever characters they hold. */
      readonly parts?: readonly string[]
    }
  | { readonly found: "nothing" }
  /** It could not be asked: never taken for nothing. */
  | { readonly found: "unavailable"; readonly why: string }

/** Sets a macro for the rest of a transaction; undefined takes it away. */
export type SetMacro = (name: string, value: string | undefined) => void

/** An open map. `parameters[0]` is the key, the others stood behind `$@`. */
export type RuleMap = {
  readonly name: string
  /** hash, regex, arith … */
  readonly kind: string
  /** The line that declared it. */
  readonly at: Origin | undefined
  /** -S or BlankSub: between two words of a key. */
  readonly blank: string | undefined
  /** -q: quotes of the key stay. */
  readonly keepQuotes: boolean
  /** -T: what a key that could not be looked up becomes, with the key before it; without it the lookup has failed for now. */
  readonly onFailure: string | undefined
  /** -t: that it does not answer keeps no mail waiting. */
  readonly neverDefers: boolean
  /** `setMacro` is that of the rules that ask: maps of class macro use it. */
  lookup(key: string, parameters: readonly string[], setMacro: SetMacro): MapAnswer | Promise<MapAnswer>
}

export const nothingFound: MapAnswer = { found: "nothing" }

/** An answer. */
export function foundValue(value: string, at?: Origin): MapAnswer {
  return { found: "value", value, at }
}

/** The flags that all kinds understand, and those of single kinds by their letter. */
export type RuleMapFlags = {
  readonly optional: boolean
  readonly keepCase: boolean
  readonly matchOnly: boolean
  readonly keepQuotes: boolean
  readonly append: string
  readonly onFailure: string | undefined
  readonly blank: string | undefined
  /** Every flag as written: letter and value. */
  readonly all: ReadonlyMap<string, string>
  /** What stands behind the flags: a file, an expression, names of other maps. */
  readonly rest: string
}

/** Reads what stands behind a map's kind: `-f -a.FOUND /etc/mail/file`. Values may be quoted: -a"two words". */
export function readRuleMapFlags(args: string): RuleMapFlags {
  const all = new Map<string, string>()
  let at = skipBlanks(args, 0)
  while (args[at] === "-" && /[A-Za-z0-9]/.test(args.charAt(at + 1))) {
    const letter = args.charAt(at + 1)
    const { value, end } = readValue(args, afterBlank.has(letter) ? skipBlanks(args, at + 2) : at + 2)
    all.set(letter, value)
    at = skipBlanks(args, end)
  }
  return {
    optional: all.has("o"),
    keepCase: all.has("f"),
    matchOnly: all.has("m"),
    keepQuotes: all.has("q"),
    append: all.get("a") ?? "",
    onFailure: all.get("T"),
    blank: all.get("S"),
    all,
    rest: args.slice(at).trim(),
  }
}

/** Columns and types of records may have a blank before them. */
const afterBlank: ReadonlySet<string> = new Set(["k", "v", "R"])

function skipBlanks(text: string, from: number): number {
  let at = from
  while (/\s/.test(text.charAt(at))) at++
  return at
}

function readValue(text: string, from: number): { readonly value: string; readonly end: number } {
  if (text[from] === '"') {
    const close = text.indexOf('"', from + 1)
    if (close > 0) return { value: text.slice(from + 1, close), end: close + 1 }
  }
  let end = from
  while (end < text.length && !/\s/.test(text.charAt(end))) end++
  return { value: text.slice(from, end), end }
}

/** An answer with its parameters put in: %0 the key, %1 … what stood behind `$@`, %% a percent sign; then -a behind it. */
export function fillAnswer(value: string, parameters: readonly string[], append: string): string {
  const filled = value.includes("%")
    ? value.replaceAll(/%([0-9%])/g, (_, n: string) => (n === "%" ? "%" : (parameters[Number(n)] ?? "")))
    : value
  return filled + append
}
