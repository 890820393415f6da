// May mail pass through here? Closed by default: yes for what ends here, for domains we relay to, and for clients we relay for
// (proto.m4: Rcpt_ok, Relay_ok). An address that hides another one in its local part is judged by the hidden one.
import type { Arrival, Client } from "../mail/arrival.ts"
import { because, type Decision, later, no, pass, type Reason, withTrail, yes } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Reply } from "../mail/reply.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { classMembers, feature, inClass, macro, type Membership, type Settings } from "../config/settings.ts"
import { isOursByMx } from "../routing/best-mx.ts"
import { canonify } from "../routing/canonify.ts"
import { cause, passed, refused, silent, unknown } from "../routing/reasons.ts"
import { classHolds, localDomain, withParents } from "../routing/world.ts"
import {
  accessOption,
  addressKeys,
  addressKeysOf,
  type Answer,
  askAccess,
  domainKeys,
  ipv6Groups,
  nameKeys,
  tagged,
} from "./access.ts"
import { relayingDenied, relayingDeniedForged, relayingDeniedNameless, relayingUnsure } from "./replies.ts"
import { relaysByCertificate } from "./tls.ts"
import { accessTables, type PolicyStep, type PolicyWorld, type RelayQuestion } from "./world.ts"

type Step = PolicyStep<RelayQuestion>
type Ask = Step["ask"]

/** The steps in their order; those that no line asks for are left out. */
export function relaySteps(settings: Settings, hasAccess: boolean): readonly Step[] {
  const steps: Step[] = [
    { name: "local?", does: "takes what ends here", at: undefined, ask: endsHere },
    { name: "relay-domains", does: "relays to the domains of class R", at: undefined, ask: toRelayDomain },
  ]
  const access = "relays to and for those whom access says RELAY"
  if (hasAccess) steps.push({ name: "access To:", does: access, at: undefined, ask: toAccess })
  steps.push({ name: "client?", does: "relays for this host and for logins", at: undefined, ask: ownClient })
  steps.push({
    name: "relay-domains",
    does: "relays for the clients of class R",
    at: undefined,
    ask: byClass,
  })
  if (hasAccess) steps.push({ name: "access Connect:", does: access, at: undefined, ask: byAccess })
  for (const [name, does, ask] of byFeature) {
    const used = feature(settings, name)
    if (used !== undefined && (hasAccess || name !== "relay_mail_from")) {
      steps.push({ name, does, at: used.at, ask })
    }
  }
  return steps
}

const byFeature: readonly (readonly [string, string, Ask])[] = [
  ["promiscuous_relay", "relays for everybody", anybody],
  ["bestmx_is_local", "takes what ends here by its MX", byBestMx],
  ["relay_based_on_MX", "relays to domains whose MX we are", toMxOfOurs],
  ["relay_local_from", "relays for everybody who says he is of ours", fromLocal],
  ["relay_mail_from", "relays for senders whom access says RELAY", fromAccess],
]

/** Asks the steps; without a yes it is no. */
export function mayRelay(
  question: RelayQuestion,
  world: PolicyWorld,
  trail: Reason[],
): Soon<Decision<undefined>> {
  return askFrom(0, { question, world, trail })
}

type Search = { readonly question: RelayQuestion; readonly world: PolicyWorld; readonly trail: Reason[] }

function askFrom(first: number, search: Search): Soon<Decision<undefined>> {
  const { question, world, trail } = search
  const step = world.steps.relay[first]
  if (step === undefined) return nobodyRelays(question, world)
  return whenThere(step.ask(question, world), (decision) => {
    if (decision.outcome !== "pass") return decision
    trail.push(decision.reason)
    return askFrom(first + 1, search)
  })
}

/** Without a yes it is no. */
function nobodyRelays({ arrival }: RelayQuestion, world: PolicyWorld): Decision<never> {
  const { client } = arrival
  const says = "no rule admits it: not local, not in relay-domains, not for this client"
  if (client?.unsure === true) {
    return later(relayingUnsure(client.address), unknown("relay?", `${says} as far as DNS tells who it is`))
  }
  return no(denial(client, world.routing.settings), refused("relay?", says))
}

function denial(client: Client | undefined, settings: Settings): Reply {
  if (client === undefined || client.name !== undefined) return relayingDenied(settings)
  return client.forged === undefined
    ? relayingDeniedNameless(client.address)
    : relayingDeniedForged(client.address)
}

