// Checks of names and addresses: do the hops meet, is the greeting the client's own name, can the address be.
import type { Case } from "./case.ts"
import type { Remark } from "./finding.ts"
import { clientNames, type Hop } from "./hops.ts"
import { isInside, kindOf } from "./ip-kinds.ts"
import { hostsIn } from "./message.ts"
import { houseOf, isInnerName, isKnownName, isOneOwner, isPoolName, organisation } from "./owners.ts"

/** continuity: the host that wrote a hop is nobody that the hop above spoke with. */
export function continuity({ hops, fields }: Case): readonly Remark[] {
  const lists = listOwners(fields)
  let above: Hop | undefined
  return hops.flatMap((hop) => {
    const upper = above
    // Comment hops (qmail's) name nobody: the next one meets the hop above them.
    if (hop.received.host !== undefined || hop.received.from !== undefined) above = hop
    return upper === undefined ? [] : gapBetween(upper, hop, lists)
  })
}

/** Whose list it is, if it is a list's: its program takes messages out of a mailbox, and hands them in again with the trace they had. */
function listOwners({ bulk, returnPath, sender, list }: Case["fields"]): readonly string[] {
  if (!bulk) return []
  const hosts = list.flatMap(({ text }) => hostsIn(text))
  return [returnPath?.domain ?? "", sender?.domain ?? "", ...hosts].filter((name) => name !== "")
}

function gapBetween(above: Hop, below: Hop, lists: readonly string[]): readonly Remark[] {
  const host = below.received.host
  if (host === undefined || below.believed) return []
  if (isInnerName(host) || isMet(above, below, host)) return []
  const said = clientNames(above.received).filter((name) => name !== "" && !isLiteral(name))
  const known = said.filter((name) => !isInnerName(name))
  const ends = above.submission !== undefined
  const fromInside = above.address !== undefined && isInside(above.address.kind)
  // A client with an inner name and no other is nobody in particular; from a public address it is at least not this host.
  const nameless = known.length === 0 && !ends && !fromInside
  if (nameless && (above.address?.kind !== "public" || said.every((name) => name === "localhost"))) return []
  const client = known[0] ?? said[0] ?? above.address?.text ?? above.received.source?.user ?? "its client"
  return [
    {
      check: "continuity",
      severity: ends || above.address !== undefined ? "medium" : "low",
      // A greeting alone may be anybody's.
      telling:
        above.submission === "local user"
          ? !lists.some((name) => isOneOwner(name, above.received.host ?? ""))
          : ends || nameless || fromInside || agrees(above),
      hop: below.number,
      explanation: ends
        ? `Hop ${above.number} was handed in by a ${above.submission === "local user" ? "user of the host" : "mail program"}` +
          ` (${client}): nothing can be older. Yet hop ${below.number} tells of ${host}.`
        : `Hop ${above.number} took the message from ${client}, but hop ${below.number} was written by ${host}, ` +
          "which has nothing to do with it.",
      evidence: [below.received.by, above.received.from ?? above.received.span],
    },
  ]
}

function isLiteral(name: string): boolean {
  return name.startsWith("[") || kindOf(name) !== "impossible"
}

/** The host is among the names of the hop above, or of their owner; or the hop above took it from inside a house whose names mean nothing. */
function isMet(above: Hop, below: Hop, host: string): boolean {
  const { received } = above
  if (received.host !== undefined && isOneOwner(received.host, host)) return true
  const names = clientNames(received).filter((name) => !name.startsWith("["))
  if (names.some((name) => isOneOwner(name, host) || isOneName(name, host))) return true
  if (above.address !== undefined && host.replace(/^\[|\]$/g, "") === above.address.text) return true
  if (sharesAddress(above, below)) return true
  // A host's web mail goes by the name of its site.
  if (isWebMail(below) && (above.submission === "local user" || saysItself(names))) return true
  if (above.submission !== undefined) return false
  const inner = received.host === undefined || isInnerName(received.host)
  return inner && above.address !== undefined && isInside(above.address.kind)
}

