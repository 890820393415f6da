// M lines of a sendmail.cf: a mailer's name and its equates.
import type { Origin } from "../mail/decision.ts"
import { fail, ok, type Result } from "../mail/result.ts"

export type CfMailer = {
  readonly name: string
  /** Its place among the mailers, from 0. */
  readonly number: number
  /** By their letter: P the program, F the flags, S and R rulesets, A the arguments, L, M, E, T, U, m, r, D, C. */
  readonly equates: ReadonlyMap<string, string>
  readonly at: Origin
}

/** Reads what stands behind the M: `name, P=path, F=flags, S=EnvFromL/HdrFromL, …`. */
export function readMailer(text: string, number: number, at: Origin): Result<CfMailer> {
  const name = /^[^,\s]+/.exec(text)?.[0]
  if (name === undefined) return fail("a mailer needs a name")
  const equates = new Map<string, string>()
  let rest = text.slice(name.length)
  for (rest = skip(rest); rest !== ""; rest = skip(rest)) {
    const match = /^([A-Za-z/])[^=,]*=\s*/.exec(rest)
    const letter = match?.[1]
    if (match === null || letter === undefined)
      return fail(`mailer ${name}: "=" expected at "${rest.slice(0, 20)}"`)
    rest = rest.slice(match[0].length)
    // A= is the last: its commas are arguments.
    const value = letter === "A" ? rest : upToComma(rest)
    equates.set(letter, value.trim())
    rest = rest.slice(value.length)
  }
  for (const [letter, what] of [
    ["P", "a program (P=)"],
    ["A", "arguments (A=)"],
  ] as const) {
    if ((equates.get(letter) ?? "") === "") return fail(`mailer ${name} needs ${what}`)
  }
  return ok({ name, number, equates, at })
}

function skip(text: string): string {
  return text.replace(/^[\s,]+/, "")
}

/** Up to a comma outside of quotes. */
function upToComma(text: string): string {
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === "\\") i++
    else if (c === '"') quoted = !quoted
    else if (c === "," && !quoted) return text.slice(0, i)
  }
  return text
}

/** The rulesets of S= or R=: for the envelope and for the header; a single one is for both. */
export function rulesetsOf(
  mailer: CfMailer,
  equate: "S" | "R",
): { readonly envelope: string; readonly header: string } {
  const [envelope = "", header] = (mailer.equates.get(equate) ?? "").split("/")
  return { envelope: envelope.trim(), header: (header ?? envelope).trim() }
}

/** A mailer's flags. */
export function flagsOf(mailer: CfMailer): string {
  return mailer.equates.get("F") ?? ""
}
