// FEATURE(check_other): a client that says what looks like a field of a header is no client of SMTP, but a program that somebody made
// write to us: it is let go (feature/check_other.m4). What else such a line may look like is the site's own regular expression.
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, later, pass } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { ok, type Result } from "../mail/result.ts"
import { type PosixRegex, posixRegex } from "../config/posix-regex.ts"
import { feature, type Settings } from "../config/settings.ts"
import { cause, refused } from "../routing/reasons.ts"

/** The feature's own expression where its line gives none. */
const usual = "^[[:print:]]+ *:"

/** The expression of the FEATURE's line; undefined where there is none. */
export function badCommands(settings: Settings): Result<PosixRegex | undefined> {
  const used = feature(settings, "check_other")
  if (used === undefined) return ok(undefined)
  return posixRegex(used.args[0] || usual, { syntax: "extended", ignoreCase: true })
}

const known = pass({ ...because("check_other", "it is no bad command"), role: "passed" } as const)

/** What is said to a command that has no question of its own, by the first digit of our reply; undefined where no line asks. */
export function makeCheckOther(
  settings: Settings,
): ((arrival: Arrival, line: string, digit: string) => Promise<Decision<undefined>>) | undefined {
  const used = feature(settings, "check_other")
  const bad = badCommands(settings)
  if (used === undefined || !bad.ok || bad.value === undefined) return undefined // settle.ts has told what is wrong with it
  const { value } = bad
  return async (_arrival, line, digit) => {
    if (digit !== "5" || value.match(line) === undefined) return known
    const says = `the command looks like ${used.args[0] || "a field of a header"}`
    const why = refused("check_other", says, used.at, cause("FEATURE(check_other)", used.at))
    return later(reply(421, "4.7.0", "bad command"), why)
  }
}
