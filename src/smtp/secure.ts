// STARTTLS (RFC 3207): TLS begins after a 220 here, and the session begins anew within it.
import type { Arrival, TlsFacts } from "../mail/arrival.ts"
import { featured } from "./features.ts"
import { replies } from "./replies.ts"
import { type Asks, begin, clientName, move, type Outcome, type Session, stay, traced } from "./session.ts"

/** The answer to STARTTLS; after its 220 the connection begins TLS and calls secured(). */
export function startTls(session: Session, argument: string): Outcome {
  if (argument !== "") return stay(session, replies.noArgument) // §4
  const { offers, arrival } = session
  if (offers.startTls !== true || arrival.tls !== undefined) return stay(session, replies.noTls)
  return move(session, replies.readyTls, { does: "start tls" })
}

/** How a session stands within TLS, before anything was said in it: for implicit TLS (RFC 8314) before its greeting. */
export function arrivalWithin(arrival: Arrival, facts: TlsFacts): Arrival {
  const { authType: _, ...rest } = arrival
  return {
    ...rest,
    protocol: "SMTP",
    helo: undefined,
    authenticated: undefined,
    tls: `${facts.version} ${facts.cipher}`,
    tlsFacts: facts,
  }
}

/**
 * TLS is there. All that the client said before is forgotten (RFC 3207 §4.2), but not that it was refused at its connection,
 * and not how often it went wrong.
 */
export async function secured(session: Session, facts: TlsFacts, { gate }: Asks): Promise<Outcome> {
  const arrival = arrivalWithin(session.arrival, facts)
  const { refused, commands, bad, idle, failedLogins = 0 } = session
  const fresh = { ...begin(arrival, session.offers), refused, commands, bad, idle, failedLogins }
  const note = tlsNote(arrival, facts)
  const quiet = {
    session: await featured(fresh, gate),
    replies: [],
    next: { does: "read" },
    asked: undefined,
    note,
  } as const
  const decision = await gate.secured?.(arrival)
  if (decision?.outcome !== "no" && decision?.outcome !== "later") return quiet
  // sendmail's tls_client: it hears no at each command.
  const asked = traced("tls_client", facts.verify, decision)
  return { ...quiet, session: { ...quiet.session, refused: decision.reply }, asked }
}

/** sendmail's line for the log. */
export function tlsNote(arrival: Arrival, { version, verify, cipher, bits, why }: TlsFacts): string {
  const because = why === undefined ? "" : `, reason=${why}`
  return `STARTTLS=server, relay=${clientName(arrival)}, version=${version}, verify=${verify}${because}, cipher=${cipher}, bits=${bits}/${bits}`
}
