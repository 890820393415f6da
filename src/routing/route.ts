// Where an address goes: an ordered list of steps, built once from the settings and printable, asked one after the other until
// one decides (sendmail: ruleset 0, Parse1). Local names stop at "local": what they mean is local-user.ts and expand.ts.
import { printDomain, printLocalPart, printMailbox } from "../mail/address.ts"
import { because, type Decision, pass, type Reason, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { option } from "../config/options.ts"
import { feature, inClass, macro, macroAt, mailer, type Settings } from "../config/settings.ts"
import { byBestMx } from "./best-mx.ts"
import { canonify } from "./canonify.ts"
import { backToSender } from "./forwarded.ts"
import { cause, changed, misconfigured, passed, refuse, refused } from "./reasons.ts"
import { spokenBy } from "./spoken.ts"
import { byMailertable, byVirtusertable, isNotVirtual } from "./tables.ts"
import { parseTarget } from "./target.ts"
import {
  type Canonical,
  type RouteStep,
  type RoutingWorld,
  type Tables,
  tablesOf,
  type Turn,
} from "./world.ts"

const always = () => true

/** The steps in their order; those that no line asks for are left out. */
export function routeSteps(settings: Settings, tables: Tables): readonly RouteStep[] {
  const steps: RouteStep[] = []
  const redirect = feature(settings, "redirect")
  const virtual = tablesOf(tables, "virtusertable")[0]
  const ways = tablesOf(tables, "mailertable")[0]
  if (redirect !== undefined) {
    const does = "refuses addresses that moved, with their new place"
    steps.push({ name: "redirect", does, at: redirect.at, ask: byRedirect, byDomain: always })
  }
  const srs = feature(settings, "srs")
  if (srs !== undefined) {
    const does = "leads rewritten senders of forwarded mail back"
    steps.push({ name: "srs", does, at: srs.at, ask: backToSender })
  }
  if (virtual !== undefined) {
    const does = "gives one address for another in our domains"
    steps.push({ name: "virtusertable", does, at: virtual.via, ask: byVirtusertable, byDomain: isNotVirtual })
  }
  const sticky = feature(settings, "stickyhost")
  if (sticky !== undefined && (macro(settings, "H") ?? "") !== "") {
    const does = "hands mail for our domains to the hub as it is, before any alias"
    steps.push({ name: "stickyhost", does, at: sticky.at, ask: toStickyHub })
  }
  const bestMx = feature(settings, "bestmx_is_local")
  if (bestMx !== undefined) {
    const does = "keeps mail for domains whose best MX is this host"
    steps.push({ name: "bestmx_is_local", does, at: bestMx.at, ask: byBestMx, byDomain: always })
  }
  steps.push({
    name: "local?",
    does: "keeps mail for the domains of class w",
    at: undefined,
    ask: isLocal,
    byDomain: always,
  })
  if (ways !== undefined) {
    const does = "names mailer and host for a domain"
    steps.push({ name: "mailertable", does, at: ways.via, ask: byMailertable, byDomain: always })
  }
  if ((macro(settings, "S") ?? "") !== "") {
    const does = "hands everything else to one host"
    steps.push({ name: "smart host", does, at: macroAt(settings, "S"), ask: bySmartHost, byDomain: always })
  }
  if (expandsNames(settings)) {
    const does = "writes the real name where DNS says the domain is an alias"
    steps.push({ name: "canonical name", does, at: undefined, ask: byCanonicalName, byDomain: always })
  }
  steps.push({
    name: "MX",
    does: "sends it where the domain's MX records say",
    at: undefined,
    ask: toExchangers,
    byDomain: always,
  })
  return steps
}

/** Whether a domain that is an alias in DNS is written by its real name. */
export function expandsNames(settings: Settings): boolean {
  return feature(settings, "nocanonify") === undefined && !option(settings, "DontExpandCnames")
}

/** As many rewritings as sendmail takes before it speaks of a loop (MaxRuleRecursion). */
const mostTurns = 50

export type Resolved = { readonly route: Route; readonly to: Canonical }

/**
 * Where a canonical address goes. The value also holds the address that virtusertable and the like made of it; the reason
 * holds every step that was asked.
 */
export function resolve(to: Canonical, world: RoutingWorld): Soon<Decision<Resolved>> {
  return resolveFrom(to, { asked: to, trail: [], world, turns: 0 })
}

type Search = {
  readonly asked: Canonical
  readonly trail: Reason[]
  readonly world: RoutingWorld
  turns: number
}

function resolveFrom(address: Canonical, search: Search): Soon<Decision<Resolved>> {
  if (search.turns >= mostTurns) return loops(search)
  search.turns++
  return whenThere(ask(address, 0, search), (asked) => {
    if (asked.outcome !== "yes") return asked
    const { turn, to } = asked.value
    if (turn.kind === "route") return yes({ route: turn.route, to }, withTrail(asked.reason, search.trail))
    search.trail.push(asked.reason)
    return rewritten(turn.typed, search)
  })
}

function rewritten(typed: string, search: Search): Soon<Decision<Resolved>> {
  const { trail, world } = search
  return whenThere(canonify(typed, world), (next) => {
    if (next.outcome !== "yes") return { ...next, reason: withTrail(next.reason, trail) }
    trail.push(...next.reason.after)
    return resolveFrom(next.value, search)
  })
}

function loops({ asked, trail }: Search): Decision<never> {
  const says = `${printMailbox(asked.mailbox)} is rewritten again and again`
  const reason = refused("route", says, undefined, trail)
  return refuse(reply(554, "5.4.6", "Address rewriting loop"), reason)
}

type Answer = { readonly turn: Exclude<Turn, { readonly kind: "instead" }>; readonly to: Canonical }

/** Asks the steps from this one on; those that pass go into the trail. */
function ask(to: Canonical, from: number, search: Search): Soon<Decision<Answer>> {
  const { steps } = search.world
  for (let n = from; n < steps.length; n++) {
    const decision = steps[n]?.ask(to, search.world)
    if (decision instanceof Promise) return decision.then((one) => answered(one, to, n, search))
    if (decision === undefined) break
    if (decision.outcome !== "pass") return answered(decision, to, n, search)
    search.trail.push(decision.reason)
  }
  throw new Error("the last step of routing must decide") // a bug in routeSteps, not in the mail
}

function answered(
  decision: Decision<Turn>,
  to: Canonical,
  step: number,
  search: Search,
): Soon<Decision<Answer>> {
  const { trail, world } = search
  switch (decision.outcome) {
    case "pass":
      trail.push(decision.reason)
      return ask(to, step + 1, search)
    case "no":
    case "later":
      return { ...decision, reason: withTrail(decision.reason, trail) }
    case "yes": {
      const { value: turn, reason } = decision
      if (turn.kind !== "instead") return yes({ turn, to }, reason)
      return whenThere(canonify(turn.typed, { ...world, hooks: undefined }), (other) => {
        trail.push(reason)
        return other.outcome === "yes"
          ? ask(other.value, step + 1, search)
          : { ...other, reason: withTrail(other.reason, trail) }
      })
    }
  }
}

function withTrail(reason: Reason, trail: readonly Reason[]): Reason {
  return trail.length === 0 ? reason : { ...reason, after: [...trail, ...reason.after] }
}

const notRedirected = pass(passed("redirect", "the domain does not end in .REDIRECT"))

/** FEATURE(redirect): user@new.place.REDIRECT in aliases says where somebody went. */
function byRedirect(to: Canonical, { settings }: RoutingWorld): Decision<Turn> {
  const domain = printDomain(to.mailbox.domain)
  if (!domain.endsWith(".redirect")) return notRedirected
  const there = domain.slice(0, -".redirect".length)
  const reason = refused(
    "redirect",
    `${to.mailbox.localPart} has moved to ${there}`,
    feature(settings, "redirect")?.at,
  )
  const words = `User has moved; please try <${to.mailbox.localPart}@${there}>`
  return refuse(reply(551, "5.1.1", words), reason)
}

const notSticky = pass(passed("stickyhost", "it is a name without a domain, or not of our domains"))
const hubIsHere = pass(passed("stickyhost", "the hub is this host"))

/** FEATURE(stickyhost) with MAIL_HUB: user@here is not user. */
function toStickyHub(to: Canonical, world: RoutingWorld): Decision<Turn> {
  const { settings } = world
  if (to.bare || !to.local) return notSticky
  const value = macro(settings, "H") ?? ""
  if (inClass(settings, "w", value).member) return hubIsHere
  const why = [...cause("FEATURE(stickyhost)", feature(settings, "stickyhost")?.at)]
  const reason = because("stickyhost", `MAIL_HUB is "${value}"`, macroAt(settings, "H"), why)
  const target = parseTarget(value, to, world, option(settings, "RelayMailer"))
  if (!target.ok) return misconfigured(reason, target.error)
  return target.value.kind === "error" ? refuse(target.value.reply, reason) : yes(target.value, reason)
}

const bareIsLocal = because("local?", "a name without a domain is a name of this host")

/** Class w, literals of our own addresses, names without a domain. */
function isLocal(to: Canonical): Decision<Turn> {
  const { domain, localPart } = to.mailbox
  if (!to.local) return pass(passed("local?", `${printDomain(domain)} is not in class w`))
  const route = { mailer: "local", host: "", user: localPart }
  const reason = to.bare ? bareIsLocal : because("local?", `${printDomain(domain)} is in class w`, to.localAt)
  return yes({ kind: "route", route }, reason)
}

const smartHostIsHere = pass(passed("smart host", "SMART_HOST is this host"))

/** SMART_HOST: mailer:host or a host, which gets the relay mailer. */
function bySmartHost(to: Canonical, world: RoutingWorld): Decision<Turn> {
  const { settings } = world
  const value = macro(settings, "S") ?? ""
  if (inClass(settings, "w", value).member) return smartHostIsHere // proto.m4: MailerToTriple deletes a local host
  const at = macroAt(settings, "S")
  const reason = because("smart host", `SMART_HOST is "${value}"`, at, cause("SMART_HOST", at))
  const literal = to.mailbox.domain.kind === "literal"
  const target = parseTarget(value, to, world, option(settings, literal ? "SmtpMailer" : "RelayMailer"))
  if (!target.ok) return misconfigured(reason, target.error)
  return target.value.kind === "error" ? refuse(target.value.reply, reason) : yes(target.value, reason)
}

const noAliasName = pass(passed("canonical name", "DNS knows no other name for the domain"))
const noNames = pass(passed("canonical name", "an address literal has no other name"))

// RFC 1123 §5.2.2. RFC 5321 no longer asks for it; sendmail does it unless DontExpandCnames or FEATURE(nocanonify) say no.
async function byCanonicalName(to: Canonical, { dns, settings }: RoutingWorld): Promise<Decision<Turn>> {
  const { domain, localPart } = to.mailbox
  if (domain.kind === "literal") return noNames
  if (mailer(settings, option(settings, "SmtpMailer")) === undefined) return noAliasName
  const answer = await dns.cname(domain.ascii)
  if (answer.found === "unavailable") {
    // Its MX records will not be had either, and then the delivery waits; the name as it stands is not wrong.
    return pass(passed("canonical name", `DNS does not answer for ${domain.ascii}: ${answer.why}`))
  }
  const other = answer.found === "records" ? answer.records[0] : undefined
  if (other === undefined || other === domain.ascii) return noAliasName
  return yes(
    { kind: "again", typed: `${printLocalPart(localPart)}@${other}` },
    changed("canonical name", `DNS says ${domain.ascii} is an alias of ${other}`),
  )
}

/** All the rest of the world. */
function toExchangers(to: Canonical, world: RoutingWorld): Decision<Turn> {
  const { settings } = world
  const host = printDomain(to.mailbox.domain).toLowerCase() // [IPv6:…] too, as sendmail folds it
  const name = option(settings, "SmtpMailer")
  if (mailer(settings, name) === undefined) {
    const reason = refused("MX", `no MAILER(smtp): ${host} is not of this host, and there is no other way`)
    return refuse(reply(553, "5.1.2", `Unrecognized host name ${host}`), reason)
  }
  const route = { mailer: name, host, user: spokenBy(name, to.mailbox, world) }
  return yes(
    { kind: "route", route },
    because("MX", `no table names another way, so the MX records of ${host} count`),
  )
}
