// What a session offers beside what its door does: the letters of sendmail's srv_features, a capital takes something away and a
// small letter gives it or asks for it. Letters that mean nothing to us change nothing.
import type { Gate } from "../mail/gate.ts"
import { reply } from "../mail/reply.ts"
import type { Offers, PrivacyFlag, Session } from "./session.ts"

/** Capitals that take a command or an extension away, by the privacy flag that does the same. */
const takenAway: Readonly<Record<string, PrivacyFlag>> = {
  B: "noverb",
  D: "noreceipts",
  E: "noetrn",
  X: "noexpn",
  Y: "novrfy",
}

/** The door's offers as these letters change them (sendmail: srvrsmtp.c, srv_feat_table). */
export function withFeatures(door: Offers, letters: string): Offers {
  const given = new Set(letters)
  const privacy = new Set(door.privacy)
  for (const [letter, flag] of Object.entries(takenAway)) {
    if (given.has(letter)) privacy.add(flag)
    else if (given.has(letter.toLowerCase())) privacy.delete(flag)
  }
  const { auth: _, ...rest } = door
  const auth = authFor(door, given)
  return {
    ...rest,
    door,
    privacy,
    ...(auth === undefined ? {} : { auth }),
    ...certificateWanted(letters),
    ...(given.has("S") ? { startTls: false } : {}),
    ...(given.has("P") ? { pipelining: false } : {}),
  }
}

/** V: the client is asked for no certificate; v: it is, whatever TLSSrvOptions says of all. */
export function certificateWanted(letters: string): Pick<Offers, "clientCertificate"> {
  if (letters.includes("V")) return { clientCertificate: false }
  return letters.includes("v") ? { clientCertificate: true } : {}
}

/** A: no AUTH; l: no mail without a login; c: no password without encryption. */
function authFor({ auth }: Offers, given: ReadonlySet<string>): Offers["auth"] {
  const required = given.has("l") || (auth?.required === true && !given.has("L"))
  if (given.has("A") || auth === undefined) return required ? { ...nobody, required } : undefined
  const inClear = given.has("C") || (auth.inClear && !given.has("c"))
  return { ...auth, required, inClear }
}

/** Nobody can log in, but it is asked for all the same. */
const nobody = { mechanisms: [], inClear: false, mostFailures: 3 } as const

/** The session with the offers that the gate has for it. Asked when the client is there, and again when TLS has begun. */
export async function featured(session: Session, gate: Gate): Promise<Session> {
  const decision = await gate.features?.(session.arrival)
  if (decision === undefined || decision.outcome === "pass") return session
  if (decision.outcome !== "yes") return { ...session, refused: session.refused ?? decision.reply }
  const { offers } = session
  const changed = { ...session, offers: withFeatures(offers.door ?? offers, decision.value) }
  // The letter t: the client is to come again later.
  return decision.value.includes("t") ? { ...changed, refused: session.refused ?? comeAgain } : changed
}

const comeAgain = reply(450, "4.3.0", "Please try again later.")
