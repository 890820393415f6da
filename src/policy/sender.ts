// May mail have this sender? Syntax, a real domain, what access says, the declared size (proto.m4: Basic_check_mail).
import { type Mailbox, printMailbox, type ReversePath, type TypedAddress } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, later, no, type Reason, unlessRefused, yes } from "../mail/decision.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { option, optionAt } from "../config/options.ts"
import { feature, inClass } from "../config/settings.ts"
import { canonify } from "../routing/canonify.ts"
import { passed, refused, unknown } from "../routing/reasons.ts"
import { resolve } from "../routing/route.ts"
import { classHolds, type Canonical, localDomain } from "../routing/world.ts"
import { askAccess, senderKeys } from "./access.ts"
import { checkMx } from "./bad-mx.ts"
import { byVerdict } from "./client.ts"
import { askListing, senderListings } from "./dnsbl.ts"
import {
  accessDenied,
  domainDoesNotExist,
  domainDoesNotResolve,
  domainRequired,
  realDomainRequired,
  tooLargeDeclared,
} from "./replies.ts"
import { accessTables, type PolicyWorld } from "./world.ts"

const nullSender = yes("null" as const, because("sender?", "reports have no sender"))

/** MAIL FROM as it was typed, and the SIZE it declared. */
export function checkSender(
  arrival: Arrival,
  path: TypedAddress | "null",
  size: number,
  world: PolicyWorld,
): Soon<Decision<ReversePath>> {
  const large = tooLarge(size, world)
  if (large !== undefined) return large
  if (path === "null") {
    return delaysChecks(world) ? nullSender : as("null", checkSenderDomain(arrival, "null", "", world))
  }
  const { text } = path
  return whenThere(canonify(path, world.routing), (read) => {
    if (read.outcome === "yes") return checkRead({ arrival, text, read: read.value }, world)
    // A literal that is none: sendmail looks it up as a name.
    return read.outcome === "no" && /@\[[^\]]*\]$/.test(text)
      ? no(domainDoesNotExist(text), read.reason)
      : read
  })
}

type ReadSender = { readonly arrival: Arrival; readonly text: string; readonly read: Canonical }

function checkRead({ arrival, text, read }: ReadSender, world: PolicyWorld): Soon<Decision<ReversePath>> {
  const asTyped = mayBeTyped(arrival, text, read, world)
  if (asTyped.outcome !== "yes") return asTyped
  const { mailbox, bare } = read
  // sendmail parses the sender as it does a recipient: who could never be written to is no sender (envelope.c: setsender).
  return unlessRefused(bare ? typedWell : resolve(read, world.routing), () =>
    delaysChecks(world)
      ? yes(mailbox, because("delay_checks", "asked at RCPT", delayedAt(world)))
      : as(mailbox, checkSenderDomain(arrival, mailbox, text, world)),
  )
}

/** A yes to the sender's domain is one to this sender. */
function as(sender: ReversePath, asked: Soon<Decision<undefined>>): Soon<Decision<ReversePath>> {
  return whenThere(asked, (decision) =>
    decision.outcome === "yes" ? yes(sender, decision.reason) : decision,
  )
}

/** FEATURE(delay_checks): client and sender are judged when a recipient is named. */
export function delaysChecks({ routing }: PolicyWorld): boolean {
  return feature(routing.settings, "delay_checks") !== undefined
}

function delayedAt({ routing }: PolicyWorld) {
  return feature(routing.settings, "delay_checks")?.at
}

// RFC 1870 §6.1
function tooLarge(size: number, { routing }: PolicyWorld): Decision<never> | undefined {
  const limit = option(routing.settings, "MaxMessageSize")
  if (limit === 0 || size <= limit) return undefined
  const says = `${size} octets were declared, ${limit} are allowed`
  return no(
    tooLargeDeclared(limit),
    refused("MaxMessageSize", says, optionAt(routing.settings, "MaxMessageSize")),
  )
}

const typedWell = yes(undefined, because("sender?", "it has a domain"))

/** Names without a domain, and localhost, are for this host's own programs. */
function mayBeTyped(
  { client, door }: Arrival,
  typed: string,
  { bare }: Canonical,
  { routing }: PolicyWorld,
): Decision<undefined> {
  const { settings } = routing
  if (client === undefined) return typedWell
  if (bare) {
    const accepts = feature(settings, "accept_unqualified_senders")
    const daemon = settings.daemons.find((one) => one.name === door)
    if (accepts !== undefined)
      return yes(undefined, because("accept_unqualified_senders", "names will do", accepts.at))
    if (daemon?.modify.includes("u") === true) {
      return yes(undefined, because("DAEMON_OPTIONS", "Modify=u: names will do", daemon.at))
    }
    return no(domainRequired(typed), refused("sender?", "the sender has no domain"))
  }
  const ours =
    /@(?:localhost|localhost\.localdomain|\[127\.0\.0\.1\]|\[IPv6:(?:::1|0:0:0:0:0:0:0:1)\])\.?$/i.test(typed)
  const anyDomain = feature(settings, "accept_unresolvable_domains") !== undefined
  if (!ours || anyDomain || isOwn(client.address, client.name, routing.settings)) return typedWell
  return no(realDomainRequired, refused("sender?", "this name of a host's own is no domain elsewhere"))
}

function isOwn(
  address: string,
  name: string | undefined,
  settings: PolicyWorld["routing"]["settings"],
): boolean {
  return (
    address === "127.0.0.1" ||
    address === "::1" ||
    (name !== undefined && inClass(settings, "w", name).member)
  )
}

