// A site's own checks at sendmail's hooks: Local_check_relay, Local_check_mail, Local_check_rcpt before ours, check_data, check_eoh,
// check_eom, check_vrfy and check_expn, and rulesets that H lines name for fields of the header. $#error refuses, $#discard takes the
// message and throws it away, $#error $@ quarantine keeps it; any other $# lets it pass our own check.
import type { ForwardPath, ReversePath, TypedAddress } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { type Decision, withTrail, yes } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Gate, MessageBody, MessageVerdict } from "../mail/gate.ts"
import type { Soon } from "../mail/soon.ts"
import { feature } from "../config/settings.ts"
import { nameOf, scanHeader, valueOf } from "../message/header.ts"
import { canonify } from "../routing/canonify.ts"
import type { SiteRouting } from "../routing/routing.ts"
import type { SiteRules } from "../routing/site-rules.ts"
import { type GateParts, makeGate, makePolicy } from "./check.ts"
import { nameInChecks } from "./client.ts"
import { headerChecks } from "./header-checks.ts"
import { withManners } from "./manners.ts"
import { sessionNotes } from "./session-notes.ts"
import { relayAuth, tlsClient, withSiteSession } from "./site-session.ts"
import {
  check,
  nothingSaid,
  type Question,
  type Said,
  type Site,
  type SiteCheckWorld,
} from "./site-question.ts"
import { makeTlsFeatures } from "./tls-features.ts"
import { accessTables, type PolicyWorld } from "./world.ts"

type SiteGateParts = GateParts & { readonly routing: SiteRouting }

/** The gate of these settings: our own checks, and before them those of the site's rules. */
export function makeSiteGate(parts: SiteGateParts): Gate {
  const { rules } = parts.routing
  const policy = makePolicy(parts)
  if (rules === undefined) return withTls(withManners(makeGate(parts, policy), policy, parts), policy, parts)
  const asks = withRelayAuth(policy, rules, parts)
  const checked = withSiteChecks({ rules, gate: makeGate(parts, asks), policy: asks })
  return withTls(withManners(checked, asks, parts), asks, parts)
}

/** FEATURE(tls_session_features), and the site's own ruleset tls_srv_features. */
function withTls(gate: Gate, policy: PolicyWorld, { settings, routing }: SiteGateParts): Gate {
  const access = accessTables(policy)
  const ask = makeTlsFeatures("srv", { rules: routing.rules, settings, access, dots: policy.dots })
  if (ask === undefined) return gate
  return {
    ...gate,
    tls: ({ client }) => ask({ host: client?.name ?? "", address: client?.address ?? "127.0.0.1" }),
  }
}

/** The policy with the site's word on logins, where it has one. */
function withRelayAuth(policy: PolicyWorld, rules: SiteRules, parts: GateParts): PolicyWorld {
  if (!rules.has("Local_Relay_Auth")) return policy
  const site = { rules, policy, gate: makeGate(parts, policy), notes: sessionNotes(), headers: new Map() }
  return { ...policy, relayAuth: (arrival) => relayAuth(arrival, site) }
}

/** The gate with the site's own checks in front of ours. */
export function withSiteChecks(world: SiteCheckWorld): Gate {
  const { gate, policy } = world
  const { settings } = policy.routing
  const site: Site = { ...world, notes: sessionNotes(), headers: headerChecks(settings) }
  const delayed = feature(settings, "delay_checks") !== undefined
  return {
    ...withSiteSession(gate, site),
    connect: (arrival) => (delayed ? gate.connect(arrival) : connect(arrival, site)),
    sender: (arrival, path, size) => sender({ arrival, path, size, delayed }, site),
    recipient: (arrival, envelope, path) => recipient({ arrival, envelope, path, delayed }, site),
    content: (arrival, envelope) => content(arrival, envelope, site),
    message: (arrival, envelope, header, size, body) =>
      message({ arrival, envelope, header, size, body }, site),
    verify: (arrival, path) => asked("check_vrfy", arrival, path, site, () => gate.verify(arrival, path)),
    expand: (arrival, path) => asked("check_expn", arrival, path, site, () => gate.expand(arrival, path)),
  }
}

