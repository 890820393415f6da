// Checks of who the message says it is from, against the way it came: houses by strange routes, names that are not the sender's,
// look-alikes, answers that go elsewhere.
import type { Case } from "./case.ts"
import type { Remark } from "./finding.ts"
import { clientNames, type Hop } from "./hops.ts"
import { lookAlike } from "./look-alikes.ts"
import { domainOf, hostsIn, type Person } from "./message.ts"
import {
  houseOf,
  houseWords,
  isFreeMail,
  isHostingName,
  isOneOwner,
  isPoolName,
  organisation,
} from "./owners.ts"
import { ourResults } from "./rules-authentication.ts"

/** route_origin: a well-known house by a way that has nothing to do with it. */
export function routeOrigin(about: Case): readonly Remark[] {
  const { fields, entry } = about
  const person = fields.from[0]
  const house = person === undefined ? undefined : houseOf(person.domain)
  if (person === undefined || entry === undefined || house === undefined || isFreeMail(person.domain))
    return []
  if (vouchers(about).some((name) => isOneOwner(name, house))) return []
  const way = routeKind(entry, about)
  const listed = fields.bulk || isListPath(fields.returnPath?.address ?? "")
  const inTrace = about.hops.some(({ received }) =>
    [...clientNames(received), received.host ?? ""].some((name) => isOneOwner(name, house)),
  )
  return [
    {
      check: "route_origin",
      severity: listed ? "low" : inTrace ? "medium" : "high",
      telling: !listed,
      hop: entry.number,
      // A house's server on a customer's line: nobody sends for it from there.
      ...(way.startsWith("a customer's line") && !listed && !inTrace ? { honest: undefined } : {}),
      explanation:
        `The mail says it comes from ${person.domain}, but hop ${entry.number}, where it came in, took it from ${way}` +
        `${inTrace ? `; only hops that the sender may have written name ${house}` : `, and neither envelope nor signature is of ${house}`}.`,
      evidence: [person.span, entry.received.from],
    },
  ]
}

/** Who can vouch for the sender: hosts that were seen, the envelope, and signatures that our own server found good. */
function vouchers({ hops, fields, chain }: Case): readonly string[] {
  const seen = hops.slice(0, chain.boundary).flatMap(({ received }) => {
    const reverse = received.source?.reverse?.text
    return reverse === undefined ? [] : [reverse]
  })
  return [
    ...seen,
    ...passedHere({ fields, chain, hops }),
    ...(failedHere({ fields, chain, hops }) ? [] : [fields.returnPath?.domain ?? ""]),
  ]
}

type Judged = Pick<Case, "fields" | "chain" | "hops">

function passedHere(about: Judged): readonly string[] {
  return ourResults(about).flatMap(({ passed }) => passed)
}

function failedHere(about: Judged): boolean {
  return ourResults(about).some(({ results }) => results.get("spf") === "fail")
}

function routeKind({ received, address }: Hop, { fields }: Case): string {
  const name =
    received.source?.reverse?.text ?? received.source?.helo?.text ?? address?.text ?? "an unknown client"
  const path = fields.returnPath?.domain ?? ""
  if (isPoolName(name)) return `a customer's line (${name})`
  if (isFreeMail(name) || isFreeMail(path)) return `a free-mail provider (${name})`
  return isHostingName(name) ? `a rented machine (${name})` : `${name}, another's host`
}

function isListPath(address: string): boolean {
  return /^(?:owner-|bounce)|[-+_](?:owner|bounces?|admin|request|return|errors?)(?:[-+@]|$)/i.test(address)
}

/** from_alignment: From, envelope and Sender of different owners. */
export function fromAlignment({ fields }: Case): readonly Remark[] {
  const person = fields.from[0]
  const path = fields.returnPath
  if (person === undefined || person.domain === "" || path === undefined || path.domain === "") return []
  if (isOneOwner(person.domain, path.domain)) return []
  const house = houseOf(person.domain)
  const elsewhere = house !== undefined && !fields.bulk && isFreeMail(path.domain)
  return [
    {
      check: "from_alignment",
      severity: elsewhere ? "medium" : "low",
      header: "From",
      explanation: `The From field says ${person.domain}, the envelope ${path.domain}.`,
      evidence: [person.span, path.line.span],
    },
  ]
}

/** reply_to: answers go to another house than the one the mail says it is from. */
export function replyTo({ fields, entry }: Case): readonly Remark[] {
  const person = fields.from[0]
  const other = fields.replyTo.find(
    ({ domain }) => domain !== "" && !isOneOwner(domain, person?.domain ?? ""),
  )
  if (person === undefined || person.domain === "" || other === undefined) return []
  const feared = houseOf(person.domain) !== undefined || isOwnDomain(person, entry)
  const strong = isFreeMail(other.domain) && feared && !fields.bulk
  return [
    {
      check: "reply_to",
      severity: strong ? "medium" : "low",
      header: "Reply-To",
      explanation: `Answers go to ${other.address}, not to ${person.domain}${strong ? ": a free-mail address, of all things" : ""}.`,
      evidence: [other.span],
    },
  ]
}

