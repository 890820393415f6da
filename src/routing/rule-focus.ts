// Addresses between our decisions and sendmail's rules: a Canonical as the tokens `user < @ host . >`, and back.
import { printDomain, printLocalPart, printMailbox } from "../mail/address.ts"
import type { Dns } from "../mail/world.ts"
import { type Token, tokenize, untokenize } from "../config/rule-tokens.ts"
import { feature, type Settings } from "../config/settings.ts"
import { option } from "../config/options.ts"
import { type Canonical, classHolds, type RoutingWorld } from "./world.ts"

export type FocusWorld = {
  readonly routing: RoutingWorld
  /** A dot behind a host says that DNS knows it (proto.m4: Canonify2). */
  readonly dns: Pick<Dns, "addresses" | "mx">
}

/** How these settings cut an address. */
export function scanOf(settings: Settings) {
  return { operators: option(settings, "OperatorChars"), comments: "drop", balance: true } as const
}

/** Text as tokens. */
export function tokensOf(text: string, settings: Settings): readonly Token[] {
  return tokenize(text, scanOf(settings)).tokens
}

/** Tokens as the text of an address, the focus `< @ host . >` undone. */
export function textOf(tokens: readonly Token[], settings: Settings): string {
  const open = tokens.lastIndexOf("<")
  const close = tokens.indexOf(">", open)
  const join = (some: readonly Token[]) =>
    untokenize(some, option(settings, "BlankSub"), option(settings, "OperatorChars"))
  if (open < 0 || close < 0) return join(tokens)
  const inside = tokens.slice(open + 1, close)
  // `Name < user@host >` is the address inside; `user < @ host >` is a focus.
  if (inside[0] !== "@" || open === 0) return join(inside)
  const host = inside.at(-1) === "." ? inside.slice(0, -1) : inside
  return join([...tokens.slice(0, open), ...host, ...tokens.slice(close + 1)])
}

/** `user < @ host . >`, or the user alone for a name without a domain. */
export async function focused(address: Canonical, world: FocusWorld): Promise<readonly Token[]> {
  const { settings } = world.routing
  const user = tokensOf(printLocalPart(address.mailbox.localPart), settings)
  if (address.bare) return user
  const host = tokensOf(printDomain(address.mailbox.domain), settings)
  const dot = (await isKnown(address, world)) ? ["."] : []
  return [...user, "<", "@", ...host, ...dot, ">"]
}

/** Whether sendmail would put a dot behind the host: ours, a pseudo domain, or one that DNS has. */
async function isKnown({ mailbox, local }: Canonical, world: FocusWorld): Promise<boolean> {
  const { settings } = world.routing
  const { domain } = mailbox
  if (domain.kind === "literal") return false
  if (local || /\.(?:uucp|redirect)$/.test(domain.ascii)) return local || isPseudo(domain.ascii, settings)
  for (const [name, entire] of wholeClasses) {
    if (classHolds(settings, name, domain, feature(settings, entire) !== undefined).member) return true
  }
  if (feature(settings, "nocanonify") !== undefined) return domain.ascii.includes(".")
  if (!domain.ascii.includes(".")) return false
  const [addresses, exchangers] = await Promise.all([
    world.dns.addresses(domain.ascii),
    world.dns.mx(domain.ascii),
  ])
  return addresses.found === "records" || exchangers.found === "records"
}

function isPseudo(name: string, settings: Settings): boolean {
  return name.endsWith(".uucp") || feature(settings, "redirect") !== undefined
}

/** Classes whose members are always canonical, and the FEATURE that makes it so for all below them. */
const wholeClasses = [
  ["M", "masquerade_entire_domain"],
  ["VirtHost", "virtuser_entire_domain"],
  ["G", "generics_entire_domain"],
] as const

/** The address as text. */
export function printCanonical({ mailbox, bare }: Canonical): string {
  return bare ? printLocalPart(mailbox.localPart) : printMailbox(mailbox)
}
