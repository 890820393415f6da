// The way an address takes, told to a person or a program: how it was read, whether a client may name it, what aliases make of
// it, where each end goes and why. `waypost explain`, sendmail -bv and the console's what-if are this.
import { type ForwardPath, printMailbox, type ReversePath, classify } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { type Decision, type Origin, printOrigin, type Reason } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Gate } from "../mail/gate.ts"
import { replyLine } from "../mail/reply.ts"
import { parseAddressList } from "../message/addresses.ts"
import { feature } from "../config/settings.ts"
import { canonify } from "./canonify.ts"
import { expandCanonical, type Expansion } from "./expand.ts"
import { printDecision, printReason, printRoute, printTree } from "./explain.ts"
import { explainSession, type SessionGate } from "./explain-session.ts"
import { errorWord } from "./target.ts"
import { userRules } from "./user-rules.ts"
import type { RoutingWorld } from "./world.ts"

export type Question = {
  readonly typed: string
  /** A sender, to ask whether it would be taken. */
  readonly from?: string | undefined
  /** A client's address, to ask whether it may name the recipient; without it nothing is asked of policy. */
  readonly client?: string | undefined
  /** The client's name, when it is known. */
  readonly clientName?: string | undefined
}

export type Explained = {
  readonly address: string
  /** For a person: lines with file:line. */
  readonly lines: readonly string[]
  /** Whether the client may speak at all. */
  readonly connection?: ExplainedDecision | undefined
  readonly sender: ExplainedDecision | undefined
  readonly admission: ExplainedDecision | undefined
  /** Where it goes: sendmail -bv's list. */
  readonly deliverable: readonly ExplainedEnd[]
  readonly failed: readonly ExplainedFailure[]
}

export type ExplainedDecision = {
  readonly outcome: "yes" | "no" | "later" | "pass"
  readonly reply: string | undefined
  readonly reasons: readonly ExplainedStep[]
}

export type ExplainedStep = {
  readonly step: string
  readonly role: string
  readonly says: string
  readonly at: string | undefined
}

export type ExplainedEnd = {
  readonly address: string
  readonly mailer: string
  readonly host: string
  readonly user: string
  /** The name as the list or the person wrote it. */
  readonly typed: string
  /** The host is the address's own domain, and DNS knows it: sendmail writes a dot behind such a one. */
  readonly known: boolean
  readonly owner: string | undefined
  readonly runsAs: string | undefined
  readonly reasons: readonly ExplainedStep[]
}

export type ExplainedFailure = {
  readonly address: string
  readonly outcome: "no" | "later"
  readonly reply: string
  /** The name as the list or the person wrote it. */
  readonly typed: string
  /** What a table's `error:` line calls it: nouser, 5.7.1. */
  readonly word: string | undefined
  readonly reasons: readonly ExplainedStep[]
}

export type ExplainWorld = {
  readonly routing: RoutingWorld
  readonly gate: Pick<Gate, "sender" | "recipient"> & SessionGate
}

/** Explains one address. */
export async function explainAddress(question: Question, world: ExplainWorld): Promise<Explained> {
  const { typed } = question
  const bare = addressIn(typed)
  const lines: string[] = []
  const asked = await askGate(question, bare, world, lines)
  const read = await canonify(bare, world.routing)
  if (read.outcome !== "yes") {
    const ends = { deliverable: [], failed: read.outcome === "pass" ? [] : [failure(bare, typed, read)] }
    return { address: typed, lines: [...lines, ...printDecision(typed, read, () => "")], ...asked, ...ends }
  }
  if (read.reason.after.length > 0) {
    lines.push(...printDecision(typed, read, ({ mailbox }) => printMailbox(mailbox)))
  }
  const expansion = await expandCanonical(read.value, world.routing, typed)
  lines.push(...printExpansion(expansion), ...(await rulesOf(expansion, world.routing)))
  return { address: typed, lines, ...asked, ...(await endsOf(expansion, world.routing)) }
}

/** The users' own rules that mail goes through at its ends here. */
async function rulesOf(
  { leaves }: Expansion,
  { settings, accounts }: RoutingWorld,
): Promise<readonly string[]> {
  const lines: string[] = []
  for (const { path, route } of leaves.slice(0, mostEnds)) {
    if (route.mailer !== "local") continue
    const found = await accounts.lookup(String(route.user))
    if (found.found !== "entry") continue
    for (const rule of userRules(settings, found.entry))
      lines.push(`${printForward(path)}, once there:`, ...printReason(rule).map((line) => `  ${line}`))
  }
  return lines
}

