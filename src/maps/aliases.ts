// aliases(5): the file of local names that stand for others, and what may stand on its right-hand sides (and in .forward).
// Messages are those of sendmail's newaliases.
import type { Origin } from "../mail/decision.ts"
import { foldKey } from "./keys.ts"

export type Alias = {
  /** Lower case, quotes taken off: what a local part is looked up as. */
  readonly key: string
  /** The right-hand side, continuation lines joined, blanks before it dropped. */
  readonly value: string
  readonly line: number
  /** The length newaliases counts: that of the name with its quotes. */
  readonly nameLength: number
}

export type AliasProblem = {
  readonly line: number
  readonly says: string
  readonly severity: "error" | "warning"
}

export type AliasFile = {
  /** In order of appearance; for a name that is there twice only the later one. */
  readonly aliases: readonly Alias[]
  readonly problems: readonly AliasProblem[]
  /** What newaliases prints at the end; an overwritten alias counts too. */
  readonly count: number
  readonly longest: number
  readonly octets: number
}

/** Reads an alias file. Nothing is thrown: bad lines are problems, all others are aliases. */
export function parseAliases(text: string): AliasFile {
  const found = new Map<string, Alias>()
  const problems: AliasProblem[] = []
  let count = 0
  let longest = 0
  let octets = 0
  for (const { content, line } of logicalLines(text, problems)) {
    const read = readAlias(content, line)
    problems.push(...read.problems)
    const { alias } = read
    if (alias === undefined) continue
    if (found.has(alias.key)) {
      const says = `${read.name}... Warning: duplicate alias name ${alias.key}`
      problems.push({ line, says, severity: "warning" })
      found.delete(alias.key)
    }
    found.set(alias.key, alias)
    count++
    longest = Math.max(longest, Buffer.byteLength(alias.value))
    octets += alias.nameLength + Buffer.byteLength(alias.value)
  }
  return {
    aliases: [...found.values()],
    problems: problems.toSorted((a, b) => a.line - b.line),
    count,
    longest,
    octets,
  }
}

type Logical = { content: string; readonly line: number }

/** Lines with their continuations; comments and blank lines are gone. */
function logicalLines(text: string, problems: AliasProblem[]): Logical[] {
  const lines: Logical[] = []
  let open = false
  for (const [index, raw] of text.split("\n").entries()) {
    const content = raw.endsWith("\r") ? raw.slice(0, -1) : raw
    const last = lines.at(-1)
    if (/^[ \t]/.test(content)) {
      if (open && last !== undefined) last.content += content
      else if (content.trim() !== "") {
        problems.push({ line: index + 1, says: "Non-continuation line starts with space", severity: "error" })
      }
      continue
    }
    open = content !== "" && !content.startsWith("#")
    if (open) lines.push({ content, line: index + 1 })
  }
  return lines
}

type ReadAlias = {
  readonly alias: Alias | undefined
  readonly name: string
  readonly problems: readonly AliasProblem[]
}

function readAlias(content: string, line: number): ReadAlias {
  const bad = (says: string, name = ""): ReadAlias => ({
    alias: undefined,
    name,
    problems: [{ line, says, severity: "error" }],
  })
  const name = takeName(content)
  if (name === undefined) return bad("missing colon")
  const shown = content.slice(0, 40)
  if (name.key === "") return bad(`${shown}... illegal alias name`)
  if (name.key.includes("@") && !name.quoted)
    return bad(`${name.text}... cannot alias non-local names`, name.text)
  const value = content.slice(name.colon + 1).trimStart()
  if (value === "") return bad(`${shown}... missing value for alias`, name.text)
  const problems: AliasProblem[] = name.closed
    ? []
    : [{ line, says: `${content.trimEnd()}... Unbalanced '"'`, severity: "error" }]
  const key = foldKey(name.key)
  return {
    alias: { key, value, line, nameLength: Buffer.byteLength(name.printed) },
    name: name.text,
    problems,
  }
}

type Name = {
  readonly key: string
  /** As sendmail prints and counts it: quotes kept, blanks between words made dots. */
  readonly printed: string
  readonly text: string
  readonly quoted: boolean
  readonly closed: boolean
  readonly colon: number
}

