// The macros that filters are told: sendmail's lists for each stage, unless the configuration (confMILTER_MACROS_…) or the filter itself
// has another, and what each name stands for in this session.
import { option, type OptionName } from "../config/options.ts"
import { inClass, macro, type Settings } from "../config/settings.ts"
import { type ForwardPath, printDomain, printPath } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Reply } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"
import type { Dns } from "../mail/world.ts"
import { arrivalMacros, pathMacros } from "../policy/rule-macros.ts"
import type { Stage } from "../trust/milter-session.ts"

type Listed = { readonly option: OptionName; readonly usual: readonly string[] }

/** cf's own (cf/m4/proto.m4). */
const lists: Readonly<Partial<Record<Stage, Listed>>> = {
  connect: {
    option: "Milter.macros.connect",
    usual: ["j", "_", "daemon_name", "if_name", "if_addr"],
  },
  helo: {
    option: "Milter.macros.helo",
    usual: ["tls_version", "cipher", "cipher_bits", "cert_subject", "cert_issuer"],
  },
  mail: {
    option: "Milter.macros.envfrom",
    usual: [
      "i",
      "auth_type",
      "auth_authen",
      "auth_ssf",
      "auth_author",
      "mail_mailer",
      "mail_host",
      "mail_addr",
    ],
  },
  rcpt: { option: "Milter.macros.envrcpt", usual: ["rcpt_mailer", "rcpt_host", "rcpt_addr"] },
  data: { option: "Milter.macros.data", usual: [] },
  eoh: { option: "Milter.macros.eoh", usual: [] },
  eom: { option: "Milter.macros.eom", usual: ["msg_id"] },
}

/** Names and values by turns, for those of the stage that have a value. */
export function macrosFor(
  stage: Stage,
  asked: readonly string[] | undefined,
  known: Readonly<Record<string, string>>,
  settings: Settings,
): readonly string[] {
  const listed = lists[stage]
  if (listed === undefined) return []
  const own = option(settings, listed.option)
  const names = asked ?? (Array.isArray(own) ? (own as readonly string[]) : listed.usual)
  return names.flatMap((written) => {
    const name = written.replace(/^\{(.*)\}$/, "$1")
    const value = known[name] ?? macro(settings, name)
    if (value === undefined || value === "") return []
    return [name.length === 1 ? name : `{${name}}`, value]
  })
}

/** Of the session. */
export function sessionMacros(arrival: Arrival, settings: Settings): Readonly<Record<string, string>> {
  return { ...arrivalMacros(arrival, settings), b: "", v: "8.17.1/Waypost" }
}

/**
 * Of the address of ours that the client came to, and its name. sendmail does not tell an address of the loopback net (op guide,
 * §5.2: {if_addr}).
 */
export async function interfaceMacros(
  address: string | undefined,
  names: Dns["names"] | undefined,
): Promise<Readonly<Record<string, string>>> {
  if (address === undefined || address === "") return {}
  if (address.startsWith("127.") || address === "::1") return { if_name: "localhost" }
  const answer = await names?.(address)
  const name = answer?.found === "records" ? answer.records[0] : undefined
  const six = address.includes(":")
  const if_addr = six ? `IPv6:${address}` : address
  return { if_addr, if_family: six ? "10" : "2", if_name: name ?? `[${if_addr}]` }
}

/** The triple that routing found for an address; what is not known stays as it was. */
export function routeMacros(
  whose: "mail" | "rcpt",
  route: Route | undefined,
): Readonly<Record<string, string>> {
  if (route === undefined) return {}
  return {
    [`${whose}_mailer`]: route.mailer,
    [`${whose}_host`]: route.host,
    [`${whose}_addr`]: route.user,
  }
}

/** Of the transaction; `i` is its queue id. */
export function envelopeMacros(
  envelope: Envelope,
  id: string,
  settings: Settings,
): Readonly<Record<string, string>> {
  const { reversePath } = envelope
  const local = reversePath === "null" || isLocal(reversePath, settings)
  return {
    ...pathMacros(envelope),
    i: id,
    mail_mailer: local ? "local" : "esmtp",
    ...(local ? { mail_host: "" } : {}),
  }
}

/** Of a recipient; one that was refused has our reply in its place. */
export function recipientMacros(
  path: ForwardPath | undefined,
  typed: string,
  settings: Settings,
  refused?: Reply,
): Readonly<Record<string, string>> {
  if (refused !== undefined || path === undefined) {
    const words = refused === undefined ? "" : `${refused.code} ${refused.text.join(" ")}`
    return { rcpt_mailer: "error", rcpt_host: refused?.status ?? "", rcpt_addr: words }
  }
  const local = path === "postmaster" || isLocal(path, settings)
  const host = path === "postmaster" ? "" : printDomain(path.domain)
  return {
    rcpt_mailer: local ? "local" : "esmtp",
    rcpt_host: local ? "" : host,
    rcpt_addr: local && path !== "postmaster" ? path.localPart : printPath(path) || typed,
  }
}

function isLocal(path: Exclude<ForwardPath, "postmaster">, settings: Settings): boolean {
  return inClass(settings, "w", printDomain(path.domain)).member
}
