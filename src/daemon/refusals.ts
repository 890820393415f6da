// Who was refused, and why: a line in sendmail's form for the log, an event for the session's timeline.
import { replyLine } from "../mail/reply.ts"
import { clientName, type Outcome } from "../smtp/session.ts"
import type { World } from "./world.ts"

/** Tells log and timeline of a refusal; anything else is no refusal and costs nothing. */
export function noteRefusal({ session, replies, asked }: Outcome, world: World): void {
  const reply = replies[0]
  if (asked === undefined || reply === undefined || asked.outcome === "yes") return
  const { arrival } = session
  const relay = clientName(arrival)
  const said = replyLine(reply)
  const question = asked.question === "limit" ? asked.reason.step : `ruleset=${asked.question}`
  const argument = asked.argument === "" ? "" : `, arg1=${asked.argument}`
  world.log.refused(arrival.session, `${question}${argument}, relay=${relay}, reject=${said}`, asked.reason)
  world.note([
    {
      at: world.clock(),
      id: arrival.session,
      what: "refused",
      address: asked.argument.replace(/^<(.*)>$/, "$1"),
      status: said,
      detail: asked.question,
      remote: relay,
      reason: asked.reason,
    },
  ])
}
