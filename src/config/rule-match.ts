// Whether a pattern matches the tokens of an address, and what each of its wildcards took. Wildcards take as little as they can,
// from the left, as sendmail's do; what failed once is not tried again, so that no address costs more than its length squared.
import type { RulePart } from "./rule-text.ts"
import type { Token } from "./rule-tokens.ts"

export type MatchWorld = {
  /** Whether a class holds the phrase, in any case. */
  readonly inClass: (name: string, phrase: string) => boolean
  /** The length of a class's longest member: no longer phrase need be asked for. */
  readonly longest: (name: string) => number
  readonly macro: (name: string) => string | undefined
  /** Tokens as one phrase. */
  readonly join: (tokens: readonly Token[]) => string
}

/** What a wildcard took: tokens from `start` up to, not including, `end`. */
export type Taken = { readonly start: number; readonly end: number }

type Search = {
  readonly pattern: readonly RulePart[]
  readonly tokens: readonly Token[]
  readonly world: MatchWorld
  readonly taken: Taken[]
  /** Pairs of places in pattern and tokens that lead nowhere. */
  readonly dead: Set<number>
}

/** What the wildcards took, in their order; undefined when the pattern does not match. */
export function match(
  pattern: readonly RulePart[],
  tokens: readonly Token[],
  world: MatchWorld,
): readonly Taken[] | undefined {
  if (cannot(pattern, tokens)) return undefined
  const search: Search = { pattern, tokens, world, taken: [], dead: new Set() }
  return from(search, 0, 0) ? search.taken : undefined
}

/** The first and last part alone rule out most rules for most addresses. */
function cannot(pattern: readonly RulePart[], tokens: readonly Token[]): boolean {
  const first = pattern[0]
  const last = pattern.at(-1)
  if (first === undefined) return tokens.length > 0
  return (isExact(first) && !same(first, tokens[0])) || (isExact(last) && !same(last, tokens.at(-1)))
}

function isExact(part: RulePart | undefined): part is string {
  return typeof part === "string"
}

/** In any case, as sendmail compares; marks are one object each. */
function same(part: RulePart, token: Token | undefined): boolean {
  if (part === token) return true
  if (typeof part !== "string" || typeof token !== "string" || part.length !== token.length) return false
  return foldCase(part) === foldCase(token)
}

function foldCase(text: string): string {
  return /[A-Z]/.test(text) ? text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text
}

function from(search: Search, p: number, t: number): boolean {
  const part = search.pattern[p]
  if (part === undefined) return t === search.tokens.length
  const place = p * (search.tokens.length + 1) + t
  if (search.dead.has(place)) return false
  if (step(search, part, p, t)) return true
  search.dead.add(place)
  return false
}

function step(search: Search, part: RulePart, p: number, t: number): boolean {
  const { tokens } = search
  if (typeof part === "object") {
    if ("match" in part) return wildcard(search, part, p, t)
    if ("late" in part) return lateMacro(search, part.late, p, t)
    if ("mark" in part && part.mark === "$@") return from(search, p + 1, t) // nothing at all
  }
  return t < tokens.length && same(part, tokens[t]) && from(search, p + 1, t + 1)
}

type Wildcard = Extract<RulePart, { readonly match: string }>

function wildcard(search: Search, part: Wildcard, p: number, t: number): boolean {
  const { length } = search.tokens
  switch (part.match) {
    case "$-":
      return t < length && takes(search, p, t, t + 1)
    case "$~": {
      const token = search.tokens[t]
      const member = typeof token === "string" && search.world.inClass(part.class, token)
      return t < length && !member && takes(search, p, t, t + 1)
    }
    case "$=": {
      const longest = search.world.longest(part.class)
      for (let end = t + 1; end <= length; end++) {
        const phrase = search.world.join(search.tokens.slice(t, end))
        if (phrase.length > longest) return false
        if (search.world.inClass(part.class, phrase) && takes(search, p, t, end)) return true
      }
      return false
    }
    case "$+":
    case "$*":
      for (let end = part.match === "$*" ? t : t + 1; end <= length; end++) {
        if (takes(search, p, t, end)) return true
      }
      return false
  }
}

function takes(search: Search, p: number, start: number, end: number): boolean {
  search.taken.push({ start, end })
  if (from(search, p + 1, end)) return true
  search.taken.pop()
  return false
}

/** `$&x`: as many tokens as make up the value. It takes none of the numbers $1 to $9; at the end of an address it fails, value or not. */
function lateMacro(search: Search, name: string, p: number, t: number): boolean {
  let rest = foldCase(search.world.macro(name) ?? "")
  let at = t
  if (at === search.tokens.length) return false
  while (rest !== "") {
    const token = search.tokens[at++]
    if (typeof token !== "string" || !rest.startsWith(foldCase(token))) return false
    rest = rest.slice(token.length)
  }
  return from(search, p + 1, at)
}
