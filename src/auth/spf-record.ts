// An SPF record read whole before any of it is asked (RFC 7208 §4.6): its mechanisms in order, redirect= and exp=. A record with one
// fault is no record.
import { fail, ok, type Result } from "../mail/result.ts"
import { type MacroString, parseMacros } from "./spf-macro.ts"
import { type Octets, octetsOf } from "./ip.ts"

export type Qualifier = "+" | "-" | "~" | "?"

export type Mechanism =
  | { readonly is: "all" }
  | { readonly is: "include" | "exists"; readonly domain: MacroString }
  | {
      readonly is: "a" | "mx"
      readonly domain: MacroString | undefined
      readonly bits4: number
      readonly bits6: number
    }
  | { readonly is: "ptr"; readonly domain: MacroString | undefined }
  | { readonly is: "ip4" | "ip6"; readonly network: Octets; readonly bits: number }

export type Directive = {
  readonly qualifier: Qualifier
  readonly mechanism: Mechanism
  /** As it stands in the record. */
  readonly text: string
}

export type SpfRecord = {
  readonly directives: readonly Directive[]
  readonly redirect: MacroString | undefined
  readonly exp: MacroString | undefined
}

/** Whether a TXT record is one of SPF: `v=spf1` and then a blank or nothing (RFC 7208 §4.5). */
export function isSpf(text: string): boolean {
  return /^v=spf1(?: |$)/i.test(text)
}

/** Reads a record that isSpf() takes for one. */
export function parseRecord(text: string): Result<SpfRecord> {
  const directives: Directive[] = []
  const modifiers: { redirect?: MacroString; exp?: MacroString } = {}
  for (const term of text.slice("v=spf1".length).split(" ")) {
    if (term === "") continue
    const equals = /^([A-Za-z][A-Za-z0-9_.-]*)=/.exec(term)
    if (equals === null) {
      const read = parseDirective(term)
      if (!read.ok) return read
      directives.push(read.value)
      continue
    }
    const read = parseModifier((equals[1] ?? "").toLowerCase(), term.slice(equals[0].length), modifiers)
    if (!read.ok) return fail(`"${term}": ${read.error}`)
  }
  return ok({ directives, redirect: modifiers.redirect, exp: modifiers.exp })
}

/** RFC 7208 §6: redirect and exp once each; what nobody knows is let be, if it is a macro-string. */
function parseModifier(
  name: string,
  value: string,
  found: { redirect?: MacroString; exp?: MacroString },
): Result<undefined> {
  if (name !== "redirect" && name !== "exp") {
    const read = parseMacros(value, false)
    return read.ok ? ok(undefined) : read
  }
  if (found[name] !== undefined) return fail(`${name}= stands twice`)
  const read = parseDomainSpec(value)
  if (!read.ok) return read
  found[name] = read.value
  return ok(undefined)
}

function parseDirective(term: string): Result<Directive> {
  const first = term[0] ?? ""
  const signed = first === "+" || first === "-" || first === "~" || first === "?"
  const qualifier = signed ? first : "+"
  const rest = signed ? term.slice(1) : term
  const name = /^[A-Za-z0-9]+/.exec(rest)?.[0] ?? ""
  const read = parseMechanism(name.toLowerCase(), rest.slice(name.length))
  return read.ok ? ok({ qualifier, mechanism: read.value, text: term }) : fail(`"${term}": ${read.error}`)
}

// RFC 7208 §5
function parseMechanism(name: string, rest: string): Result<Mechanism> {
  switch (name) {
    case "all":
      return rest === "" ? ok({ is: "all" }) : fail("all takes nothing")
    case "include":
    case "exists": {
      if (!rest.startsWith(":")) return fail(`${name} needs :domain`)
      const domain = parseDomainSpec(rest.slice(1))
      return domain.ok ? ok({ is: name, domain: domain.value }) : domain
    }
    case "a":
    case "mx":
      return parseHosts(name, rest)
    case "ptr": {
      if (rest === "") return ok({ is: "ptr", domain: undefined })
      const domain = rest.startsWith(":") ? parseDomainSpec(rest.slice(1)) : fail("ptr takes :domain")
      return domain.ok ? ok({ is: "ptr", domain: domain.value }) : domain
    }
    case "ip4":
    case "ip6":
      return parseNetwork(name, rest)
    default:
      return fail("no such mechanism")
  }
}

/** `a`, `a:domain`, `a/24`, `a:domain/24//64`. */
function parseHosts(is: "a" | "mx", rest: string): Result<Mechanism> {
  const lengths = /(?:\/(\d+))?(?:\/\/(\d+))?$/.exec(rest)
  const [whole = "", four, six] = lengths ?? []
  const before = rest.slice(0, rest.length - whole.length)
  const bits4 = prefixLength(four, 32)
  const bits6 = prefixLength(six, 128)
  if (bits4 === undefined || bits6 === undefined) return fail(`${whole} is no prefix length`)
  if (before === "") return ok({ is, domain: undefined, bits4, bits6 })
  if (!before.startsWith(":")) return fail(`${is} takes :domain`)
  const domain = parseDomainSpec(before.slice(1))
  return domain.ok ? ok({ is, domain: domain.value, bits4, bits6 }) : domain
}

function prefixLength(digits: string | undefined, most: number): number | undefined {
  if (digits === undefined) return most
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits)) return undefined
  const bits = Number(digits)
  return bits <= most ? bits : undefined
}

function parseNetwork(is: "ip4" | "ip6", rest: string): Result<Mechanism> {
  const [address = "", length, ...more] = rest.slice(1).split("/")
  const network = octetsOf(address)
  const size = is === "ip4" ? 4 : 16
  const bits = prefixLength(length, size * 8)
  if (!rest.startsWith(":") || more.length > 0 || network?.length !== size || bits === undefined) {
    return fail(`${is} needs :network`)
  }
  return ok({ is, network, bits })
}

/** RFC 7208 §7.1: a macro-string that ends in a macro or in a top label. */
function parseDomainSpec(text: string): Result<MacroString> {
  const read = parseMacros(text, false)
  if (!read.ok) return read
  const last = read.value.parts.at(-1)
  if (last === undefined) return fail("a domain is missing")
  // What %%, %_ and %- stand for is text already, but a domain may end in them.
  if (typeof last !== "string" || /%[%_-]$/.test(text)) return read
  return endsInTopLabel(text) ? read : fail(`"${text}" is no domain`)
}

function endsInTopLabel(text: string): boolean {
  const bare = text.endsWith(".") ? text.slice(0, -1) : text
  const dot = bare.lastIndexOf(".")
  const label = bare.slice(dot + 1)
  if (dot < 0 || !/^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(label)) return false
  return /[A-Za-z-]/.test(label)
}