/** ownDomain (route_origin): the sender is of our own house, but the mail came from outside, and nobody vouches for it. */
export function ownDomain(about: Case): readonly Remark[] {
  const { fields, entry } = about
  const [person] = fields.from
  if (person === undefined || entry?.address?.kind !== "public" || !isOwnDomain(person, entry)) return []
  if (fields.bulk || isListPath(fields.returnPath?.address ?? "") || entry.submission !== undefined) return []
  const seen = entry.received.source?.reverse?.text ?? ""
  if ([seen, ...passedHere(about)].some((name) => isOneOwner(name, person.domain))) return []
  return [
    {
      check: "route_origin",
      severity: "medium",
      hop: entry.number,
      explanation: `The mail says it comes from our own ${person.domain}, but hop ${entry.number} took it from outside, from ${seen === "" ? entry.address.text : seen}.`,
      evidence: [person.span, entry.received.from],
      honest: "One of our people away from home, a list, or a service that writes in our name.",
    },
  ]
}

function isOwnDomain({ domain }: Person, entry: Hop | undefined): boolean {
  const host = entry?.received.host
  return host !== undefined && host.includes(".") && domain !== "" && isOneOwner(host, domain)
}

/** display_name: an address, or the name of a house, shown in place of the sender's. */
export function displayName({ fields }: Case): readonly Remark[] {
  return fields.from.slice(0, 5).flatMap((person) => {
    const { display, address, domain, span } = person
    if (display === "" || domain === "" || /\bvia\b|\bon behalf of\b/i.test(display)) return []
    const shown = addressShown(display)
    if (shown !== undefined && !isOneOwner(domainOf(shown), domain)) {
      const says = `The name shown is the address ${shown}, but the sender's address is ${address}.`
      return [
        {
          check: "display_name",
          severity: "high",
          header: "From",
          explanation: says,
          evidence: [span],
          ...(borrowsHouse(shown, person) && !fields.bulk ? { telling: true, honest: undefined } : {}),
        } as const,
      ]
    }
    return shown === undefined ? houseShown(person, fields.bulk) : []
  })
}

/** A known house's address for a name; services that hide addresses put the shown one into their own. */
function borrowsHouse(shown: string, { address }: Person): boolean {
  const house = houseOf(domainOf(shown))
  return house !== undefined && !address.includes(house.split(".")[0] ?? house)
}

function addressShown(display: string): string | undefined {
  const found = /[\w.+'=-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}/.exec(display.slice(0, 500))
  return found?.[0]
}

/** Words of a house's name that are no other word. */
const plainWords: ReadonlySet<string> = new Set([
  "apple",
  "chase",
  "adobe",
  "office",
  "kraken",
  "desjardins",
  "walmart",
  "vanguard",
  "barclays",
])

function houseShown({ display, address, domain, span }: Person, bulk: boolean): readonly Remark[] {
  for (const word of display
    .slice(0, 200)
    .toLowerCase()
    .split(/[^a-z\d-]+/)) {
    const house = houseWords.get(word)
    if (house === undefined || plainWords.has(word) || domain.includes(word)) continue
    const says = `The name shown (${display}) is that of ${house}, but the sender's address is ${address}.`
    return [
      {
        check: "display_name",
        severity: bulk ? "low" : "medium",
        header: "From",
        explanation: says,
        evidence: [span],
      },
    ]
  }
  return []
}

/** homograph: domains made to be taken for another. */
export function homograph({ fields }: Case): readonly Remark[] {
  const named: readonly (readonly [string, string, Person["span"]])[] = [
    ...fields.from.map(({ domain, span }) => ["From", domain, span] as const),
    ...fields.replyTo.map(({ domain, span }) => ["Reply-To", domain, span] as const),
    ...(fields.sender === undefined ? [] : [["Sender", fields.sender.domain, fields.sender.span] as const]),
  ]
  const seen = new Set<string>()
  return named.flatMap(([header, domain, span]) => {
    const found = domain === "" || seen.has(domain) ? undefined : lookAlike(domain)
    seen.add(domain)
    if (found === undefined) return []
    const { how, house, sure } = found
    const says = `The domain ${domain} in ${header} can be taken for ${house}: ${how}.`
    return [
      {
        check: "homograph",
        severity: sure ? "high" : "medium",
        header,
        explanation: says,
        evidence: [span],
      } as const,
    ]
  })
}

/** list_headers: a mailing list whose host nobody in the trace knows. */
export function listHeaders({ fields, hops }: Case): readonly Remark[] {
  if (fields.list.length === 0) return []
  const known = new Set<string>()
  for (const { received } of hops)
    for (const name of [...clientNames(received), received.host ?? ""]) known.add(organisation(name))
  for (const { domain } of fields.from) known.add(organisation(domain))
  known.add(organisation(fields.returnPath?.domain ?? ""))
  known.add(organisation(fields.sender?.domain ?? ""))
  const strange = fields.list.find((line) => {
    const hosts = hostsIn(line.text)
    return hosts.length > 0 && hosts.every((host) => !known.has(organisation(host)))
  })
  if (strange === undefined) return []
  const says = `${strange.name} tells of ${hostsIn(strange.text)[0]}, which is in no hop and not in the envelope.`
  return [
    {
      check: "list_headers",
      severity: claimsList(fields) ? "medium" : "low",
      header: strange.name,
      explanation: says,
      evidence: [strange.span],
    },
  ]
}

/** It says to be of a mailing list, but neither its envelope nor any other field is a list's: mass mailings are not meant. */
function claimsList({ list, marked, sender, returnPath }: Case["fields"]): boolean {
  const posted = list.some(({ name }) => /^list-(?:post|id|archive)$/i.test(name))
  return (
    posted && !marked && sender === undefined && returnPath !== undefined && !isListPath(returnPath.address)
  )
}