const bareIsOurs = yes(undefined, because("local?", "a name without a domain ends here"))

function endsHere({ to }: RelayQuestion): Decision<undefined> {
  if (to.bare) return bareIsOurs
  if (!to.local) return pass(passed("local?", "the domain is not in class w"))
  return yes(undefined, because("local?", "the domain is in class w", to.localAt))
}

const notRelayDomain = pass(passed("relay-domains", "the domain is not in class R"))

/** Class R, VIRTUSER_DOMAIN, and with FEATURE(relay_entire_domain) all of our own domain. */
function toRelayDomain(question: RelayQuestion, world: PolicyWorld): Soon<Decision<undefined>> {
  const { settings } = world.routing
  const { domain } = question.to.mailbox
  const entire = feature(settings, "relay_hosts_only") === undefined
  const relayed = classHolds(settings, "R", domain, entire)
  if (relayed.member) {
    return unlessHiding(question, world, because("relay-domains", `${relayed.by} is in class R`, relayed.at))
  }
  const virtual = classHolds(
    settings,
    "VirtHost",
    domain,
    feature(settings, "virtuser_entire_domain") !== undefined,
  )
  if (virtual.member) {
    const reason = because("relay-domains", `${virtual.by} is in VIRTUSER_DOMAIN`, virtual.at)
    return unlessHiding(question, world, reason)
  }
  const ours = ownDomain(settings, domain.kind === "name" ? domain.ascii : "")
  return ours === undefined ? notRelayDomain : unlessHiding(question, world, ours)
}

/** FEATURE(relay_entire_domain): every host of $m. */
function ownDomain(settings: Settings, name: string): Reason | undefined {
  const used = feature(settings, "relay_entire_domain")
  const own = macro(settings, "m") ?? ""
  if (used === undefined || own === "" || !withParents(name).includes(own.toLowerCase())) return undefined
  const why = cause("FEATURE(relay_entire_domain)", used.at)
  return because("relay-domains", `${name} is of our domain ${own}`, used.at, why)
}

function toAccess(question: RelayQuestion, world: PolicyWorld): Soon<Decision<undefined>> {
  const { domain, localPart } = question.to.mailbox
  const byDomain = domainKeys(domain, world.dots)
  // relaytofulladdress: single addresses may be relayed to, too.
  const lists = accessOption(world.routing.settings, "relaytofulladdress")
    ? [addressKeysOf(localPart, byDomain[0] ?? ""), byDomain]
    : [byDomain]
  return whenThere(askAccess(accessTables(world), tagged("To", lists)), (answer) => {
    const relay = ifRelay(answer, noAccessTo)
    return relay.outcome === "yes" ? unlessHiding(question, world, relay.reason) : relay
  })
}

const noAccessTo = pass(passed("access", "does not say RELAY for the recipient's domain"))

/**
 * A relayed domain may hide an address of somewhere else in the local part (user%elsewhere@relayed): we would be the open
 * half of an open relay, so the hidden address needs its own yes (proto.m4: ParseRecipient).
 */
function unlessHiding(
  question: RelayQuestion,
  world: PolicyWorld,
  reason: Reason,
): Soon<Decision<undefined>> {
  const { localPart } = question.to.mailbox
  return !/[@%!]/.test(localPart) || feature(world.routing.settings, "loose_relay_check") !== undefined
    ? yes(undefined, reason)
    : byHidden(question, world)
}

async function byHidden(question: RelayQuestion, world: PolicyWorld): Promise<Decision<undefined>> {
  const { localPart } = question.to.mailbox
  const hidden = await canonify(localPart, world.routing)
  if (hidden.outcome === "later") return hidden
  if (hidden.outcome === "yes") {
    const inner = await mayRelay({ ...question, to: hidden.value }, world, [])
    if (inner.outcome === "yes" || inner.outcome === "later") return inner
  }
  return pass(passed("relay-domains", `${localPart} hides an address that nothing admits`))
}

/** Mail handed in on this host, logins, and the loopback address: 127.0.0.1 and ::1, not all of 127/8 (proto.m4: Relay_ok). */
function ownClient(
  question: RelayQuestion,
  world: PolicyWorld,
): Decision<undefined> | Promise<Decision<undefined>> {
  const known = byPlaceOrLogin(question, world)
  return known instanceof Promise
    ? known.then((one) => orCertificate(one, question, world))
    : orCertificate(known, question, world)
}

