// What m4 left over. In sendmail it lands in sendmail.cf as it is: words nobody knows (a mistake), cf lines such as Cw…
// (understood where they are simple), and rules (kept verbatim for the rule engine).
import type { Origin } from "../mail/decision.ts"
import { readCfLine } from "./cf-lines.ts"
import { error, type Issue, suggestion } from "./issues.ts"
import { within } from "./m4-input.ts"
import type { LocalLine } from "./settings.ts"
import type { Statement } from "./statement.ts"
import type { Piece } from "./m4-types.ts"

export type Stray = {
  readonly statements: readonly Statement[]
  readonly localLines: readonly LocalLine[]
  readonly issues: readonly Issue[]
}

/** Reads the diversions; `sections` names those that a word began. */
export function readStray(
  diversions: ReadonlyMap<number, readonly Piece[]>,
  sections: ReadonlyMap<number, string>,
  known: readonly string[],
): Stray {
  const statements: Statement[] = []
  const localLines: LocalLine[] = []
  const issues: Issue[] = []
  for (const [number, pieces] of diversions) {
    const section = sections.get(number) ?? ""
    for (const line of joined(linesOf(pieces))) {
      const wrong = wrongWord(line, known, section === "")
      if (wrong !== undefined) issues.push(wrong)
      else {
        const read = readCfLine(line.text, section, line.at)
        statements.push(...read.statements)
        localLines.push(...read.localLines)
        issues.push(...read.issues)
      }
    }
  }
  return { statements, localLines, issues }
}

type Line = { readonly text: string; readonly at: Origin }

/** Pieces as lines, each with the place of its first character that is not blank. */
function linesOf(pieces: readonly Piece[]): Line[] {
  const lines: Line[] = []
  let text = ""
  let at: Origin | undefined
  const finish = () => {
    if (at !== undefined) lines.push({ text: text.trimEnd(), at })
    text = ""
    at = undefined
  }
  for (const piece of pieces) {
    let start = 0
    for (const part of piece.text.split("\n")) {
      if (start > 0) finish()
      const blank = part.length - part.trimStart().length
      if (at === undefined && blank < part.length) at = within(piece, start + blank)
      text += part
      start += part.length + 1
    }
  }
  finish()
  return lines
}

/** A line that begins with a blank continues the one before, in sendmail.cf. */
function joined(lines: readonly Line[]): Line[] {
  const whole: Line[] = []
  for (const line of lines) {
    const last = whole.at(-1)
    if (/^[ \t]/.test(line.text) && last !== undefined && !last.text.startsWith("#")) {
      whole[whole.length - 1] = { text: `${last.text}\n${line.text}`, at: last.at }
    } else if (line.text !== "" && !line.text.startsWith("#")) whole.push(line)
  }
  return whole
}

/** WORD(…) that m4 did not know, or a word with a blank before its parenthesis. */
function wrongWord(line: Line, known: readonly string[], outside: boolean): Issue | undefined {
  const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)(\s*)\(/.exec(line.text)
  const name = match?.[1] ?? ""
  if (match === null || (!outside && !/^[A-Z][A-Z_]{2,}$/.test(name))) return undefined
  const width = name.length
  if (match[2] !== "" && known.includes(name)) {
    return {
      ...error("bad-arguments", `no blank may stand between ${name} and its parenthesis`, line.at),
      width,
    }
  }
  if (/^(?:SMART_HOST|MAIL_HUB|LOCAL_RELAY|LUSER_RELAY)$/.test(name)) return undefined
  return { ...error("unknown-word", `there is no word ${name}`, line.at, suggestion(name, known)), width }
}
