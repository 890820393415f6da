// Who was refused, and why: a line in sendmail's form for the log, an event for the session's timeline.
import { printPath } from "../mail/address.ts"
import type { Reason } from "../mail/decision.ts"
import { type Reply, replyLine } from "../mail/reply.ts"
import { type Asked, clientName, type Outcome, type Session } from "../smtp/session.ts"
import type { AskedOf } from "../spool/spool.ts"
import type { World } from "./world.ts"

/** Tells log and timeline of a refusal; anything else is no refusal and costs nothing. */
export function noteRefusal({ session, replies, asked }: Outcome, world: World): void {
  // A client that may not come in is greeted, and hears it at its first command: that is what is told of it.
  const reply = session.refused ?? replies[0]
  if (asked === undefined || reply === undefined || asked.outcome === "yes") return
  const { arrival } = session
  const relay = clientName(arrival)
  const said = replyLine(reply)
  world.log.refused(arrival.session, lineOf(asked, reply, relay), told(asked.reason))
  world.refused?.(asked, reply)
  world.note([
    {
      at: world.clock(),
      id: arrival.session,
      what: "refused",
      address: bare(asked.argument),
      status: said,
      detail: asked.question,
      remote: relay,
      reason: asked.reason,
      ...(world.samples?.() === true ? { asked: askedOf(session, asked) } : {}),
    },
  ])
}

/** Steps of routing that refuse a recipient: for sendmail these are no ruleset's. */
const ways: ReadonlySet<string> = new Set(["user?", "virtusertable", "mailertable", "redirect", "MX"])

/** sendmail's line of a ruleset; where there is no way, the words of the reply alone (err.c: usrerr with LogUsrErrs). */
function lineOf(asked: Asked, reply: Reply, relay: string): string {
  if (ways.has(asked.reason.step)) return `${reply.text.join(" ")}, relay=${relay}`
  const question = asked.question === "limit" ? asked.reason.step : `ruleset=${asked.question}`
  const argument = asked.argument === "" ? "" : `, arg1=${asked.argument}`
  return `${question}${argument}, relay=${relay}, reject=${replyLine(reply)}`
}

/** "User unknown" says all there is to say; a line of text that refused is named. */
function told(reason: Reason): Reason | undefined {
  return reason.step === "user?" && reason.at === undefined ? undefined : reason
}

/** What can be asked again: a client, a sender, a recipient. Of other refusals the client alone. */
function askedOf({ arrival, transaction }: Session, { question, argument }: Asked): AskedOf {
  const { envelope, bytes = 0 } = transaction ?? {}
  const sender = envelope && (envelope.typedSender ?? printPath(envelope.reversePath))
  return {
    arrival,
    question,
    sender: question === "check_mail" ? bare(argument) : sender,
    recipient: question === "check_rcpt" ? bare(argument) : undefined,
    size: bytes,
  }
}

function bare(argument: string): string {
  return argument.replace(/^<(.*)>$/, "$1")
}