function orCertificate(
  known: Decision<undefined>,
  question: RelayQuestion,
  world: PolicyWorld,
): Decision<undefined> | Promise<Decision<undefined>> {
  return known.outcome !== "pass" || question.arrival.tlsFacts?.verify !== "OK"
    ? known
    : byCertificate(question, world, known)
}

/** Clients whose certificate access trusts. */
async function byCertificate(
  { arrival }: RelayQuestion,
  world: PolicyWorld,
  known: Decision<undefined>,
): Promise<Decision<undefined>> {
  const trusted = await relaysByCertificate(arrival, accessTables(world))
  return trusted.outcome === "pass" ? known : trusted
}

function byPlaceOrLogin(
  question: RelayQuestion,
  world: PolicyWorld,
): Decision<undefined> | Promise<Decision<undefined>> {
  const { client } = question.arrival
  if (client === undefined) return yes(undefined, because("client?", "it was handed in on this host"))
  return world.relayAuth === undefined ? byLogin(question, world, true) : bySiteRules(question, world)
}

/** The site's own rules first. */
async function bySiteRules(question: RelayQuestion, world: PolicyWorld): Promise<Decision<undefined>> {
  const said = await world.relayAuth?.(question.arrival)
  if (said === undefined) return byLogin(question, world, true)
  if (said.outcome === "no" || said.outcome === "later") return said
  if (said.outcome === "yes" && said.value === "accept") return yes(undefined, said.reason)
  const decision = byLogin(question, world, said.outcome === "pass")
  return { ...decision, reason: withTrail(decision.reason, [said.reason]) }
}

function byLogin({ arrival }: RelayQuestion, { routing }: PolicyWorld, counts: boolean): Decision<undefined> {
  const { client, authenticated, authType } = arrival
  if (client === undefined) throw new Error("mail of this host is always let through") // a bug in the caller
  if (authenticated !== undefined && counts) {
    const trusted = trustsMechanism(routing.settings, authType)
    if (trusted.member) return yes(undefined, because("client?", `${authenticated} is logged in`, trusted.at))
  }
  if (client.address === "127.0.0.1" || client.address === "::1") {
    return yes(undefined, because("client?", `${client.address} is this host`))
  }
  return pass(passed("client?", `${client.address} is neither this host nor logged in`))
}

/** TRUST_AUTH_MECH names the mechanisms that let relay; sendmail differs: without it none does, here all do. */
function trustsMechanism(settings: Settings, authType: string | undefined): Membership {
  const trusted = classMembers(settings, "TrustAuthMech")
  if (authType === undefined || trusted.size === 0) return { member: true, at: undefined }
  return inClass(settings, "TrustAuthMech", authType)
}

/** Whether this client is one that we relay for, wherever its mail goes: by its address, its name, its certificate or a login. */
export async function isOurClient(arrival: Arrival, world: PolicyWorld): Promise<Decision<undefined>> {
  const nobody = { localPart: "", domain: { kind: "literal", text: "" } } as const
  const to = { mailbox: nobody, bare: false, local: false, localAt: undefined }
  const question: RelayQuestion = { arrival, envelope: emptyEnvelope, to }
  const trail: Reason[] = []
  for (const ask of [ownClient, byClass, byAccess]) {
    const decision = await ask(question, world)
    if (decision.outcome !== "pass") return decision
    trail.push(decision.reason)
  }
  return pass({ ...passed("client?", "it is none of those we relay for"), after: trail })
}

const emptyEnvelope: Envelope = {
  reversePath: "null",
  recipients: [],
  body: "7bit",
  smtputf8: false,
  ret: undefined,
  envid: undefined,
}

/** Addresses and names of clients in class R, and names in class w. */
function byClass({ arrival }: RelayQuestion, { routing }: PolicyWorld): Decision<undefined> {
  const { settings } = routing
  const { client } = arrival
  if (client === undefined) return notRelayedFor
  for (const key of classAddressKeys(client.address)) {
    const found = inClass(settings, "R", key)
    if (found.member) return yes(undefined, because("relay-domains", `${key} is in class R`, found.at))
  }
  if (client.name === undefined) return notRelayedFor
  const own = inClass(settings, "w", client.name)
  if (own.member) return yes(undefined, because("relay-domains", `${client.name} is in class w`, own.at))
  const entire = feature(settings, "relay_hosts_only") === undefined
  for (const name of entire ? withParents(client.name) : [client.name]) {
    const found = inClass(settings, "R", name)
    if (found.member) return yes(undefined, because("relay-domains", `${name} is in class R`, found.at))
  }
  const ours = ownDomain(settings, client.name)
  return ours === undefined ? notRelayedFor : yes(undefined, ours)
}