/** `Bob Jones <bob>` and `bob (comment)` are bob. */
function addressIn(typed: string): string {
  return /[<(]/.test(typed) ? (parseAddressList(typed)[0]?.address ?? typed) : typed
}

async function endsOf(
  { leaves, dead }: Expansion,
  routing: RoutingWorld,
): Promise<Pick<Explained, "deliverable" | "failed">> {
  const deliverable: ExplainedEnd[] = []
  for (const { path, route, owner, user, typed, reason } of leaves) {
    const known = await isKnown(path, route.host, routing)
    const reasons = stepsOf(reason)
    deliverable.push({ address: printForward(path), ...route, typed, known, owner, runsAs: user, reasons })
  }
  return { deliverable, failed: dead.map((one) => failure(printForward(one.path), one.typed, one)) }
}

async function isKnown(path: ForwardPath, host: string, { dns, settings }: RoutingWorld): Promise<boolean> {
  if (path === "postmaster" || path.domain.kind === "literal" || path.domain.ascii !== host) return false
  if (feature(settings, "nocanonify") !== undefined) return host.includes(".") // no name is looked up: each is taken for real
  const answer = await dns.cname(host)
  return answer.found === "records" || (answer.found === "nothing" && answer.why === "no such record")
}

function printForward(path: ForwardPath): string {
  return path === "postmaster" ? path : printMailbox(path)
}

function failure(
  address: string,
  typed: string,
  { outcome, reply, reason }: Extract<Decision<never>, { outcome: "no" | "later" }>,
): ExplainedFailure {
  const reasons = stepsOf(reason)
  return { address, typed, outcome, reply: replyLine(reply), word: errorWord(reason), reasons }
}

/** The most ends whose whole way is printed; lists of thousands are told by their first members and the tree. */
const mostEnds = 20

/** Each end with its way; before them, when there is more than one, the tree. */
export function printExpansion({ leaves, dead, tree }: Expansion): readonly string[] {
  const lines: string[] = []
  if (tree.under.length > 0) lines.push(...printTree(tree), "")
  for (const { path, route, owner, reason } of leaves.slice(0, mostEnds)) {
    const errors = owner === undefined ? "" : `, errors to ${owner}`
    lines.push(`${printForward(path)} → ${printRoute(route)}${errors}`)
    lines.push(...printReason(reason).map((line) => `  ${line}`))
  }
  if (leaves.length > mostEnds) lines.push(`… and ${leaves.length - mostEnds} more`)
  for (const { path, reply, outcome, reason } of dead.slice(0, mostEnds)) {
    lines.push(`${printForward(path)} → ${outcome === "no" ? "refused" : "not now"}: ${replyLine(reply)}`)
    lines.push(...printReason(reason).map((line) => `  ${line}`))
  }
  return lines
}

/** What the gate would answer to this client, sender and recipient. */
async function askGate(
  { from, client, clientName }: Question,
  to: string,
  { gate }: ExplainWorld,
  lines: string[],
): Promise<Pick<Explained, "connection" | "sender" | "admission">> {
  if (from === undefined && client === undefined) return { sender: undefined, admission: undefined }
  const arrival = arrivalFrom(client, clientName)
  const session = client === undefined ? undefined : await explainSession(arrival, gate)
  lines.push(...(session?.lines ?? []))
  const address = from?.trim().replace(/^<(.*)>$/, "$1")
  const path = address === undefined || address === "" ? ("null" as const) : classify(address)
  const sender = await gate.sender(arrival, path, 0)
  if (from !== undefined) lines.push(...printDecision(`MAIL FROM:<${address}>`, sender, () => "taken"), "")
  const envelope = envelopeFrom(sender.outcome === "yes" ? sender.value : "null")
  const recipient = await gate.recipient(arrival, envelope, classify(to))
  lines.push(...printDecision(`RCPT TO:<${to}>`, recipient, () => "taken"), "")
  return {
    connection: session?.connection && explained(session.connection),
    sender: from === undefined ? undefined : explained(sender),
    admission: explained(recipient),
  }
}

function arrivalFrom(client: string | undefined, name: string | undefined): Arrival {
  return {
    session: "explain",
    protocol: client === undefined ? "local" : "ESMTP",
    client: client === undefined ? undefined : { address: client, port: 0, name },
    helo: undefined,
    authenticated: undefined,
    door: "MTA",
    submission: false,
    tls: undefined,
  }
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

function explained(decision: Decision<unknown>): ExplainedDecision {
  const reply =
    decision.outcome === "no" || decision.outcome === "later" ? replyLine(decision.reply) : undefined
  return { outcome: decision.outcome, reply, reasons: stepsOf(decision.reason) }
}

/** A trail as a list, oldest step first, the deciding one last. */
export function stepsOf(reason: Reason): readonly ExplainedStep[] {
  const steps: ExplainedStep[] = []
  flatten(reason, steps, new Set())
  return steps
}

function flatten(reason: Reason, steps: ExplainedStep[], seen: Set<Reason>): void {
  if (seen.has(reason)) return
  seen.add(reason)
  for (const one of reason.after) flatten(one, steps, seen)
  const { step, role, says, at } = reason
  steps.push({ step, role: role ?? "decided", says, at: placeOf(at) })
}

function placeOf(at: Origin | undefined): string | undefined {
  return at === undefined ? undefined : printOrigin(at)
}
