// The second factor: codes of an authenticator app (RFC 6238, with SHA-1, 30 seconds and six digits, which all apps know).
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"

const stepSeconds = 30
const digits = 6
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // RFC 4648 §6

/** A new secret of 160 bits, in base 32 as apps want it (RFC 4226 §4, R6). */
export function newSecret(): string {
  return toBase32(randomBytes(20))
}

/** The step that a time in milliseconds falls into (RFC 6238 §4.2). */
export function stepAt(milliseconds: number): number {
  return Math.floor(milliseconds / 1000 / stepSeconds)
}

/** The code of a step (RFC 4226 §5.3). */
export function codeAt(secret: string, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac("sha1", fromBase32(secret)).update(counter).digest()
  const offset = (mac.at(-1) ?? 0) & 0x0f
  const number = (mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** digits
  return String(number).padStart(digits, "0")
}

/**
 * The step whose code this is: the present one or its neighbours (RFC 6238 §5.2), later than `after`, for no code is good twice.
 * Undefined: it is none of them.
 */
export function stepOfCode(
  secret: string,
  code: string,
  { now, after }: { readonly now: number; readonly after: number },
): number | undefined {
  const given = Buffer.from(code.replaceAll(" ", ""))
  const present = stepAt(now)
  for (const step of [present, present - 1, present + 1]) {
    const wanted = Buffer.from(codeAt(secret, step))
    if (step > after && given.length === wanted.length && timingSafeEqual(given, wanted)) return step
  }
  return undefined
}

/** What an app reads from a QR code. */
export function secretUrl(secret: string, user: string, host: string): string {
  const label = encodeURIComponent(`Waypost ${host}:${user}`)
  return `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(`Waypost ${host}`)}`
}

function toBase32(octets: Buffer): string {
  let bits = ""
  for (const octet of octets) bits += octet.toString(2).padStart(8, "0")
  return bits.replace(/.{1,5}/g, (five) => alphabet[Number.parseInt(five.padEnd(5, "0"), 2)] ?? "")
}

function fromBase32(text: string): Buffer {
  let bits = ""
  for (const letter of text) bits += Math.max(0, alphabet.indexOf(letter)).toString(2).padStart(5, "0")
  const octets = bits.match(/.{8}/g) ?? []
  return Buffer.from(octets.map((eight) => Number.parseInt(eight, 2)))
}
