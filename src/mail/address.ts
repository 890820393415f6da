// Addresses as values: a mailbox is a local part and a domain, unquoted inside; only the printer quotes (RFC 5321 §4.1.2).
import { domainToASCII, domainToUnicode } from "node:url"
import { isIPv4Text, isIPv6Text } from "./ip-text.ts"
import { fail, ok, type Result } from "./result.ts"

export type Domain =
  /** A-label and U-label, lower case, without a trailing dot; `typed` where it was written with capitals, to be said so again. */
  | { readonly kind: "name"; readonly ascii: string; readonly unicode: string; readonly typed?: string }
  /** `[192.0.2.1]` or `[IPv6:2001:db8::1]`, brackets included (RFC 5321 §4.1.3). */
  | { readonly kind: "literal"; readonly text: string }

export type Mailbox = { readonly localPart: string; readonly domain: Domain }

/** `"null"` is `<>`, the sender of reports (RFC 5321 §4.5.5). */
export type ReversePath = Mailbox | "null"

/** `"postmaster"` is the bare `<Postmaster>` (RFC 5321 §4.1.1.3). */
export type ForwardPath = Mailbox | "postmaster"

/**
 * What people and old hosts type before it is qualified: `me`, `host!user`, `@a,@b:user@c`, `user%dom@us`.
 * routing/canonify.ts turns it into a Mailbox or refuses. `text` is without angle brackets.
 */
export type TypedAddress = {
  readonly kind: "local" | "bang" | "source-route" | "percent" | "mailbox"
  readonly text: string
}

const atext =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+)*$/
const label = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/** Reads a domain or address literal. One trailing dot is dropped. */
export function parseDomain(text: string): Result<Domain> {
  if (text.startsWith("[")) return parseLiteral(text)
  const bare = text.endsWith(".") ? text.slice(0, -1) : text
  const lower = bare.toLowerCase()
  if (label.test(lower) && lower.length <= 253 && !lower.includes("xn--")) {
    const name = { kind: "name", ascii: lower, unicode: lower } as const
    return ok(lower === bare ? name : { ...name, typed: bare })
  }
  return parseInternational(lower)
}

// node:url applies URL rules ("1.2" → "1.0.0.2", "%41" unescaped), so only names that need IDNA get there,
// and only when they hold nothing a URL would read another way.
function parseInternational(lower: string): Result<Domain> {
  if (lower === "" || /[\u0000-\u002c\u002f\u003a-\u0060\u007b-\u007f]/.test(lower.replaceAll("_", ""))) {
    return fail("not a domain name")
  }
  const ascii = domainToASCII(lower)
  if (ascii === "" || ascii.length > 253 || !label.test(ascii)) return fail("not a domain name")
  return ok({ kind: "name", ascii, unicode: domainToUnicode(ascii) })
}

function parseLiteral(text: string): Result<Domain> {
  if (!text.endsWith("]")) return fail("an address literal must end with ]")
  const inner = text.slice(1, -1)
  if (isIPv4Text(inner)) return ok({ kind: "literal", text })
  if (/^ipv6:/i.test(inner) && isIPv6Text(inner.slice(5))) {
    return ok({ kind: "literal", text: `[IPv6:${inner.slice(5).toLowerCase()}]` })
  }
  return fail("not an address literal")
}

/** The domain as it goes over the wire and into table keys. */
export function printDomain(domain: Domain): string {
  return domain.kind === "name" ? domain.ascii : domain.text
}

/** Reads `local@domain`, with the local part quoted or not. */
export function parseMailbox(text: string): Result<Mailbox> {
  const at = domainAt(text)
  if (at <= 0) return fail("an address needs a local part, @ and a domain")
  const domain = parseDomain(text.slice(at + 1))
  if (!domain.ok) return domain
  const local = parseLocalPart(text.slice(0, at))
  return local.ok ? ok({ localPart: local.value, domain: domain.value }) : local
}

/** Where the domain begins: the last `@` outside quotes, or -1. */
function domainAt(text: string): number {
  const quoted = text.startsWith('"') ? text.lastIndexOf('"') : -1
  const at = text.lastIndexOf("@")
  return at > quoted ? at : -1
}

/** Reads a dot-string or quoted-string (RFC 5321 §4.1.2); also dots where the standard has none, since people use them. */
export function parseLocalPart(text: string): Result<string> {
  if (text.startsWith('"')) {
    if (text.length < 2 || !/^"(?:[^"\\\r\n\0]|\\[\x20-\x7e])*"$/.test(text))
      return fail("the quoted local part is broken")
    return ok(text.slice(1, -1).replaceAll(/\\(.)/g, "$1"))
  }
  if (text === "" || !/^[^\s"(),:;<>@[\\\]\u0000-\u001f\u007f]+$/.test(text))
    return fail("the local part has characters that must be quoted")
  return ok(text)
}

/** The local part, quoted when it must be. */
export function printLocalPart(localPart: string): string {
  return atext.test(localPart) ? localPart : `"${localPart.replaceAll(/["\\]/g, "\\$&")}"`
}

/** `local@domain`, the domain in the letters it was written with. */
export function printMailbox({ localPart, domain }: Mailbox): string {
  const typed = domain.kind === "name" ? domain.typed : undefined
  return `${printLocalPart(localPart)}@${typed ?? printDomain(domain)}`
}

/** Without angle brackets: empty for the null sender. */
export function printPath(path: ReversePath | ForwardPath): string {
  if (path === "null") return ""
  return path === "postmaster" ? "postmaster" : printMailbox(path)
}

/** With angle brackets: `<>`, `<Postmaster>`, `<ann@example.org>`. */
export function printAngled(path: ReversePath | ForwardPath): string {
  return path === "postmaster" ? "<Postmaster>" : `<${printPath(path)}>`
}

/** What the text looks like, before anything is decided about it. */
export function classify(text: string): TypedAddress {
  if (text.startsWith("@")) return { kind: "source-route", text }
  const at = domainAt(text)
  const local = at < 0 ? text : text.slice(0, at)
  if (at < 0 && local.includes("!")) return { kind: "bang", text }
  if (local.includes("%") && !local.startsWith('"')) return { kind: "percent", text }
  return { kind: at < 0 ? "local" : "mailbox", text }
}

/** A name of this host with its domain; every other form of address as it is. */
export function qualified(address: string, host: string): string {
  const { kind } = classify(address)
  return kind !== "local" || address === "" || /^[|/\\:]/.test(address) ? address : `${address}@${host}`
}
