// What people and old hosts type, made into a mailbox: source routes, `user%host`, `host!user`, names without a domain, address
// literals of our own, domaintable. It refuses what can mean nothing. Whether there is such a mailbox is not asked here.
import {
  type Domain,
  type ForwardPath,
  parseDomain,
  parseLocalPart,
  printDomain,
  printMailbox,
  type TypedAddress,
} from "../mail/address.ts"
import { because, type Decision, type Reason, yes } from "../mail/decision.ts"
import { type EnhancedCode, reply } from "../mail/reply.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { option } from "../config/options.ts"
import { macro } from "../config/settings.ts"
import { dequote, type Focus, focus } from "./focus.ts"
import { type Asked, askTables, changed, changedByEntry, misconfigured, refuse, refused } from "./reasons.ts"
import type { LookupTable } from "../maps/table.ts"
import { type Canonical, localDomain, type RoutingWorld, type SiteHooks, tablesOf } from "./world.ts"

/** What an address is on its way through the rules. */
type Turn =
  | { readonly kind: "again"; readonly text: string; readonly because: Reason }
  | { readonly kind: "done"; readonly value: Canonical }
  | { readonly kind: "stop"; readonly decision: Decision<never> }

/**
 * What an address is read for: its `way`, for which user%host at this host is an address elsewhere (Parse0), or only the `form` in
 * which it leaves, where it stays what it is (ruleset 3 alone).
 */
export type ReadFor = "way" | "form"

/** Reads a typed address (without angle brackets) the way sendmail's rulesets 3 and Parse0 do. */
export function canonify(
  typed: TypedAddress | string,
  world: RoutingWorld,
  readFor: ReadFor = "way",
): Soon<Decision<Canonical>> {
  const original = typeof typed === "string" ? typed : typed.text
  // Each turn takes an operator, a quote or a route away, so there are never more turns than characters.
  return readOn(original.trim(), { original, trail: [], world, readFor, turns: original.length + 1 })
}

type Reading = {
  readonly original: string
  readonly trail: Reason[]
  readonly world: RoutingWorld
  readonly readFor: ReadFor
  /** Turns that may still come. */
  turns: number
}

function readOn(text: string, reading: Reading): Soon<Decision<Canonical>> {
  const { original, trail, world, readFor } = reading
  for (let next = text; reading.turns > 0; ) {
    reading.turns--
    const looked = look(next, trail, world, readFor)
    if (looked instanceof Promise) return looked.then((turn) => readLater(turn, reading))
    const followed = follow(looked, reading)
    if (typeof followed !== "string") return followed
    next = followed
  }
  return withTrailOf(bad("5.1.3", "Invalid route address", original), trail)
}

function readLater(turn: Turn, reading: Reading): Soon<Decision<Canonical>> {
  const followed = follow(turn, reading)
  return typeof followed === "string" ? readOn(followed, reading) : followed
}

/** What the address has become, or the text of the next turn. */
function follow(turn: Turn, { trail, world }: Reading): Soon<Decision<Canonical>> | string {
  if (turn.kind === "stop") return withTrailOf(turn.decision, trail)
  if (turn.kind === "done") return bySiteRules(turn.value, told(turn.value, trail), world)
  trail.push(turn.because)
  return turn.text.trim()
}

/** LOCAL_RULE_3 has the last word; what it makes of the address is read once more, without it. */
function bySiteRules(address: Canonical, reason: Reason, world: RoutingWorld): Soon<Decision<Canonical>> {
  const hook = world.hooks?.canonical
  return hook === undefined ? yes(address, reason) : byRule3(address, reason, hook, world)
}

async function byRule3(
  address: Canonical,
  reason: Reason,
  hook: NonNullable<SiteHooks["canonical"]>,
  world: RoutingWorld,
): Promise<Decision<Canonical>> {
  const left = await hook(address)
  if (left.outcome === "pass") return yes(address, reason)
  if (left.outcome !== "yes") return left
  const read = await canonify(left.value, { ...world, hooks: undefined })
  return withTrailOf(read, [...reason.after, left.reason])
}

/** The canonical form of a mailbox that was canonified before: of the queue, of an envelope. */
export function canonical(path: ForwardPath, world: RoutingWorld): Canonical {
  if (path === "postmaster") {
    return bareName("postmaster", world)
  }
  const local = localDomain(world.settings, path.domain)
  return { mailbox: path, bare: false, local: local.member, localAt: local.at }
}

