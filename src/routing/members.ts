// The right-hand side of an alias, a .forward or an :include: list as its members: addresses, programs, files, further lists.
import type { Origin } from "../mail/decision.ts"

export type Member = {
  readonly kind: "address" | "program" | "file" | "include" | "error"
  readonly text: string
  readonly at: Origin | undefined
}

/** Reads the members of a text that begins on the line `at`; in a file, lines that begin with # are comments. */
export function readMembers(text: string, at: Origin | undefined): readonly Member[] {
  const found: Member[] = []
  for (const [n, line] of text.split("\n").entries()) {
    if (line.trimStart().startsWith("#")) continue
    const here = at === undefined ? undefined : { ...at, line: at.line + n }
    for (const item of splitItems(line)) found.push(memberOf(item, here))
  }
  return found
}

function splitItems(line: string): readonly string[] {
  const items: string[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i <= line.length; i++) {
    const c = line[i]
    if (c === "\\") i++
    else if (c === '"') quoted = !quoted
    else if (i >= line.length || (c === "," && !quoted)) {
      const item = line.slice(start, i).trim()
      if (item !== "") items.push(item)
      start = i + 1
    }
  }
  return items
}

function memberOf(item: string, at: Origin | undefined): Member {
  const text = /^"\s*(?:\||\/|:include:).*"$/i.test(item)
    ? item.slice(1, -1).replaceAll(/\\(.)/g, "$1")
    : item
  const bare = text.trim()
  if (bare.startsWith("|")) return { kind: "program", text: bare.slice(1).trim(), at }
  if (bare.startsWith("/")) return { kind: "file", text: bare, at }
  if (/^:include:/i.test(bare)) return { kind: "include", text: bare.slice(9).trim(), at }
  if (/^error:/i.test(bare)) return { kind: "error", text: bare.slice(6).trim(), at }
  return { kind: "address", text: bare, at }
}
