// STARTTLS (RFC 3207): TLS begins after a 220 here, and the session begins anew within it.
import type { Arrival, TlsFacts } from "../mail/arrival.ts"
import { because, type Decision, pass, yes } from "../mail/decision.ts"
import type { Gate } from "../mail/gate.ts"
import type { TlsTerms } from "../mail/tls-terms.ts"
import { certificateWanted, featured } from "./features.ts"
import { replies } from "./replies.ts"
import {
  type Asks,
  begin,
  clientName,
  move,
  type Offers,
  type Outcome,
  type Session,
  stay,
  traced,
} from "./session.ts"

/** The answer to STARTTLS; after its 220 the connection begins TLS and calls secured(). */
export async function startTls(session: Session, argument: string, { gate }: Asks): Promise<Outcome> {
  if (argument !== "") return stay(session, replies.noArgument) // §4
  const { offers, arrival } = session
  if (offers.startTls !== true || arrival.tls !== undefined) return stay(session, replies.noTls)
  const terms = await termsOf(arrival, offers, gate)
  if (terms.outcome === "yes")
    return move(session, replies.readyTls, { does: "start tls", terms: terms.value })
  if (terms.outcome === "pass") return move(session, replies.readyTls, { does: "start tls" })
  return stay(session, terms.reply, traced("tls_srv_features", clientName(arrival), terms))
}

/** What TLS is to be with this client: tls_srv_features, and the letter V of srv_features; a pass: as with all. */
export async function termsOf(
  arrival: Arrival,
  { clientCertificate }: Pick<Offers, "clientCertificate">,
  gate: Gate,
): Promise<Decision<TlsTerms>> {
  const special = (await gate.tls?.(arrival)) ?? asWithAll
  if (clientCertificate === undefined || special.outcome === "no" || special.outcome === "later")
    return special
  const terms = special.outcome === "yes" ? special.value : {}
  return yes({ clientCertificate, ...terms }, special.reason)
}

/** The same before a session has begun (RFC 8314): what TLS is to be, or why it is not. */
export async function implicitTerms(arrival: Arrival, gate: Gate): Promise<TlsTerms | string | undefined> {
  const letters = await gate.features?.(arrival)
  if (letters?.outcome === "no" || letters?.outcome === "later") return letters.reason.says
  const wanted = certificateWanted(letters?.outcome === "yes" ? letters.value : "")
  const terms = await termsOf(arrival, wanted, gate)
  if (terms.outcome === "no" || terms.outcome === "later") return terms.reason.says
  return terms.outcome === "yes" ? terms.value : undefined
}

const asWithAll = pass(because("tls_srv_features", "TLS is with this client as with all"))

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
  const failed = why === undefined ? "" : `, reason=${why}`
  return `STARTTLS=server, relay=${clientName(arrival)}, version=${version}, verify=${verify}${failed}, cipher=${cipher}, bits=${bits}/${bits}`
}
