// FEATURE(destination_rate): how many messages a minute go to a destination, as access says (DestRate:domain, its parents, DestRate: for
// all others). What is beyond waits in the queue.
import { addressKeys, nameKeys } from "../policy/access.ts"
import { WindowCounts } from "../policy/counts.ts"
import { feature } from "../config/settings.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { Soon } from "../mail/soon.ts"
import type { Clock, Found } from "../mail/world.ts"
import type { Entry } from "../maps/table.ts"
import { byEntry } from "../routing/reasons.ts"
import { type RoutingWorld, tablesOf } from "../routing/world.ts"

const minute = 60_000

/** Counts what went, and tells what must wait and why; undefined: it may go, and is counted. */
export type DestinationRate = (host: string) => Soon<Reason | undefined>

/** Limits by these settings; the counts begin anew with them. */
export function makeDestinationRate(
  { settings, tables }: Pick<RoutingWorld, "settings" | "tables">,
  clock: Clock,
): DestinationRate {
  const used = feature(settings, "destination_rate")
  const access = tablesOf(tables, "access")
  if (used === undefined || access.length === 0) return () => undefined
  const counts = new WindowCounts(minute)
  return async (host) => {
    const name = host.toLowerCase().replaceAll(/^\[|\]$/g, "")
    for (const key of keysOf(name)) {
      for (const table of access) {
        const answer = table.lookup(`DestRate:${key}`)
        const found: Found<Entry> = answer instanceof Promise ? await answer : answer
        if (found.found === "unavailable")
          return because("destination_rate", `access does not answer: ${found.why}`)
        if (found.found === "entry")
          return within(name, found.entry.value, byEntry(table, found.entry), counts, clock)
      }
    }
    return undefined
  }
}

function keysOf(name: string): readonly string[] {
  const keys = /^[0-9.]+$|:/.test(name) ? addressKeys(name) : nameKeys(name, false)
  return [...keys, ""]
}

function within(
  name: string,
  value: string,
  reason: Reason,
  counts: WindowCounts,
  clock: Clock,
): Reason | undefined {
  const text = value.trim()
  if (!/^\d{1,9}$/.test(text))
    return { ...reason, says: `${reason.says}, which is no number`, role: "unknown" }
  const most = Number(text)
  const now = clock()
  const sent = counts.count(name, now)
  if (most === 0 || sent < most) {
    counts.add(name, 1, now)
    return undefined
  }
  return {
    ...reason,
    says: `${reason.says}, and ${sent} messages went to ${name} in the last minute`,
    role: "refused",
  }
}
