// The chain of hops of a message: who wrote each, what it claims, and whether it can be believed. What the receiver and the hosts
// before it wrote down is evidence; everything below that line is what the sender liked to write.
import { type Field, type Header, isNamed } from "../message/header.ts"
import { type Received, readReceived } from "../message/received-read.ts"
import { type IdReading, readId } from "./id-clocks.ts"
import { type AddressKind, isInside, kindOf } from "./ip-kinds.ts"
import { isInnerName, isOneOwner, organisation } from "./owners.ts"

export type Hop = {
  /** 1 is the topmost field, the newest. */
  readonly number: number
  readonly received: Received
  /** Its own words can be believed: our own host wrote them, or one that we trust. */
  readonly believed: boolean
  /** The hop at which the message came in from outside: what it saw is true, what it was told need not be. */
  readonly boundary: boolean
  /** Milliseconds since 1970 (UTC). */
  readonly at: number | undefined
  /** Milliseconds since the hop below; undefined where either has no time. Negative: backwards. */
  readonly step: number | undefined
  readonly id: IdReading | undefined
  readonly address: { readonly text: string; readonly kind: AddressKind } | undefined
  /** The message entered the mail system here: a user of the host, or a mail program, handed it in. */
  readonly submission: "local user" | "mail program" | undefined
}

export type Trust = {
  /** The host that took the message in from outside. */
  readonly receiver?: string | undefined
  /** Other hosts and domains that are believed: relays of ours, a forwarder. */
  readonly trusted?: readonly string[]
  /** Our own names (class w): the topmost of them that wrote a hop is the receiver. */
  readonly ours?: readonly string[]
  /** Names under which our servers write Authentication-Results, where they are not the hosts' own. */
  readonly authservIds?: readonly string[]
}

export type Chain = {
  readonly hops: readonly Hop[]
  /** The number of the boundary hop; 0 when no hop can be believed. */
  readonly boundary: number
  /** Its name. */
  readonly receiver: string | undefined
  /** Nobody said which host is ours: the topmost field is taken to be our own server's. */
  readonly assumed: boolean
  readonly authservIds: readonly string[]
  /** Received fields beyond the most that are read. */
  readonly unread: number
}

/** Hops that are read, the newest: ten times the loop limit of RFC 5321 §6.3. */
export const mostHops = 1000

/** Reads the chain. `unread` Received fields were left out of the header already. */
export function readChain(header: Header, trust: Trust = {}, unread = 0): Chain {
  const all = header.fields.filter((field) => isNamed(header, field, "received"))
  const received = all.slice(0, mostHops).map((field: Field) => readReceived(header, field))
  const receiver = receiverOf(received, trust)
  const boundary = boundaryOf(received, receiver, trust)
  const times = received.map(({ date }) => date?.at)
  const hops = received.map((one, n): Hop => {
    const at = times[n]
    const below = times[n + 1]
    return {
      number: n + 1,
      received: one,
      believed: n < boundary,
      boundary: n + 1 === boundary,
      at,
      step: at === undefined || below === undefined ? undefined : at - below,
      id: idOf(one),
      address: addressOf(one),
      submission: submissionOf(one),
    }
  })
  const assumed =
    receiver !== undefined && trust.receiver === undefined && !isOneOf(receiver, trust.ours ?? [])
  const authservIds = (trust.authservIds ?? []).map((id) => id.toLowerCase())
  return { hops, boundary, receiver, assumed, authservIds, unread: unread + all.length - received.length }
}

function idOf({ id, maker, date }: Received): IdReading | undefined {
  const word = id?.value.split(" ", 1)[0] ?? ""
  return id === undefined
    ? undefined
    : readId({ maker: maker.name, version: maker.version, id: word, near: date?.at })
}

function addressOf({ source }: Received): Hop["address"] {
  const text = source?.address?.text
  return text === undefined ? undefined : { text, kind: kindOf(text) }
}