async function connect(arrival: Arrival, site: Site): Promise<Decision<undefined>> {
  const said = await checkRelay(arrival, site)
  const base = async () => {
    const decision = await site.gate.connect(arrival)
    if (decision.outcome === "no" || decision.outcome === "later") return decision
    const listed = await ownListings(arrival, decision, site)
    return listed.outcome === "no" || listed.outcome === "later" ? listed : decision
  }
  return continued(said, base, async () => ({ value: undefined }))
}

/** LOCAL_DNSBL: behind the lists of FEATUREs, so not for whom access lets in before those (proto.m4: Basic_check_relay). */
async function ownListings(arrival: Arrival, known: Decision<unknown>, site: Site): Promise<Said> {
  if (known.outcome === "yes" && known.reason.step === "access") return nothingSaid
  return check({ name: "LOCAL_DNSBL", input: arrival.client?.address ?? "127.0.0.1", arrival }, site)
}

type SenderQuestion = {
  readonly arrival: Arrival
  readonly path: TypedAddress | "null"
  readonly size: number
  readonly delayed: boolean
}

async function sender(
  { arrival, path, size, delayed }: SenderQuestion,
  site: Site,
): Promise<Decision<ReversePath>> {
  const notes = site.notes.of(arrival)
  notes.verdict = undefined
  notes.typedSender = path === "null" ? "" : path.text
  const base = () => site.gate.sender(arrival, path, size)
  const tls = await tlsClient(arrival, "MAIL", undefined, site)
  if (tls.outcome === "no" || tls.outcome === "later") return tls
  if (delayed) return base()
  const said = await check({ name: "Local_check_mail", input: `<${notes.typedSender}>`, arrival }, site)
  return continued(said, base, async () => {
    if (path === "null") return { value: path }
    const read = await canonify(path, site.policy.routing)
    return read.outcome === "yes" ? { value: read.value.mailbox } : undefined
  })
}

type RcptQuestion = {
  readonly arrival: Arrival
  readonly envelope: Envelope
  readonly path: TypedAddress | "postmaster"
  readonly delayed: boolean
}

async function recipient(question: RcptQuestion, site: Site): Promise<Decision<ForwardPath>> {
  const { arrival, envelope, path, delayed } = question
  const typed = path === "postmaster" ? path : path.text
  const said = await check({ name: "Local_check_rcpt", input: `<${typed}>`, arrival, envelope }, site)
  const base = () => site.gate.recipient(arrival, envelope, path)
  const decision = await continued(said, base, () => reachable(question, site))
  if (decision.outcome !== "yes" || !delayed) return decision
  const typedSender = `<${site.notes.of(arrival).typedSender}>`
  const ofSender = await check({ name: "Local_check_mail", input: typedSender, arrival, envelope }, site)
  if (ofSender.outcome === "no" || ofSender.outcome === "later") return ofSender
  for (const client of [await checkRelay(arrival, site), await ownListings(arrival, decision, site)])
    if (client.outcome === "no" || client.outcome === "later") return client
  return decision
}

/** Rules may let a recipient pass who may not be relayed to; they make no user of a name that has none. */
async function reachable(
  { arrival, envelope, path }: RcptQuestion,
  { policy }: Site,
): Promise<{ readonly value: ForwardPath } | Decision<never> | undefined> {
  if (path === "postmaster") return { value: path }
  const read = await canonify(path, policy.routing)
  if (read.outcome !== "yes") return read.outcome === "pass" ? undefined : read
  const way = policy.steps.recipient.find((step) => step.name === "route")
  const decision = await way?.ask({ arrival, envelope, to: read.value }, policy)
  return decision?.outcome === "no" || decision?.outcome === "later"
    ? decision
    : { value: read.value.mailbox }
}

