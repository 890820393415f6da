// What is to be done with a message that is here: kept within its size, delivered, held (QUARANTINE) or thrown away (DISCARD) as
// access says for its client, its sender or one of its recipients (sendmail: one discard discards the whole message).
import { printAngled } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, no, yes } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { MessageVerdict } from "../mail/gate.ts"
import { option, optionAt } from "../config/options.ts"
import { feature } from "../config/settings.ts"
import { canonical } from "../routing/canonify.ts"
import { refused } from "../routing/reasons.ts"
import { type Answer, askAccess, mailboxKeys, recipientKeys } from "./access.ts"
import { clientAnswer } from "./client.ts"
import { tooLarge } from "./replies.ts"
import { accessTables, type PolicyWorld } from "./world.ts"

const deliver = yes({ keep: "deliver" } as const, because("message?", "nothing speaks against it"))

/** check_eom. */
export async function checkMessage(
  arrival: Arrival,
  envelope: Envelope,
  size: number,
  world: PolicyWorld,
): Promise<Decision<MessageVerdict>> {
  const { settings } = world.routing
  const limit = option(settings, "MaxMessageSize")
  if (limit > 0 && size > limit) {
    const says = `${size} octets came, ${limit} are allowed`
    return no(tooLarge(limit), refused("MaxMessageSize", says, optionAt(settings, "MaxMessageSize")))
  }
  if (accessTables(world).length === 0) return deliver
  return await byAccess(arrival, envelope, world)
}

async function byAccess(
  arrival: Arrival,
  envelope: Envelope,
  world: PolicyWorld,
): Promise<Decision<MessageVerdict>> {
  let held: Decision<MessageVerdict> | undefined
  for (const { question, argument, asked } of questions(arrival, envelope, world)) {
    const answer = asked instanceof Promise ? await asked : asked
    if (answer.found === "silent") return answer.decision
    if (answer.found === "nothing") continue
    const { verdict, reason } = answer
    if (verdict.word === "DISCARD") return yes({ keep: "discard", by: { question, argument } }, reason)
    if (verdict.word !== "QUARANTINE") continue
    held ??= yes({ keep: "hold", by: { question, argument, why: verdict.why } }, reason)
  }
  return held ?? deliver
}

/** A question of access, and the ruleset of sendmail's that puts it. */
type Question = {
  readonly question: "check_relay" | "check_mail" | "check_rcpt"
  readonly argument: string
  readonly asked: Answer | Promise<Answer>
}

/** Who may have a word: asked one after the other, and no further than needed. */
function* questions(
  arrival: Arrival,
  { reversePath, recipients }: Envelope,
  world: PolicyWorld,
): Generator<Question> {
  const tables = accessTables(world)
  const client = arrival.client?.name ?? `[${arrival.client?.address ?? "127.0.0.1"}]`
  yield { question: "check_relay", argument: client, asked: clientAnswer(arrival, world) }
  if (reversePath !== "null") {
    const asked = askAccess(tables, "From", mailboxKeys(reversePath, world.dots))
    yield { question: "check_mail", argument: printAngled(reversePath), asked }
  }
  const { settings } = world.routing
  if ((feature(settings, "blocklist_recipients") ?? feature(settings, "blacklist_recipients")) === undefined)
    return
  for (const { path } of recipients) {
    if (path === "postmaster") continue
    const asked = askAccess(tables, "To", recipientKeys(canonical(path, world.routing), world.dots))
    yield { question: "check_rcpt", argument: printAngled(path), asked }
  }
}
