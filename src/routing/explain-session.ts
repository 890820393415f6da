// What a client meets before it says who its mail is from, for `waypost explain --client`: whether it may speak, how long it waits for
// its greeting, what it is offered, what TLS is with it. Told is only what a line of text had a part in, or refused.
import type { Arrival } from "../mail/arrival.ts"
import type { Decision, Reason } from "../mail/decision.ts"
import type { Gate } from "../mail/gate.ts"
import { printDecision } from "./explain.ts"

/** The questions of a session; whoever has no sessions has none of them. */
export type SessionGate = Partial<Pick<Gate, "connect" | "pause" | "features" | "tls">>

export type ExplainedSession = {
  readonly lines: readonly string[]
  /** Whether it may speak; undefined where nobody answers that. */
  readonly connection: Decision<undefined> | undefined
}

/** Asks as a session would, in its order. */
export async function explainSession(arrival: Arrival, gate: SessionGate): Promise<ExplainedSession> {
  const connection = await gate.connect?.(arrival)
  if (connection === undefined) return { lines: [], connection }
  const from = `connection from ${arrival.client?.address ?? "this host"}`
  const lines: string[] = []
  const tell = <T>(what: string, decision: Decision<T> | undefined, value: (value: T) => string) => {
    if (decision === undefined) return
    const refuses = decision.outcome === "no" || decision.outcome === "later"
    if (refuses || citesLine(decision.reason)) lines.push(...printDecision(what, decision, value), "")
  }
  tell(from, connection, () => "may speak")
  tell("greeting", await gate.pause?.(arrival), (milliseconds) => `after ${milliseconds} ms of silence`)
  tell("what it is offered", await gate.features?.(arrival), (letters) => `srv_features ${letters}`)
  tell("TLS with it", await gate.tls?.(arrival), () => "on terms of its own")
  return { lines, connection }
}

/** Whether a line of text had a part in it. */
export function citesLine({ at, after }: Reason): boolean {
  return at !== undefined || after.some(citesLine)
}
