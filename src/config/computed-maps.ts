// The kinds of maps that compute their answer: arith, regex, macro, dequote, null, and sequence, which asks others.
import { fail, ok, type Result } from "../mail/result.ts"
import { posixRegex } from "./posix-regex.ts"
import {
  fillAnswer,
  foundValue,
  type MapAnswer,
  nothingFound,
  readRuleMapFlags,
  type RuleMap,
  type RuleMapFlags,
  type SetMacro,
} from "./rule-maps.ts"
import type { MapDeclaration } from "./settings.ts"

export type ComputedWorld = {
  /** Other maps, for sequence. */
  readonly map: (name: string) => RuleMap | undefined
  /** At least 0, below 1. */
  readonly random: () => number
}

type Lookup = RuleMap["lookup"]
type Make = (declaration: MapDeclaration, flags: RuleMapFlags, world: ComputedWorld) => Result<Lookup>

const makers: Readonly<Record<string, Make>> = {
  arith: (_declaration, _flags, world) => ok((key, parameters) => arith(key, parameters, world.random)),
  regex: (_declaration, flags) => makeRegex(flags),
  macro: () => ok(setMacro),
  dequote: (_declaration, flags) => ok((key) => dequote(key, flags)),
  null: () => ok(() => nothingFound),
  sequence: makeSequence,
}

/** Whether maps of this kind are computed here. */
export function isComputed(kind: string): boolean {
  return Object.hasOwn(makers, kind)
}

/** Makes a computed map, or says what is wrong with its declaration. */
export function computedMap(declaration: MapDeclaration, world: ComputedWorld): Result<RuleMap> {
  const { name, kind, args, at } = declaration
  const make = makers[kind]
  if (make === undefined) return fail(`${kind} is no kind of map that computes`)
  const flags = readRuleMapFlags(args)
  const lookup = make(declaration, flags, world)
  if (!lookup.ok) return fail(`map ${name}: ${lookup.error}`)
  return ok({
    name,
    kind,
    at,
    blank: flags.blank ?? (flags.all.has("s") && kind === "dequote" ? flags.all.get("s") : undefined),
    keepQuotes: flags.keepQuotes || kind === "dequote" || kind === "macro",
    onFailure: flags.onFailure,
    neverDefers: flags.all.has("t"),
    lookup: lookup.value,
  })
}

/** `$(arith + $@ 1 $@ 2 $)`: whole numbers of 32 bits; `l` and `=` answer TRUE or FALSE, `r` a number from first to second. */
function arith(key: string, parameters: readonly string[], random: () => number): MapAnswer {
  const [, first, second] = parameters
  if (first === undefined || second === undefined) return nothingFound
  const a = wholeNumber(first)
  const b = wholeNumber(second)
  switch (key) {
    case "+":
      return foundValue(String((a + b) | 0))
    case "-":
      return foundValue(String((a - b) | 0))
    case "*":
      return foundValue(String(Math.imul(a, b)))
    case "/":
      return b === 0 ? nothingFound : foundValue(String((a / b) | 0))
    case "%":
      return b === 0 ? nothingFound : foundValue(String(a % b))
    case "|":
      return foundValue(String(a | b))
    case "&":
      return foundValue(String(a & b))
    case "l":
    case "<":
      return foundValue(a < b ? "TRUE" : "FALSE")
    case "=":
      return foundValue(a === b ? "TRUE" : "FALSE")
    case "r":
      return b < a ? nothingFound : foundValue(String(a + Math.floor(random() * (b - a + 1))))
    default:
      return nothingFound
  }
}

/** atoi(3): what is no number is 0. */
function wholeNumber(text: string): number {
  return Number.parseInt(/^\s*[-+]?\d+/.exec(text)?.[0] ?? "0", 10) | 0
}

function setMacro(key: string, parameters: readonly string[], set: SetMacro): MapAnswer {
  const name = /^\{(.*)\}$/.exec(key)?.[1] ?? key
  const value = parameters[1]
  set(name, value === undefined || value === "" ? undefined : value)
  return foundValue("")
}

/** Quotes off, when what is left needs none: no blanks, balanced brackets; else nothing. */
function dequote(key: string, flags: RuleMapFlags): MapAnswer {
  const blank = flags.blank ?? flags.all.get("s")
  const text = blank === undefined || blank === "" ? key : key.replaceAll(" ", blank.charAt(0))
  const seen = { angle: 0, comment: 0, quotes: 0, open: false }
  let out = ""
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i)
    if (c === "\\") {
      if (i + 1 >= text.length) return nothingFound
      out += c + text.charAt(++i)
      continue
    }
    if (c === " " || c === "\t") return nothingFound
    if (c === "(") seen.comment++
    else if (c === ")" && seen.comment-- <= 0) return nothingFound
    if (seen.comment === 0 && c === '"') {
      seen.open = !seen.open
      seen.quotes++
      continue
    }
    if (seen.comment === 0 && c === "<") seen.angle++
    else if (seen.comment === 0 && c === ">" && seen.angle-- <= 0) return nothingFound
    out += c
  }
  const balanced = seen.angle === 0 && seen.comment === 0 && !seen.open
  return balanced && seen.quotes > 0 ? foundValue(out + flags.append) : nothingFound
}

/** -n: the answer is for what does not match; -s1,2: the answer is these groups; -b: basic syntax; -f: case counts. */
function makeRegex(flags: RuleMapFlags): Result<Lookup> {
  const { all, rest, keepCase, append, matchOnly } = flags
  const regex = posixRegex(rest, { syntax: all.has("b") ? "basic" : "extended", ignoreCase: !keepCase })
  if (!regex.ok) return fail(`"${rest}": ${regex.error}`)
  const groups = all.get("s")
  const wanted = groups === undefined || groups === "" ? undefined : groups.split(",").map(Number)
  if (wanted?.some((group) => !Number.isInteger(group) || group < 0) === true) {
    return fail(`-s${groups} does not name groups by their numbers`)
  }
  const between = all.get("d")
  return ok((key, parameters) => {
    const found = regex.value.match(key)
    if (all.has("n") === (found !== undefined)) return nothingFound
    if (matchOnly) return foundValue(key + append)
    if (groups === undefined || found === undefined) return foundValue(append)
    const parts = (wanted ?? found.map((_, n) => n)).map((group) => {
      const place = found[group]
      return place === undefined ? "" : key.slice(...place)
    })
    if (between !== undefined) return foundValue(fillAnswer(parts.join(between), parameters, append))
    return {
      ...foundValue(parts.join("$|") + append),
      parts: [...parts.slice(0, -1), (parts.at(-1) ?? "") + append],
    }
  })
}

/** The first map that knows the key answers. */
function makeSequence({ name, args }: MapDeclaration, _: RuleMapFlags, world: ComputedWorld): Result<Lookup> {
  const names = readRuleMapFlags(args)
    .rest.split(/[\s,]+/)
    .filter((one) => one !== "")
  if (names.length === 0) return fail("sequence needs the names of maps")
  if (names.some((one) => one.toLowerCase() === name.toLowerCase())) return fail("sequence names itself")
  return ok(async (key, parameters, set) => {
    for (const one of names) {
      const map = world.map(one)
      if (map === undefined) return { found: "unavailable", why: `there is no map ${one}` }
      const answer = await map.lookup(key, parameters, set)
      if (answer.found !== "nothing") return answer
    }
    return nothingFound
  })
}
