// The syntax of POSIX regular expressions, extended and basic, as a tree (regex(7), with the words of GNU: \w \< \>).
import { fail, ok, type Result } from "../mail/result.ts"

export type Node =
  | { readonly kind: "character"; readonly takes: (c: string) => boolean }
  | { readonly kind: "place"; readonly place: "begin" | "end" | "word begin" | "word end" }
  | { readonly kind: "sequence"; readonly nodes: readonly Node[] }
  | { readonly kind: "either"; readonly nodes: readonly Node[] }
  | { readonly kind: "repeat"; readonly node: Node; readonly least: number; readonly most: number }
  | { readonly kind: "group"; readonly node: Node; readonly number: number }

type Reader = {
  readonly text: string
  readonly basic: boolean
  readonly fold: boolean
  at: number
  groups: number
  depth: number
  /** The first thing that is wrong; reading stops there. */
  error: string | undefined
}

const empty: Node = { kind: "sequence", nodes: [] }

function wrong(reader: Reader, why: string): Node {
  reader.error ??= why
  reader.at = reader.text.length
  return empty
}

/** Reads an expression; `groups` counts its parentheses. */
export function parseRegex(
  text: string,
  form: { readonly syntax: "extended" | "basic"; readonly ignoreCase: boolean },
): Result<{ readonly node: Node; readonly groups: number }> {
  const reader: Reader = {
    text,
    basic: form.syntax === "basic",
    fold: form.ignoreCase,
    at: 0,
    groups: 0,
    depth: 0,
    error: undefined,
  }
  const node = readEither(reader)
  return reader.error === undefined ? ok({ node, groups: reader.groups }) : fail(reader.error)
}

/** The operator at this place: `(`, `|`, `{` in extended syntax are `\(`, `\|`, `\{` in basic. */
function operatorAt({
  text,
  basic,
  at,
}: Reader): { readonly what: string; readonly length: number } | undefined {
  const c = text[at]
  if (c === undefined) return undefined
  const escaped = c === "\\" ? text[at + 1] : undefined
  if (basic) {
    if (escaped !== undefined && "(){}|+?".includes(escaped)) return { what: escaped, length: 2 }
    return c === "*" ? { what: c, length: 1 } : undefined
  }
  return "(){|*+?".includes(c) ? { what: c, length: 1 } : undefined
}

function isOperator(reader: Reader, what: string): boolean {
  return operatorAt(reader)?.what === what
}

function skipOperator(reader: Reader): void {
  reader.at += operatorAt(reader)?.length ?? 0
}

function readEither(reader: Reader): Node {
  const nodes = [readSequence(reader)]
  while (isOperator(reader, "|")) {
    skipOperator(reader)
    nodes.push(readSequence(reader))
  }
  const [only] = nodes
  return nodes.length === 1 && only !== undefined ? only : { kind: "either", nodes }
}

function readSequence(reader: Reader): Node {
  const nodes: Node[] = []
  while (reader.at < reader.text.length) {
    if (isOperator(reader, "|") || (isOperator(reader, ")") && reader.depth > 0)) break
    nodes.push(readRepeat(reader, nodes.length === 0))
  }
  return { kind: "sequence", nodes }
}

function readRepeat(reader: Reader, first: boolean): Node {
  let node = readAtom(reader, first)
  for (let what = operatorAt(reader)?.what; what !== undefined; what = operatorAt(reader)?.what) {
    if (what === "*") node = { kind: "repeat", node, least: 0, most: Number.POSITIVE_INFINITY }
    else if (what === "+") node = { kind: "repeat", node, least: 1, most: Number.POSITIVE_INFINITY }
    else if (what === "?") node = { kind: "repeat", node, least: 0, most: 1 }
    else if (what === "{") {
      node = { kind: "repeat", node, ...readBounds(reader) }
      continue
    } else break
    skipOperator(reader)
  }
  return node
}

const mostRepeats = 255

function readBounds(reader: Reader): { readonly least: number; readonly most: number } {
  skipOperator(reader)
  const rest = reader.text.slice(reader.at)
  const match = (reader.basic ? /^(\d*)(?:(,)(\d*))?\\\}/ : /^(\d*)(?:(,)(\d*))?\}/).exec(rest)
  if (match === null) return badBounds(reader)
  reader.at += match[0].length
  const least = Number(match[1])
  const most = match[2] === undefined ? least : match[3] === "" ? Number.POSITIVE_INFINITY : Number(match[3])
  if (least > most || least > mostRepeats || (Number.isFinite(most) && most > mostRepeats)) {
    return badBounds(reader)
  }
  return { least, most }
}

