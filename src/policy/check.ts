// The gate that SMTP sessions ask, made of the ordered steps of this folder (sendmail: check_relay, check_mail, check_rcpt,
// check_data, check_eom). Every answer carries its reason; what the peer hears is only the reply.
import type { ForwardPath, Mailbox, ReversePath, TypedAddress } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, type Reason, unlessRefused, withTrail, yes } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Gate, MessageBody, MessageVerdict } from "../mail/gate.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import type { Clock } from "../mail/world.ts"
import { feature, type Settings } from "../config/settings.ts"
import { canonical, canonify } from "../routing/canonify.ts"
import { type Canonical, type RoutingWorld, tablesOf } from "../routing/world.ts"
import type { DmarcSeen } from "../auth/dmarc-seen.ts"
import type { Verify } from "../auth/verification.ts"
import { accessOption } from "./access.ts"
import { makeAuthentication, withResults } from "./authentication.ts"
import { makeCheckOther } from "./check-other.ts"
import { byListings, checkConnection, connectSteps } from "./connect.ts"
import { fullNameOf } from "./full-name.ts"
import type { GreylistMemory } from "./greylist.ts"
import { greetPause } from "./greet-pause.ts"
import { isKnownClient } from "./known.ts"
import { checkMessage, type OfSender, verdictOfSender } from "./message.ts"
import { checkRecipient, placeOf, recipientSteps } from "./recipient.ts"
import { mayRelay, relaySteps } from "./relay.ts"
import { addressOncePerSecond, senderOncePerSecond, verdictOncePerSecond } from "./repeated.ts"
import { checkSender, delaysChecks } from "./sender.ts"
import { makeSpfPolicy } from "./spf.ts"
import { maySubmit, mayUseSender } from "./submission.ts"
import { clientIsWell, featuresFor } from "./tls.ts"
import { maySubmitFor } from "./trust-auth.ts"
import { expandNames, verify } from "./verify.ts"
import {
  accessTables,
  type Patience,
  type PolicyDns,
  type PolicyStep,
  type PolicyWorld,
  type RecipientQuestion,
  type SpfOfMessage,
} from "./world.ts"

export type GateParts = {
  readonly settings: Settings
  readonly routing: RoutingWorld
  readonly dns: PolicyDns
  readonly clock: Clock
  readonly patience?: Patience | undefined
  /** Who checks signatures; absent where nobody does. */
  readonly verify?: Verify | undefined
  /** Where messages are told of that DMARC has judged, for reports. */
  readonly dmarcSeen?: ((seen: DmarcSeen) => void) | undefined
  /** Where FEATURE(greylist) remembers. */
  readonly greylist?: GreylistMemory | undefined
}

/** Policy by these settings. */
export function makePolicy({
  settings,
  routing,
  dns,
  clock,
  patience,
  verify: look,
  dmarcSeen,
}: GateParts): PolicyWorld {
  const hasAccess = tablesOf(routing.tables, "access").length > 0
  // Whether DNS has another name for a domain changes no admission, and no client waits for it.
  const steps = routing.steps.filter((step) => step.name !== "canonical name")
  return {
    routing: { ...routing, steps },
    dns,
    patience,
    spf: makeSpfPolicy(settings, dns, clock),
    authenticate: makeAuthentication({
      settings,
      dns: { txt: dns.txt, addresses: dns.ipv4 ?? dns.addresses },
      verify: look,
      seen: dmarcSeen,
    }),
    dots: feature(settings, "lookupdotdomain") !== undefined || accessOption(settings, "lookupdotdomain"),
    steps: {
      connect: connectSteps(settings, hasAccess),
      recipient: recipientSteps(settings),
      relay: relaySteps(settings, hasAccess),
    },
  }
}

const anyName = yes(undefined, because("helo?", "any name will do"))
const anyContent = yes(undefined, because("data?", "nothing is asked before the message is here"))

/** The gate of these settings. */
export function makeGate(parts: GateParts, world: PolicyWorld = makePolicy(parts)): Gate {
  const delayed = feature(parts.settings, "delay_checks")
  const other = makeCheckOther(parts.settings)
  const asLater = yes(undefined, because("delay_checks", "asked at RCPT", delayed?.at))
  const ofSender = verdictOncePerSecond((arrival, from) => verdictOfSender(arrival, from, world), parts.clock)
  const read = addressOncePerSecond((path) => canonify(path, world.routing), parts.clock)
  return {
    connect: async (arrival) => (delaysChecks(world) ? asLater : await checkConnection(arrival, world)),
    pause: (arrival) => greetPause(arrival, world),
    features: (arrival) => featuresFor(arrival, accessTables(world)),
    hello: async () => anyName,
    secured: async (arrival) => clientIsWell(arrival, accessTables(world)),
    sender: senderOncePerSecond((arrival, path, size) => sender(arrival, path, size, world), parts.clock),
    recipient: (arrival, envelope, path) =>
      path === "postmaster"
        ? postmaster({ arrival, envelope }, world)
        : whenThere(read(path), (to) => recipient({ arrival, envelope }, path.text, to, world)),
    submitter: async (arrival, named) => maySubmitFor(arrival, named),
    earlier: earlierOne,
    content: () => anyContent,
    message: (arrival, envelope, header, size, body) =>
      message({ arrival, envelope, header, size, body }, world, ofSender),
    verify: (_arrival, path) => verify(path, world.routing),
    expand: (_arrival, path) => expandNames(path, world.routing),
    ...(other === undefined ? {} : { other }),
    fullName: (path) => fullNameOf(path, world.routing),
  }
}

/** How recipients were typed, for as long as somebody has their addresses. */
const typedForms = new WeakMap<Mailbox, string>()

/** Of a long list the first are compared: each comparison is a look-up. */
const mostCompared = 100

