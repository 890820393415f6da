// The contract of the examination: a message goes in, verdict, route, findings and the header come out.

export type ForensicsAsked = ({ readonly text: string } | { readonly id: string }) & {
  readonly receiver?: string
  readonly trusted?: readonly string[]
}

export type ForensicHop = {
  readonly hop: number
  readonly by: string | null
  readonly helo: string | null
  readonly reverse: string | null
  readonly address: string | null
  /** The login that a host of its own wrote down. */
  readonly user: string | null
  readonly protocol: string | null
  readonly id: string | null
  readonly maker: string
  readonly version: string | null
  /** What the maker was guessed by. */
  readonly signs: readonly string[]
  readonly believed: boolean
  readonly at: string | null
  /** Minutes that its zone is ahead of UTC. */
  readonly offset: number | null
  readonly stepSeconds: number | null
  /** The time that is hidden in its id. */
  readonly idClock: string | null
}

export type ForensicFinding = {
  readonly check: string
  readonly kind: string
  readonly hop: number | null
  readonly header: string | null
  readonly severity: "info" | "low" | "medium" | "high" | "critical"
  /** Of a medium one: it alone makes a message suspicious; of a high one: it has no honest explanation. */
  readonly telling: boolean
  readonly explanation: string
  readonly evidence: readonly { readonly start: number; readonly end: number }[]
  readonly why: string
  readonly honest: string | null
  readonly settle: string
}

/** As `waypost forensics --json`, and the drawing of --svg, and the header that the spans are of (one character each octet). */
export type Forensics = {
  readonly verdict: "genuine" | "suspicious" | "forged"
  readonly sentence: string
  readonly receiver: string | null
  /** Nobody said which host is ours: the topmost field is taken to be our own server's. */
  readonly receiverAssumed: boolean
  readonly boundary: number
  readonly hops: readonly ForensicHop[]
  readonly findings: readonly ForensicFinding[]
  readonly header: string
  readonly svg: string
}
