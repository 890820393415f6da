// How our senders' addresses look to the world: MASQUERADE_AS, MASQUERADE_DOMAIN, EXPOSED_USER, genericstable (proto.m4:
// MasqHdr, MasqEnv). Recipients in headers keep their addresses, unless FEATURE(allmasquerade).
import { type Domain, type Mailbox, parseDomain, printDomain, printMailbox } from "../mail/address.ts"
import { because, type Decision, type Origin, type Reason, yes } from "../mail/decision.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { feature, inClass, macro, macroAt } from "../config/settings.ts"
import { splitDetail } from "../maps/keys.ts"
import { canonify } from "./canonify.ts"
import { type Asked, askTables, cause, changedByEntry, misconfigured, passed } from "./reasons.ts"
import { type Canonical, classHolds, localDomain, type RoutingWorld, tablesOf } from "./world.ts"

export type Where = "header" | "envelope"

const envelopeStays = because(
  "masquerade",
  "the envelope keeps the address (no FEATURE(masquerade_envelope))",
)
const nothingToDo = because("masquerade", "no MASQUERADE_AS and no genericstable")

/**
 * A sender's address as it is to leave: in From:, Sender:, Reply-To: and the like, or in MAIL FROM. A bare name is one that
 * was written without a domain; the result always has one.
 */
export function rewriteSender(from: Canonical, where: Where, world: RoutingWorld): Soon<Decision<Mailbox>> {
  if (where === "envelope" && feature(world.settings, "masquerade_envelope") === undefined) {
    return yes(from.mailbox, envelopeStays)
  }
  return whenThere(byGenericstable(from, world), (generic) => {
    if (generic.outcome !== "yes" && generic.outcome !== "pass") return generic
    return masquerade(generic.outcome === "yes" ? generic.value : from, [generic.reason], world)
  })
}

const recipientsStay = because("masquerade", "recipients keep their addresses")

/** A recipient's address in a header: with FEATURE(allmasquerade) as a sender's, else as it is. */
export function rewriteRecipient(to: Canonical, world: RoutingWorld): Soon<Decision<Mailbox>> {
  const all = feature(world.settings, "allmasquerade")
  if (all === undefined) return yes(to.mailbox, recipientsStay)
  const why = cause("FEATURE(allmasquerade)", all.at)
  return whenThere(rewriteSender(to, "header", world), (decision) => {
    return { ...decision, reason: { ...decision.reason, after: [...decision.reason.after, ...why] } }
  })
}

const notGeneric: Decision<never> = {
  outcome: "pass",
  reason: passed("genericstable", "the domain is not of GENERICS_DOMAIN"),
}

const noTable: Decision<never> = { outcome: "pass", reason: passed("genericstable", "there is none") }

/** genericstable: user@domain, user+*@domain, user; what it says is an address, or a name at our own. */
function byGenericstable(from: Canonical, world: RoutingWorld): Soon<Decision<Canonical>> {
  const tables = tablesOf(world.tables, "genericstable")
  if (tables.length === 0) return noTable
  const { mailbox, bare } = from
  const entire = feature(world.settings, "generics_entire_domain") !== undefined
  if (!bare && !classHolds(world.settings, "G", mailbox.domain, entire).member) return notGeneric
  return whenThere(askTables(tables, genericKeys(mailbox)), (asked) => fromTable(mailbox, asked, world))
}

function fromTable(mailbox: Mailbox, asked: Asked, world: RoutingWorld): Soon<Decision<Canonical>> {
  if (asked.found === "silent") return asked.decision
  if (asked.found === "nothing") {
    return { outcome: "pass", reason: passed("genericstable", `${printMailbox(mailbox)} is not listed`) }
  }
  const reason = changedByEntry(asked.table, asked.entry)
  const detail = splitDetail(mailbox.localPart).detail ?? ""
  return whenThere(canonify(asked.entry.value.replaceAll("%1", detail), world), (read) =>
    read.outcome === "yes"
      ? yes(read.value, reason)
      : misconfigured(reason, `${asked.entry.value} is no address`),
  )
}

function genericKeys({ localPart, domain }: Mailbox): readonly string[] {
  const { user, detail } = splitDetail(localPart)
  const host = printDomain(domain)
  if (detail === undefined) return [`${user}@${host}`, user]
  return [`${localPart}@${host}`, `${user}+*@${host}`, `${user}@${host}`, localPart, `${user}+*`, user]
}

function masquerade(address: Canonical, trail: readonly Reason[], world: RoutingWorld): Decision<Mailbox> {
  const { mailbox } = address
  const { settings } = world
  const name = macro(settings, "M") ?? ""
  const at = macroAt(settings, "M")
  const rewritten = trail.some((one) => one.role === "changed")
  if (name === "") return yes(mailbox, rewritten ? lastOf(trail) : { ...nothingToDo, after: trail })
  const kept = keeps(address, world)
  if (kept !== undefined) return yes(mailbox, { ...kept, after: trail })
  const as = parseDomain(name)
  const reason = because("masquerade", `MASQUERADE_AS is ${name}`, at, [
    ...trail,
    ...cause("MASQUERADE_AS", at),
  ])
  if (!as.ok) return misconfigured(reason, as.error)
  return yes({ localPart: mailbox.localPart, domain: as.value }, reason)
}

function lastOf(trail: readonly Reason[]): Reason {
  const last = trail.at(-1)
  return last === undefined ? nothingToDo : { ...last, role: "changed" }
}

/** Why the address is not masqueraded; undefined when it is. */
function keeps(address: Canonical, world: RoutingWorld): Reason | undefined {
  const { mailbox, bare } = address
  const { settings } = world
  const { domain, localPart } = mailbox
  const except = classHolds(settings, "N", domain, true)
  if (except.member) return because("masquerade", `${except.by} is in MASQUERADE_EXCEPTION`, except.at)
  const hidden = hiddenBy(domain, bare, world)
  if (hidden === undefined) return because("masquerade", `${printDomain(domain)} is not masqueraded`)
  const exposed = inClass(settings, "E", splitDetail(localPart).user)
  if (exposed.member) return because("masquerade", `${localPart} is an EXPOSED_USER`, exposed.at)
  return undefined
}

/** Our own domains (not with FEATURE(limited_masquerade)) and those of MASQUERADE_DOMAIN are hidden. */
function hiddenBy(
  domain: Domain,
  bare: boolean,
  { settings }: RoutingWorld,
): { readonly at: Origin | undefined } | undefined {
  if (bare) return { at: undefined }
  const entire = feature(settings, "masquerade_entire_domain") !== undefined
  const named = classHolds(settings, "M", domain, entire)
  if (named.member) return named
  if (feature(settings, "limited_masquerade") !== undefined) return undefined
  const own = localDomain(settings, domain)
  return own.member ? own : undefined
}
