// SRS, the Sender Rewriting Scheme: mail that is forwarded gets a sender of our domain, so that SPF of the first sender's does not speak
// against us; what comes back to that address finds its way, for a while, and nobody else can make one.
import { createHmac, timingSafeEqual } from "node:crypto"
import { type Mailbox, parseMailbox, printDomain } from "../mail/address.ts"
import { fail, ok, type Result } from "../mail/result.ts"

export type Srs = {
  /** The domain of rewritten senders. */
  readonly domain: string
  readonly secret: string
  /** Days for which an address leads back. */
  readonly days: number
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
const day = 86_400_000
/** Days go round after this many: two letters. */
const round = 1024
const hashLength = 8 // 40 bits, in letters that survive a change of case

/** Whether a local part is one of SRS. */
export function isSrs(localPart: string): boolean {
  return /^SRS[01][=+-]/i.test(localPart)
}

/**
 * The sender in our domain: SRS0=hash=day=host=user@domain. One that another forwarder wrote becomes SRS1=hash=forwarder==…, so
 * that addresses do not grow with every hop.
 */
export function rewriteSender({ localPart, domain }: Mailbox, srs: Srs, now: number): string {
  const host = printDomain(domain)
  if (/^SRS0[=+-]/i.test(localPart)) return second(host, localPart.slice(4), srs)
  const again = /^SRS1[=+-][^=]+=([^=]+)=(.*)$/i.exec(localPart)
  if (again !== null) return second(again[1] ?? "", again[2] ?? "", srs)
  const stamp = printDay(Math.floor(now / day) % round)
  const rest = `${stamp}=${host}=${localPart}`
  return `SRS0=${hashOf(rest, srs.secret)}=${rest}@${srs.domain}`
}

function second(host: string, rest: string, { secret, domain }: Srs): string {
  const inner = `${host}=${rest}`
  return `SRS1=${hashOf(inner, secret)}=${inner}@${domain}`
}

/** The sender behind an address of ours; the error says what is wrong with it. */
export function originalSender(localPart: string, srs: Srs, now: number): Result<Mailbox> {
  const zero = /^SRS0[=+-]([A-Z2-7]+)=([A-Z2-7]{2})=([^=]+)=(.+)$/i.exec(localPart)
  if (zero !== null) {
    const [, hash = "", stamp = "", host = "", user = ""] = zero
    if (!isHash(hash, `${stamp}=${host}=${user}`, srs.secret)) return fail("its hash is not ours")
    const age = (Math.floor(now / day) - readDay(stamp) + 2 * round) % round
    if (age > srs.days) return fail(`it is older than ${srs.days} days`)
    return parseMailbox(`${user}@${host}`)
  }
  const one = /^SRS1[=+-]([A-Z2-7]+)=([^=]+)=([=+-].+)$/i.exec(localPart)
  if (one === null) return fail("it is none of the forms of SRS")
  const [, hash = "", host = "", rest = ""] = one
  if (!isHash(hash, `${host}=${rest}`, srs.secret)) return fail("its hash is not ours")
  const read = parseMailbox(`SRS0${rest}@${host}`)
  return read.ok ? ok(read.value) : read
}

// The way back may change letters from small to capital: they count as the same.
function hashOf(text: string, secret: string): string {
  const octets = createHmac("sha256", secret).update(text.toLowerCase()).digest()
  let out = ""
  for (let n = 0; n < hashLength; n++) out += alphabet[(octets[n] ?? 0) & 31] ?? ""
  return out
}

function isHash(hash: string, text: string, secret: string): boolean {
  const right = Buffer.from(hashOf(text, secret))
  const given = Buffer.from(hash.toUpperCase())
  return right.length === given.length && timingSafeEqual(right, given)
}

function printDay(value: number): string {
  return `${alphabet[value >> 5] ?? ""}${alphabet[value & 31] ?? ""}`
}

function readDay(stamp: string): number {
  const [high = "", low = ""] = stamp.toUpperCase()
  return alphabet.indexOf(high) * 32 + alphabet.indexOf(low)
}
