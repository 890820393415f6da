// Where we listen and from where we connect: DAEMON_OPTIONS, CLIENT_OPTIONS, and sendmail's own doors.
import { defaultMsa, parseDaemon } from "./daemons.ts"
import type { Draft } from "./draft.ts"
import { error } from "./issues.ts"
import type { DaemonOptions } from "./settings.ts"

/** DAEMON_OPTIONS and CLIENT_OPTIONS in order; sendmail's own doors where none was asked for. */
export function addListeners(draft: Draft): void {
  for (const statement of draft.mc.statements) {
    if (statement.kind !== "daemon" && statement.kind !== "client") continue
    const { daemon, issues } = parseDaemon(statement.text, statement.at, statement.kind)
    draft.issues.push(...issues)
    if (daemon !== undefined) (statement.kind === "daemon" ? draft.daemons : draft.clients).push(daemon)
  }
  if (draft.features.has("msp")) return
  const usual = [
    ...(draft.mc.statements.some(({ kind }) => kind === "daemon") ? [] : ["Name=MTA"]),
    ...(draft.features.has("no_default_msa") ? [] : [defaultMsa]),
  ]
  for (const text of usual) {
    const { daemon } = parseDaemon(text, undefined, "daemon")
    if (daemon !== undefined) draft.daemons.push(daemon)
  }
  tellDoubles(draft)
}

function tellDoubles(draft: Draft): void {
  const seen = new Map<string, DaemonOptions>()
  for (const daemon of draft.daemons) {
    const place = `${daemon.family} ${daemon.address ?? "*"} ${daemon.port}`
    const first = seen.get(place)
    if (first !== undefined && daemon.port !== 0 && daemon.at !== undefined) {
      draft.issues.push(
        error("duplicate", `port ${daemon.port} is taken by the listener ${first.name} already`, daemon.at),
      )
    }
    seen.set(place, daemon)
  }
}
