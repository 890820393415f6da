// The queue group of a recipient: QGRP:address or QGRP:domain in access (FEATURE(queuegroup)), else that of its mailer (Q=), else
// the main one. Asked anew at each attempt, and whenever somebody looks.
import { feature, mailer, type QueueGroup, type Settings } from "../config/settings.ts"
import { mainGroup } from "../config/queue-groups.ts"
import type { ForwardPath } from "../mail/address.ts"
import { because, type Reason } from "../mail/decision.ts"
import { askTables, byEntry, cause } from "../routing/reasons.ts"
import { type RoutingWorld, tablesOf } from "../routing/world.ts"
import { addressKeysOf, domainKeys } from "./access.ts"

/** A group, and the line that chose it. */
export type InGroup = { readonly group: QueueGroup; readonly reason: Reason }

type World = Pick<RoutingWorld, "settings" | "tables">

const step = "queue group"

/** Whether any line of the configuration has to do with queue groups. */
export function hasGroups({ queueGroups, mailers, features }: Settings): boolean {
  if (queueGroups.size > 0 || features.has("queuegroup")) return true
  return [...mailers.values()].some(({ queueGroup }) => queueGroup !== undefined)
}

/** Whether mailers have groups of their own: then a recipient's way has to be known. */
export function goesByMailer({ mailers }: Settings): boolean {
  return [...mailers.values()].some(({ queueGroup }) => queueGroup !== undefined)
}

/** The group of mail for this address by this mailer; undefined mailer: it is not known yet. A silent table decides nothing. */
export async function groupOf(path: ForwardPath, by: string | undefined, world: World): Promise<InGroup> {
  const chosen = await byAccess(path, world)
  if (chosen !== undefined) return chosen
  const definition = by === undefined ? undefined : mailer(world.settings, by)
  if (definition?.queueGroup === undefined) return mainOf(world.settings)
  return named(definition.queueGroup, because(step, `of the mailer ${definition.name}`, definition.at), world)
}

async function byAccess(path: ForwardPath, world: World): Promise<InGroup | undefined> {
  const { settings, tables } = world
  const use = feature(settings, "queuegroup")
  if (use === undefined) return undefined
  const asked = await askTables(tablesOf(tables, "access"), keysOf(path))
  if (asked.found === "entry") {
    const entry = byEntry(asked.table, asked.entry)
    const reason = { ...entry, after: [...entry.after, ...cause("FEATURE(queuegroup)", use.at)] }
    const name = asked.entry.value.trim()
    if (name === mainGroup || settings.queueGroups.has(name)) return named(name, reason, world)
    // sendmail: a group that does not exist is as good as none.
    const none = { ...reason, says: `${reason.says}, which no QUEUE_GROUP defines` }
    return named(use.args[0] ?? "", none, world)
  }
  const other = use.args[0] ?? ""
  if (asked.found === "silent")
    return named(other, { ...asked.decision.reason, step, role: "unknown" }, world)
  return other === ""
    ? undefined
    : named(other, because(step, "of all that access does not name", use.at), world)
}

function keysOf(path: ForwardPath): readonly string[] {
  if (path === "postmaster") return ["QGRP:postmaster"]
  const { localPart, domain } = path
  const host = domain.kind === "name" ? domain.ascii : domain.text
  return [...addressKeysOf(localPart, host), ...domainKeys(domain)].map((key) => `QGRP:${key}`)
}

function mainOf(settings: Settings): InGroup {
  const { reason } = mainWithout
  const main = settings.queueGroups.get(mainGroup)
  return main === undefined ? mainWithout : { group: main, reason: { ...reason, at: main.at } }
}

const mainWithout: InGroup = {
  group: {
    name: mainGroup,
    equates: "",
    at: undefined,
    interval: undefined,
    runners: undefined,
    jobs: undefined,
    recipients: undefined,
  },
  reason: because(step, `${mainGroup}, as no line names another`),
}

function named(name: string, reason: Reason, { settings }: World): InGroup {
  const group = settings.queueGroups.get(name)
  if (group === undefined) return { ...mainOf(settings), reason: { ...reason, step } }
  return { group, reason: { ...reason, step, says: `${name}: ${reason.says}` } }
}
