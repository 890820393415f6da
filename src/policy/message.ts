// What is to be done with a message that is here: kept within its size, delivered, held (QUARANTINE) or thrown away (DISCARD) as
// access says for its client, its sender or one of its recipients (sendmail: one discard discards the whole message).
import { printAngled, type ReversePath } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, no, yes } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { MessageVerdict } from "../mail/gate.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { option, optionAt } from "../config/options.ts"
import { feature, type Settings } from "../config/settings.ts"
import { canonical } from "../routing/canonify.ts"
import { refused } from "../routing/reasons.ts"
import { type Answer, askAccess, recipientKeys, senderKeys, tagged } from "./access.ts"
import { clientAnswer } from "./client.ts"
import { tooLarge } from "./replies.ts"
import { accessTables, type PolicyWorld } from "./world.ts"

const deliver: Decision<MessageVerdict> = yes(
  { keep: "deliver" },
  because("message?", "nothing speaks against it"),
)

type Whole = { readonly arrival: Arrival; readonly envelope: Envelope; readonly size: number }

/** check_eom. */
export function checkMessage(
  { arrival, envelope, size }: Whole,
  { routing, dots }: PolicyWorld,
  ofSender: OfSender,
): Soon<Decision<MessageVerdict>> {
  const { settings } = routing
  const limit = option(settings, "MaxMessageSize")
  if (limit > 0 && size > limit) {
    const says = `${size} octets came, ${limit} are allowed`
    return no(tooLarge(limit), refused("MaxMessageSize", says, optionAt(settings, "MaxMessageSize")))
  }
  const tables = accessTables({ routing })
  if (tables.length === 0) return deliver
  return whenThere(ofSender(arrival, envelope.reversePath), (verdict) =>
    isFinal(verdict) || !blocksRecipients(settings)
      ? verdict
      : byAccess(ofRecipients(envelope, { routing, dots }), verdict),
  )
}

/** What access says of this client's mail from this sender. */
export type OfSender = (arrival: Arrival, sender: ReversePath) => Soon<Decision<MessageVerdict>>

/** Asks access. */
export function verdictOfSender(
  arrival: Arrival,
  sender: ReversePath,
  world: PolicyWorld,
): Soon<Decision<MessageVerdict>> {
  return byAccess(ofClientAndSender(arrival, sender, world), deliver)
}

function blocksRecipients(settings: Settings): boolean {
  return (
    (feature(settings, "blocklist_recipients") ?? feature(settings, "blacklist_recipients")) !== undefined
  )
}

/** Asks one question after the other, and no further than needed. */
function byAccess(
  asking: Iterator<Question>,
  before: Decision<MessageVerdict>,
): Soon<Decision<MessageVerdict>> {
  let verdict = before
  for (let next = asking.next(); next.done !== true; next = asking.next()) {
    const { value: question } = next
    const { asked } = question
    if (asked instanceof Promise) return byAnswer(question, asked, asking, verdict)
    const told = judged(question, asked, verdict)
    if (isFinal(told)) return told
    verdict = told
  }
  return verdict
}

async function byAnswer(
  question: Question,
  asked: Promise<Answer>,
  rest: Iterator<Question>,
  before: Decision<MessageVerdict>,
): Promise<Decision<MessageVerdict>> {
  const told = judged(question, await asked, before)
  return isFinal(told) ? told : byAccess(rest, told)
}

/** What is to be done with the message behind this answer. Who holds it first gives the reason. */
function judged(
  { question, argument }: Question,
  answer: Answer,
  before: Decision<MessageVerdict>,
): Decision<MessageVerdict> {
  if (answer.found === "silent") return answer.decision
  if (answer.found === "nothing") return before
  const { verdict, reason } = answer
  if (verdict.word === "DISCARD") return yes({ keep: "discard", by: { question, argument } }, reason)
  if (verdict.word !== "QUARANTINE" || before !== deliver) return before
  return yes({ keep: "hold", by: { question, argument, why: verdict.why } }, reason)
}

function isFinal(decision: Decision<MessageVerdict>): boolean {
  return decision.outcome !== "yes" || decision.value.keep === "discard"
}

/** A question of access, and the ruleset of sendmail's that puts it. */
type Question = {
  readonly question: "check_relay" | "check_mail" | "check_rcpt"
  readonly argument: string
  readonly asked: Answer | Promise<Answer>
}

/** Who may have a word: asked one after the other, and no further than needed. */
function* ofClientAndSender(arrival: Arrival, sender: ReversePath, world: PolicyWorld): Generator<Question> {
  const client = arrival.client?.name ?? `[${arrival.client?.address ?? "127.0.0.1"}]`
  yield { question: "check_relay", argument: client, asked: clientAnswer(arrival, world) }
  if (sender === "null") return
  const asked = askAccess(accessTables(world), senderKeys(sender, world.dots))
  yield { question: "check_mail", argument: printAngled(sender), asked }
}

function* ofRecipients(
  { recipients }: Envelope,
  { routing, dots }: Pick<PolicyWorld, "routing" | "dots">,
): Generator<Question> {
  const tables = accessTables({ routing })
  for (const { path } of recipients) {
    if (path === "postmaster") continue
    const keys = recipientKeys(canonical(path, routing), dots)
    const asked = askAccess(tables, tagged("To", keys))
    yield { question: "check_rcpt", argument: printAngled(path), asked }
  }
}
