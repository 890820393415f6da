// SASL on the server's side (RFC 4422): what is said for PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), SCRAM-SHA-256 (RFC 7677), with
// channel binding (RFC 9266) or without, and EXTERNAL, from challenge to challenge. Who the logins are, and whether a password is
// right, is asked of whoever knows.
import { createHmac, timingSafeEqual } from "node:crypto"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, no, type Reason, yes } from "../mail/decision.ts"
import { reply, type Reply } from "../mail/reply.ts"
import {
  type ClientFirst,
  prepared,
  readClientFirst,
  type ScramVerifier,
  serverFinal,
  serverFirst,
  type ServerSide,
  tlsExporter,
} from "./scram.ts"

/** The mechanisms we know. */
export const mechanisms = [
  "EXTERNAL",
  "SCRAM-SHA-256-PLUS",
  "SCRAM-SHA-256",
  "CRAM-MD5",
  "PLAIN",
  "LOGIN",
] as const
export type Mechanism = (typeof mechanisms)[number]

/** What a mechanism is good for, by the letters of AuthOptions that ask for it (Cyrus SASL: SASL_SEC_…). */
const properties: Readonly<Record<Mechanism, string>> = {
  EXTERNAL: "dy",
  "SCRAM-SHA-256-PLUS": "amy",
  "SCRAM-SHA-256": "amy",
  "CRAM-MD5": "y",
  PLAIN: "cy",
  LOGIN: "cy",
}

/**
 * Whether AuthOptions lets this mechanism be used: a, not open to active attacks; c, it passes credentials; d, not open to passive
 * dictionary attacks; f, forward secrecy, which none has; m, both sides prove themselves; y, not anonymous. A and p are asked elsewhere.
 */
export function isLetBy(options: string, mechanism: Mechanism): boolean {
  return [...options].every((letter) => !"acdfmy".includes(letter) || properties[mechanism].includes(letter))
}

/** Those that say the password as it is. */
export function saysPassword(mechanism: Mechanism): boolean {
  return mechanism === "PLAIN" || mechanism === "LOGIN"
}

/** Who knows the logins. None of them tells a login that is not there from one whose password is another. */
export type Logins = {
  /** The login (as it is written down) that this name and password are of. */
  password(login: string, password: string): Promise<Decision<string>>
  /** What SCRAM needs; a login that is not there has one too, which nothing is right for. */
  verifier(login: string): Promise<Decision<ScramVerifier>>
  /** The password itself, for CRAM-MD5. */
  secret(login: string): Promise<Decision<string>>
  /** The login that a client certificate vouches for; `wanted` is whom the client says it is, "" when it does not. */
  external(wanted: string): Promise<Decision<string>>
  /** Something that was never said before. */
  nonce(): string
}

/** Logins for one client, and who counts how often it guesses. */
export type Authenticator = {
  logins(arrival: Arrival): Logins
  /** Whether this client may try at all now. */
  mayTry(arrival: Arrival): Decision<undefined>
  /** How a try ended; resolves when the client may hear of it, the later the more it has guessed. */
  tried(arrival: Arrival, login: string, right: boolean): Promise<void>
}

export type SaslWorld = {
  readonly logins: Logins
  readonly hostname: string
  /** What SCRAM-SHA-256-PLUS is bound to; absent where we do not offer it. */
  readonly channel?: Buffer | undefined
}

type ScramMechanism = "SCRAM-SHA-256" | "SCRAM-SHA-256-PLUS"

/** Where an exchange stands, until the client's next line. */
export type Exchange =
  | { readonly mechanism: "PLAIN" | "EXTERNAL" }
  | { readonly mechanism: "LOGIN"; readonly login: string | undefined }
  | { readonly mechanism: "CRAM-MD5"; readonly challenge: string }
  | { readonly mechanism: ScramMechanism; readonly scram: Scram | undefined }

type Scram =
  | ({ readonly at: "proof" } & ServerSide)
  | { readonly at: "end"; readonly decision: Decision<string>; readonly login: string }

export type Step =
  | { readonly kind: "challenge"; readonly challenge: string; readonly exchange: Exchange }
  /** `login` is whom it said it is, for the log and for those who count. */
  | { readonly kind: "decided"; readonly decision: Decision<string>; readonly login: string }
  | { readonly kind: "malformed" }

const malformed: Step = { kind: "malformed" }

/** One word for all that is wrong with a login: who guesses learns nothing from it. */
export const authenticationFailed: Reply = reply(535, "5.7.0", "authentication failed")

/** The exchange begins; `initial` is the client's first response where it came along. */
export async function begin(
  mechanism: Mechanism,
  initial: string | undefined,
  world: SaslWorld,
): Promise<Step> {
  if (mechanism === "CRAM-MD5") {
    // RFC 2195 §2: the server speaks first, so nothing may come along.
    if (initial !== undefined) return malformed
    const challenge = `<${world.logins.nonce()}@${world.hostname}>`
    return { kind: "challenge", challenge, exchange: { mechanism, challenge } }
  }
  const exchange = empty(mechanism)
  if (initial !== undefined) return await proceed(exchange, initial, world)
  return { kind: "challenge", challenge: mechanism === "LOGIN" ? "Username:" : "", exchange }
}

function empty(mechanism: Exclude<Mechanism, "CRAM-MD5">): Exchange {
  switch (mechanism) {
    case "LOGIN":
      return { mechanism, login: undefined }
    case "SCRAM-SHA-256":
    case "SCRAM-SHA-256-PLUS":
      return { mechanism, scram: undefined }
    case "PLAIN":
    case "EXTERNAL":
      return { mechanism }
  }
}

