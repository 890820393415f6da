// AUTH (RFC 4954): one command that begins an exchange, and the lines that go on with it. What the mechanisms say is auth/sasl.ts's,
// who the logins are is asked.
import {
  type Authenticator,
  begin,
  type Exchange,
  type Mechanism,
  mechanisms,
  proceed,
  type SaslWorld,
  type Step,
} from "../auth/sasl.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Reply } from "../mail/reply.ts"
import { usableMechanisms } from "./extensions.ts"
import type { Line } from "./lines.ts"
import { challengeReply, noSuchMechanism, replies, tooManyLogins } from "./replies.ts"
import {
  type Asked,
  type Asks,
  clientName,
  move,
  type Outcome,
  type Session,
  stay,
  traced,
} from "./session.ts"

/** AUTH mechanism [initial-response] */
export async function auth(session: Session, argument: string, asks: Asks): Promise<Outcome> {
  const { offers, arrival, transaction } = session
  const { authenticator } = asks
  if (offers.auth === undefined || authenticator === undefined) return stay(session, replies.noAuth)
  if (arrival.authType !== undefined) return stay(session, replies.alreadyAuthenticated) // §4
  if (transaction !== undefined) return stay(session, replies.authInTransaction) // §4
  const [name = "", initial, more] = argument.split(/[ \t]+/)
  if (name === "") return stay(session, replies.authNeedsMechanism)
  const mechanism = mechanisms.find((one) => one === name.toUpperCase())
  if (mechanism === undefined || !offers.auth.mechanisms.includes(mechanism))
    return stay(session, noSuchMechanism(name))
  if (!usableMechanisms(offers, arrival).includes(mechanism))
    return failed(session, mechanism === "EXTERNAL" ? noSuchMechanism(name) : replies.authNeedsTls)
  const may = authenticator.mayTry(arrival)
  if (may.outcome === "no" || may.outcome === "later")
    return stay(session, may.reply, traced("AUTH", mechanism, may))
  const response = readInitial(initial)
  if (response === "wrong" || more !== undefined) return stay(session, replies.authNotBase64)
  const world = worldOf(session, authenticator, asks)
  const step = await begin(mechanism, response.text, world)
  return await follow(session, mechanism, step, asks)
}

function worldOf({ arrival, offers }: Session, authenticator: Authenticator, { channel }: Asks): SaslWorld {
  const binds = usableMechanisms(offers, arrival).includes("SCRAM-SHA-256-PLUS")
  const logins = authenticator.logins(arrival)
  return { logins, hostname: offers.hostname, channel: binds ? channel?.() : undefined }
}

// §4: "=" alone is an initial response of no octets.
function readInitial(word: string | undefined): { readonly text: string | undefined } | "wrong" {
  if (word === undefined) return { text: undefined }
  if (word === "=") return { text: "" }
  const text = decode(word)
  return text === undefined ? "wrong" : { text }
}

/** A line that is the response to a challenge; "*" gives up. */
export async function authLine(
  session: Session,
  exchange: Exchange,
  line: Line,
  asks: Asks,
): Promise<Outcome> {
  const over = { ...session, exchange: undefined }
  if (line.kind === "broken") {
    return stay(over, line.why === "too long" ? replies.authTooLong : replies.authNotBase64)
  }
  if (line.text === "*") return stay(over, replies.authAborted) // §4
  const response = decode(line.text)
  if (response === undefined) return stay(over, replies.authNotBase64)
  const { authenticator } = asks
  if (authenticator === undefined) return stay(over, replies.noAuth)
  const world = worldOf(session, authenticator, asks)
  return await follow(over, exchange.mechanism, await proceed(exchange, response, world), asks)
}

/** Base64 as RFC 4648 §4 has it, with its padding; undefined when it is none. Responses are UTF-8. */
function decode(text: string): string | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, "base64").toString("utf8")
}

async function follow(session: Session, mechanism: Mechanism, step: Step, asks: Asks): Promise<Outcome> {
  switch (step.kind) {
    case "challenge":
      return move({ ...session, exchange: step.exchange }, challengeReply(step.challenge))
    case "malformed":
      return failed(session, replies.authMalformed)
    case "decided":
      return await decided(session, mechanism, step, asks)
  }
}

async function decided(
  session: Session,
  mechanism: Mechanism,
  { decision, login }: Step & { kind: "decided" },
  { authenticator }: Asks,
): Promise<Outcome> {
  const { arrival } = session
  if (decision.outcome === "pass") throw new Error("AUTH passed")
  if (decision.outcome !== "later") await authenticator?.tried(arrival, login, decision.outcome === "yes")
  const trace = traced("AUTH", `${mechanism} ${login}`, decision)
  if (decision.outcome === "yes") {
    const known: Arrival = { ...arrival, authenticated: decision.value, authType: mechanism }
    const note = `AUTH=server, relay=${clientName(arrival)}, authid=${decision.value}, mech=${mechanism}, bits=0`
    return { ...move({ ...session, arrival: known }, replies.authenticated, undefined, trace), note }
  }
  return failed(session, decision.reply, trace)
}

/** One more that led to nothing; who goes on with it is let go. */
function failed(session: Session, said: Reply, trace?: Asked): Outcome {
  const { offers, failedLogins = 0 } = session
  const count = failedLogins + 1
  const most = offers.auth?.mostFailures ?? 0
  if (most > 0 && count >= most) return stay(session, tooManyLogins(offers.hostname), trace)
  return stay({ ...session, failedLogins: count }, said, trace)
}
