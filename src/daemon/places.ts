// Where the daemons of a configuration listen: names for the places that supervisor and mail process both make from the same
// settings, and what changes between two configurations.
import type { DaemonOptions } from "../config/settings.ts"

/** A place (`inet 192.0.2.1 25`) and who listens there. */
export type Place = { readonly place: string; readonly daemon: DaemonOptions }

/** The places of these daemons, in their order. Port 0 may stand there twice: each is then a place of its own. */
export function placesOf(daemons: readonly DaemonOptions[]): readonly Place[] {
  const seen = new Map<string, number>()
  return daemons.map((daemon) => {
    const where = `${daemon.family} ${daemon.address ?? "*"} ${daemon.port}`
    const times = (seen.get(where) ?? 0) + 1
    seen.set(where, times)
    return { place: times === 1 ? where : `${where} #${times}`, daemon }
  })
}

export type PlacesChange = {
  readonly added: readonly Place[]
  readonly gone: readonly Place[]
  /** Those of `gone` that must close before an added one can open: 0.0.0.0:25 stands in the way of 192.0.2.1:25. */
  readonly inTheWay: readonly Place[]
}

/** What opens and what closes when these daemons follow those. */
export function placesChange(
  before: readonly DaemonOptions[],
  after: readonly DaemonOptions[],
): PlacesChange {
  const old = placesOf(before)
  const wanted = placesOf(after)
  const added = wanted.filter(({ place }) => !old.some((one) => one.place === place))
  const gone = old.filter(({ place }) => !wanted.some((one) => one.place === place))
  const ports = new Set(added.map(({ daemon }) => daemon.port))
  return { added, gone, inTheWay: gone.filter(({ daemon }) => ports.has(daemon.port)) }
}

/** `192.0.2.1:25`, for people. */
export function printPlace({ daemon: { address, family, port } }: Place): string {
  const host = address ?? (family === "inet6" ? "::" : "0.0.0.0")
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}