function bareName(localPart: string, world: RoutingWorld): Canonical {
  return { mailbox: { localPart, domain: world.own }, bare: true, local: true, localAt: undefined }
}

const canonicalAlready = because("canonify", "it is canonical as it stands")

function told(value: Canonical, trail: readonly Reason[]): Reason {
  if (trail.length === 0) return canonicalAlready
  return because("canonify", `it is ${printMailbox(value.mailbox)}`, undefined, trail)
}

function withTrailOf<T>(decision: Decision<T>, trail: readonly Reason[]): Decision<T> {
  if (trail.length === 0) return decision
  return { ...decision, reason: { ...decision.reason, after: [...trail, ...decision.reason.after] } }
}

function bad(status: EnhancedCode, words: string, text: string): Decision<never> {
  return refuse(reply(553, status, words), refused("canonify", `"${text}": ${words}`))
}

function stop(status: EnhancedCode, words: string, text: string): Turn {
  return { kind: "stop", decision: bad(status, words, text) }
}

function again(text: string, says: string): Turn {
  return { kind: "again", text, because: changed("canonify", says) }
}

function look(text: string, trail: Reason[], world: RoutingWorld, readFor: ReadFor): Soon<Turn> {
  const found = focus(text)
  if (!found.ok) return stop("5.1.3", found.error, text)
  const at = found.value
  if (text === "") return stop("5.1.3", "User address required", text)
  if (text.endsWith(";") && at.firstColon >= 0) {
    return stop("5.1.3", "List:; syntax illegal for recipient addresses", text)
  }
  if (text.startsWith("@")) return sourceRoute(text, at)
  if (at.lastAt >= 0) return atDomain(text, at, trail, world, readFor)
  return noDomain(text, at, world)
}

// RFC 5321 §3.3, appendix F.2: the hosts of a source route are ignored, the last part counts.
function sourceRoute(text: string, at: Focus): Turn {
  if (at.firstColon < 0) return stop("5.1.3", "User address required", text)
  return again(text.slice(at.firstColon + 1), `the source route ${text.slice(0, at.firstColon)} is left out`)
}

function atDomain(
  text: string,
  at: Focus,
  trail: Reason[],
  world: RoutingWorld,
  readFor: ReadFor,
): Soon<Turn> {
  if (at.firstAt !== at.lastAt) return stop("5.1.3", "Invalid route address", text)
  const user = text.slice(0, at.lastAt).trim()
  const host = text.slice(at.lastAt + 1).trim()
  if (host === "") return stop("5.1.3", "Hostname required", text)
  if (user === "") return stop("5.1.3", "User address required", text)
  const parsed = readDomain(host, text)
  if ("kind" in parsed) return parsed
  return whenThere(ourName(parsed.domain, world), (name) =>
    atKnown({ text, user, name }, trail, world, readFor),
  )
}

type AtKnown = { readonly text: string; readonly user: string; readonly name: Decision<Domain> }

function atKnown(
  { text, user, name: known }: AtKnown,
  trail: Reason[],
  world: RoutingWorld,
  readFor: ReadFor,
): Turn {
  if (known.outcome !== "yes") return { kind: "stop", decision: known }
  const domain = known.value
  if (known.reason.role === "changed") trail.push(known.reason)
  const local = localDomain(world.settings, domain)
  const localPart = readUser(user, trail, option(world.settings, "BlankSub"))
  if (!localPart.ok) return stop("5.1.3", localPart.error, text)
  if (readFor === "way" && local.member && hasOperator(localPart.value, world)) {
    return again(localPart.value, `${printDomain(domain)} is this host, so ${localPart.value} counts`)
  }
  const mailbox = { localPart: localPart.value, domain }
  return { kind: "done", value: { mailbox, bare: false, local: local.member, localAt: local.at } }
}

function readDomain(host: string, text: string): Turn | { readonly domain: Domain } {
  if (!host.startsWith("[") && host.includes(":")) {
    return stop("5.1.3", "Colon illegal in host name part", text)
  }
  const domain = parseDomain(host)
  if (domain.ok) return { domain: domain.value }
  return stop("5.1.2", host.startsWith("[") ? "Invalid address" : "Invalid host name", text)
}

