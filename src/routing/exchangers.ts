// Which hosts take mail for a domain, and in which order: MX records by preference, the domain itself where there are none, none at
// all where a null MX says so (RFC 5321 §5.1, RFC 7505). Looks names up through the Dns it is given; connects to nothing.
import { isIP, isIPv6 } from "node:net"
import { because, type Decision, later, no, type Reason, withTrail, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { allThere, type Soon, whenThere } from "../mail/soon.ts"
import type { Dns, DnsAnswer, MxRecord } from "../mail/world.ts"

/** One host to try. `address` is known beforehand for an address literal. */
export type Exchanger = {
  readonly host: string
  readonly address: string | undefined
  readonly preference: number | undefined
  /** Why this host: the record or the route that named it. */
  readonly reason: Reason
}

/** Hosts of the same preference together, the most preferred first. */
export type Exchangers = {
  readonly groups: readonly (readonly Exchanger[])[]
  /** Whether the MX records were vouched for by DNSSEC. */
  readonly secure: boolean
}

/** An exchanger with one of its addresses. */
export type Target = {
  readonly exchanger: Exchanger
  readonly address: string
  /** DNSSEC vouches for the address. */
  readonly secure: boolean
}

export type ExchangerWorld = {
  readonly dns: Pick<Dns, "mx" | "addresses">
  /** Whether a host name, in lower case, is ours: class w, $j. */
  readonly isOurs: (name: string) => boolean
  /** From 0 to 1, for equal preferences. */
  readonly random: () => number
  /** FallbackMXhost: tried after all others. */
  readonly fallback: string | undefined
  /** FallbackSmartHost: tried when all that failed too, whatever became of the domain's name. */
  readonly smart?: string | undefined
  /** TryNullMXList: where this host is the best exchanger and the domain not ours, the domain's own address is tried. */
  readonly tryItself?: boolean
}

/** A part of a route's host: a domain whose MX records count, or `[host]`, which is taken at its word. */
export type HostSpec =
  | { readonly kind: "domain"; readonly name: string }
  | { readonly kind: "host"; readonly name: string }
  | { readonly kind: "address"; readonly address: string; readonly text: string }

const step = "exchangers"

/** Reads a route's host: `example.org`, `[mail.example.org]`, `[192.0.2.7]`, `[IPv6:2001:db8::7]`, or several joined by colons. */
export function parseHosts(text: string): Result<readonly HostSpec[]> {
  const specs: HostSpec[] = []
  for (const part of text.match(/\[[^\]]*\]|[^:[\]]+|:|[[\]]/g) ?? []) {
    if (part === ":") continue
    const spec = parseHost(part.toLowerCase())
    if (spec === undefined) return fail(`"${text}" is no host, [host] or list of hosts joined by colons`)
    specs.push(spec)
  }
  return specs.length > 0 ? ok(specs) : fail("the route names no host")
}

function parseHost(part: string): HostSpec | undefined {
  const bracketed = part.startsWith("[") && part.endsWith("]")
  const name = (bracketed ? part.slice(1, -1) : part).replace(/\.$/, "")
  const address = bracketed && name.startsWith("ipv6:") ? name.slice(5) : name
  if (isIP(address) !== 0) return { kind: "address", address, text: literal(address) }
  if (!/^[^\s\x00-\x1f[\]:]+$/.test(name)) return undefined
  return { kind: bracketed ? "host" : "domain", name }
}

