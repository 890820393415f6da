// What the three final mailers (mailbox, program, file) have in common: a batch in, a request to the agent for each recipient, a
// status for each out, with the line of the mailer's definition as its origin.
import { feature, macro, mailer, type Settings } from "../config/settings.ts"
import { shownSender } from "../mail/envelope.ts"
import type { Agent, AgentAnswer, AgentReply, AgentRequest, Identity } from "../agent/protocol.ts"
import type { Content } from "../mail/content.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { EnhancedCode } from "../mail/reply.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Account, Accounts, Clock, Found } from "../mail/world.ts"
import type { Batch } from "../queue/batch.ts"
import type { Entry } from "../queue/entry.ts"
import type { RoutedPending } from "../queue/plan.ts"
import type { FinalMessage } from "./final.ts"

/** What is to be delivered, and where the batch goes. */
export type FinalDelivery = { readonly entry: Entry; readonly batch: Batch; readonly content: Content }

export type FinalWorld = {
  readonly settings: Settings
  readonly agent: Agent
  readonly accounts: Accounts
  readonly clock: Clock
  /** The state directory, for programs of ours that speak to this system. */
  readonly state?: string
}

/** How one recipient ended, in the agent's words or in ours. */
export type Ending = {
  readonly outcome: "done" | "later" | "failed"
  readonly status: EnhancedCode
  readonly text: string
  /** A .forward has to be read first (DeliveryStatus). */
  readonly forwards?: true
  /** What the user's own rules did on the way, each with its line. */
  readonly steps?: readonly Reason[]
}

/** Does `one` for each recipient, all at the same time, and makes a status of each ending. */
export function forEachRecipient(
  { batch }: FinalDelivery,
  { settings, clock }: FinalWorld,
  one: (pending: RoutedPending) => Promise<Ending>,
): Promise<readonly DeliveryStatus[]> {
  const at = mailer(settings, batch.mailer)?.at
  return Promise.all(
    batch.recipients.map(async (pending): Promise<DeliveryStatus> => {
      const { outcome, status, text, forwards, steps } = await one(pending)
      return {
        recipient: pending.recipient,
        action: actions[outcome],
        status,
        diagnostic: outcome === "done" ? undefined : text,
        remote: undefined,
        at: new Date(clock()),
        reason: because(batch.mailer, text, at, steps),
        ...(forwards === undefined ? {} : { forwards }),
      }
    }),
  )
}

const actions = { done: "delivered", later: "delayed", failed: "failed" } as const

/** Asks the agent, with the message as it is: whole or by piece. */
export async function askAgent(agent: Agent, request: AgentRequest, message: FinalMessage): Promise<Ending> {
  const { answer } = await replyOf(agent, request, message)
  return endingOf(answer)
}

function replyOf(agent: Agent, request: AgentRequest, message: FinalMessage): Promise<AgentReply> {
  return message.kind === "whole"
    ? agent.ask(request, message.octets)
    : agent.askWithPieces(request, message.pieces())
}

function endingOf(answer: AgentAnswer): Ending {
  switch (answer.outcome) {
    case "done":
    case "later":
    case "failed":
      return answer
    case "text":
    case "nothing":
    case "unsafe":
      throw new Error(`the agent answered a delivery with "${answer.outcome}"`) // its bug or ours
  }
}

/** The account's rights, as the agent is told them. */
export function identityOf({ name, uid, gid, home }: Account): Identity {
  return { name, uid, gid, home }
}

/** The account, or how a recipient ends that has none. */
export async function findAccount(
  accounts: Accounts,
  name: string,
): Promise<{ readonly account: Account } | { readonly ending: Ending }> {
  const found: Found<Account> = await accounts.lookup(name)
  switch (found.found) {
    case "entry":
      return { account: found.entry }
    case "nothing":
      return { ending: { outcome: "failed", status: "5.1.1", text: "User unknown" } }
    case "unavailable":
      return {
        ending: { outcome: "later", status: "4.3.0", text: `the accounts do not answer: ${found.why}` },
      }
  }
}

/** The name by which the agent knows this delivery whenever it is tried again. */
export function deliveryName(entry: Entry, pending: RoutedPending): string {
  return `${entry.id}.${pending.number}`
}

/** Who a From_ line says it is from; the null sender has a name here, with our domain where FEATURE(always_add_domain) adds one. */
export function senderOf({ envelope }: Pick<Entry, "envelope">, settings: Settings): string {
  const sender = shownSender(envelope)
  if (sender !== "") return sender
  const adds = feature(settings, "always_add_domain")
  return adds === undefined
    ? "MAILER-DAEMON"
    : `MAILER-DAEMON@${adds.args[0] || (macro(settings, "j") ?? "localhost")}`
}
