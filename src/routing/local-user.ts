// What a name of this host means: an alias, a user with a mailbox, somebody whom another host knows (MAIL_HUB, LOCAL_RELAY,
// LUSER_RELAY), or nobody (sendmail: alias(), ruleset 5, finduser). Everything but .forward, which only delivery reads.
import { printLocalPart } from "../mail/address.ts"
import { because, type Decision, type Reason, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import type { Account, Found } from "../mail/world.ts"
import { option } from "../config/options.ts"
import { feature, inClass, macro, macroAt } from "../config/settings.ts"
import { aliasKeys, splitDetail } from "../maps/keys.ts"
import type { Entry, LookupTable } from "../maps/table.ts"
import { askTables, byEntry, cause, misconfigured, passed, refuse, refused, silent } from "./reasons.ts"
import { parseTarget } from "./target.ts"
import { type Canonical, type LocalAnswer, type RoutingWorld, tablesOf } from "./world.ts"

/** A name of this host without its tags. */
export type LocalName = {
  /** In lower case: sendmail folds local names. */
  readonly user: string
  readonly detail: string | undefined
  /** It began with a backslash: no alias and no .forward, only the mailbox. */
  readonly plain: boolean
  /** It stands in its own alias (`gordon: gordon, andrew`): not an alias this time, but a .forward counts. */
  readonly ownAlias?: true
}

/** Reads the user part of a local route. */
export function localName(localPart: string): LocalName {
  const plain = localPart.startsWith("\\")
  const { user, detail } = splitDetail(plain ? localPart.replace(/^\\+/, "") : localPart)
  return { user: user.toLowerCase(), detail, plain }
}

/** What a local name leads to. */
export type LocalTurn =
  | { readonly kind: "alias"; readonly entry: Entry; readonly table: LookupTable }
  | { readonly kind: "mailbox"; readonly account: Account }
  | { readonly kind: "route"; readonly route: Route }

/** What the name means, or that there is no such user (550 5.1.1). */
export function findLocal(name: LocalName, to: Canonical, world: RoutingWorld): Soon<Decision<LocalTurn>> {
  if (name.plain || name.ownAlias === true) return findUnaliased(name, to, noTrail, world)
  const { user, detail } = name
  const keys = aliasKeys(detail === undefined ? user : `${user}+${detail}`)
  return whenThere(askTables(tablesOf(world.tables, "aliases"), keys), (asked) => {
    if (asked.found === "silent") return asked.decision
    if (asked.found === "nothing") return findUnaliased(name, to, notAliased, world)
    const { entry, table } = asked
    return yes({ kind: "alias", entry, table }, byEntry(table, entry))
  })
}

function findUnaliased(
  name: LocalName,
  to: Canonical,
  trail: readonly Reason[],
  world: RoutingWorld,
): Soon<Decision<LocalTurn>> {
  return whenThere(bySiteRules(name, world), (site) => {
    if (site.outcome !== "yes") return site.outcome === "pass" ? elsewhere(name, to, trail, world) : site
    const { value, reason } = site
    switch (value.kind) {
      case "route":
        return withTrail(yes(value, reason), trail)
      case "stays":
        return findUser(name, to, [...trail, reason], world)
      case "name":
        return elsewhere({ ...name, ...localName(value.user) }, to, [...trail, reason], world)
    }
  })
}

function elsewhere(
  name: LocalName,
  to: Canonical,
  trail: readonly Reason[],
  world: RoutingWorld,
): Soon<Decision<LocalTurn>> {
  const host = anotherHost(name, to, world)
  return host === undefined ? findUser(name, to, trail, world) : withTrail(host, trail)
}

const noRules: Decision<never> = { outcome: "pass", reason: passed("Local_localaddr", "there are no rules") }

/** SLocal_localaddr of LOCAL_RULESETS. */
function bySiteRules({ user, detail }: LocalName, { hooks }: RoutingWorld): Soon<Decision<LocalAnswer>> {
  return hooks?.localUser?.(detail === undefined ? user : `${user}+${detail}`) ?? noRules
}

const noTrail: readonly Reason[] = []
const notAliased: readonly Reason[] = [passed("aliases", "not an alias")]
const unknownUser = reply(550, "5.1.1", "User unknown")

function findUser(
  name: LocalName,
  to: Canonical,
  trail: readonly Reason[],
  world: RoutingWorld,
): Soon<Decision<LocalTurn>> {
  const { user } = name
  return whenThere<Found<Account>, Decision<LocalTurn>>(world.accounts.lookup(user), (found) => {
    switch (found.found) {
      case "entry":
        return yes({ kind: "mailbox", account: found.entry }, hasMailbox(found.entry, trail))
      case "unavailable":
        return withTrail(silent("user?", `the accounts do not answer for ${user}: ${found.why}`), trail)
      case "nothing":
        return withTrail(luser(name, to, world) ?? nobody(user), trail)
    }
  })
}

function nobody(user: string): Decision<never> {
  return refuse(unknownUser, refused("user?", `${user} is neither an alias nor an account`))
}

function hasMailbox(account: Account, trail: readonly Reason[]): Reason {
  return because("user?", `${account.name} has an account`, account.at, trail)
}

function withTrail(decision: Decision<LocalTurn>, trail: readonly Reason[]): Decision<LocalTurn> {
  if (trail.length === 0) return decision
  return { ...decision, reason: { ...decision.reason, after: [...trail, ...decision.reason.after] } }
}

/**
 * MAIL_HUB ($H) and LOCAL_RELAY ($R) take all names that are no aliases here but those of LOCAL_USER (class L). With both,
 * the hub comes first (proto.m4: SLocal_localaddr).
 */
function anotherHost(
  { user, plain, detail }: LocalName,
  to: Canonical,
  world: RoutingWorld,
): Decision<LocalTurn> | undefined {
  const { settings } = world
  if (sticks(to, detail, world)) return undefined
  const macroName = (macro(settings, "H") ?? "") !== "" ? "H" : "R"
  const value = macro(settings, macroName) ?? ""
  if (value === "" || plain || inClass(settings, "L", user).member) return undefined
  if (inClass(settings, "w", value).member) return undefined // we are it
  return byHost(macroName === "H" ? "MAIL_HUB" : "LOCAL_RELAY", macroName, value, to, world)
}

/** FEATURE(stickyhost): user@here stays here, whatever becomes of bare names. A detail has always made an exception. */
function sticks(to: Canonical, detail: string | undefined, { settings }: RoutingWorld): boolean {
  return !to.bare && detail === undefined && feature(settings, "stickyhost") !== undefined
}

/** LUSER_RELAY ($L) takes the names that nobody has here. */
function luser({ detail }: LocalName, to: Canonical, world: RoutingWorld): Decision<LocalTurn> | undefined {
  if (sticks(to, detail, world)) return undefined
  const value = macro(world.settings, "L") ?? ""
  return value === "" ? undefined : byHost("LUSER_RELAY", "L", value, to, world)
}

function byHost(
  word: string,
  macroName: string,
  value: string,
  to: Canonical,
  world: RoutingWorld,
): Decision<LocalTurn> {
  const { settings } = world
  const at = macroAt(settings, macroName)
  const reason = because(word, `${word} is "${value}"`, at, cause(word, at))
  const target = parseTarget(value, to, world, option(settings, "RelayMailer"))
  if (!target.ok) return misconfigured(reason, target.error)
  if (target.value.kind === "error") return refuse(target.value.reply, reason)
  const { route } = target.value
  const keepsHost = macroName === "L" && feature(settings, "preserve_luser_host") !== undefined
  if (route.host === "" || route.mailer === "local" || keepsHost || value.includes("@"))
    return yes({ kind: "route", route }, reason)
  return yes({ kind: "route", route: { ...route, user: atHost(to, route.host) } }, reason)
}

/** The same name at the other host: brackets and further hosts are no part of an address. */
function atHost(to: Canonical, host: string): string {
  const first = host.startsWith("[") ? host.slice(1, host.indexOf("]")) : (host.split(":")[0] ?? host)
  return `${printLocalPart(to.mailbox.localPart)}@${first}`
}
