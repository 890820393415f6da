// HELO, EHLO and LHLO: the client says who it is, we say what we offer (RFC 5321 §4.1.1.1, RFC 2033 §4.1).
import type { Arrival, Protocol } from "../mail/arrival.ts"
import { reply, type Reply } from "../mail/reply.ts"
import type { HelloCommand } from "./command.ts"
import { extensionLines } from "./extensions.ts"
import { about, needsDomain, replies, unknownCommand } from "./replies.ts"
import { traced, type Asks, clientName, move, type Outcome, reset, type Session, stay } from "./session.ts"

const longestName = 255 // RFC 5321 §4.5.3.1.2

/** A second greeting is as good as RSET (RFC 5321 §4.1.4). */
export async function hello(session: Session, command: HelloCommand, { gate }: Asks): Promise<Outcome> {
  const { verb, name } = command
  const { lmtp } = session.offers
  if ((verb === "LHLO") !== lmtp) return stay(session, unknownCommand(verb)) // RFC 2033 §4.1
  if (name === "") return stay(session, needsDomain(verb))
  if (!isHostName(name)) return stay(session, replies.invalidDomain)
  const decision = await gate.hello(session.arrival, name)
  const trace = traced("check_helo", name, decision)
  if (decision.outcome === "no" || decision.outcome === "later") {
    return stay(session, about(name, name, decision.reply), trace)
  }
  const arrival = { ...session.arrival, helo: name, protocol: protocolOf(session.arrival, verb) }
  const greeted = { ...reset(session), arrival }
  return move(greeted, welcome(greeted, verb), undefined, trace)
}

/** The 250 of HELO, EHLO and LHLO; a refused client is offered nothing. */
export function welcome(session: Session, verb: HelloCommand["verb"]): Reply {
  const { offers, arrival, refused } = session
  const first = `${offers.hostname} Hello ${clientName(arrival)}, pleased to meet you`
  if (verb === "HELO") return reply(250, undefined, first)
  if (refused !== undefined) return reply(250, undefined, first, "ENHANCEDSTATUSCODES")
  return reply(250, undefined, first, ...extensionLines(offers, arrival))
}

function protocolOf({ protocol }: Arrival, verb: HelloCommand["verb"]): Protocol {
  if (protocol === "local") return protocol // the sendmail command speaks SMTP to us, and that is no hop
  switch (verb) {
    case "HELO":
      return "SMTP"
    case "EHLO":
      return "ESMTP"
    case "LHLO":
      return "LMTP"
  }
}

// As sendmail: letters, digits and the punctuation of names and literals. People and machines call themselves many
// things; what cannot stand in a Received: field is not a name.
function isHostName(name: string): boolean {
  return name.length <= longestName && /^[A-Za-z0-9.\-_[\]:/#+\u0080-\uffff]+$/.test(name)
}