/** The name before the colon. In quotes a colon is part of the name; blanks between bare words become dots (BlankSub). */
function takeName(content: string): Name | undefined {
  const quoted = content.startsWith('"')
  const first = content.indexOf(":")
  if (first < 0) return undefined
  if (!quoted) {
    const text = content.slice(0, first).trim()
    const key = text.replaceAll(/\s+/g, ".")
    return { key, printed: key, text, quoted, closed: true, colon: first }
  }
  const end = endOfQuotes(content)
  if (end === undefined) {
    // sendmail closes the quotes at the end of the line, and still takes what follows the first colon for the value.
    const key = content.slice(1).trimEnd()
    return { key, printed: `"${key}"`, text: content.trimEnd(), quoted, closed: false, colon: first }
  }
  const colon = content.indexOf(":", end)
  if (colon < 0) return undefined
  const inner = content.slice(1, end - 1).replaceAll(/\\(.)/g, "$1")
  const text = content.slice(0, colon).trim()
  return { key: inner + content.slice(end, colon).trim(), printed: text, text, quoted, closed: true, colon }
}

/** Just behind the quote that closes the one at the beginning. */
function endOfQuotes(content: string): number | undefined {
  for (let at = 1; at < content.length; at++) {
    if (content[at] === "\\") at++
    else if (content[at] === '"') return at + 1
  }
  return undefined
}

/** What a right-hand side leads to. */
export type Target = {
  readonly kind: "address" | "program" | "file" | "include" | "error"
  /** The address as written; the command line; the path; for `error` what follows error:. */
  readonly text: string
  /** The user whose further aliasing is switched off: `\gordon`. */
  readonly plain: boolean
  readonly at: Origin
}

/**
 * The targets of a right-hand side, of a .forward or of an :include: list that begins at `at`: parted by commas and line
 * ends, not inside quotes; in a file, a line that begins with # is a comment.
 */
export function parseTargets(text: string, at: Origin): readonly Target[] {
  const targets: Target[] = []
  let line = at.line
  for (let start = 0; start <= text.length; ) {
    const newline = text.indexOf("\n", start)
    const end = newline < 0 ? text.length : newline
    const column = line === at.line ? at.column : 1
    if (text[start] !== "#") lineTargets(text.slice(start, end), { ...at, line, column }, targets)
    start = end + 1
    line++
  }
  return targets
}

function lineTargets(content: string, at: Origin, targets: Target[]): void {
  let start = 0
  let quoted = false
  let comment = 0
  for (let end = 0; end <= content.length; end++) {
    const character = content[end]
    if (character === "\\") end++
    else if (character === '"') quoted = !quoted
    else if (!quoted && character === "(") comment++
    else if (!quoted && character === ")") comment = Math.max(0, comment - 1)
    if (end < content.length && (character !== "," || quoted || comment > 0)) continue
    const item = content.slice(start, end)
    const text = item.trim()
    const column = at.column + start + item.length - item.trimStart().length
    if (text !== "") targets.push(targetOf(text, { ...at, column }))
    start = end + 1
  }
}

function targetOf(item: string, at: Origin): Target {
  // "|program with, commas" and "/file name" are quoted as a whole; a quoted local part ("a b"@c) is not.
  const whole = /^"([^"\\]|\\.)*"$/.test(item) ? item.slice(1, -1).replaceAll(/\\(.)/g, "$1").trim() : item
  const plain = { plain: false, at }
  if (whole.startsWith("|")) return { kind: "program", text: whole.slice(1).trim(), ...plain }
  if (whole.startsWith("/")) return { kind: "file", text: whole, ...plain }
  if (/^:include:/i.test(whole)) return { kind: "include", text: whole.slice(9).trim(), ...plain }
  if (/^error:/i.test(whole)) return { kind: "error", text: whole.slice(6).trim(), ...plain }
  if (item.startsWith("\\")) return { kind: "address", text: item.slice(1), plain: true, at }
  return { kind: "address", text: item, ...plain }
}