function isWebMail({ received }: Hop): boolean {
  return /^https?\b/i.test(received.with?.value ?? "")
}

function saysItself(names: readonly string[]): boolean {
  return names.some((name) => name === "localhost" || name.startsWith("localhost."))
}

/** `mailc0909` and `mailc0909.dte2k.de`; `smtp.comcast.net` and `mtaout04.icomcast.net`, `evv.kamakiriad.local` and `kamakiriad.com`. */
function isOneName(a: string, b: string): boolean {
  if (a.split(".", 1)[0] === b.split(".", 1)[0]) return true
  const [one, other] = [ownersWord(a), ownersWord(b)]
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  return short.length >= 5 && long.includes(short)
}

/** The word that the owner chose: `comcast` of `smtp.comcast.net`. */
function ownersWord(name: string): string {
  return organisation(name).split(".", 1)[0] ?? name
}

/** A host with several names: both hops name one address on its network. */
function sharesAddress(above: Hop, below: Hop): boolean {
  const text = above.address?.text
  return (
    text !== undefined && below.received.by?.comments.some((comment) => comment.text.includes(text)) === true
  )
}

/** The client's greeting and the name of its address are of one owner: it is known who it was. */
function agrees({ received, address }: Hop): boolean {
  const { source } = received
  if (address?.kind !== "public") return false
  const helo = source?.helo?.text
  const reverse = source?.reverse?.text
  if (reverse === undefined || helo === undefined) return false
  return isInnerName(helo) ? isPoolName(reverse) : isOneOwner(helo, reverse)
}

/** helo_rdns: what the client called itself against the name of its address. */
export function heloReverse({ hops, fields, entry }: Case): readonly Remark[] {
  return hops.flatMap((hop) => {
    const { source } = hop.received
    const helo = source?.helo
    if (helo === undefined || hop.address?.kind !== "public" || helo.text.startsWith("[")) return []
    const name = helo.text.toLowerCase()
    if (isInnerName(name) || kindOf(name) !== "impossible") return []
    const reverse = source?.reverse?.text.toLowerCase()
    if (reverse !== undefined && isOneOwner(name, reverse)) return []
    if (reverse === undefined && source?.nameless !== true) return []
    const strong = isKnownName(name) && (reverse !== undefined || !isFromThere(name, fields))
    const own = reverse === undefined ? "has no name" : `is called ${reverse}`
    const pool = reverse !== undefined && isPoolName(reverse) ? ", a customer's line" : ""
    return [
      {
        check: "helo_rdns",
        ...weigh({
          strong,
          atEntry: hop === entry,
          bank: pool !== "" && houseOf(name) !== undefined,
          pool,
          named: reverse !== undefined || (hop.at ?? 0) >= namesForAll,
        }),
        hop: hop.number,
        explanation: `The client of hop ${hop.number} called itself ${name}, but its address ${hop.address.text} ${own}${pool}.`,
        evidence: [helo, source?.reverse ?? source?.address],
      },
    ]
  })
}

type Greeting = {
  readonly strong: boolean
  readonly atEntry: boolean
  /** A known house's name on a customer's line. */
  readonly bank: boolean
  readonly pool: string
  /** Its address has a name, another's; or ought to have one. */
  readonly named: boolean
}

/** Since about then a great house's server without a reverse name can send to nobody; before, some had none. */
const namesForAll = Date.UTC(2010, 0, 1)

function weigh({
  strong,
  atEntry,
  bank,
  pool,
  named,
}: Greeting): Pick<Remark, "severity" | "telling" | "honest"> {
  // What our own server saw is true: no house's server is on a customer's line.
  if (atEntry && strong && bank) return { severity: "high", telling: true, honest: undefined }
  return {
    severity: strong && named && (atEntry || pool !== "") ? "medium" : strong ? "low" : "info",
    telling: atEntry,
  }
}

