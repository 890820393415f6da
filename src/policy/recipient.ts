// May this recipient be named here? An ordered list: FEATURE(blocklist_recipients), relaying, where it would go, whether there
// is such a user; with FEATURE(delay_checks) also the sender and the client (proto.m4: check_rcpt; then sendmail's recipient()).
import { printMailbox } from "../mail/address.ts"
import { because, type Decision, type Reason, yes } from "../mail/decision.ts"
import { feature, type Settings } from "../config/settings.ts"
import { findLocal, localName } from "../routing/local-user.ts"
import { passed } from "../routing/reasons.ts"
import { resolve } from "../routing/route.ts"
import { option } from "../config/options.ts"
import { askAccess, mailboxKeys } from "./access.ts"
import { byVerdict, checkClient } from "./client.ts"
import { mayRelay } from "./relay.ts"
import { mailboxDisabled } from "./replies.ts"
import { checkSenderDomain } from "./sender.ts"
import { accessTables, type PolicyStep, type PolicyWorld, type RecipientQuestion } from "./world.ts"

/** The steps in their order; each must say yes or pass, the first that does not decides. */
export function recipientSteps(settings: Settings): readonly PolicyStep<RecipientQuestion>[] {
  const steps: PolicyStep<RecipientQuestion>[] = []
  const blocks = feature(settings, "blocklist_recipients") ?? feature(settings, "blacklist_recipients")
  const delays = feature(settings, "delay_checks")
  if (blocks !== undefined) {
    const does = "refuses recipients that access names"
    steps.push({ name: "blocklist_recipients", does, at: blocks.at, ask: isNotBlocked })
  }
  steps.push({ name: "relay?", does: "lets mail pass for few", at: undefined, ask: mayPass })
  steps.push({
    name: "route",
    does: "finds the way, and refuses where there is none",
    at: undefined,
    ask: hasWay,
  })
  if (delays !== undefined) {
    const sender = "judges the sender"
    const client = "judges the client"
    steps.push({ name: "sender?", does: sender, at: delays.at, ask: senderIsWell })
    steps.push({ name: "client?", does: client, at: delays.at, ask: clientIsWell })
  }
  return steps
}

/** Asks the steps. The reason of a yes is the last one's, with all that was asked before it. */
export async function checkRecipient(
  question: RecipientQuestion,
  world: PolicyWorld,
): Promise<Decision<undefined>> {
  const trail: Reason[] = []
  let last: Reason | undefined
  for (const step of world.steps.recipient) {
    const answer = step.ask(question, world)
    const decision = answer instanceof Promise ? await answer : answer
    if (decision.outcome === "no" || decision.outcome === "later") {
      if (last !== undefined) trail.push(last)
      return { ...decision, reason: { ...decision.reason, after: [...trail, ...decision.reason.after] } }
    }
    if (last !== undefined) trail.push(last)
    last = decision.reason
  }
  if (last === undefined) throw new Error("relaying is always asked") // a bug in recipientSteps
  return yes(undefined, trail.length === 0 ? last : { ...last, after: [...trail, ...last.after] })
}

const notBlocked: Decision<undefined> = {
  outcome: "pass",
  reason: passed("access", "the recipient is not listed"),
}

async function isNotBlocked({ to }: RecipientQuestion, world: PolicyWorld): Promise<Decision<undefined>> {
  const { mailbox, bare } = to
  const lists = bare ? [[`${mailbox.localPart}@`]] : mailboxKeys(mailbox)
  const answer = await askAccess(accessTables(world), "To", lists)
  if (answer.found === "silent") return answer.decision
  return answer.found === "nothing" ? notBlocked : byVerdict(answer, mailboxDisabled)
}

async function mayPass(question: RecipientQuestion, world: PolicyWorld): Promise<Decision<undefined>> {
  const trail: Reason[] = []
  const decision = await mayRelay(question, world, trail)
  if (trail.length === 0) return decision
  return { ...decision, reason: { ...decision.reason, after: [...trail, ...decision.reason.after] } }
}

/** Where it would go: a refusal of virtusertable or mailertable, and unknown users, are told now and not by a bounce. */
async function hasWay({ to }: RecipientQuestion, { routing }: PolicyWorld): Promise<Decision<undefined>> {
  const resolved = await resolve(to, routing)
  if (resolved.outcome !== "yes") return resolved
  const { route, to: end } = resolved.value
  if (route.mailer !== option(routing.settings, "LocalMailer")) return yes(undefined, resolved.reason)
  const found = await findLocal(localName(route.user), end, routing)
  const reason = { ...found.reason, after: [resolved.reason, ...found.reason.after] }
  return found.outcome === "yes" ? yes(undefined, reason) : { ...found, reason }
}

async function senderIsWell(
  { arrival, envelope }: RecipientQuestion,
  world: PolicyWorld,
): Promise<Decision<undefined>> {
  const { reversePath } = envelope
  if (arrival.authenticated !== undefined) return loggedIn
  const typed = reversePath === "null" ? "" : printMailbox(reversePath)
  return await checkSenderDomain(arrival, reversePath, typed, world)
}

const loggedIn = yes(undefined, because("client?", "the client is logged in"))

function clientIsWell(
  { arrival }: RecipientQuestion,
  world: PolicyWorld,
): Decision<undefined> | Promise<Decision<undefined>> {
  return arrival.authenticated === undefined ? checkClient(arrival, world) : loggedIn
}
