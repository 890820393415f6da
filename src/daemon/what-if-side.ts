// One configuration, ready to be asked what it would decide: its tables, routing and policy, made as for the running system but
// without its memory. Nothing is noted, counted or delivered.
import { feature, type Settings } from "../config/settings.ts"
import { patience } from "../host/patience.ts"
import { openSiteMaps } from "../host/rule-maps.ts"
import { makeTables } from "../host/tables.ts"
import type { Gate } from "../mail/gate.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Accounts, Clock, Dns, ReadUserFile } from "../mail/world.ts"
import type { GreylistMemory } from "../policy/greylist.ts"
import { makeSiteGate } from "../policy/site-checks.ts"
import { makeRouting } from "../routing/routing.ts"
import type { RoutingWorld } from "../routing/world.ts"

export type SideParts = {
  readonly dns: Dns
  readonly accounts: Accounts
  readonly readUserFile: ReadUserFile
  readonly clock: Clock
  /** FEATURE(srs) of the running system. */
  readonly srs: RoutingWorld["srs"]
}

export type Side = {
  readonly settings: Settings
  readonly routing: RoutingWorld
  /** A gate that remembers no one: made anew for each question, so that no limit counts the questions of others. */
  readonly gate: () => Gate
  /** What the operator should know of its tables. */
  readonly notices: readonly string[]
  close(): void
}

export type Sides = { readonly now: Side; readonly instead: Side }

/** Opens what these settings need. The error is one line. */
export function makeSide(settings: Settings, parts: SideParts): Result<Side> {
  const { dns, accounts, readUserFile, clock, srs } = parts
  const notices: string[] = []
  const say = (line: string) => void notices.push(line)
  const tables = makeTables(settings.tables, say)
  if (!tables.ok) return fail(tables.error)
  const maps = openSiteMaps(settings, tables.value.byName, { dns, accounts, say })
  for (const { why } of maps.errors) say(why)
  const routing = makeRouting({
    settings,
    tables: tables.value.byName,
    accounts,
    readUserFile,
    dns,
    siteRules: { map: maps.map, dns },
    srs: feature(settings, "srs") === undefined ? undefined : srs,
  })
  const greylist = knowsEverybody(clock)
  return ok({
    settings,
    routing,
    gate: () => makeSiteGate({ settings, routing, dns, clock, patience, greylist }),
    notices,
    close() {
      maps.close()
      tables.value.close()
    },
  })
}

/** FEATURE(greylist) as it treats who came again: a delay is no change of a decision. */
function knowsEverybody(clock: Clock): GreylistMemory {
  return { get: () => ({ first: 0, last: clock(), passed: true }), set: () => {} }
}

/** The same answers for both sides, each asked of DNS once. `asked` counts them. */
export function dnsOnce(dns: Dns): { readonly dns: Dns; readonly asked: () => number } {
  const answers = new Map<string, unknown>()
  const once =
    <T>(type: string, ask: (name: string) => Promise<T>) =>
    (name: string): Promise<T> => {
      const key = `${type} ${name}`
      const known = answers.get(key) as Promise<T> | undefined // kept under its own type
      if (known !== undefined) return known
      const answer = ask(name)
      answers.set(key, answer)
      return answer
    }
  const { ipv4, ipv6 } = dns
  return {
    dns: {
      mx: once("MX", (name) => dns.mx(name)),
      addresses: once("A, AAAA", (name) => dns.addresses(name)),
      names: once("PTR", (address) => dns.names(address)),
      txt: once("TXT", (name) => dns.txt(name)),
      cname: once("CNAME", (name) => dns.cname(name)),
      ...(ipv4 === undefined ? {} : { ipv4: once("A", ipv4) }),
      ...(ipv6 === undefined ? {} : { ipv6: once("AAAA", ipv6) }),
    },
    asked: () => answers.size,
  }
}
