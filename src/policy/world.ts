// What policy needs to know, and the questions it is asked. Made once when the settings are read.
import type { Arrival, Client } from "../mail/arrival.ts"
import type { Decision, Origin } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Dns } from "../mail/world.ts"
import type { LookupTable } from "../maps/table.ts"
import type { Canonical, RoutingWorld } from "../routing/world.ts"
import { tablesOf } from "../routing/world.ts"

export type PolicyWorld = {
  readonly routing: RoutingWorld
  readonly dns: Pick<Dns, "mx" | "addresses">
  /** FEATURE(lookupdotdomain): `.domain` in access is what lies below the domain. */
  readonly dots: boolean
  readonly steps: {
    readonly connect: readonly PolicyStep<ConnectQuestion>[]
    readonly recipient: readonly PolicyStep<RecipientQuestion>[]
    readonly relay: readonly PolicyStep<RelayQuestion>[]
  }
}

/** May this client speak here? */
export type ConnectQuestion = { readonly arrival: Arrival; readonly client: Client }

/** May this recipient be named by this client in this transaction? */
export type RecipientQuestion = {
  readonly arrival: Arrival
  readonly envelope: Envelope
  readonly to: Canonical
}

/** May mail pass through here to this recipient? */
export type RelayQuestion = RecipientQuestion

/** One step of an ordered list that decides. A pass goes on to the next. */
export type PolicyStep<Q> = {
  readonly name: string
  readonly does: string
  /** The line that put it there. */
  readonly at: Origin | undefined
  readonly ask: (question: Q, world: PolicyWorld) => Decision<undefined> | Promise<Decision<undefined>>
}

/** The access tables; none without FEATURE(access_db). */
export function accessTables({ routing }: Pick<PolicyWorld, "routing">): readonly LookupTable[] {
  return tablesOf(routing.tables, "access")
}
