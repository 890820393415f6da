// What rules resolve an address to: $# mailer $@ host $: user; and what an $#error among them says, as a reply (sendmail: buildaddr).
import { type EnhancedCode, type Reply, reply } from "../mail/reply.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { marks, stripQuotes, type Token, untokenize } from "./rule-tokens.ts"

export type Triple = {
  readonly mailer: string
  /** undefined where there is no `$@`. */
  readonly host: string | undefined
  readonly user: readonly Token[]
}

/** Whether rules have resolved the address. */
export function isResolved(tokens: readonly Token[]): boolean {
  return tokens[0] === marks.mailer
}

/** Reads `$# mailer $@ host $: user`. */
export function readTriple(tokens: readonly Token[], operators: string, blank: string): Result<Triple> {
  if (!isResolved(tokens)) return fail("buildaddr: no mailer in parsed address")
  const mailer = tokens[1]
  if (typeof mailer !== "string") return fail("buildaddr: no mailer name")
  const colon = tokens.indexOf(marks.user, 2)
  if (colon < 0) return fail("buildaddr: no user")
  const hostTokens = tokens[2] === marks.host ? tokens.slice(3, colon) : []
  const host = hostTokens.length === 0 ? undefined : untokenize(hostTokens, blank, operators)
  return ok({ mailer, host, user: tokens.slice(colon + 1) })
}

/** The text of `$:` as it is told: words with blanks between them. */
export function userText({ user }: Triple, operators: string): string {
  return untokenize(user, " ", operators)
}

/** The reply that `$#error $@ 5.7.1 $: "550 Access denied"` is; without a code in the text it is 553. */
export function errorReply(triple: Triple, operators: string): Reply {
  const text = stripQuotes(userText(triple, operators))
  const status = enhanced(triple.host)
  const code = /^([245]\d\d) (?:([245]\.\d{1,3}\.\d{1,3}) )?/.exec(text)
  if (code === null) return reply(553, status ?? "5.3.0", text === "" ? "Access denied" : text)
  const number = Number(code[1])
  const own = enhanced(code[2]) ?? status ?? (number < 500 ? "4.0.0" : "5.0.0")
  return reply(number, own, text.slice(code[0].length))
}

function enhanced(host: string | undefined): EnhancedCode | undefined {
  const match = /^([245])\.(\d{1,3})\.(\d{1,3})$/.exec(host ?? "")
  if (match === null) return undefined
  const [, kind, subject, detail] = match
  return `${kind === "4" ? 4 : kind === "2" ? 2 : 5}.${Number(subject)}.${Number(detail)}`
}