/** The message says itself that it is from the owner of this name: small mail servers of great houses had no reverse names. */
function isFromThere(name: string, { from, returnPath }: Case["fields"]): boolean {
  const domains = [...from.map(({ domain }) => domain), returnPath?.domain ?? ""]
  return houseOf(name) === undefined && domains.some((domain) => domain !== "" && isOneOwner(domain, name))
}

/** helo_self: a client from outside that greets with our own name. */
export function heloSelf({ entry, chain }: Case): readonly Remark[] {
  const helo = entry?.received.source?.helo
  if (entry === undefined || helo === undefined || entry.address?.kind !== "public") return []
  const name = helo.text.toLowerCase().replace(/^\[|\]$/g, "")
  const reverse = entry.received.source?.reverse?.text.toLowerCase()
  const ours = entry.received.host ?? chain.receiver ?? ""
  const reason = selfReason(name, ours)
  if (reason === undefined || (reverse !== undefined && isOneOwner(reverse, ours))) return []
  return [
    {
      check: "helo_self",
      severity: "high",
      hop: entry.number,
      explanation: `A client from outside (${entry.address.text}) greeted ${ours} with ${reason}.`,
      evidence: [helo, entry.received.source?.address],
    },
  ]
}

function selfReason(name: string, ours: string): string | undefined {
  if (isInnerName(ours)) return undefined
  if (name === ours) return "its own name"
  if (name === "localhost" || name === "localhost.localdomain" || name === "127.0.0.1") return `"${name}"`
  return name === organisation(ours) ? "its own domain" : undefined
}

/** ip_sanity: addresses that no host on the Internet can have, where one should have been. */
export function ipSanity({ hops, chain }: Case): readonly Remark[] {
  return hops.flatMap((hop): readonly Remark[] => {
    const { address, received } = hop
    if (address === undefined || (hop.believed && !chain.assumed)) return []
    const told = received.source?.address
    const names = clientNames(received).filter((name) => !name.startsWith("[") && !isInnerName(name))
    const about = { check: "ip_sanity", hop: hop.number, evidence: [told] } as const
    switch (address.kind) {
      case "impossible":
      case "multicast":
      case "reserved":
      case "this network":
        return [
          {
            ...about,
            severity: "high",
            telling: true,
            honest: undefined,
            explanation: never(hop, address.text),
          } as const,
        ]
      case "documentation":
        return [
          {
            ...about,
            severity: "low",
            explanation: `The address ${address.text} of hop ${hop.number} is one for examples in documents only.`,
          } as const,
        ]
      case "loopback":
      case "private":
      case "link-local":
        return inside(hop, names).map(
          (explanation) => ({ ...about, severity: isOwnName(hop) ? "low" : "medium", explanation }) as const,
        )
      case "public":
        return []
    }
  })
}

/** A host's own table names its loopback as it likes: `pps.filterd (m0123456.ppops.net [127.0.0.1])`. */
function isOwnName({ address, received }: Hop): boolean {
  return address?.kind === "loopback" && received.source?.reverse !== undefined
}

function never({ number, address }: Hop, text: string): string {
  const what = {
    impossible: "is no address at all",
    multicast: "is a multicast address: no mail comes from there",
    reserved: "is reserved: no host has it",
    "this network": 'means "this network": no host has it',
  }
  const kind = address?.kind
  const why =
    kind === "impossible" || kind === "multicast" || kind === "reserved" || kind === "this network"
      ? what[kind]
      : ""
  return `Hop ${number} says that it took the message from ${text}, which ${why}.`
}

/** A private address is odd only where one house's host claims to have seen another's there. */
function inside({ received, address, number, submission }: Hop, names: readonly string[]): readonly string[] {
  const host = received.host
  if (host === undefined || submission !== undefined || isInnerName(host) || names.length === 0) return []
  if (names.some((name) => isOneOwner(name, host))) return []
  const [name] = names
  return [
    `Hop ${number} says that ${host} took the message from ${name} at ${address?.text}: ` +
      `an address of ${address?.kind === "loopback" ? "the host itself" : "a private network"}, between two houses.`,
  ]
}
