// What a peer offers in its answer to EHLO or LHLO (RFC 5321 §4.1.1.1). What it does not list is not used.
import type { Reply } from "../mail/reply.ts"

export type PeerOffers = {
  readonly pipelining: boolean
  readonly eightBitMime: boolean
  readonly smtputf8: boolean
  readonly dsn: boolean
  readonly chunking: boolean
  readonly binaryMime: boolean
  /** SIZE with a number (RFC 1870 §3); undefined when there is no limit or none is told. */
  readonly largest: number | undefined
  readonly size: boolean
  readonly startTls: boolean
  /** Mechanisms of AUTH, in capitals (RFC 4954 §3). */
  readonly auth: readonly string[]
  /** REQUIRETLS (RFC 8689). */
  readonly requireTls: boolean
  /** DELIVERBY, with the least seconds that may be left (RFC 2852 §3); undefined when it is not offered. */
  readonly leastDeliverBy: number | undefined
  /** RCPTMAX of LIMITS (RFC 9422): the most recipients of a transaction. */
  readonly mostRecipients: number | undefined
}

/** A peer that answered HELO. */
export const noOffers: PeerOffers = {
  pipelining: false,
  eightBitMime: false,
  smtputf8: false,
  dsn: false,
  chunking: false,
  binaryMime: false,
  largest: undefined,
  size: false,
  startTls: false,
  auth: [],
  requireTls: false,
  leastDeliverBy: undefined,
  mostRecipients: undefined,
}

/** Keywords of the lines after the first, in any case. */
export function readOffers(greeting: Reply): PeerOffers {
  const words = new Map(greeting.text.slice(1).map(keyword))
  return {
    pipelining: words.has("PIPELINING"),
    eightBitMime: words.has("8BITMIME"),
    smtputf8: words.has("SMTPUTF8"),
    dsn: words.has("DSN"),
    chunking: words.has("CHUNKING"),
    binaryMime: words.has("BINARYMIME"),
    size: words.has("SIZE"),
    largest: positive(words.get("SIZE")),
    startTls: words.has("STARTTLS"),
    auth: (words.get("AUTH") ?? "")
      .toUpperCase()
      .split(/\s+/)
      .filter((word) => word !== ""),
    requireTls: words.has("REQUIRETLS"),
    leastDeliverBy: words.has("DELIVERBY") ? (positive(words.get("DELIVERBY")) ?? 0) : undefined,
    mostRecipients: positive(/(?:^|\s)RCPTMAX=(\d{1,6})(?:\s|$)/i.exec(words.get("LIMITS") ?? "")?.[1]),
  }
}

// Old peers write SIZE=1000 and AUTH=LOGIN.
function keyword(line: string): [string, string] {
  const found = /^([A-Za-z0-9][A-Za-z0-9-]*)[ =]?(.*)$/.exec(line.trim())
  return found === null ? ["", ""] : [(found[1] ?? "").toUpperCase(), found[2] ?? ""]
}

function positive(text: string | undefined): number | undefined {
  const value = /^\d{1,15}$/.test(text ?? "") ? Number(text) : 0
  return value > 0 ? value : undefined
}