function literal(address: string): string {
  return isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`
}

/** The hosts to try for a route's host, best first; or why there are none. */
export function findExchangers(text: string, world: ExchangerWorld): Soon<Decision<Exchangers>> {
  const specs = parseHosts(text)
  if (!specs.ok) return later(reply(451, "4.3.5", specs.error), because(step, specs.error))
  const [spec, another] = specs.value
  const hosts =
    spec === undefined || another !== undefined ? allHosts(specs.value, world) : hostsOf(spec, world)
  return whenThere(hosts, (decision) => {
    const first = withFallback(decision, "FallbackMXhost", world.fallback, world)
    return withFallback(first, "FallbackSmartHost", world.smart, world)
  })
}

async function allHosts(specs: readonly HostSpec[], world: ExchangerWorld): Promise<Decision<Exchangers>> {
  const decisions: Decision<Exchangers>[] = []
  for (const spec of specs) decisions.push(await hostsOf(spec, world))
  return together(decisions)
}

function hostsOf(spec: HostSpec, world: ExchangerWorld): Soon<Decision<Exchangers>> {
  switch (spec.kind) {
    case "address":
      return direct(spec.text, spec.address, `the route names the address ${spec.text}`)
    case "host":
      return direct(spec.name, undefined, `the route names the host [${spec.name}]: no MX lookup`)
    case "domain":
      return whenThere(world.dns.mx(spec.name), (answer) => order(spec.name, answer, world))
  }
}

function direct(host: string, address: string | undefined, says: string): Decision<Exchangers> {
  const reason = because(step, says)
  return yes({ groups: [[{ host, address, preference: undefined, reason }]], secure: false }, reason)
}

/** The hosts of several parts, in the order of the parts; those that cannot be had are left out while others can. */
function together(decisions: readonly Decision<Exchangers>[]): Decision<Exchangers> {
  const found = decisions.filter((decision) => decision.outcome === "yes")
  const [first] = found
  if (first === undefined) return decisions.find(({ outcome }) => outcome === "later") ?? decisions[0]!
  const reasons = decisions.map(({ reason }) => reason)
  const value = {
    groups: found.flatMap((decision) => decision.value.groups),
    secure: found.every((decision) => decision.value.secure),
  }
  return yes(value, because(step, `the route names ${decisions.length} hosts`, undefined, reasons))
}

/** The order of a domain's exchangers, from the answer to the question for its MX records. */
export function order(
  domain: string,
  answer: DnsAnswer<MxRecord>,
  world: Pick<ExchangerWorld, "isOurs" | "random" | "tryItself">,
): Decision<Exchangers> {
  switch (answer.found) {
    case "unavailable":
      return nameServer(domain, answer.why)
    case "nothing": {
      // RFC 5321 §5.1: no MX record, so the domain is its own exchanger; whether it has an address is seen when it is asked for.
      const reason = because(step, `${domain} has no MX records: the domain itself`)
      const exchanger = { host: domain, address: undefined, preference: undefined, reason }
      return yes({ groups: [[exchanger]], secure: answer.secure }, reason)
    }
    case "records":
      return byPreference(domain, answer.records, answer.secure, world)
  }
}

function byPreference(
  domain: string,
  records: readonly MxRecord[],
  secure: boolean,
  world: Pick<ExchangerWorld, "isOurs" | "random" | "tryItself">,
): Decision<Exchangers> {
  const named = records.filter(({ exchange }) => exchange !== "" && exchange !== ".")
  if (named.length === 0) return nullMx(domain)
  // RFC 5321 §5.1: our own record and all of the same or a higher number are left out, or mail would go in circles.
  const own = named.filter(({ exchange }) => world.isOurs(exchange))
  const limit = Math.min(...own.map(({ preference }) => preference))
  const usable = named.filter(({ preference }) => preference < limit)
  if (usable.length === 0 && world.tryItself === true && !world.isOurs(domain)) {
    const says = `this host is the best exchanger of ${domain}: its own address is tried (TryNullMXList)`
    return direct(domain, undefined, says)
  }
  if (usable.length === 0) return loop(domain, own[0]?.exchange ?? domain)
  const groups = [...new Set(usable.map(({ preference }) => preference))]
    .toSorted((a, b) => a - b)
    .map((preference) => ofPreference(domain, usable, preference, world.random))
  return yes({ groups, secure }, because(step, `${domain} has ${records.length} MX records`))
}

function ofPreference(
  domain: string,
  records: readonly MxRecord[],
  preference: number,
  random: () => number,
): readonly Exchanger[] {
  const names = new Set(records.filter((one) => one.preference === preference).map((one) => one.exchange))
  const exchangers: Exchanger[] = []
  for (const host of names) {
    const reason = because(step, `${domain} MX ${preference} ${host}`)
    exchangers.push({ host, address: undefined, preference, reason })
  }
  return shuffled(exchangers, random)
}

/** RFC 5321 §5.1: equal preferences are tried in random order, to spread the load. */
function shuffled<T>(values: readonly T[], random: () => number): readonly T[] {
  const rest = [...values]
  const out: T[] = []
  while (rest.length > 0) out.push(...rest.splice(Math.floor(random() * rest.length), 1))
  return out
}

/** Mail for these waits or fails for want of any other host: then the fallback is tried too. */
function withFallback(
  decision: Decision<Exchangers>,
  name: "FallbackMXhost" | "FallbackSmartHost",
  hosts: string | undefined,
  world: ExchangerWorld,
): Decision<Exchangers> {
  if (hosts === undefined || decision.outcome === "no" || decision.outcome === "pass") return decision
  const fallback = parseHosts(hosts)
  if (!fallback.ok) {
    const wrong = because(step, `${name} is left out: ${fallback.error}`)
    return { ...decision, reason: withTrail(decision.reason, [wrong]) }
  }
  const groups = fallback.value
    .filter((spec) => spec.kind === "address" || !world.isOurs(spec.name))
    .map((spec) => [fallbackHost(spec, name)])
  if (groups.length === 0) return decision
  const reason = because(step, `${name} follows`, undefined, [decision.reason])
  if (decision.outcome === "later") return yes({ groups, secure: false }, reason)
  return yes({ groups: [...decision.value.groups, ...groups], secure: decision.value.secure }, reason)
}

function fallbackHost(spec: HostSpec, name: string): Exchanger {
  const host = spec.kind === "address" ? spec.text : spec.name
  const address = spec.kind === "address" ? spec.address : undefined
  return { host, address, preference: undefined, reason: because(step, `${name} is ${host}`) }
}

/**
 * The addresses of a group, in order. A host that is found to be ourselves ends the list (`loop` when it is among the
 * first); hosts without an address are passed over, unless there is no other.
 */
export function addressesOf(
  group: readonly Exchanger[],
  dns: Pick<Dns, "addresses">,
  isOurAddress: (address: string) => boolean,
): Soon<Decision<readonly Target[]>> {
  const asked = group.map((exchanger) => addresses(exchanger, dns))
  return whenThere(allThere(asked), (answers) => targetsOf(group, answers, isOurAddress))
}

/** From what DNS said of each, in their order. */
function targetsOf(
  group: readonly Exchanger[],
  answers: readonly DnsAnswer<string>[],
  isOurAddress: (address: string) => boolean,
): Decision<readonly Target[]> {
  const targets: Target[] = []
  let worst: Decision<never> | undefined
  for (const [n, answer] of answers.entries()) {
    const exchanger = group[n]!
    if (answer.found === "records") {
      for (const address of answer.records) targets.push({ exchanger, address, secure: answer.secure })
    } else if (answer.found === "unavailable") {
      worst = nameServer(exchanger.host, answer.why)
    } else {
      worst ??= unknown(exchanger.host)
    }
  }
  const own = targets.find(
    ({ exchanger, address }) => exchanger.address === undefined && isOurAddress(address),
  )
  if (own !== undefined) return loop(own.exchanger.host, own.address)
  const reason = group[0]?.reason ?? because(step, "no hosts")
  return targets.length > 0 || worst === undefined ? yes(targets, reason) : worst
}

function addresses({ host, address }: Exchanger, dns: Pick<Dns, "addresses">): Soon<DnsAnswer<string>> {
  return address === undefined
    ? dns.addresses(host)
    : { found: "records", records: [address], secure: false, ttl: 0 }
}

function nullMx(domain: string): Decision<never> {
  // RFC 7505 §3, §4.2: never retried.
  const says = `${domain} has a null MX record: it takes no mail`
  return no(reply(556, "5.1.10", "Domain does not accept mail (null MX)"), because(step, says))
}

function loop(domain: string, host: string): Decision<never> {
  const says = `the best exchanger of ${domain} is ${host}, which is this host, and the domain is not local here`
  return no(
    reply(553, "5.3.5", `${domain}. config error: mail loops back to me (MX problem?)`),
    because(step, says),
  )
}

function unknown(host: string): Decision<never> {
  const says = `${host} does not exist, or has no address`
  return no(reply(550, "5.1.2", `Host unknown (Name server: ${host}: host not found)`), because(step, says))
}

function nameServer(host: string, why: string): Decision<never> {
  const text = `Name server: ${host}: host name lookup failure`
  return later(reply(451, "4.4.3", text), because(step, `DNS did not answer for ${host}: ${why}`))
}
