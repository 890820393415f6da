// A session, a message or an address as a dry run through the code and settings that real mail meets, without a trace: nothing is
// accepted, counted or remembered. For the console's explain page.
import { classify, type ReversePath } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { type Decision, type Origin, printOrigin, type Reason } from "../mail/decision.ts"
import type { Envelope, Recipient } from "../mail/envelope.ts"
import type { Gate } from "../mail/gate.ts"
import { replyLine } from "../mail/reply.ts"
import { canonify } from "../routing/canonify.ts"
import { expandCanonical } from "../routing/expand.ts"
import { type Branch, printReason } from "../routing/explain.ts"
import { headerRewriter } from "../routing/header-rewriter.ts"
import { addressKind, rewriteHeader } from "../routing/rewrite-header.ts"
import { parseAddressList } from "../message/addresses.ts"
import { nameOf, scanHeader, valueOf } from "../message/header.ts"
import type { RoutingWorld } from "../routing/world.ts"

export type Rehearsed = {
  readonly says: string
  readonly outcome: Decision<unknown>["outcome"]
  readonly reply: string
  readonly reasons: readonly string[]
}

export type Play = {
  readonly client: string
  readonly helo: string | undefined
  readonly from: string
  readonly to: readonly string[]
  /** The header's octets, and the whole size. */
  readonly header: Buffer | undefined
  readonly size: number
}

/** What a client would say and hear, step by step, to the first that ends the session. */
export async function rehearse(play: Play, gate: Gate): Promise<readonly Rehearsed[]> {
  const steps: Rehearsed[] = []
  const arrival = arrivalOf(play)
  const take = <T>(says: string, decision: Decision<T>): Decision<T> => {
    steps.push(stepOf(says, decision))
    return decision
  }
  if (refuses(take(`(connects from ${play.client})`, await gate.connect(arrival)))) return steps
  const name = play.helo ?? "client.example"
  if (refuses(take(`EHLO ${name}`, await gate.hello(arrival, name)))) return steps
  const path = play.from === "" || play.from === "<>" ? "null" : classify(play.from)
  const sender = take(`MAIL FROM:<${play.from}>`, await gate.sender(arrival, path, play.size))
  if (refuses(sender)) return steps
  let envelope = envelopeOf(sender.outcome === "yes" ? sender.value : "null", [])
  for (const to of play.to) {
    const asked = to.toLowerCase() === "postmaster" ? "postmaster" : classify(to)
    const taken = take(`RCPT TO:<${to}>`, await gate.recipient(arrival, envelope, asked))
    if (taken.outcome !== "yes") continue
    const one = { path: taken.value, original: undefined, notify: [], admitted: taken.reason }
    envelope = envelopeOf(envelope.reversePath, [...envelope.recipients, one])
  }
  if (envelope.recipients.length === 0) return steps
  if (refuses(take("DATA", await gate.content(arrival, envelope)))) return steps
  if (play.header === undefined) return steps
  const verdict = await gate.message(arrival, envelope, play.header, play.size)
  const kept = verdict.outcome === "yes" ? verdict.value.keep : "deliver"
  const says =
    kept === "deliver"
      ? "(the message)"
      : kept === "hold"
        ? "(the message: held)"
        : "(the message: thrown away)"
  take(says, verdict)
  return steps
}

function refuses(decision: Decision<unknown>): boolean {
  return decision.outcome === "no" || decision.outcome === "later"
}

function stepOf(says: string, decision: Decision<unknown>): Rehearsed {
  const { outcome, reason } = decision
  const reply = outcome === "no" || outcome === "later" ? replyLine(decision.reply) : "250 ok"
  return { says, outcome, reply, reasons: printReason(reason) }
}

function arrivalOf({ client, helo }: Play): Arrival {
  return {
    session: "rehearsal",
    protocol: "ESMTP",
    client: { address: client, port: 0, name: undefined },
    helo,
    authenticated: undefined,
    door: "MTA",
    submission: false,
    tls: undefined,
  }
}

function envelopeOf(reversePath: ReversePath, recipients: readonly Recipient[]): Envelope {
  return { reversePath, recipients, body: "7bit", smtputf8: false, ret: undefined, envid: undefined }
}

export type Tree = {
  readonly address: string
  readonly says: string
  readonly at: string | undefined
  readonly fate: "expanded" | "delivered" | "refused" | "later" | "loop" | "again"
  /** Of a loop: how many levels above it leads back to. */
  readonly up: number | undefined
  readonly under: readonly Tree[]
}

/** Branches of one list that are told; a list of thousands is told by its first members. */
const mostBranches = 200

/** What aliases and .forward files make of an address; undefined when it cannot be read as one. */
export async function treeOf(typed: string, routing: RoutingWorld): Promise<Tree | undefined> {
  const read = await canonify(typed, routing)
  if (read.outcome !== "yes") return undefined
  const { tree, dead } = await expandCanonical(read.value, routing, typed)
  const failed = new Map(dead.map(({ typed: name, outcome }) => [name, outcome]))
  return told(tree, failed)
}

function told(branch: Branch, failed: ReadonlyMap<string, "no" | "later">): Tree {
  const { name, what, at, under, again } = branch
  return {
    address: name,
    says: what,
    at: placeOf(at),
    fate: fateOf(branch, failed),
    up: again === 0 ? undefined : again,
    under: under.slice(0, mostBranches).map((one) => told(one, failed)),
  }
}

function fateOf({ name, under, again }: Branch, failed: ReadonlyMap<string, "no" | "later">): Tree["fate"] {
  if (again !== undefined) return again === 0 ? "again" : "loop"
  if (under.length > 0) return "expanded"
  const fate = failed.get(name)
  if (fate === "later") return "later"
  return fate === "no" ? "refused" : "delivered"
}

function placeOf(at: Origin | undefined): string | undefined {
  return at === undefined ? undefined : printOrigin(at)
}

export type Rewritten = {
  readonly name: string
  readonly before: string
  readonly after: string
  /** By which it leaves. */
  readonly mailer: string
  /** Lines with file:line, of each address that changed. */
  readonly why: readonly string[]
}

/** The address fields of a header before and after what is done to mail that leaves by this mailer, and why. */
export async function rewrittenFields(
  header: Buffer,
  mailer: string,
  routing: RoutingWorld,
): Promise<readonly Rewritten[]> {
  const why = new Map<string, readonly string[]>()
  const rewriter = headerRewriter(
    mailer,
    routing,
    () => {},
    (address, reasons) => why.set(address, linesOf(reasons)),
  )
  const after = scanHeader(await rewriteHeader(header, rewriter))
  const before = scanHeader(header)
  return before.fields.flatMap((field, n) => {
    const name = nameOf(before, field)
    const now = after.fields[n]
    if (addressKind(name.toLowerCase()) === undefined || now === undefined) return []
    const [old, fresh] = [valueOf(before, field), valueOf(after, now)]
    return [
      { name, before: old, after: fresh, mailer, why: old === fresh ? [] : whyChanged(old, fresh, why) },
    ]
  })
}

function linesOf(reasons: readonly Reason[]): readonly string[] {
  return [...new Set(reasons.flatMap((reason) => printReason(reason)))]
}

/** Of the addresses that are not there any more, or not as they were. */
function whyChanged(
  before: string,
  after: string,
  why: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const kept = new Set(parseAddressList(after).map(({ address }) => address))
  const changed = parseAddressList(before).filter(({ address }) => !kept.has(address))
  return [...new Set(changed.flatMap(({ address }) => why.get(address) ?? []))]
}
