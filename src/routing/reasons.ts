// Trails of routing and policy: the kinds of steps a reason is made of, and what a table's answer becomes. Sentences are made
// here from few words; explain.ts lays them out.
import { because, type Decision, later, no, type Origin, type Reason } from "../mail/decision.ts"
import { reply, type Reply } from "../mail/reply.ts"
import type { Soon } from "../mail/soon.ts"
import type { Found } from "../mail/world.ts"
import type { Entry, LookupTable } from "../maps/table.ts"

const none: readonly Reason[] = []

/** A step that was asked and had nothing to say. */
export function passed(step: string, says: string, at?: Origin, after: readonly Reason[] = none): Reason {
  return { step, says, at, after, role: "passed" }
}

/** A step that made another address of it. */
export function changed(step: string, says: string, at?: Origin, after: readonly Reason[] = none): Reason {
  return { step, says, at, after, role: "changed" }
}

/** A step that said no. */
export function refused(step: string, says: string, at?: Origin, after: readonly Reason[] = none): Reason {
  return { step, says, at, after, role: "refused" }
}

/** A step that could not tell. */
export function unknown(step: string, says: string, at?: Origin, after: readonly Reason[] = none): Reason {
  return { step, says, at, after, role: "unknown" }
}

/** Why a step is asked at all: the line that put it there. */
export function cause(word: string, at: Origin | undefined): readonly Reason[] {
  return at === undefined
    ? none
    : [{ step: word, says: `because of ${word}`, at, after: none, role: "cause" }]
}

/** What each table is called where it is asked for. */
const askedForBy: Readonly<Record<string, string>> = {
  access: "FEATURE(access_db)",
  aliases: "ALIAS_FILE",
  domaintable: "FEATURE(domaintable)",
  genericstable: "FEATURE(genericstable)",
  mailertable: "FEATURE(mailertable)",
  virtusertable: "FEATURE(virtusertable)",
}

const causes = new WeakMap<LookupTable, readonly Reason[]>()

/** The line that caused this table to be asked; made once for each table. */
export function causeOf(table: LookupTable): readonly Reason[] {
  const known = causes.get(table)
  if (known !== undefined) return known
  const made = cause(askedForBy[table.name] ?? table.name, table.via)
  causes.set(table, made)
  return made
}

/** Letters of a value that a reason repeats: a list's thousands of members stand in its line, which is cited. */
const longestShown = 300

function shown(value: string): string {
  return value.length <= longestShown ? value : `${value.slice(0, longestShown)}…`
}

/** The reason that is a line of a table. */
export function byEntry(table: LookupTable, { key, value, at }: Entry): Reason {
  return because(table.name, `"${key}" says "${shown(value)}"`, at, causeOf(table))
}

/** The same line as one that only rewrote the address. */
export function changedByEntry(table: LookupTable, { key, value, at }: Entry): Reason {
  return changed(table.name, `"${key}" says "${shown(value)}"`, at, causeOf(table))
}

/** sendmail's words when a map does not answer. */
const temporaryFailure: Reply = reply(451, "4.3.0", "Temporary system failure. Please try again later.")

/** A table that did not answer: cannot tell, which is never no. */
export function tableSilent(table: LookupTable, key: string, why: string): Decision<never> {
  return later(
    temporaryFailure,
    unknown(table.name, `no answer for "${key}": ${why}`, undefined, causeOf(table)),
  )
}

/** A lookup of another kind that did not answer. */
export function silent(step: string, says: string, at?: Origin): Decision<never> {
  return later(temporaryFailure, unknown(step, says, at))
}

/** A line that cannot mean anything: the postmaster is told where it stands, the sender to try again. */
export function misconfigured(reason: Reason, error: string): Decision<never> {
  const says = `${reason.says}, which is wrong: ${error}`
  return later(temporaryFailure, { ...reason, says, role: "unknown" })
}

/** A refusal with sendmail's words. */
export function refuse(said: Reply, reason: Reason): Decision<never> {
  return no(said, { ...reason, role: "refused" })
}

/** A key's answer from the first table that has one. */
export type Asked =
  | { readonly found: "entry"; readonly entry: Entry; readonly table: LookupTable }
  | { readonly found: "nothing" }
  | { readonly found: "silent"; readonly decision: Decision<never> }

const nothing: Asked = { found: "nothing" }

/** Asks the tables for the keys, most exact first; the first entry counts, and a table that is silent stops the search. */
export function askTables(tables: readonly LookupTable[], keys: readonly string[]): Soon<Asked> {
  for (const key of keys) {
    for (const table of tables) {
      const found = table.lookup(key)
      if (found instanceof Promise) return askSlowly(tables, keys)
      if (found.found !== "nothing") return askedOf(table, key, found)
    }
  }
  return nothing
}

async function askSlowly(tables: readonly LookupTable[], keys: readonly string[]): Promise<Asked> {
  for (const key of keys) {
    for (const table of tables) {
      const found = await table.lookup(key)
      if (found.found !== "nothing") return askedOf(table, key, found)
    }
  }
  return nothing
}

function askedOf(
  table: LookupTable,
  key: string,
  found: Exclude<Found<Entry>, { readonly found: "nothing" }>,
): Asked {
  return found.found === "entry"
    ? { found: "entry", entry: found.entry, table }
    : { found: "silent", decision: tableSilent(table, key, found.why) }
}