/** The client's response to the challenge. */
export function proceed(exchange: Exchange, response: string, world: SaslWorld): Step | Promise<Step> {
  const { logins } = world
  switch (exchange.mechanism) {
    case "PLAIN":
      return plain(response, logins)
    case "LOGIN":
      return login(exchange, response, logins)
    case "CRAM-MD5":
      return cramMd5(exchange, response, logins)
    case "SCRAM-SHA-256":
    case "SCRAM-SHA-256-PLUS":
      return scram(exchange, response, world)
    case "EXTERNAL":
      return external(response, logins)
  }
}

// RFC 4616 §2: [authzid] NUL authcid NUL passwd
async function plain(response: string, logins: Logins): Promise<Step> {
  const [acting, name, password, more] = response.split("\0")
  if (acting === undefined || !name || !password || more !== undefined) return malformed
  const decision = await logins.password(prepared(name), password)
  return { kind: "decided", login: name, decision: sameOnly(acting, name, decision) }
}

/** Nobody may act as another here. */
function sameOnly(acting: string, name: string, decision: Decision<string>): Decision<string> {
  if (acting === "" || acting === name || decision.outcome !== "yes" || acting === decision.value)
    return decision
  return no(authenticationFailed, because("authorization", `${name} may not act as ${acting}`))
}

async function login(
  { login: name }: Exchange & { mechanism: "LOGIN" },
  response: string,
  logins: Logins,
): Promise<Step> {
  if (response === "" || response.includes("\0")) return malformed
  if (name === undefined) {
    return { kind: "challenge", challenge: "Password:", exchange: { mechanism: "LOGIN", login: response } }
  }
  return { kind: "decided", login: name, decision: await logins.password(prepared(name), response) }
}

// RFC 2195 §2: login, a blank, HMAC-MD5 of the challenge in small hexadecimal digits
async function cramMd5(
  { challenge }: Exchange & { mechanism: "CRAM-MD5" },
  response: string,
  logins: Logins,
): Promise<Step> {
  const found = /^(.+) ([0-9a-f]{32})$/.exec(response)
  if (found === null) return malformed
  const [, name = "", digest = ""] = found
  const secret = await logins.secret(name)
  if (secret.outcome === "later") return { kind: "decided", login: name, decision: secret }
  const key = secret.outcome === "yes" ? secret.value : "no such login"
  const right = timingSafeEqual(createHmac("md5", key).update(challenge).digest(), Buffer.from(digest, "hex"))
  const known = secret.outcome === "yes" && right
  return { kind: "decided", login: name, decision: known ? yes(name, secret.reason) : wrong(secret.reason) }
}

function wrong(reason: Reason): Decision<string> {
  return no(authenticationFailed, { ...reason, says: `${reason.says}; the proof is wrong`, role: "refused" })
}

async function scram(
  exchange: Exchange & { mechanism: ScramMechanism },
  response: string,
  world: SaslWorld,
): Promise<Step> {
  if (exchange.scram === undefined) return await scramFirst(exchange.mechanism, response, world)
  if (exchange.scram.at === "end") {
    const { decision, login: name } = exchange.scram
    return response === "" ? { kind: "decided", login: name, decision } : malformed
  }
  const { first } = exchange.scram
  const last = serverFinal(exchange.scram, response)
  const reason = because("AUTH", `the proof of ${exchange.mechanism}`)
  if (last === undefined) return { kind: "decided", login: first.login, decision: wrong(reason) }
  const decision = sameOnly(first.authorization, first.login, yes(prepared(first.login), reason))
  // RFC 4954 §4: 235 carries nothing, so the server's own proof is a challenge of its own, answered with an empty line.
  const end: Exchange = { ...exchange, scram: { at: "end", decision, login: first.login } }
  return { kind: "challenge", challenge: last, exchange: end }
}

async function scramFirst(mechanism: ScramMechanism, response: string, world: SaslWorld): Promise<Step> {
  const first = readClientFirst(response)
  if (first === undefined) return malformed
  const channel = channelFor(first, mechanism, world)
  if ("kind" in channel) return channel
  const verifier = await world.logins.verifier(prepared(first.login))
  if (verifier.outcome !== "yes") return { kind: "decided", login: first.login, decision: verifier }
  const challenge = serverFirst(first, world.logins.nonce(), verifier.value)
  const waiting = { at: "proof", first, challenge, verifier: verifier.value, channel } as const
  return { kind: "challenge", challenge, exchange: { mechanism, scram: waiting } }
}

const noChannel = Buffer.alloc(0)

/** What the client has to repeat; where it and we are not of one mind about channel binding, how that ends (RFC 5802 §6). */
function channelFor(
  { binding, login: name }: ClientFirst,
  mechanism: ScramMechanism,
  { channel }: SaslWorld,
): Buffer | Step {
  if (mechanism === "SCRAM-SHA-256-PLUS")
    return binding === `p=${tlsExporter}` && channel !== undefined ? channel : malformed
  if (binding.startsWith("p=")) return malformed
  if (binding !== "y" || channel === undefined) return noChannel
  const says = "the client thinks that we offer no channel binding: somebody between us may have taken it out"
  return { kind: "decided", login: name, decision: no(authenticationFailed, because("AUTH", says)) }
}

async function external(response: string, logins: Logins): Promise<Step> {
  if (response.includes("\0")) return malformed
  const decision = await logins.external(response)
  return { kind: "decided", login: decision.outcome === "yes" ? decision.value : response, decision }
}
