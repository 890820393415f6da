// What the configuration asks of the hosts that our mail goes to: FEATURE(`dane') or confDANE, FEATURE(`mta_sts').
import { option } from "../config/options.ts"
import { feature, type Settings } from "../config/settings.ts"
import type { Clock, Dns } from "../mail/world.ts"
import type { Demands } from "../mailers/esmtp-demand.ts"
import { fetchPolicy } from "../trust/mta-sts-fetch.ts"
import { StsPolicies } from "../trust/mta-sts.ts"

export type DemandParts = {
  readonly dns: Dns
  readonly clock: Clock
  /** Where MTA-STS policies are kept. */
  readonly directory: string
  readonly authorities: readonly string[]
  /** Where policies are fetched; 443 when absent. */
  readonly port?: number
  readonly log: (line: string) => void
  /** Hears of each session, where reports are on. */
  readonly report?: Demands["report"] | undefined
}

/** undefined: neither is on, no host is asked for anything, and nobody wants to know what TLS came to. */
export function makeDemands(settings: Settings, parts: DemandParts): Demands | undefined {
  const { dns, log, authorities, port, report } = parts
  const dane =
    feature(settings, "dane") !== undefined || /^(?:t|y|always|1|on)/i.test(option(settings, "DANE"))
  const sts = feature(settings, "mta_sts") !== undefined
  if (!dane && !sts && report === undefined) return undefined
  const common = { ...(dane ? { dane: dns } : {}), report, log }
  if (!sts) return common
  const world = { dns, authorities, ...(port === undefined ? {} : { port }) }
  const policies = new StsPolicies({ ...parts, fetch: (domain) => fetchPolicy(domain, world) })
  return { ...common, sts: (domain) => policies.find(domain) }
}
