// What policy needs to know, and the questions it is asked. Made once when the settings are read.
import type { Arrival, Client } from "../mail/arrival.ts"
import type { ReversePath } from "../mail/address.ts"
import type { AuthResult } from "../mail/auth-result.ts"
import type { Decision, Origin, Reason } from "../mail/decision.ts"
import type { MessageVerdict } from "../mail/gate.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Dns } from "../mail/world.ts"
import type { LookupTable } from "../maps/table.ts"
import type { Canonical, RoutingWorld } from "../routing/world.ts"
import { tablesOf } from "../routing/world.ts"
import type { Authenticate } from "./authentication.ts"

/** What policy asks DNS. */
export type PolicyDns = Pick<Dns, "mx" | "addresses" | "names" | "txt" | "ipv4" | "ipv6">

/** The answer, or undefined when it took too long. */
export type Patience = <T>(answer: Promise<T>, milliseconds: number) => Promise<T | undefined>

export type PolicyWorld = {
  readonly routing: RoutingWorld
  readonly dns: PolicyDns
  /** Waits for an answer no longer than so many milliseconds; absent where nobody has a clock to wait by. */
  readonly patience: Patience | undefined
  /** FEATURE(spf). */
  readonly spf: SpfPolicy | undefined
  /** FEATURE(dkim_verify), FEATURE(dmarc), FEATURE(arc). */
  readonly authenticate: Authenticate | undefined
  /** The site's own word on what a login is worth (Local_Relay_Auth); absent: it has none. */
  readonly relayAuth?: (arrival: Arrival) => Promise<Decision<"accept" | "never"> | undefined>
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

/** What of an envelope and its client leads to, by SPF; made by spf.ts. */
export type SpfPolicy = {
  /** Whether mail may go on: a pass, or a refusal. */
  ask(arrival: Arrival, sender: ReversePath, world: PolicyWorld): Promise<Decision<never>>
  /** What is to be done with the message, and the fields it gets; undefined: nothing. */
  ofMessage(arrival: Arrival, sender: ReversePath, world: PolicyWorld): Promise<SpfOfMessage | undefined>
}

/** What SPF makes of a message. */
export type SpfOfMessage = {
  readonly verdict: MessageVerdict
  readonly reason: Reason
  readonly found: AuthResult
}

/** The access tables; none without FEATURE(access_db). */
export function accessTables({ routing }: Pick<PolicyWorld, "routing">): readonly LookupTable[] {
  return tablesOf(routing.tables, "access")
}