function earlierOne({ recipients }: Envelope, path: ForwardPath): string | undefined {
  const place = recipients.length === 0 ? undefined : placeOf(path)
  if (place === undefined) return undefined
  const same = recipients.slice(0, mostCompared).find((one) => placeOf(one.path) === place)?.path
  return same === undefined || same === "postmaster" ? undefined : typedForms.get(same)
}

/** Whether this client may send at all by this door and this line, and whether it may send as this one. */
function sender(
  arrival: Arrival,
  path: TypedAddress | "null",
  size: number,
  world: PolicyWorld,
): Soon<Decision<ReversePath>> {
  const encrypted = arrival.tls === undefined ? clientIsWell(arrival, accessTables(world)) : anyContent
  const may = () => (arrival.submission ? maySubmit(arrival, world) : anyContent)
  return unlessRefused(unlessRefused<unknown>(encrypted, may), () =>
    whenThere(checkSender(arrival, path, size, world), (decision) =>
      decision.outcome === "yes" ? mayUseSender(arrival, decision, world) : decision,
    ),
  )
}

/** What access says of the message, and what lists in DNS say of its client. */
function message(
  question: MessageQuestion,
  world: PolicyWorld,
  ofSender: OfSender,
): Soon<Decision<MessageVerdict>> {
  const { arrival, envelope, size } = question
  return whenThere(checkMessage({ arrival, envelope, size }, world, ofSender), (decision) => {
    if (decision.outcome !== "yes" || decision.value.keep === "discard") return decision
    return whenThere(byListings(arrival, world), (listed) => {
      if (listed.outcome === "no" || listed.outcome === "later") return listed
      const taken = listed.outcome === "yes" ? listed : decision
      const asksMore = world.spf !== undefined || world.authenticate !== undefined
      return taken.value.keep === "discard" || !asksMore ? taken : vouchedFor(taken, question, world)
    })
  })
}

/** What SPF, DKIM and DMARC say of it. */
async function vouchedFor(
  taken: Taken,
  { arrival, envelope, header, body }: MessageQuestion,
  world: PolicyWorld,
): Promise<Decision<MessageVerdict>> {
  const spf = await world.spf?.ofMessage(arrival, envelope.reversePath, world)
  const known = spf === undefined ? taken : withSpf(taken, spf)
  const { authenticate } = world
  if (authenticate === undefined || known.value.keep === "discard" || (await isKnownClient(arrival, world)))
    return known
  return withResults(known, await authenticate({ arrival, header, body, spf: spf?.found }))
}

type MessageQuestion = {
  readonly arrival: Arrival
  readonly envelope: Envelope
  readonly header: Buffer
  readonly size: number
  readonly body: MessageBody | undefined
}

type Taken = Decision<MessageVerdict> & { readonly outcome: "yes" }

/** FEATURE(spf): its fields, and that it is held or thrown away. */
function withSpf(taken: Taken, { verdict, reason }: SpfOfMessage): Taken {
  if (verdict.keep !== "deliver")
    return { outcome: "yes", value: verdict, reason: withTrail(reason, [taken.reason]) }
  const value = { ...verdict, ...taken.value }
  return { outcome: "yes", value, reason: withTrail(taken.reason, [reason]) }
}

type InTransaction = Omit<RecipientQuestion, "to">

function postmaster(transaction: InTransaction, world: PolicyWorld): Soon<Decision<ForwardPath>> {
  const to = canonical("postmaster", world.routing)
  return whenThere(checkRecipient({ ...transaction, to }, world), (decision) =>
    decision.outcome === "yes" ? yes("postmaster", decision.reason) : decision,
  )
}

/** A recipient as it was typed, and what that was read as. */
function recipient(
  { arrival, envelope }: InTransaction,
  typed: string,
  read: Decision<Canonical>,
  world: PolicyWorld,
): Soon<Decision<ForwardPath>> {
  if (read.outcome !== "yes") return unreadable({ arrival, envelope }, typed, read, world)
  const { mailbox } = read.value
  return whenThere(checkRecipient({ arrival, envelope, to: read.value }, world), (decision) => {
    const reason = withReading(decision.reason, read.reason)
    typedForms.set(mailbox, typed)
    return decision.outcome === "yes" ? yes(mailbox, reason) : { ...decision, reason }
  })
}

/** Who may not relay anyway is told that of a host's name that is none: what was wrong with it concerns those who may. */
async function unreadable(
  transaction: InTransaction,
  typed: string,
  read: Exclude<Decision<Canonical>, { outcome: "yes" }>,
  world: PolicyWorld,
): Promise<Decision<never>> {
  if (read.outcome !== "no" || read.reply.status !== "5.1.2") return read
  const at = typed.lastIndexOf("@")
  const domain = { kind: "literal", text: typed.slice(at + 1) } as const // no class and no table has it
  const mailbox = { localPart: "", domain }
  const to = { mailbox, bare: false, local: false, localAt: undefined }
  const relay = await mayRelay({ ...transaction, to }, world, [])
  if (relay.outcome !== "no" && relay.outcome !== "later") return read
  return { ...relay, reason: { ...relay.reason, after: [read.reason, ...relay.reason.after] } }
}

/** How the address was read stands before what was decided about it, when reading changed it. */
function withReading(reason: Reason, { after }: Reason): Reason {
  return after.length === 0 ? reason : { ...reason, after: [...after, ...reason.after] }
}

/** The ordered list of checks for a recipient, and of those that let mail pass, for people. */
export function policySteps({
  steps,
}: PolicyWorld): readonly Pick<PolicyStep<never>, "name" | "does" | "at">[] {
  return steps.recipient.flatMap((step) => (step.name === "relay?" ? [step, ...steps.relay] : [step]))
}
