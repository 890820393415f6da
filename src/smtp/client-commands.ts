// MAIL and RCPT as a client says them, with just the parameters that the peer offers; and what cannot be said to it at all.
import { printAngled } from "../mail/address.ts"
import type { Envelope, Recipient } from "../mail/envelope.ts"
import { type Fate, impossible } from "./client-fate.ts"
import type { PeerOffers } from "./client-offers.ts"

/** One transaction's worth of work: a message and the recipients it is to be given to. */
export type Work = {
  readonly envelope: Omit<Envelope, "recipients">
  readonly recipients: readonly Recipient[]
  /** The forward-paths to say where they are not the recipients' own, without brackets, in the same order. */
  readonly addresses?: readonly string[] | undefined
  /** Octets of the message. */
  readonly size: number
  /** True when the header has octets above 127 and the sender asked for SMTPUTF8 (RFC 6532). */
  readonly utf8Header: boolean
  /** AUTH= is said to this peer, where it offers AUTH (RFC 4954 §5). */
  readonly submitter?: string | undefined
  /** Seconds left of the envelope's BY, below 0 when its time is over; absent when it has none. */
  readonly secondsLeft?: number | undefined
}

const beyondAscii = /[^\x00-\x7f]/
// Nothing that would end a command may be part of one, wherever the address came from.
const unspeakable = /[\x00-\x1f\x7f]/

/** The n-th forward-path with its brackets. */
export function forwardPath(work: Work, n: number): string {
  const address = work.addresses?.[n]
  if (address !== undefined) return `<${address}>`
  const recipient = work.recipients[n]
  return recipient === undefined ? "<>" : printAngled(recipient.path)
}

/** MAIL with SIZE, BODY, SMTPUTF8, BY, AUTH, RET and ENVID; `From:` and `To:` are written as sendmail's client does. */
export function mailCommand(work: Work, offers: PeerOffers): string {
  const { envelope } = work
  let command = `MAIL From:${printAngled(envelope.reversePath)}`
  if (offers.size) command += ` SIZE=${work.size}` // RFC 1870 §5
  // A message of 8-bit octets goes as it is to a peer without 8BITMIME, as sendmail's EightBitMode=pass8 does.
  if (envelope.body === "8bitmime" && offers.eightBitMime) command += " BODY=8BITMIME" // RFC 6152 §3
  if (envelope.body === "binarymime") command += " BODY=BINARYMIME" // RFC 3030 §3
  if (offers.smtputf8 && needsUtf8(work)) command += " SMTPUTF8" // RFC 6531 §3.4
  if (envelope.requireTls === true) command += " REQUIRETLS" // RFC 8689 §4.2.1
  if (offers.leastDeliverBy !== undefined) command += byParameter(work)
  if (work.submitter !== undefined && offers.auth.length > 0) command += ` AUTH=${xtext(work.submitter)}` // RFC 4954 §5
  if (!offers.dsn) return command
  if (envelope.envid !== undefined) command += ` ENVID=${xtext(envelope.envid)}` // RFC 3461 §4.4
  return envelope.ret === undefined ? command : `${command} RET=${envelope.ret === "full" ? "FULL" : "HDRS"}` // §4.3
}

// RFC 2852 §4: what is left of the time, for the next host to go on counting.
function byParameter({ envelope: { deliverBy }, secondsLeft }: Work): string {
  if (deliverBy === undefined || secondsLeft === undefined) return ""
  return ` BY=${secondsLeft};${deliverBy.mode === "return" ? "R" : "N"}${deliverBy.trace ? "T" : ""}`
}

/** RCPT with NOTIFY and ORCPT. */
export function rcptCommand(work: Work, n: number, offers: PeerOffers): string {
  const command = `RCPT To:${forwardPath(work, n)}`
  const recipient = work.recipients[n]
  return offers.dsn && recipient !== undefined ? command + dsnParameters(recipient, offers) : command
}

function dsnParameters({ notify, original }: Recipient, offers: PeerOffers): string {
  const asked = notify.length === 0 ? "" : ` NOTIFY=${notify.join(",").toUpperCase()}` // RFC 3461 §4.1
  if (original === undefined) return asked
  const end = original.indexOf(";")
  const type = original.slice(0, end)
  if (end <= 0 || !/^[A-Za-z0-9-]+$/.test(type)) return asked
  const address = original.slice(end + 1)
  if (type.toLowerCase() === "utf-8") return `${asked} ORCPT=${type};${utf8Xtext(address, offers)}`
  return beyondAscii.test(address) ? asked : `${asked} ORCPT=${type};${xtext(address)}` // §4.2
}