/** Whether the sender's domain is real, unless access has a word on the sender; its word counts before that of DNS. */
export function checkSenderDomain(
  arrival: Arrival,
  sender: ReversePath,
  typed: string,
  world: PolicyWorld,
): Soon<Decision<undefined>> {
  if (sender === "null") return bySpf(arrival, sender, yes(undefined, nullSender.reason), world)
  const judge = () =>
    whenThere(isReal(arrival, sender, typed, world), (real) => furtherOn(arrival, sender, real, world))
  if (accessTables(world).length === 0) return judge()
  return whenThere(askAccess(accessTables(world), senderKeys(sender, world.dots)), (answer) => {
    if (answer.found === "silent") return answer.decision
    if (answer.found === "entry") return byVerdict(answer, accessDenied(world.routing.settings))
    const unlisted = [passed("access", `${printMailbox(sender)} is not listed`)]
    return whenThere(judge(), (decision) => after(unlisted, decision))
  })
}

/** What is asked of the domain of a stranger's sender when it is a real one. */
function furtherOn(
  arrival: Arrival,
  sender: Mailbox,
  real: Decision<undefined>,
  world: PolicyWorld,
): Soon<Decision<undefined>> {
  if (real.outcome !== "yes" || arrival.client === undefined) return real
  const checks = furtherChecks(sender, world)
  const last = () => bySpf(arrival, sender, real, world)
  return checks.length === 0 ? last() : askFurther(checks, real, last)
}

async function askFurther(
  checks: readonly (() => Promise<Decision<unknown>>)[],
  real: Decision<undefined>,
  last: () => Soon<Decision<undefined>>,
): Promise<Decision<undefined>> {
  const trail: Reason[] = []
  for (const ask of checks) {
    const decision = await ask()
    if (decision.outcome !== "pass") return after(trail, decision.outcome === "yes" ? real : decision)
    trail.push(decision.reason)
  }
  return after(trail, await last())
}

/** FEATURE(spf) has the last word on who may send; what it found stands in the trail. */
function bySpf(
  arrival: Arrival,
  sender: ReversePath,
  decision: Decision<undefined>,
  world: PolicyWorld,
): Soon<Decision<undefined>> {
  if (world.spf === undefined) return decision
  return whenThere(world.spf.ask(arrival, sender, world), (judged) =>
    judged.outcome === "pass" ? after([judged.reason], decision) : judged,
  )
}

function after<T>(trail: readonly Reason[], decision: Decision<T>): Decision<T> {
  if (trail.length === 0) return decision
  return { ...decision, reason: { ...decision.reason, after: [...trail, ...decision.reason.after] } }
}

/** FEATURE(badmx), then FEATURE(rhsbl): all lists are asked at once, and count in the order of their lines. */
function furtherChecks(
  { domain }: Exclude<ReversePath, "null">,
  world: PolicyWorld,
): readonly (() => Promise<Decision<unknown>>)[] {
  const { routing, dns } = world
  if (domain.kind === "literal") return []
  const { settings } = routing
  const bad = feature(settings, "badmx")
  const macros = { RHS: domain.ascii }
  const listed = { key: domain.ascii, shown: domain.ascii, macros }
  const answers = senderListings(settings).map((listing) => askListing(listing, listed, world))
  return [
    ...(bad === undefined ? [] : [() => checkMx(domain.ascii, bad, dns)]),
    ...answers.map((answer) => () => answer),
  ]
}

const literal = yes(undefined, because("sender?", "an address literal needs no DNS"))
const submitted = yes(undefined, because("sender?", "it was handed in on this host"))

function isReal(
  { client }: Arrival,
  { domain }: Exclude<ReversePath, "null">,
  typed: string,
  { routing, dns }: PolicyWorld,
): Soon<Decision<undefined>> {
  const { settings } = routing
  if (client === undefined) return submitted
  if (domain.kind === "literal") return literal
  const accepts = feature(settings, "accept_unresolvable_domains")
  if (accepts !== undefined) {
    return yes(undefined, because("accept_unresolvable_domains", "any domain will do", accepts.at))
  }
  const own = localDomain(settings, domain)
  if (own.member) return yes(undefined, because("sender?", `${domain.ascii} is in class w`, own.at))
  const virtual = classHolds(settings, "VirtHost", domain, false)
  if (virtual.member)
    return yes(undefined, because("sender?", `${virtual.by} is in VIRTUSER_DOMAIN`, virtual.at))
  return isInDns(domain.ascii, typed, dns)
}

/** MX first, then addresses; only an answer that says no means no. */
async function isInDns(name: string, typed: string, dns: PolicyWorld["dns"]): Promise<Decision<undefined>> {
  const mx = await dns.mx(name)
  if (mx.found === "records") return yes(undefined, because("sender?", `${name} has MX records`))
  if (mx.found === "unavailable")
    return later(domainDoesNotResolve(typed), unknown("sender?", `DNS: ${mx.why}`))
  const addresses = await dns.addresses(name)
  if (addresses.found === "records") return yes(undefined, because("sender?", `${name} has an address`))
  if (addresses.found === "unavailable") {
    return later(domainDoesNotResolve(typed), unknown("sender?", `DNS: ${addresses.why}`))
  }
  return no(domainDoesNotExist(typed), refused("sender?", `DNS knows neither MX nor address of ${name}`))
}
