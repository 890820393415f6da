// What is wrong with a configuration or map file, and where. Issues are collected, never thrown: all are told at once.
// An error keeps the configuration from being used, a warning does not.
import { type Origin, printOrigin } from "../mail/decision.ts"

/** What kind of mistake it is. */
export type IssueCode =
  | "unknown-word"
  | "unknown-feature"
  | "unknown-option"
  | "unknown-mailer"
  | "bad-value"
  | "bad-arguments"
  | "bad-line"
  | "bad-rule"
  | "stray-text"
  | "obsolete"
  | "not-supported"
  | "unreadable"
  | "limit"
  | "m4"
  | "risky"
  | "duplicate"
  | "order"

export type Issue = {
  readonly severity: "error" | "warning"
  readonly code: IssueCode
  readonly message: string
  readonly at: Origin | undefined
  /** What to do about it: "did you mean access_db?" */
  readonly hint?: string
  /** The text of the line at `at`, for the picture with the caret. */
  readonly source?: string
  /** How many characters from `at.column` on are meant; 1 when absent. */
  readonly width?: number
}

/** Longest message in characters: it may quote what is wrong, which may be of any length. */
const longest = 400

function clipped(message: string): string {
  return message.length <= longest ? message : `${message.slice(0, longest)}…`
}

/** A mistake that keeps the file from being used. */
export function error(code: IssueCode, message: string, at: Origin | undefined, hint?: string): Issue {
  return { severity: "error", code, message: clipped(message), at, ...(hint === undefined ? {} : { hint }) }
}

/** Something to know about a file that can be used. */
export function warning(code: IssueCode, message: string, at: Origin | undefined, hint?: string): Issue {
  return { severity: "warning", code, message: clipped(message), at, ...(hint === undefined ? {} : { hint }) }
}

/** Whether any of them is an error. */
export function hasErrors(issues: readonly Issue[]): boolean {
  return issues.some((issue) => issue.severity === "error")
}

/** The issue with the text of its line, when `sources` (file → text) holds the file. */
export function withSource(issue: Issue, sources: ReadonlyMap<string, string>): Issue {
  const text = issue.at === undefined ? undefined : sources.get(issue.at.file)
  if (issue.at === undefined || text === undefined || issue.source !== undefined) return issue
  const line = lineOf(text, issue.at.line)
  return line === undefined ? issue : { ...issue, source: line }
}

function lineOf(text: string, number: number): string | undefined {
  let start = 0
  for (let line = 1; line < number; line++) {
    const end = text.indexOf("\n", start)
    if (end < 0) return undefined
    start = end + 1
  }
  const end = text.indexOf("\n", start)
  return text.slice(start, end < 0 ? undefined : end)
}

/**
 * The issue as lines for a terminal:
 *
 *     /etc/mail/sendmail.mc:9:1: error: there is no word FEATUER
 *       9 | FEATUER(`access_db')dnl
 *         | ^~~~~~~
 *         did you mean FEATURE?
 */
export function printIssue(issue: Issue): string {
  const { at } = issue
  const where = at === undefined ? "" : `${printOrigin(at)}:${at.column}: `
  const lines = [`${where}${issue.severity}: ${issue.message}`]
  if (at !== undefined && issue.source !== undefined)
    lines.push(...picture(at, issue.source, issue.width ?? 1))
  if (issue.hint !== undefined) lines.push(`    ${issue.hint}`)
  for (let via = at?.via; via !== undefined; via = via.via) lines.push(`    from ${printOrigin(via)}`)
  return lines.join("\n")
}

function picture(at: Origin, source: string, width: number): string[] {
  const number = String(at.line).padStart(5)
  // Tabs stay tabs in the caret's line, so that it stands under what it points at.
  const indent = source.slice(0, at.column - 1).replaceAll(/[^\t]/g, " ")
  const tail = Math.max(0, Math.min(width, source.length - at.column + 1) - 1)
  return [`${number} | ${source}`, `${" ".repeat(number.length)} | ${indent}^${"~".repeat(tail)}`]
}

/** The known word nearest to `word` by edit distance, when it is near enough to be meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const folded = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    const distance = editDistance(folded, candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
export function editDistance(from: string, to: string): number {
  let before: number[] = []
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const current = [i]
    for (let j = 1; j <= to.length; j++) {
      const cost = from[i - 1] === to[j - 1] ? 0 : 1
      let best = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost)
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (swapped) best = Math.min(best, (before[j - 2] ?? 0) + 1)
      current.push(best)
    }
    before = previous
    previous = current
  }
  return previous[to.length] ?? 0
}

/** "did you mean X?", or undefined when nothing is near. */
export function suggestion(word: string, known: Iterable<string>): string | undefined {
  const best = nearest(word, known)
  return best === undefined ? undefined : `did you mean ${best}?`
}
