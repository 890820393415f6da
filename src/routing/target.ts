// The right-hand sides of mailertable, SMART_HOST and their like: mailer:host, host, local:user, error:code text; and the
// many forms in which a table says no.
import { printMailbox } from "../mail/address.ts"
import type { Reason } from "../mail/decision.ts"
import { type EnhancedCode, type Reply, reply } from "../mail/reply.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Route } from "../mail/route.ts"
import { mailer } from "../config/settings.ts"
import { spokenBy } from "./spoken.ts"
import type { Canonical, RoutingWorld } from "./world.ts"

export type Target =
  | { readonly kind: "route"; readonly route: Route }
  | { readonly kind: "error"; readonly reply: Reply }

/**
 * Reads `mailer:host` (proto.m4: MailerToTriple); a host alone goes to `byDefault`. `mailer:user@host` sends to another
 * user there.
 */
export function parseTarget(
  text: string,
  to: Canonical,
  world: RoutingWorld,
  byDefault: string,
): Result<Target> {
  const { settings } = world
  const value = text.trim()
  const error = /^error\s*:\s*/i.exec(value)
  if (error !== null) return ok({ kind: "error", reply: parseError(value.slice(error[0].length), false) })
  const { name, rest } = splitMailer(value, byDefault)
  if (name === "local") return ok({ kind: "route", route: toLocal(rest, to) })
  if (mailer(settings, name) === undefined) return fail(`there is no mailer "${name}" here`)
  if (name === "discard") return ok({ kind: "route", route: { mailer: name, host: "", user: "" } })
  if (rest === "") return fail(`"${name}:" needs a host`)
  const at = rest.startsWith("[") ? -1 : rest.lastIndexOf("@")
  if (at > 0) return ok({ kind: "route", route: { mailer: name, host: rest.slice(at + 1), user: rest } })
  return ok({ kind: "route", route: { mailer: name, host: rest, user: spokenBy(name, to.mailbox, world) } })
}

function splitMailer(value: string, byDefault: string): { readonly name: string; readonly rest: string } {
  const colon = value.startsWith("[") ? -1 : value.indexOf(":")
  if (colon < 0) return { name: byDefault, rest: value }
  return { name: value.slice(0, colon).trim().toLowerCase(), rest: value.slice(colon + 1).trim() }
}

// The host of the local mailer is what was asked for, as its $h (proto.m4: CanonLocal).
function toLocal(rest: string, { mailbox }: Canonical): Route {
  return { mailer: "local", host: printMailbox(mailbox), user: rest === "" ? mailbox.localPart : rest }
}

const statusWords: ReadonlySet<string> = new Set([
  "config",
  "nohost",
  "nouser",
  "protocol",
  "tempfail",
  "unavailable",
  "usage",
])

/**
 * The reply behind `error:`. Forms: `D.S.N:550 text`, `D.S.N:text`, `word:550 text`, and in virtusertable also
 * `word 550 text`, where the word goes whatever it is. Without a code it is 553 (sendmail: usrerrenh's default).
 */
export function parseError(text: string, wordIsDropped: boolean): Reply {
  const dsn = /^([245])\.(\d{1,3})\.(\d{1,3})\s*:\s*/.exec(text)
  if (dsn !== null) {
    const status = `${classOf(dsn[1])}.${Number(dsn[2])}.${Number(dsn[3])}` as const
    return codeAndText(text.slice(dsn[0].length), status)
  }
  const other = /^\w+\.\w+\.\w+\s*:\s*/.exec(text) // "D.S.N:" taken from the manual as it stands
  if (other !== null) return codeAndText(text.slice(other[0].length), undefined)
  const word = /^(\w+)(\s*:\s*|\s+)/.exec(text)
  if (word !== null && (wordIsDropped || (statusWords.has(word[1] ?? "") && word[2]?.includes(":")))) {
    return codeAndText(text.slice(word[0].length), undefined)
  }
  return codeAndText(text, undefined)
}

function classOf(digit: string | undefined): 2 | 4 | 5 {
  return digit === "4" ? 4 : digit === "2" ? 2 : 5
}

const enhancedCode = /^([45])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)/

/** `550 text`, `550 5.7.1 text` or `text`; quotes around either are taken off. */
export function codeAndText(text: string, status: EnhancedCode | undefined): Reply {
  const bare = text.trim().replace(/^"(.*)"$/, "$1")
  const code = /^([45]\d\d)(?:\s+|$)/.exec(bare)
  if (code === null) return reply(553, status ?? "5.3.0", bare === "" ? "Access denied" : bare)
  const words = bare.slice(code[0].length).replace(/^"(.*)"$/, "$1")
  const own = code[1]?.startsWith("4") === true ? 4 : 5
  const enhanced = status === undefined ? enhancedCode.exec(words) : null // sendmail: usrerr() looks for one in its text
  if (enhanced !== null && enhanced[1] === String(own)) {
    const rest = words.slice(enhanced[0].length)
    const said = `${own}.${Number(enhanced[2])}.${Number(enhanced[3])}` as const
    return reply(Number(code[1]), said, rest === "" ? "Access denied" : rest)
  }
  return reply(Number(code[1]), status ?? `${own}.0.0`, words === "" ? "Access denied" : words)
}

/**
 * What stands behind `error:` in the line that refused, up to its colon or, in virtusertable, its blank: `nouser`, `5.7.1`,
 * `D.S.N`. sendmail takes the exit code from it. undefined where no such line refused.
 */
export function errorWord({ step, says }: Reason): string | undefined {
  const written = / says "error\s*:\s*(.*)"$/i.exec(says)?.[1]
  if (written === undefined) return undefined
  return (
    /^([\w.]+)\s*:/.exec(written)?.[1] ??
    (step === "virtusertable" ? /^(\w+)\s/.exec(written)?.[1] : undefined)
  )
}
