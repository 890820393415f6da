// The Received: field each host puts on top of what passes through it (RFC 5321 §4.4), in sendmail's form. What the client
// called itself is evidence, not truth: it is kept, but cleaned, so that it can never be read as another part of the field.
import { type ForwardPath, printAngled } from "../mail/address.ts"
import type { Arrival, Client } from "../mail/arrival.ts"

export type Trace = {
  readonly arrival: Arrival
  /** Our name. */
  readonly by: string
  readonly id: string
  /** "8.17.1/Waypost 0.1.0". */
  readonly software: string
  /** Named only when it is the only one: others must not learn who else got the message (RFC 5321 §7.2). */
  readonly recipient: ForwardPath | undefined
  /** As it was typed on this host, without a domain: it stands there so. */
  readonly typed?: string | undefined
  /** As printDate gives it. */
  readonly date: string
}

/** The whole field, with CRLF. */
export function writeReceived({ arrival, by, id, software, recipient, typed, date }: Trace): string {
  const keep = arrival.protocol.startsWith("UTF8") ? international : ascii
  const named = typed ?? (recipient === undefined ? undefined : printAngled(recipient))
  const forWhom = named === undefined ? ";\r\n\t" : `\r\n\tfor ${named.replaceAll(keep.hostile, "?")}; `
  const from = fromOf(arrival, keep)
  const how = `${withProtocol(arrival)} id ${id}${tlsClause(arrival)}`
  return `Received: ${from}\r\n\tby ${by} (${software})${how}${forWhom}${date}\r\n`
}

const knownFrom = new WeakMap<Arrival, string>()

/** All messages of a session come from one place. */
function fromOf(arrival: Arrival, keep: Alphabet): string {
  const known = knownFrom.get(arrival)
  if (known !== undefined) return known
  const from = `${source(arrival, keep)}${authenticationClause(arrival)}`
  knownFrom.set(arrival, from)
  return from
}

function withProtocol(arrival: Arrival): string {
  const name = protocolName(arrival)
  return name === undefined ? "" : ` with ${name}`
}

/** No mechanism of ours has a layer of security of its own: that is TLS's. */
function authenticationClause({ authType }: Arrival): string {
  return authType === undefined ? "" : "\r\n\t(authenticated bits=0)"
}

function tlsClause({ tlsFacts: tls }: Arrival): string {
  if (tls === undefined) return ""
  return `\r\n\t(version=${tls.version} cipher=${tls.cipher} bits=${tls.bits} verify=${tls.verify})`
}

/** Characters that may stand in an address and in a name as they are (all others become "?"), and how many of them. */
type Alphabet = { readonly hostile: RegExp; readonly notName: RegExp; readonly longest: number }
const ascii: Alphabet = {
  hostile: /[^\x21-\x7e]/g,
  notName: /[^\x21\x23-\x27\x2a-\x3a\x3d\x3f-\x5b\x5d-\x7e]/g,
  longest: 255, // RFC 1035 §2.3.4
}
const international: Alphabet = {
  hostile: /[^\x21-\x7e\u00a0-\uffff]/g,
  notName: /[^\x21\x23-\x27\x2a-\x3a\x3d\x3f-\x5b\x5d-\x7e\u00a0-\uffff]/g,
  longest: 200, // of up to three octets each: the line stays under the 998 of RFC 5322 §2.1.1
}

function source({ protocol, client, helo, authenticated }: Arrival, keep: Alphabet): string {
  if (client !== undefined) return `from ${nameOf(helo, client, keep)} (${peerOf(client, keep)})`
  if (authenticated !== undefined) return `(from ${cleanName(authenticated, keep)}@localhost)`
  // Reports of our own have no client at all; sendmail writes its own name twice.
  return protocol === "local" ? "from localhost (localhost)" : `from ${cleanName(helo ?? "localhost", keep)}`
}

/** What it called itself; where it said nothing, what we call it. */
function nameOf(helo: string | undefined, client: Client, keep: Alphabet): string {
  return helo === undefined || helo === "" ? (client.name ?? literal(client.address)) : cleanName(helo, keep)
}

function peerOf({ name, address }: Client, keep: Alphabet): string {
  return name === undefined ? literal(address) : `${cleanName(name, keep)} ${literal(address)}`
}

function literal(address: string): string {
  return address.includes(":") ? `[IPv6:${address}]` : `[${address}]`
}

function cleanName(name: string, { notName, longest }: Alphabet): string {
  const short = name.length > longest ? name.slice(0, longest) : name
  return short.replaceAll(notName, "?")
}

/** RFC 3848, RFC 6531 §4.3: ESMTP, and S for TLS, A for AUTH after it; undefined for what came by no protocol. */
export function protocolName({ protocol, tls, authenticated }: Arrival): string | undefined {
  if (protocol === "local") return undefined
  if (protocol === "SMTP") return protocol
  return `${protocol}${tls === undefined ? "" : "S"}${authenticated === undefined ? "" : "A"}`
}