const unchanged = because("canonify", "the domain stands as it is")

/** `localhost` and our own literals are $j; then domaintable has its say. */
function ourName(domain: Domain, world: RoutingWorld): Soon<Decision<Domain>> {
  const { settings } = world
  if (domain.kind === "literal") {
    const own = localDomain(settings, domain)
    if (!own.member) return yes(domain, unchanged)
    return yes(world.own, changed("canonify", `${domain.text} is an address of this host`, own.at))
  }
  if (domain.ascii === "localhost" || domain.ascii === `localhost.${macro(settings, "m") ?? "localdomain"}`) {
    return yes(world.own, changed("canonify", `${domain.ascii} is ${printDomain(world.own)}`))
  }
  const tables = tablesOf(world.tables, "domaintable")
  return tables.length === 0 ? yes(domain, unchanged) : byDomaintable(domain, domain.ascii, tables)
}

function byDomaintable(
  domain: Domain,
  ascii: string,
  tables: readonly LookupTable[],
): Soon<Decision<Domain>> {
  return whenThere(askTables(tables, [ascii]), (asked) => domainOf(asked, domain))
}

function domainOf(asked: Asked, domain: Domain): Decision<Domain> {
  if (asked.found === "silent") return asked.decision
  if (asked.found === "nothing") return yes(domain, unchanged)
  const reason = changedByEntry(asked.table, asked.entry)
  const other = parseDomain(asked.entry.value)
  return other.ok ? yes(other.value, reason) : misconfigured(reason, other.error)
}

function noDomain(text: string, at: Focus, world: RoutingWorld): Turn {
  if (at.quoted) {
    const inner = dequote(text)
    if (inner === "") return stop("5.1.3", "User address required", text)
    if (hasOperator(inner, world)) return again(inner, `the quotes around ${inner} protect nothing here`)
  } else if (at.firstBang >= 0 && world.bangs) {
    return bangPath(text, at.firstBang)
  } else if (at.lastPercent >= 0 && world.percents) {
    const unfolded = `${text.slice(0, at.lastPercent)}@${text.slice(at.lastPercent + 1)}`
    return again(unfolded, `${text} is ${unfolded}`)
  }
  const { settings } = world
  if (at.firstColon >= 0 && !option(settings, "ColonOkInAddr"))
    return stop("5.1.3", "Colon illegal in host name part", text)
  // A colon is nothing special in a name: user::node is a user of that name.
  const localPart = readUser(text.replaceAll(":", colonMark), [], option(settings, "BlankSub"))
  if (!localPart.ok) return stop("5.1.3", localPart.error, text)
  return { kind: "done", value: bareName(localPart.value.replaceAll(colonMark, ":"), world) }
}

/** Stands for a colon, which no unquoted local part may have. */
const colonMark = "\uE000"

/** host!user: the first host is where it goes; one without a dot is a UUCP neighbour. */
function bangPath(text: string, bang: number): Turn {
  const host = text.slice(0, bang)
  const unfolded = `${text.slice(bang + 1)}@${host.includes(".") ? host : `${host}.uucp`}`
  return again(unfolded, `${text} is ${unfolded}`)
}

/** At this host these make a name into an address of somewhere else (sendmail: class O). */
function hasOperator(name: string, { bangs, percents }: RoutingWorld): boolean {
  return name.includes("@") || (percents && name.includes("%")) || (bangs && name.includes("!"))
}

/** A local part as typed; blanks between words become dots, a leading backslash (no aliases) stays. */
function readUser(text: string, trail: Reason[], blank: string): Result<string> {
  if (text.startsWith("\\") && text.length > 1) {
    const rest = readUser(text.slice(1), trail, blank)
    if (rest.ok && /[@%!]/.test(rest.value)) return fail("a backslash hides no address")
    return rest.ok ? ok(`\\${rest.value}`) : rest
  }
  if (!text.startsWith('"') && /\s/.test(text)) {
    const joined = text.split(/\s+/).join(blank)
    trail.push(changed("canonify", `"${text}" without quotes is ${joined}`))
    return parseLocalPart(joined)
  }
  const read = parseLocalPart(text)
  return read.ok && read.value === "" ? fail("User address required") : read
}
