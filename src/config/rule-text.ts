// `$` in lines of sendmail.cf: $x and ${name} are macros, $* $+ $- $=x $~x match, $1 … $9 copy, $# $@ $: and their like are marks, $?x
// … $| … $. is a condition. Here text becomes a list of such parts, and macros and conditions are resolved (sendmail: expand).
import { type Mark, marks } from "./rule-tokens.ts"

/** A wildcard of a pattern; `class` is the class's letter or name. */
export type Wildcard =
  | { readonly match: "$*" | "$+" | "$-" }
  | { readonly match: "$=" | "$~"; readonly class: string }

/** `$&x` in a rule: the macro's value when the rule runs. */
export type LateMacro = { readonly late: string }

/** `$1` … `$9`: what the wildcard of that number matched. */
export type Copy = { readonly copy: number }

/** What stands in the text of a rule or of a macro's value. */
export type Part = string | Mark | Wildcard | Copy | LateMacro | EarlyMacro | Condition

type EarlyMacro = { readonly macro: string }
type Condition = { readonly condition: "if"; readonly macro: string } | { readonly condition: "end" }

/** What is left when macros and conditions are resolved. */
export type RulePart = Exclude<Part, EarlyMacro | Condition>

const markOf: ReadonlyMap<string, Mark> = new Map(
  Object.values(marks).map((mark) => [mark.mark.slice(1), mark] as const),
)

/** A line without its comment: `#` begins one unless it is `$#` or `\\#`; a blank before it goes too. */
export function withoutComment(line: string): string {
  let text = ""
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i)
    if (c !== "#" || i === 0 || line[i - 1] === "$") text += c
    else if (text.endsWith("\\")) text = `${text.slice(0, -1)}#`
    else {
      const end = line.indexOf("\n", i)
      text = text.replace(/[ \t]+$/, "")
      i = end < 0 ? line.length : end - 1
    }
  }
  return text
}

/** Reads the `$…` of a text. */
export function readParts(line: string): readonly Part[] {
  const parts: Part[] = []
  let start = 0
  let text = ""
  for (let dollar = line.indexOf("$"); dollar >= 0; dollar = line.indexOf("$", start)) {
    text += line.slice(start, dollar)
    const next = line[dollar + 1]
    if (next === "$" || next === undefined) {
      text += "$"
      start = dollar + 2
      continue
    }
    const [part, end] = readDollar(line, dollar + 1)
    if (text !== "") parts.push(text)
    text = ""
    parts.push(part)
    start = end
  }
  text += line.slice(start)
  if (text !== "") parts.push(text)
  return parts
}

/** The part that begins behind the `$` at `at`, and where it ends. */
function readDollar(line: string, at: number): readonly [Part, number] {
  const c = line.charAt(at)
  if ((c === "=" || c === "~") && at + 1 < line.length) {
    const [name, end] = readName(line, at + 1)
    return [{ match: c === "=" ? "$=" : "$~", class: name }, end]
  }
  if (c === "&" || c === "?") {
    const [name, end] = readName(line, at + 1)
    return [c === "&" ? { late: name } : { condition: "if", macro: name }, end]
  }
  if (c === "*" || c === "+" || c === "-") return [{ match: `$${c}` }, at + 1]
  if (c >= "1" && c <= "9") return [{ copy: Number(c) }, at + 1]
  if (c === ".") return [{ condition: "end" }, at + 1]
  const mark = markOf.get(c)
  if (mark !== undefined) return [mark, at + 1]
  const [name, end] = readName(line, at)
  return [{ macro: name }, end]
}

/** `x` or `{name}`; where the name ends. */
export function readName(line: string, at: number): readonly [name: string, end: number] {
  const close = line[at] === "{" ? line.indexOf("}", at) : -1
  return close < 0 ? [line.charAt(at), at + 1] : [line.slice(at + 1, close), close + 1]
}

/** A macro's value as it was written, `$` and all; undefined when there is none. */
export type MacroText = (name: string) => string | undefined

/** As deep as macros may name each other (MAXMACRORECURSION); deeper ones are a loop and left out. */
const deepest = 50

/** Resolves macros and conditions. A value may hold further macros; an unknown macro is empty. */
export function expandParts(parts: readonly Part[], macros: MacroText): readonly RulePart[] {
  const out: RulePart[] = []
  expandInto(out, parts, macros, 0)
  return out
}

function expandInto(out: RulePart[], parts: readonly Part[], macros: MacroText, depth: number): void {
  // One entry for each open $?: whether its part is wanted; an outer one that is not wanted rules out all within.
  const open: boolean[] = []
  for (const part of parts) {
    if (typeof part !== "string" && "condition" in part) {
      if (part.condition === "end") open.pop()
      else open.push((macros(part.macro) ?? "") !== "")
    } else if (part === marks.or && open.length > 0) open.push(!open.pop())
    else if (open.includes(false)) continue
    else if (typeof part !== "string" && "macro" in part) {
      const value = depth < deepest ? macros(part.macro) : undefined
      if (value !== undefined)
        expandInto(out, value.includes("$") ? readParts(value) : [value], macros, depth + 1)
    } else out.push(part)
  }
}

/** The text of a value with its macros resolved: what sendmail shows for `$j`. Marks and wildcards stay as written. */
export function expandText(value: string, macros: MacroText): string {
  if (!value.includes("$")) return value
  return expandParts(readParts(value), macros).map(printPart).join("")
}

/** A part as it is written in a rule. */
export function printPart(part: RulePart): string {
  if (typeof part === "string") return part
  if ("mark" in part) return part.mark
  if ("copy" in part) return `$${part.copy}`
  if ("late" in part) return `$&${printName(part.late)}`
  return "class" in part ? `${part.match}${printName(part.class)}` : part.match
}

/** `w`, `{client_addr}`. */
export function printName(name: string): string {
  return name.length === 1 ? name : `{${name}}`
}