const notRelayedFor = pass(passed("relay-domains", "neither the client's address nor its name is in class R"))

/** As access has them, and without the IPv6: word. */
function classAddressKeys(address: string): readonly string[] {
  const keys = addressKeys(address)
  if (!address.includes(":")) return keys
  const groups = ipv6Groups(address)
  return [...keys, address, ...groups.map((_, n) => groups.slice(0, groups.length - n).join(":"))]
}

const noAccessConnect = pass(passed("access", "does not say RELAY for the client"))

function byAccess({ arrival }: RelayQuestion, world: PolicyWorld): Soon<Decision<undefined>> {
  const { client } = arrival
  if (client === undefined) return noAccessConnect
  const tables = accessTables(world)
  return whenThere(askAccess(tables, tagged("Connect", [addressKeys(client.address)])), (byAddress) => {
    const decision = ifRelay(byAddress, noAccessConnect)
    if (decision.outcome !== "pass" || client.name === undefined) return decision
    const byName = askAccess(tables, tagged("Connect", [nameKeys(client.name, world.dots)]))
    return whenThere(byName, (answer) => ifRelay(answer, noAccessConnect))
  })
}

function ifRelay(answer: Answer, otherwise: Decision<undefined>): Decision<undefined> {
  if (answer.found === "silent") return answer.decision
  if (answer.found === "nothing" || answer.verdict.word !== "RELAY") return otherwise
  return yes(undefined, answer.reason)
}

function anybody(_: RelayQuestion, { routing }: PolicyWorld): Decision<undefined> {
  const at = feature(routing.settings, "promiscuous_relay")?.at
  return yes(undefined, because("promiscuous_relay", "this host relays for everybody", at))
}

/** FEATURE(bestmx_is_local). */
function byBestMx({ to }: RelayQuestion, { routing }: PolicyWorld): Promise<Decision<undefined>> {
  return isOursByMx(to, routing)
}

/** FEATURE(relay_based_on_MX). */
async function toMxOfOurs(
  { to }: RelayQuestion,
  { routing, dns }: PolicyWorld,
): Promise<Decision<undefined>> {
  const { settings } = routing
  const { domain, localPart } = to.mailbox
  if (domain.kind === "literal" || /[@%!]/.test(localPart)) return notOurMx
  const answer = await dns.mx(domain.ascii)
  if (answer.found === "unavailable")
    return silent("relay_based_on_MX", `no MX of ${domain.ascii}: ${answer.why}`)
  if (answer.found === "nothing") return notOurMx
  const own = answer.records.find((record) => inClass(settings, "w", record.exchange).member)
  if (own === undefined) return notOurMx
  const at = feature(settings, "relay_based_on_MX")?.at
  return yes(undefined, because("relay_based_on_MX", `${own.exchange} is an MX of ${domain.ascii}`, at))
}

const notOurMx = pass(passed("relay_based_on_MX", "this host is no MX of the domain"))

/** FEATURE(relay_local_from): as weak as its name says, for anybody may claim a local sender. */
function fromLocal({ envelope }: RelayQuestion, { routing }: PolicyWorld): Decision<undefined> {
  const { reversePath } = envelope
  const at = feature(routing.settings, "relay_local_from")?.at
  if (reversePath === "null" || !localDomain(routing.settings, reversePath.domain).member) {
    return pass(passed("relay_local_from", "the sender's domain is not ours", at))
  }
  return yes(undefined, because("relay_local_from", "the sender's domain is ours", at))
}

/** FEATURE(relay_mail_from): by the whole address, and with `domain` also by its domain. */
async function fromAccess({ envelope }: RelayQuestion, world: PolicyWorld): Promise<Decision<undefined>> {
  const { reversePath } = envelope
  const used = feature(world.routing.settings, "relay_mail_from")
  const otherwise = pass(passed("relay_mail_from", "access does not say RELAY for the sender", used?.at))
  if (reversePath === "null") return otherwise
  const { localPart, domain } = reversePath
  const host = domainKeys(domain, world.dots)
  const lists =
    used?.args.includes("domain") === true
      ? [[`${localPart}@${host[0]}`], host]
      : [[`${localPart}@${host[0]}`]]
  return ifRelay(await askAccess(accessTables(world), tagged("From", lists)), otherwise)
}
