// How a session with a peer comes about: connection, greeting, TLS, whether that is good enough, login. What is said in it afterwards
// is esmtp-session.ts's.
import { isIP, type Socket } from "node:net"
import type { Leaving } from "../host/leaving.ts"
import { connect } from "../host/net.ts"
import { missing } from "./esmtp-demand.ts"
import { type NamedPeer, type PeerSecurity, shown, tlsLine } from "./esmtp-security.ts"
import { namedPeer, type Peer, Session, type SessionTerms } from "./esmtp-session.ts"
import type { Broken } from "../smtp/client-fate.ts"

/** Why no session came about. `silent`: nobody answered, so each further try would wait as long. */
export type NotOpened = { readonly broken: Broken; readonly silent: boolean }

type Opened = { readonly session: Session } | NotOpened

/** Connects and greets; the session that comes out is ready for a transaction. */
export async function openSession(peer: Peer, terms: SessionTerms, leaving?: Leaving): Promise<Opened> {
  const connected = await connect(peer.place, peer.connectMs ?? terms.timeouts.connect, leaving)
  if (!connected.ok) {
    const { silent } = connected.error
    const says = withHost(connected.error.says, peer.host)
    return { broken: { says, status: "4.4.1", reply: undefined, permanent: false }, silent }
  }
  if (peer.implicitTls === true) return openSecure(peer, connected.value, terms, leaving)
  const { security } = terms
  const named = namedPeer(peer)
  const tries = named === undefined || peer.clear === true ? undefined : await security?.tries(named)
  const wanted = peer.demand !== undefined && peer.clear !== true
  const startTls = wanted || (tries?.outcome === "yes" && tries.value)
  const session = new Session(peer, connected.value, terms, startTls)
  const opened = await greet(session, terms, leaving)
  const { broken } = session.client
  if (broken?.tls === true && (await mayFallBack(peer, security))) {
    const again = await openSession({ ...peer, clear: true }, terms, leaving)
    if (broken.failure !== undefined && "session" in again) again.session.notes(broken.failure)
    return again
  }
  if (startTls && session.tls === undefined)
    session.notes({ result: "starttls-not-supported", reason: "STARTTLS is not offered" })
  return opened
}

/** Whether TLS that failed is done without: never for a peer that has to prove itself. */
async function mayFallBack(peer: Peer, security: PeerSecurity | undefined): Promise<boolean> {
  if (peer.demand !== undefined) return peer.demand.testing
  if (peer.despiteTls === true) return true
  const named = namedPeer(peer)
  return named !== undefined && (await security?.fallsBack(named)) === true
}

/** A port of implicit TLS: nothing is said in clear text, and there is no other way. */
async function openSecure(
  peer: Peer,
  plain: Socket,
  terms: SessionTerms,
  leaving: Leaving | undefined,
): Promise<Opened> {
  const { security, timeouts, log } = terms
  const named = namedPeer(peer)
  const begun =
    named === undefined
      ? undefined
      : await security?.secure(plain, named, timeouts.starttls, peer.demand?.dane)
  if (named === undefined || begun?.ok !== true) {
    plain.destroy()
    const says = `TLS handshake failed: ${begun?.ok === false ? begun.error : "no TLS"}`
    return { broken: { says, status: "4.7.0", reply: undefined, permanent: false }, silent: false }
  }
  const { socket, facts } = begun.value
  log?.(tlsLine(named, facts))
  const session = new Session(peer, socket, terms, false)
  session.begunSecure(begun.value)
  return greet(session, terms, leaving)
}

async function greet(
  session: Session,
  { security, log }: SessionTerms,
  leaving: Leaving | undefined,
): Promise<Opened> {
  const stop = () => session.abort("Shutting down")
  leaving?.add(stop)
  await session.until({ kind: "wait", step: "initial" })
  const named = namedPeer(session.peer)
  if (named !== undefined && security !== undefined) await settleIn(session, named, security, log ?? unheard)
  leaving?.remove(stop)
  const { broken } = session.client
  return broken === undefined
    ? { session }
    : { broken, silent: broken.reply === undefined && session.timedOut }
}

type Tell = (line: string) => void
const unheard: Tell = () => {}

/** Greeted: is the way to this peer good enough, and are we to log in? No message is given and no password said before. */
async function settleIn(
  session: Session,
  peer: NamedPeer,
  security: PeerSecurity,
  tell: Tell,
): Promise<void> {
  if (session.client.broken !== undefined) return
  if (!keepsDemand(session, peer, tell)) return
  session.hold()
  const good = await security.isWell(peer, session.tls)
  if (good.outcome === "no" || good.outcome === "later") {
    const { reply, reason } = good
    const says = `${reply.text.join(" ")} (${reason.says})`
    const permanent = good.outcome === "no"
    return session.breakOff({ says, status: reply.status ?? "4.7.0", reply: undefined, permanent })
  }
  const login = await security.login(peer, session.client.offers.auth, session.secured)
  if (login === undefined || session.client.broken !== undefined) return
  if (typeof login === "string") return tell(`AUTH=client, relay=${shown(peer)}, not done: ${login}`)
  await session.until(session.client.authenticate(login))
  const { ok: right = false, says = "the session ended" } = session.client.login ?? {}
  const outcome = right ? "" : `, failed: ${says}`
  tell(`AUTH=client, relay=${shown(peer)}, mech=${login.mechanism}${outcome}`)
}

/** DANE, MTA-STS: whether the peer has proved what is demanded of it. */
function keepsDemand(session: Session, peer: NamedPeer, tell: Tell): boolean {
  const { demand } = session.peer
  if (demand === undefined) return true
  const proof = session.secured?.proof
  const lack = missing(demand, session.tls, proof)
  if (lack === undefined) {
    tell(`${demand.by}: relay=${shown(peer)}, verified${proof === undefined ? "" : `: ${proof.says}`}`)
    return true
  }
  tell(`${demand.by}${demand.testing ? " (testing)" : ""}: relay=${shown(peer)}, not verified: ${lack.says}`)
  session.notes({ result: lack.result, reason: lack.says })
  if (demand.testing) return true
  const { says } = lack
  session.breakOff({ says, status: "4.7.5", reply: undefined, permanent: false, failure: session.tlsFailure })
  return false
}

const joints: Readonly<Record<string, string>> = {
  "Connection refused": "by",
  "Connection reset": "by",
  "Connection timed out": "with",
}

/** sendmail names who refused or kept silent: `Connection refused by mx1.example.org.` (conf.c: sm_errstring). */
function withHost(says: string, host: string | undefined): string {
  const joint = joints[says]
  if (joint === undefined || host === undefined) return says
  const name = isIP(host) > 0 ? `[${host}]` : host
  return `${says} ${joint} ${name}${/^\[|\.$/.test(name) ? "" : "."}`
}
