// The commands beside the transaction: RSET, NOOP, QUIT, HELP, VERB, ETRN, VRFY, EXPN (RFC 5321 §4.1.1.5 to .10, RFC 1985).
import { classify } from "../mail/address.ts"
import { reply, type Reply } from "../mail/reply.ts"
import { help } from "./help.ts"
import { about, closing, queueing, queueingGroup, replies, unknownCommand, unknownGroup } from "./replies.ts"
import {
  traced,
  type Asks,
  byRule,
  move,
  type Outcome,
  type PrivacyFlag,
  reset,
  type Session,
  stay,
} from "./session.ts"

/** RSET. */
export function rset(session: Session): Outcome {
  return stay(reset(session), replies.reset)
}

/** NOOP, whatever stands behind it. */
export function noop(session: Session): Outcome {
  return stay(session, replies.ok)
}

/** QUIT: an open transaction is dropped. */
export function quit(session: Session): Outcome {
  return move(reset(session), closing(session.offers.hostname), { does: "close" })
}

/** HELP. */
export function helpOn(session: Session, topic: string): Outcome {
  return stay(session, help(topic, session.offers))
}

/** VERB. Deliveries happen in the background, so there is no more to tell in verbose mode: as sendmail with its queue. */
export function verb(session: Session): Outcome {
  const { privacy } = session.offers
  if (privacy.has("noexpn")) return notAllowed(session, "noexpn", replies.noVerbose)
  return privacy.has("noverb")
    ? notAllowed(session, "noverb", replies.noVerbose)
    : stay(session, replies.verbose)
}

/** ETRN: the queue for this host, or a queue group, is run (RFC 1985 §5). */
export async function etrn(session: Session, argument: string, { gate }: Asks): Promise<Outcome> {
  const { lmtp, privacy } = session.offers
  if (lmtp) return stay(session, unknownCommand("ETRN"))
  if (privacy.has("noetrn")) return notAllowed(session, "noetrn")
  if (argument === "") return stay(session, replies.needParameter)
  const group = argument.startsWith("#") ? argument.slice(1) : undefined
  if (group !== undefined && session.offers.queueGroups?.has(group) !== true)
    return stay(session, unknownGroup(group))
  const may = await gate.queueRun?.(session.arrival, argument)
  if (may?.outcome === "no" || may?.outcome === "later")
    return stay(session, may.reply, traced("check_etrn", argument, may))
  const started = group === undefined ? queueing(argument) : queueingGroup(group)
  return move(session, started, { does: "run queue", node: argument })
}

/** VRFY: whom a name stands for. */
export async function vrfy(session: Session, argument: string, { gate }: Asks): Promise<Outcome> {
  const { privacy } = session.offers
  if (privacy.has("novrfy")) return notAllowed(session, "novrfy", replies.cannotVerify)
  if (privacy.has("needvrfyhelo") && session.arrival.helo === undefined) {
    return notAllowed(session, "needvrfyhelo", replies.introduceYourself)
  }
  return lookup(session, argument, "check_vrfy", gate.verify)
}

/** EXPN: who is on a list. */
export async function expn(session: Session, argument: string, { gate }: Asks): Promise<Outcome> {
  const { privacy } = session.offers
  if (privacy.has("noexpn")) return notAllowed(session, "noexpn")
  if (privacy.has("needexpnhelo") && session.arrival.helo === undefined) {
    return notAllowed(session, "needexpnhelo", replies.introduceYourself)
  }
  return lookup(session, argument, "check_expn", gate.expand)
}

function notAllowed(session: Session, flag: PrivacyFlag, said: Reply = replies.notAllowed): Outcome {
  return stay(session, said, byRule("PrivacyOptions", flag, session.offers.origins.privacy))
}

async function lookup(
  session: Session,
  argument: string,
  question: "check_vrfy" | "check_expn",
  ask: Asks["gate"]["verify"],
): Promise<Outcome> {
  const bare = /^<.*>$/.test(argument) ? argument.slice(1, -1).trim() : argument
  if (bare === "") return stay(session, replies.needArgument)
  const decision = await ask(session.arrival, classify(bare))
  const trace = traced(question, argument, decision)
  switch (decision.outcome) {
    case "yes":
      return stay(session, reply(250, "2.1.5", ...decision.value), trace)
    case "no":
    case "later":
      return stay(session, about(argument, bare, decision.reply), trace)
    case "pass":
      throw new Error(`${question} passed`)
  }
}
