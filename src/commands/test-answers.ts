// How test mode prints what we decided about an address: sendmail's lines for a route and for a refusal.
import { canonicalHost } from "../host/name-maps.ts"
import type { Decision, Reason } from "../mail/decision.ts"
import type { Reply } from "../mail/reply.ts"
import type { Dns } from "../mail/world.ts"
import { feature } from "../config/settings.ts"
import type { Resolved } from "../routing/route.ts"
import type { RoutingWorld } from "../routing/world.ts"
import { mailerLine, type Print } from "./test-site.ts"

export type AnswerWorld = { readonly routing: RoutingWorld; readonly dns: Dns }

/** `mailer esmtp, host example.org., user bob@example.org`. */
export async function printRoute(
  typed: string,
  { route }: Resolved,
  reason: Reason,
  world: AnswerWorld,
  print: Print,
): Promise<void> {
  if (route.mailer === "discard") {
    // sendmail differs from its own manual: its rules have no such mailer.
    print("buildaddr: unknown mailer discard")
    return print(mailerLine("*error*", "", ""))
  }
  if (route.mailer === "local") return print(mailerLine(route.mailer, route.host, route.user.toLowerCase()))
  const host = reason.step === "MX" ? await dotted(route.host, world) : route.host
  print(mailerLine(route.mailer, host, withCaseOf(typed, route.user)))
}

/** A dot behind it says that DNS knows the host. */
async function dotted(host: string, { routing, dns }: AnswerWorld): Promise<string> {
  if (host.startsWith("[") || host.endsWith(".")) return host
  if (host.endsWith(".uucp") && feature(routing.settings, "nouucp") === undefined) return `${host}.`
  if (feature(routing.settings, "nocanonify") !== undefined) return host.includes(".") ? `${host}.` : host
  const found = await canonicalHost(host, dns)
  return found.found === "value" ? `${host}.` : host
}

/** The domain in capitals and small letters as it was typed: sendmail folds no domain in an address. */
export function withCaseOf(typed: string, address: string): string {
  const at = address.lastIndexOf("@")
  if (at < 0) return address
  const domain = address.slice(at + 1)
  const place = typed.toLowerCase().lastIndexOf(domain.toLowerCase())
  return place < 0 ? address : address.slice(0, at + 1) + typed.slice(place, place + domain.length)
}

/** What is wrong with it, then `mailer *error*, host 5.1.3, user "553 Hostname required"`. */
export function printFailure(
  typed: string,
  decision: Exclude<Decision<unknown>, { readonly outcome: "yes" }>,
  print: Print,
): void {
  if (decision.outcome === "pass") return print(mailerLine("*error*", "", ""))
  const { reply, reason } = decision
  const text = reply.text.join(" ")
  const named = reply.code % 100 === 50 || reply.code % 100 === 53 // err.c: fmtmsg
  print(!named || decision.outcome === "later" || text.includes("<") ? text : `${typed}... ${text}`)
  const { host, user } = errorParts(reply, reason)
  print(mailerLine("*error*", host, user))
}

/** As the table wrote it, `error:nouser 550 No such user`; else the status and the reply in quotes. */
function errorParts(reply: Reply, reason: Reason): { readonly host: string; readonly user: string } {
  const written = / says "error\s*:\s*(.*)"$/i.exec(reason.says)?.[1]
  if (written === undefined)
    return { host: reply.status ?? "", user: `"${reply.code} ${reply.text.join(" ")}"` }
  const parts = /^(\S+\.\S+\.\S+?)\s*:\s*(.*)$/.exec(written) ?? /^(\w+)(?:\s*:\s*|\s+)(.*)$/.exec(written)
  const word = parts?.[1] ?? ""
  // mailertable takes a word only with a colon behind it; virtusertable takes any first word.
  const isWord = reason.step === "virtusertable" || /^[\w.]+\s*:/.test(written)
  return isWord && parts !== null ? { host: word, user: parts[2] ?? "" } : { host: "", user: written }
}
