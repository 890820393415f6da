// How Sieve compares texts: comparators, match types, relations, and the variables that :matches and :regex leave behind
// (RFC 5228 §2.7, RFC 5231, RFC 5229 §3.2).
import type { Call } from "./sieve-compile.ts"
import { compileRegex, matchRegex } from "./posix-regex.ts"

export type Comparison = {
  readonly type: "is" | "contains" | "matches" | "regex" | "count" | "value"
  readonly relation: string
  readonly comparator: string
}

/** What the tags of a test ask for. */
export function comparisonOf({ tags }: Call): Comparison {
  const comparator = String(tags.get("comparator") ?? "i;ascii-casemap")
  for (const type of ["contains", "matches", "regex", "count", "value"] as const)
    if (tags.has(type)) return { type, relation: String(tags.get(type)).toLowerCase(), comparator }
  return { type: "is", relation: "", comparator }
}

/** `groups`: what ${0}, ${1}, … are now; undefined when nothing changes them. */
export type Compared = { readonly matches: boolean; readonly groups: readonly string[] | undefined }

const no: Compared = { matches: false, groups: undefined }
const yes: Compared = { matches: true, groups: undefined }

/** Whether one of the keys matches one of the values. */
export function compare(
  comparison: Comparison,
  values: readonly string[],
  keys: readonly string[],
): Compared {
  if (comparison.type === "count") {
    const count = String(values.length)
    const byNumber = { ...comparison, comparator: "i;ascii-numeric" }
    return keys.some((key) => related(byNumber, count, key)) ? yes : no
  }
  for (const value of values) {
    for (const key of keys) {
      const found = compareOne(comparison, value, key)
      if (found.matches) return found
    }
  }
  return no
}

function compareOne(comparison: Comparison, value: string, key: string): Compared {
  const { type, comparator } = comparison
  switch (type) {
    case "is":
      return order(comparator, value, key) === 0 ? yes : no
    case "value":
      return related(comparison, value, key) ? yes : no
    case "contains":
      return folded(comparator, value).includes(folded(comparator, key)) ? yes : no
    case "matches": {
      const groups = matchGlob(value, key, comparator !== "i;octet")
      return groups === undefined ? no : { matches: true, groups }
    }
    case "regex": {
      const regex = compileRegex(key, comparator !== "i;octet")
      const groups = regex.ok ? matchRegex(regex.value, value) : undefined
      return groups === undefined ? no : { matches: true, groups }
    }
    case "count":
      return no
  }
}

function related({ relation, comparator }: Comparison, value: string, key: string): boolean {
  const way = order(comparator, value, key)
  switch (relation) {
    case "gt":
      return way > 0
    case "ge":
      return way >= 0
    case "lt":
      return way < 0
    case "le":
      return way <= 0
    case "eq":
      return way === 0
  }
  return way !== 0
}

function order(comparator: string, a: string, b: string): number {
  if (comparator === "i;ascii-numeric") {
    const [left, right] = [numeric(a), numeric(b)]
    return left === right ? 0 : left < right ? -1 : 1
  }
  const [left, right] = [folded(comparator, a), folded(comparator, b)]
  if (left === right) return 0
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}

/** RFC 4790 §9.1: what is no number is larger than all. */
function numeric(text: string): number {
  const digits = /^\d+/.exec(text.slice(0, 400))?.[0]
  return digits === undefined ? Number.POSITIVE_INFINITY : Number(digits)
}

function folded(comparator: string, text: string): string {
  return comparator === "i;ascii-casemap"
    ? text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
    : text
}

type Piece = { readonly kind: "many" | "one" | "text"; readonly text: string }

/** `*` as little as possible, `?` one character, `\` takes the next literally. What they stood for; undefined: no match. */
export function matchGlob(value: string, pattern: string, foldCase: boolean): readonly string[] | undefined {
  const fold = (text: string) => folded(foldCase ? "i;ascii-casemap" : "i;octet", text)
  const characters = [...value]
  const compared = [...fold(value)]
  const pieces = piecesOf(fold(pattern))
  const starts: number[] = []
  let at = 0
  let star = -1
  let starEnd = 0
  let n = 0
  for (;;) {
    const piece = pieces[n]
    starts[n] = at
    if (piece === undefined && at === characters.length) break
    if (piece?.kind === "many") {
      star = n++
      starEnd = at
      continue
    }
    const fits =
      piece !== undefined && at < characters.length && (piece.kind === "one" || piece.text === compared[at])
    if (fits) {
      at++
      n++
    } else if (star < 0 || starEnd >= characters.length) return undefined
    else {
      at = ++starEnd // the last star takes one more, and what is behind it is tried again
      n = star + 1
    }
  }
  const groups = pieces.flatMap(({ kind }, index) =>
    kind === "text" ? [] : [characters.slice(starts[index], starts[index + 1]).join("")],
  )
  return [value, ...groups]
}

function piecesOf(pattern: string): readonly Piece[] {
  const pieces: Piece[] = []
  const characters = [...pattern]
  for (let n = 0; n < characters.length; n++) {
    const c = characters[n] ?? ""
    if (c === "*") pieces.push({ kind: "many", text: "" })
    else if (c === "?") pieces.push({ kind: "one", text: "" })
    else pieces.push({ kind: "text", text: c === "\\" ? (characters[++n] ?? c) : c })
  }
  return pieces
}
