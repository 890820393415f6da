// Where the operators of a typed address stand. One pass; nothing inside quotes or brackets counts, nor what a backslash
// protects. canonify.ts decides what they mean.
import { fail, ok, type Result } from "../mail/result.ts"

/** Positions in the text, -1 where there is none. */
export type Focus = {
  readonly firstAt: number
  readonly lastAt: number
  readonly lastPercent: number
  readonly firstBang: number
  readonly firstColon: number
  /** The whole text is one quoted string. */
  readonly quoted: boolean
}

/** Finds them, or says which bracket or quote is open. */
export function focus(text: string): Result<Focus> {
  const seen = { firstAt: -1, lastAt: -1, lastPercent: -1, firstBang: -1, firstColon: -1 }
  let quotes = 0
  let bracket = false
  let i = 0
  for (; i < text.length; i++) {
    const c = text[i]
    if (c === "\\") i++
    else if (c === '"') {
      i = endOfQuote(text, i)
      if (i < 0) return fail("Unbalanced '\"'")
      quotes++
    } else if (c === "[") bracket = true
    else if (c === "]") {
      if (!bracket) return fail("Unbalanced ']'")
      bracket = false
    } else if (!bracket && c !== undefined) mark(seen, c, i)
  }
  if (bracket) return fail("Unbalanced '['")
  const quoted = quotes === 1 && text.startsWith('"') && endOfQuote(text, 0) === text.length - 1
  return ok({ ...seen, quoted })
}

type Seen = { -readonly [K in Exclude<keyof Focus, "quoted">]: number }

function mark(seen: Seen, c: string, i: number): void {
  switch (c) {
    case "@":
      if (seen.firstAt < 0) seen.firstAt = i
      seen.lastAt = i
      break
    case "%":
      seen.lastPercent = i
      break
    case "!":
      if (seen.firstBang < 0) seen.firstBang = i
      break
    case ":":
      if (seen.firstColon < 0) seen.firstColon = i
      break
  }
}

/** Where the quote that opens at `start` closes, or -1. */
function endOfQuote(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text[i]
    if (c === "\\") i++
    else if (c === '"') return i
  }
  return -1
}

/** What stands in a quoted string. */
export function dequote(text: string): string {
  return text.slice(1, -1).replaceAll(/\\([\s\S])/g, "$1")
}
