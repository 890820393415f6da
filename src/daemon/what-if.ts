// What another configuration would have decided of the mail that came: the questions that the timelines remember, put to the very
// code that decides, once under the settings in force and once under the new ones. What differs is told, with both lines.
import { classify, type ForwardPath, type ReversePath } from "../mail/address.ts"
import type { Decision, Origin, Reason } from "../mail/decision.ts"
import { printOrigin } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Gate } from "../mail/gate.ts"
import { replyLine } from "../mail/reply.ts"
import { expand } from "../routing/expand.ts"
import { printReason } from "../routing/explain.ts"
import type { Question } from "./what-if-record.ts"
import type { Side, Sides } from "./what-if-side.ts"

/** What one configuration says to a question. */
export type Verdict = {
  /** `accepted: esmtp [192.0.2.25] bob@example.org`, or the reply. */
  readonly says: string
  /** The line that decided, where one did. */
  readonly at: string | undefined
  readonly reasons: readonly string[]
}

export type Compared = {
  readonly question: Question
  readonly now: Verdict
  readonly instead: Verdict
  readonly differ: boolean
  /** What is in force says otherwise than was said then: users, tables or DNS have changed since. */
  readonly moved: boolean
}

/** Asks both. */
export async function compareSides(question: Question, sides: Sides): Promise<Compared> {
  const now = await ask(question, sides.now)
  const instead = await ask(question, sides.instead)
  const moved = isAcceptance(question.was) !== isAcceptance(now.says)
  return { question, now, instead, differ: now.says !== instead.says, moved }
}

function isAcceptance(says: string): boolean {
  return !/^[45]\d\d /.test(says)
}

/** Replays one session as far as it went. */
async function ask(question: Question, side: Side): Promise<Verdict> {
  const gate = side.gate()
  const { arrival } = question
  const begun = await gate.connect(arrival)
  if (stops(begun)) return refusal(begun)
  if (arrival.helo !== undefined) {
    const greeted = await gate.hello(arrival, arrival.helo)
    if (stops(greeted)) return refusal(greeted)
  }
  if (question.sender === undefined) return { says: "may speak", ...why(begun.reason) }
  return askSender(question, question.sender, gate, side)
}

async function askSender(question: Question, typed: string, gate: Gate, side: Side): Promise<Verdict> {
  const { arrival, size, recipient } = question
  const path = typed === "" || typed === "<>" ? "null" : classify(typed)
  const sender = await gate.sender(arrival, path, size)
  if (stops(sender)) return refusal(sender)
  if (recipient === undefined) return { says: "sender accepted", ...why(sender.reason) }
  const envelope = envelopeFrom(sender.outcome === "yes" ? sender.value : "null")
  const to = recipient.toLowerCase() === "postmaster" ? "postmaster" : classify(recipient)
  const admitted = await gate.recipient(arrival, envelope, to)
  if (stops(admitted) || admitted.outcome !== "yes") return refusal(admitted)
  const refused = await askMessage(question, withOne(envelope, admitted.value, admitted.reason), gate)
  return refused ?? ways(admitted.value, admitted.reason, side)
}

/** check_data, and what is asked of the whole message, where its header is known. */
async function askMessage(
  { arrival, header, size }: Question,
  envelope: Envelope,
  gate: Gate,
): Promise<Verdict | undefined> {
  const begun = await gate.content(arrival, envelope)
  if (stops(begun)) return refusal(begun)
  if (header === undefined) return undefined
  const taken = await gate.message(arrival, envelope, Buffer.from(header, "latin1"), size)
  if (stops(taken)) return refusal(taken)
  if (taken.outcome !== "yes" || taken.value.keep === "deliver") return undefined
  return {
    says: taken.value.keep === "hold" ? "accepted and held" : "accepted and thrown away",
    ...why(taken.reason),
  }
}

/** Where it goes: what aliases lead to, each with its way. */
async function ways(path: ForwardPath, admitted: Reason, { routing }: Side): Promise<Verdict> {
  const { leaves, dead } = await expand(path, routing)
  const routes = leaves.map(({ route: { mailer, host, user } }) =>
    [mailer, host, user].filter((part) => part !== "").join(" "),
  )
  const failures = dead.map(({ reply }) => `undeliverable: ${replyLine(reply)}`)
  const reason = leaves[0]?.reason ?? dead[0]?.reason ?? admitted
  const { at, reasons } = why(reason)
  return {
    says: `accepted: ${[...routes, ...failures].toSorted().join(", ")}`,
    at: at ?? why(admitted).at,
    reasons,
  }
}

type Stopped = Extract<Decision<unknown>, { readonly outcome: "no" | "later" }>

function stops(decision: Decision<unknown>): decision is Stopped {
  return decision.outcome === "no" || decision.outcome === "later"
}

function refusal(decision: Decision<unknown>): Verdict {
  const says = stops(decision) ? replyLine(decision.reply) : "nothing was decided"
  return { says, ...why(decision.reason) }
}

function why(reason: Reason): Pick<Verdict, "at" | "reasons"> {
  const origin = originOf(reason)
  return { at: origin && printOrigin(origin), reasons: printReason(reason) }
}

/** The reason's own line, else that of the step before it that had one. */
function originOf(reason: Reason): Origin | undefined {
  if (reason.at !== undefined) return reason.at
  for (const step of reason.after.toReversed()) {
    if (step.role === "passed") continue
    const found = originOf(step)
    if (found !== undefined) return found
  }
  return undefined
}

function envelopeFrom(reversePath: ReversePath): Envelope {
  return {
    reversePath,
    recipients: [],
    body: "7bit",
    smtputf8: false,
    ret: undefined,
    envid: undefined,
  }
}

function withOne(envelope: Envelope, path: ForwardPath, admitted: Reason): Envelope {
  return { ...envelope, recipients: [{ path, original: undefined, notify: [], admitted }] }
}