function badBounds(reader: Reader): { readonly least: number; readonly most: number } {
  wrong(reader, "Invalid content of \\{\\}")
  return { least: 1, most: 1 }
}

function readAtom(reader: Reader, first: boolean): Node {
  const operator = operatorAt(reader)
  if (operator?.what === "(") return readGroup(reader)
  if (operator?.what === ")") return strayParenthesis(reader)
  if (operator !== undefined && !reader.basic) return wrong(reader, "Invalid preceding regular expression")
  const c = reader.text.charAt(reader.at)
  reader.at++
  if (c === "[") return readSet(reader)
  if (c === ".") return { kind: "character", takes: () => true }
  if (c === "^" && (!reader.basic || first)) return { kind: "place", place: "begin" }
  if (c === "$" && (!reader.basic || endsHere(reader))) return { kind: "place", place: "end" }
  if (c !== "\\") return literal(c, reader)
  return readEscape(reader)
}

/** In basic syntax `$` is an anchor only at the end. */
function endsHere(reader: Reader): boolean {
  return reader.at >= reader.text.length || isOperator(reader, ")") || isOperator(reader, "|")
}

/** Outside of any group, `)` means itself in extended syntax; `\\)` of the basic one is a mistake. */
function strayParenthesis(reader: Reader): Node {
  if (reader.basic) return wrong(reader, "Unmatched ) or \\)")
  reader.at++
  return literal(")", reader)
}

function readGroup(reader: Reader): Node {
  skipOperator(reader)
  const number = ++reader.groups
  if (++reader.depth > 100) return wrong(reader, "parentheses are nested too deeply")
  const node = readEither(reader)
  if (!isOperator(reader, ")")) return wrong(reader, "Unmatched ( or \\(")
  skipOperator(reader)
  reader.depth--
  return { kind: "group", node, number }
}

function readEscape(reader: Reader): Node {
  const c = reader.text[reader.at++]
  if (c === undefined) return wrong(reader, "Trailing backslash")
  if (c >= "1" && c <= "9") return wrong(reader, `the back-reference \\${c} is not supported`)
  if (c === "<" || c === ">") return { kind: "place", place: c === "<" ? "word begin" : "word end" }
  const set = { w: /\w/, W: /\W/, s: /\s/, S: /\S/ }[c]
  return set === undefined ? literal(c, reader) : { kind: "character", takes: (one) => set.test(one) }
}

function literal(c: string, { fold }: Reader): Node {
  const wanted = fold ? c.toLowerCase() : c
  return { kind: "character", takes: (one) => one === wanted }
}

const named: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[\u0000-\u001f\u007f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t-\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
}

/** `[abc]`, `[^a-z]`, `[[:digit:]_]`; a `]` at the beginning and a `-` at either end mean themselves. */
function readSet(reader: Reader): Node {
  const { text, fold } = reader
  const not = text[reader.at] === "^"
  if (not) reader.at++
  const members: ((c: string) => boolean)[] = []
  for (let first = true; first || text[reader.at] !== "]"; first = false) {
    if (reader.at >= text.length) return wrong(reader, "Unmatched [, [^, [:, [., or [=")
    members.push(readMember(reader))
  }
  reader.at++
  const holds = (c: string) => members.some((member) => member(c))
  // The text is in lower case then: a set of capitals takes their small letters too.
  const either = fold ? (c: string) => holds(c) || holds(c.toUpperCase()) : holds
  return { kind: "character", takes: not ? (c) => !either(c) : either }
}

function readMember(reader: Reader): (c: string) => boolean {
  const { text } = reader
  const name = /^\[:([a-z]+):\]/.exec(text.slice(reader.at, reader.at + 16))
  if (name !== null) {
    reader.at += name[0].length
    const set = named[name[1] ?? ""]
    if (set === undefined) return badMember(reader, "Invalid character class name")
    return (c) => set.test(c)
  }
  const from = text.charAt(reader.at++)
  const to = text[reader.at + 1]
  if (text[reader.at] !== "-" || to === undefined || to === "]") return (c) => c === from
  reader.at += 2
  if (to < from) return badMember(reader, "Invalid range end")
  return (c) => c >= from && c <= to
}

function badMember(reader: Reader, why: string): () => boolean {
  wrong(reader, why)
  return () => false
}