/** RFC 3461 §4: all but printable ASCII, and `+` and `=`, as +XX. */
export function xtext(text: string): string {
  if (/^[!-*,-<>-~]*$/.test(text)) return text
  let out = ""
  for (const octet of Buffer.from(text, "utf8")) {
    const plain = octet > 0x20 && octet < 0x7f && octet !== 0x2b && octet !== 0x3d
    out += plain ? String.fromCharCode(octet) : `+${octet.toString(16).toUpperCase().padStart(2, "0")}`
  }
  return out
}

/** RFC 6533 §3: utf-8-addr-unitext to a peer with SMTPUTF8, else utf-8-addr-xtext. */
function utf8Xtext(address: string, offers: PeerOffers): string {
  return address.replaceAll(offers.smtputf8 ? /[\x00-\x20\x7f+=\\]/gu : /[^!-~]|[+=\\]/gu, hexpoint)
}

function hexpoint(char: string): string {
  return `\\x{${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, "0")}}`
}

/** Whether the peer must know SMTPUTF8 to be told this message's sender or header. */
function needsUtf8(work: Work): boolean {
  return (
    work.utf8Header ||
    beyondAscii.test(printAngled(work.envelope.reversePath)) ||
    work.recipients.some((_, n) => beyondAscii.test(forwardPath(work, n)))
  )
}

/** Why this message cannot be given to this peer, whoever the recipient; undefined when it can. */
export function unfit(work: Work, offers: PeerOffers, trusted = false): Fate | undefined {
  // RFC 8689 §4.2.1: encrypted, to a host whose certificate is its own, which keeps it so.
  if (work.envelope.requireTls === true && !(trusted && offers.requireTls)) {
    const what = trusted ? "does not offer REQUIRETLS" : "is not known by a certificate of its own"
    return impossible("5.7.30", `REQUIRETLS support required, and the peer ${what}`)
  }
  if (offers.largest !== undefined && work.size > offers.largest) {
    return impossible("5.3.4", `Message is too large; ${offers.largest} bytes max`) // RFC 1870 §6.2
  }
  if (work.envelope.body === "binarymime" && !(offers.chunking && offers.binaryMime)) {
    return impossible("5.6.3", "The message is BINARYMIME and the peer does not offer it") // RFC 3030 §3
  }
  const late = tooLate(work, offers)
  if (late !== undefined) return late
  const sender = printAngled(work.envelope.reversePath)
  if (unspeakable.test(sender)) {
    return impossible("5.1.7", "The sender's address has control characters")
  }
  if (offers.smtputf8) return undefined
  if (beyondAscii.test(sender)) {
    return impossible("5.6.7", "The sender's address is not ASCII and the peer does not offer SMTPUTF8")
  }
  if (work.utf8Header) {
    return impossible("5.6.9", "The header is UTF-8 and the peer does not offer SMTPUTF8") // RFC 6531 §3.5
  }
  return undefined
}

/** A message that is to come back when it is late goes to no host that would not keep the time. */
function tooLate({ envelope, secondsLeft = 0 }: Work, { leastDeliverBy }: PeerOffers): Fate | undefined {
  if (envelope.deliverBy?.mode !== "return") return undefined
  if (secondsLeft <= 0) return impossible("5.4.7", "Delivery time expired")
  if (leastDeliverBy === undefined) {
    return impossible("5.3.3", "The message must arrive in time and the peer does not offer DELIVERBY")
  }
  return secondsLeft < leastDeliverBy
    ? impossible("5.4.7", `The peer wants ${leastDeliverBy} s to deliver and ${secondsLeft} s are left`)
    : undefined
}

/** Why this recipient cannot be said to this peer; undefined when it can. */
export function unspoken(work: Work, n: number, offers: PeerOffers): Fate | undefined {
  const path = forwardPath(work, n)
  if (unspeakable.test(path)) return impossible("5.1.3", "The address has control characters")
  if (offers.smtputf8 || !beyondAscii.test(path)) return undefined
  return impossible("5.6.7", "The address is not ASCII and the peer does not offer SMTPUTF8") // RFC 6531 §3.5
}