async function content(arrival: Arrival, envelope: Envelope, site: Site): Promise<Decision<undefined>> {
  const input = String(envelope.recipients.length)
  const said = await check({ name: "check_data", input, arrival, envelope }, site)
  return continued(
    said,
    () => site.gate.content(arrival, envelope),
    async () => ({ value: undefined }),
  )
}

type MessageQuestion = {
  readonly arrival: Arrival
  readonly envelope: Envelope
  readonly header: Buffer
  readonly size: number
  readonly body: MessageBody | undefined
}

async function message(question: MessageQuestion, site: Site): Promise<Decision<MessageVerdict>> {
  const { arrival, envelope, header, size, body } = question
  const refused = await ofMessage(question, site)
  if (refused !== undefined) return refused
  const decision = await site.gate.message(arrival, envelope, header, size, body)
  const { verdict } = site.notes.of(arrival)
  if (verdict === undefined || decision.outcome !== "yes" || decision.value.keep === "discard")
    return decision
  const { keep, reason, by } = verdict
  const value = { ...decision.value, keep, ...(by === undefined ? {} : { by }) }
  return yes(value, withTrail(reason, [decision.reason]))
}

/** H lines with rulesets, check_eoh and check_eom; undefined when none of them refuses. */
async function ofMessage(question: MessageQuestion, site: Site): Promise<Decision<never> | undefined> {
  const { arrival, envelope, header, size } = question
  const asksFields = site.headers.size > 0 || site.rules.has("check_eoh")
  const fields = asksFields ? headerFields(header) : []
  const questions: Question[] = fields.flatMap(({ name, value }) => {
    const field = site.headers.get(name.toLowerCase()) ?? site.headers.get("*")
    if (field === undefined) return []
    const more = { hdr_name: name, currHeader: value, hdrlen: String(value.length) }
    return [{ name: field.ruleset, input: value, arrival, envelope, more, comments: field.comments }]
  })
  questions.push({ name: "check_eoh", input: [`${fields.length}`, `${header.length}`], arrival, envelope })
  questions.push({ name: "check_eom", input: String(size), arrival, envelope })
  for (const one of questions) {
    const said = await check(one, site)
    if (said.outcome === "no" || said.outcome === "later") return said
  }
  return undefined
}

function headerFields(bytes: Buffer): readonly { readonly name: string; readonly value: string }[] {
  const header = scanHeader(bytes)
  return header.fields.map((field) => ({ name: nameOf(header, field), value: valueOf(header, field).trim() }))
}

async function asked<T>(
  name: string,
  arrival: Arrival,
  path: TypedAddress,
  site: Site,
  base: () => Promise<Decision<T>>,
): Promise<Decision<T>> {
  const said = await check({ name, input: path.text, arrival }, site)
  return said.outcome === "no" || said.outcome === "later" ? said : base()
}

/** check_relay: the client's name and address. */
function checkRelay(arrival: Arrival, site: Site): Promise<Said> {
  const address = arrival.client?.address ?? "127.0.0.1"
  const { settings } = site.policy.routing
  const name = arrival.client && nameInChecks(arrival.client, settings)
  const input = [name ?? `[${address}]`, address]
  return check({ name: "Local_check_relay", input, arrival }, site)
}

/** The site's no and later end it; its yes stands for ours; what it only noted, and its silence, leave it to us. */
async function continued<T>(
  said: Said,
  base: () => Soon<Decision<T>>,
  accepted: () => Promise<{ readonly value: T } | Decision<never> | undefined>,
): Promise<Decision<T>> {
  if (said.outcome === "no" || said.outcome === "later") return said
  if (said.outcome === "yes" && said.value === "accept") {
    const taken = await accepted()
    if (taken === undefined) return base()
    if ("value" in taken) return yes(taken.value, said.reason)
    return { ...taken, reason: withTrail(taken.reason, [said.reason]) }
  }
  const decision = await base()
  return said === nothingSaid ? decision : { ...decision, reason: withTrail(decision.reason, [said.reason]) }
}