/** The receiver: as told, else the topmost host of ours, else whoever wrote the topmost hop. */
function receiverOf(received: readonly Received[], { receiver, ours = [] }: Trust): string | undefined {
  if (receiver !== undefined) return receiver.toLowerCase()
  const own = received.find(({ host }) => host !== undefined && isOneOf(host, ours))
  return own?.host ?? received.find(({ host }) => host !== undefined)?.host
}

/** The hop at which the message came in from outside, by number; 0 when the receiver wrote none. */
function boundaryOf(received: readonly Received[], receiver: string | undefined, trust: Trust): number {
  if (receiver === undefined) return 0
  let last = 0
  const given = trust.receiver !== undefined || isOneOf(receiver, trust.ours ?? [])
  for (const [n, hop] of received.entries()) {
    const known = wroteIt(hop, receiver) || isOneOf(hop.host ?? "", trust.trusted ?? [])
    if (known) last = n + 1
    // Where the receiver is only assumed, inner steps lead on from the top; where it is told, the search goes on until it is found.
    else if (last > 0 && !leadsOn(received[n - 1], trust)) break
    else if (!given && last > 0) last = n + 1
    if (known && !leadsOn(hop, trust)) break
  }
  return last
}

/** `by localhost (mail.example.org [127.0.0.1])` is mail.example.org's too. */
function wroteIt({ host, by }: Received, receiver: string): boolean {
  if (host === receiver) return true
  const first = by?.comments[0]?.text ?? ""
  return host === "localhost" && first.toLowerCase().startsWith(`${receiver} `)
}

/** The message had been inside already when this hop took it: from the host itself, its network, or a host that is trusted. */
function leadsOn(hop: Received | undefined, { trusted = [] }: Trust): boolean {
  if (hop === undefined) return false
  const { source } = hop
  if (source === undefined || source.user !== undefined) return true
  const reverse = source.reverse?.text.toLowerCase()
  if (reverse !== undefined && isOneOf(reverse, trusted)) return true
  if (source.address === undefined) return false
  const kind = kindOf(source.address.text)
  if (kind === "loopback") return true
  // A private address is ours only where nobody of another house claims it.
  const host = hop.host ?? ""
  return (
    isInside(kind) &&
    clientNames(hop).every((name) => name.startsWith("[") || isInnerName(name) || isOneOwner(name, host))
  )
}

/** The host is one of these, or lies in one of these domains. */
export function isOneOf(host: string, names: readonly string[]): boolean {
  const lower = host.toLowerCase()
  return names.some(
    (name) => lower === name.toLowerCase() || lower.endsWith(`.${name.toLowerCase().replace(/^\./, "")}`),
  )
}

function submissionOf(received: Received): Hop["submission"] {
  const { source, by, with: protocol } = received
  const word = protocol?.value.split(" ", 1)[0]?.toLowerCase() ?? ""
  if (source?.user !== undefined || /^local(?:-|$)/.test(word)) return "local user"
  if (by?.comments.some(({ text }) => text.includes("from userid")) === true) return "local user"
  if (/^(?:utf8)?(?:e?smtp|lmtp)s?a$/.test(word) || word === "http" || word === "mapi") return "mail program"
  const helo = source?.helo?.text ?? received.from?.value ?? ""
  return helo.startsWith("[") && isInside(kindOf(helo.replace(/^\[|\]$/g, ""))) ? "mail program" : undefined
}

/** The names that this hop's client is known by, as said and as seen. */
export function clientNames({ source }: Received): readonly string[] {
  return [source?.helo?.text, source?.reverse?.text]
    .filter((name) => name !== undefined)
    .map((name) => name.toLowerCase().replace(/\.$/, ""))
}

/** The owner of the client as the server saw it: of its reverse name, if that name means something. */
export function clientOwner({ source }: Received): string | undefined {
  const reverse = source?.reverse?.text
  return reverse === undefined || isInnerName(reverse) ? undefined : organisation(reverse)
}
