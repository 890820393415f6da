// What routing needs to know: the settings and what follows from them, tables, accounts, users' files, and DNS for names that
// are aliases of others. Made once when the settings are read.
import type { Domain, Mailbox } from "../mail/address.ts"
import type { Decision, Origin } from "../mail/decision.ts"
import type { Route } from "../mail/route.ts"
import type { Accounts, Clock, Dns, ReadUserFile } from "../mail/world.ts"
import type { Srs } from "../auth/srs.ts"
import { inClass, type Settings } from "../config/settings.ts"
import type { LookupTable } from "../maps/table.ts"

/** The open tables by their name in Settings.tables; several of one name are asked in their order. */
export type Tables = ReadonlyMap<string, readonly LookupTable[]>

export type Canonical = {
  readonly mailbox: Mailbox
  /** Typed without a domain: a name of this host, whatever virtusertable says about our domains (sendmail: no `<@ … >`). */
  readonly bare: boolean
  /** The domain is ours ($=w), or there was none. */
  readonly local: boolean
  /** The line that made the domain ours. */
  readonly localAt: Origin | undefined
}

/** What a step of routing found: the way, or another address, which starts again from the beginning. */
export type Turn =
  | { readonly kind: "route"; readonly route: Route }
  | { readonly kind: "again"; readonly typed: string }
  /** Another address for the steps that follow. */
  | { readonly kind: "instead"; readonly typed: string }

/** One step of the ordered list that decides where an address goes. */
export type RouteStep = {
  /** The table or rule as reasons name it. */
  readonly name: string
  /** What it does, for the page that lists how mail is decided here. */
  readonly does: string
  /** The line that put it there; undefined where it always stands. */
  readonly at: Origin | undefined
  readonly ask: (to: Canonical, world: RoutingWorld) => Decision<Turn> | Promise<Decision<Turn>>
  /** Whether nothing but its domain counts for an address elsewhere: then all of that domain have one answer. Absent: never. */
  readonly byDomain?: (to: Canonical, world: RoutingWorld) => boolean
}

/**
 * `at delivery`: whose address names him and nobody else is taken to have no .forward, and his place names the files that nobody
 * has looked for yet. Who delivers there must look (mailers/local.ts): most users have none, and one question serves for both.
 */
export type WhenForward = "now" | "at delivery"

export type RoutingWorld = {
  readonly settings: Settings
  readonly tables: Tables
  readonly accounts: Accounts
  readonly readUserFile: ReadUserFile
  /** Whether a user's own .forward is read while his address is expanded, or looked for by who delivers to him. */
  readonly forward?: WhenForward
  readonly dns: Pick<Dns, "cname" | "mx">
  /** $j as a domain. */
  readonly own: Domain
  readonly steps: readonly RouteStep[]
  /** `!` parts host and user (no FEATURE(nouucp)). */
  readonly bangs: boolean
  /** `%` hides an `@` (no FEATURE(nopercenthack)). */
  readonly percents: boolean
  /** FEATURE(srs): how senders of forwarded mail are rewritten. */
  readonly srs?: { readonly srs: Srs; readonly clock: Clock } | undefined
  /** The site's own rules at sendmail's hooks; undefined where it has none. */
  readonly hooks?: SiteHooks | undefined
}

/** Where a site's own rules are asked (site-hooks.ts); a pass leaves everything as it is. */
export type SiteHooks = {
  /** LOCAL_RULE_3: another address for a canonical one. */
  readonly canonical: ((address: Canonical) => Promise<Decision<string>>) | undefined
  /** Local_localaddr: another way for a name of this host, or another name. */
  readonly localUser: ((user: string) => Promise<Decision<LocalAnswer>>) | undefined
  /** Rulesets 1 and 2: another address for one that leaves. */
  readonly sender: ((address: Canonical) => Promise<Decision<string>>) | undefined
  readonly recipient: ((address: Canonical) => Promise<Decision<string>>) | undefined
}

export type LocalAnswer =
  | { readonly kind: "route"; readonly route: Route }
  | { readonly kind: "name"; readonly user: string }
  /** `$#ok`: it stays, and no other host is asked about it. */
  | { readonly kind: "stays" }

const noTables: readonly LookupTable[] = []

/** The tables of this name; none when no FEATURE asked for it. */
export function tablesOf(tables: Tables, name: string): readonly LookupTable[] {
  return tables.get(name) ?? noTables
}

/** Whether mail for this domain is ours ($=w), and the line that says so. */
export function localDomain(
  settings: Settings,
  domain: Domain,
): { readonly member: boolean; readonly at: Origin | undefined } {
  return inClass(settings, "w", domain.kind === "name" ? domain.ascii : domain.text)
}

/** Whether a class holds the domain itself or, where `entire`, one of its parents. */
export function classHolds(
  settings: Settings,
  name: string,
  domain: Domain,
  entire: boolean,
): { readonly member: boolean; readonly at: Origin | undefined; readonly by: string } {
  const text = domain.kind === "name" ? domain.ascii : domain.text
  for (const by of entire && domain.kind === "name" ? withParents(text) : [text]) {
    const found = inClass(settings, name, by)
    if (found.member) return { ...found, by }
  }
  return { member: false, at: undefined, by: "" }
}

/** "a.b.c", "b.c", "c". */
export function withParents(name: string): readonly string[] {
  const all = [name]
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) all.push(name.slice(dot + 1))
  return all
}
