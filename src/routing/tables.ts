// The steps of routing that ask a table: virtusertable (one address for another) and mailertable (a way for a domain).
import { printDomain, printMailbox } from "../mail/address.ts"
import { type Decision, pass, type Reason, yes } from "../mail/decision.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { option } from "../config/options.ts"
import { feature, inClass } from "../config/settings.ts"
import { domainKeys, splitDetail } from "../maps/keys.ts"
import type { Entry, LookupTable } from "../maps/table.ts"
import { askTables, byEntry, changedByEntry, misconfigured, passed, refuse } from "./reasons.ts"
import { parseError, parseTarget } from "./target.ts"
import { type Canonical, classHolds, type RoutingWorld, tablesOf, type Turn } from "./world.ts"

const notVirtual = pass(passed("virtusertable", "the domain is neither ours nor of VIRTUSER_DOMAIN"))
const bareName = pass(passed("virtusertable", "a name without a domain is not looked up"))

/**
 * virtusertable: user+detail@domain, user++@domain, user+*@domain, user@domain, the same with no user, and @domain for all
 * the rest (proto.m4: Parse1). What it says is an address that starts again from the beginning, or a refusal.
 */
export function byVirtusertable(to: Canonical, world: RoutingWorld): Soon<Decision<Turn>> {
  if (to.bare) return bareName
  if (isNotVirtual(to, world)) return notVirtual
  const { domain, localPart } = to.mailbox
  const { user, detail } = splitDetail(localPart)
  const host = printDomain(domain)
  const keys = virtualKeys(user, detail, host)
  return whenThere(askTables(tablesOf(world.tables, "virtusertable"), keys), (asked) => {
    if (asked.found === "silent") return asked.decision
    if (asked.found === "nothing") {
      return pass(passed("virtusertable", `neither ${printMailbox(to.mailbox)} nor @${host} is listed`))
    }
    return virtualTarget(asked.table, asked.entry, user, detail)
  })
}

/** The domain is neither ours nor of VIRTUSER_DOMAIN. */
export function isNotVirtual({ local, mailbox }: Canonical, { settings }: RoutingWorld): boolean {
  const entire = feature(settings, "virtuser_entire_domain") !== undefined
  return !local && !classHolds(settings, "VirtHost", mailbox.domain, entire).member
}

function virtualTarget(
  table: LookupTable,
  entry: Entry,
  user: string,
  detail: string | undefined,
): Decision<Turn> {
  const error = /^\s*error\s*:\s*/i.exec(entry.value)
  if (error !== null)
    return refuse(parseError(entry.value.slice(error[0].length), true), byEntry(table, entry))
  const typed = fillIn(entry.value, [entry.key, user, detail ?? "", detail === undefined ? "" : `+${detail}`])
  return yes({ kind: "again", typed }, changedByEntry(table, entry))
}

function virtualKeys(user: string, detail: string | undefined, host: string): readonly string[] {
  if (detail === undefined) return [`${user}@${host}`, `@${host}`]
  const full = `${user}+${detail}@${host}`
  const some = detail === "" ? [] : [`${user}++@${host}`]
  const any = detail === "" ? [] : [`++@${host}`]
  return [full, ...some, `${user}+*@${host}`, `${user}@${host}`, ...any, `+*@${host}`, `@${host}`]
}

/** `%0` the key, `%1` the user, `%2` the detail, `%3` +detail; `%%` is a percent sign. */
export function fillIn(value: string, parts: readonly string[]): string {
  return value.replaceAll(/%([0-9%])/g, (_, n: string) => (n === "%" ? "%" : (parts[Number(n)] ?? "")))
}

const noTableForLiterals = pass(passed("mailertable", "an address literal is not looked up"))

/**
 * mailertable: the domain itself, then each parent with a leading dot, then "." for all the rest. The most exact key wins;
 * its value is mailer:host, in which %1 is what stood before the key, or error:status:text, which refuses.
 */
export function byMailertable(to: Canonical, world: RoutingWorld): Soon<Decision<Turn>> {
  const { domain } = to.mailbox
  if (domain.kind === "literal") return noTableForLiterals
  return whenThere(askTables(tablesOf(world.tables, "mailertable"), domainKeys(domain)), (asked) => {
    if (asked.found === "silent") return asked.decision
    if (asked.found === "nothing") {
      return pass(passed("mailertable", `neither ${domain.ascii} nor any parent is listed`))
    }
    return mailTarget(to, asked.entry, byEntry(asked.table, asked.entry), world)
  })
}

function mailTarget(to: Canonical, entry: Entry, reason: Reason, world: RoutingWorld): Decision<Turn> {
  if (inClass(world.settings, "w", entry.value.trim()).member) {
    return pass({ ...reason, says: `${reason.says}, which is this host`, role: "passed" })
  }
  const name = printDomain(to.mailbox.domain)
  const rest = entry.key.startsWith(".") ? name.slice(0, name.length - entry.key.length) : ""
  const { settings } = world
  const target = parseTarget(
    fillIn(entry.value, [name, rest === "" && entry.key === "." ? name : rest]),
    to,
    world,
    option(settings, "RelayMailer"),
  )
  if (!target.ok) return misconfigured(reason, target.error)
  return target.value.kind === "error" ? refuse(target.value.reply, reason) : yes(target.value, reason)
}
