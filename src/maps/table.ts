// Lookup tables as data. A table answers with the entry and the line it stands on, so that every decision can cite it.
import type { Origin } from "../mail/decision.ts"
import type { Found } from "../mail/world.ts"

export type Entry = { readonly key: string; readonly value: string; readonly at: Origin }

export type LookupTable = {
  /** "access", "virtusertable", "aliases" … as the reason trail names it. */
  readonly name: string
  /** The line that caused it to be consulted: FEATURE(access_db), define(ALIAS_FILE). */
  readonly via: Origin | undefined
  /** Keys are folded to lower case unless the table's -f says otherwise; the table does that itself. */
  lookup(key: string): Found<Entry> | Promise<Found<Entry>>
}
