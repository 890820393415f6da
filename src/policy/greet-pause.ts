// FEATURE(greet_pause): how long a client must keep still before it is greeted. Programs that send spam cannot wait; access may
// name another time for a client (GreetPause:, 0 is none).
import { because, type Decision, pass, yes } from "../mail/decision.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Found } from "../mail/world.ts"
import { feature } from "../config/settings.ts"
import type { Entry } from "../maps/table.ts"
import { byEntry, cause, misconfigured, passed } from "../routing/reasons.ts"
import { addressKeys, nameKeys } from "./access.ts"
import { accessTables, type PolicyWorld } from "./world.ts"

/** The longest that anybody is kept waiting, in milliseconds (RFC 5321 §4.5.3.2.1: clients wait five minutes). */
const longest = 300_000

const none = pass(passed("greet_pause", "nobody is kept waiting"))

/** Milliseconds of silence before the greeting; a pass for none. A table that does not answer keeps nobody waiting. */
export async function greetPause({ client }: Arrival, world: PolicyWorld): Promise<Decision<number>> {
  const used = feature(world.routing.settings, "greet_pause")
  if (used === undefined || client === undefined) return none
  const why = cause("FEATURE(greet_pause)", used.at)
  const names = client.name === undefined ? [] : nameKeys(client.name, world.dots)
  for (const table of accessTables(world)) {
    for (const key of [...names, ...addressKeys(client.address)]) {
      const answer = table.lookup(`GreetPause:${key}`)
      const found: Found<Entry> = answer instanceof Promise ? await answer : answer
      if (found.found === "unavailable")
        return pass(passed("greet_pause", `access does not answer: ${found.why}`))
      if (found.found === "entry") return paused(found.entry.value, byEntry(table, found.entry))
    }
  }
  const usual = used.args[0] ?? ""
  return usual === "" ? none : paused(usual, because("greet_pause", `${usual} ms`, used.at, why))
}

function paused(value: string, reason: ReturnType<typeof because>): Decision<number> {
  const text = value.trim()
  if (!/^\d{1,9}$/.test(text)) return misconfigured(reason, `"${text}" is no number of milliseconds`)
  return text === "0" ? pass({ ...reason, role: "passed" }) : yes(Math.min(Number(text), longest), reason)
}
