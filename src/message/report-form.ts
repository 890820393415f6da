// What a delivery report says, as a value, and the small forms its two parts (for people, for programs) have in common.
import type { DeliveryStatus } from "../mail/status.ts"

/** One recipient of the original, and what is told of it. Addresses are printed, without brackets. */
export type Reported = {
  /** As the sender gave it. */
  readonly address: string
  /** Where aliases led it, when that is another address. */
  readonly actual: string | undefined
  readonly status: DeliveryStatus
  /** For one that still waits: until when, milliseconds since 1970. */
  readonly retryUntil: number | undefined
}

export type ReportKind = "failed" | "delayed" | "succeeded"

export type Report = {
  readonly kind: ReportKind
  /** The report's own queue id. */
  readonly id: string
  /** Who reports: the host, and the address in From:. */
  readonly host: string
  readonly author: string
  readonly now: number
  /** ErrorHeader: the site's own words, before all others. */
  readonly preface?: readonly string[] | undefined
  /** Whom the report goes to, for its To: fields. */
  readonly to: readonly string[]
  /** It goes to the postmaster because nobody else can be told. */
  readonly postmasterOnly: boolean
  readonly original: {
    readonly id: string
    readonly arrivedAt: number
    /** The reverse-path with brackets. */
    readonly returnPath: string
    /** "client.example.net [192.0.2.7]". */
    readonly from: string
    /** The host that handed it over; undefined for local submissions. */
    readonly fromHost: string | undefined
    readonly envid: string | undefined
    readonly subject: string
    readonly messageId: string
  }
  readonly recipients: readonly Reported[]
  readonly returned: "full" | "headers"
  /** The original may hold octets above 127. */
  readonly eightBit: boolean
  /** The original's envelope was international (RFC 6531). */
  readonly international: boolean
}

/** "mx1.example.org" of "mx1.example.org [192.0.2.7]"; undefined when a program or nobody spoke. */
export function remoteHost({ remote }: DeliveryStatus): string | undefined {
  const host = remote?.split(" ", 1)[0]?.replace(/\.$/, "")
  return host !== undefined && /^[A-Za-z0-9[][A-Za-z0-9.:_\]-]*$/.test(host) ? host : undefined
}

/** The longest text in a line, far enough below the 998 octets of RFC 5322 §2.1.1. */
const longest = 800

/** One line, without what would end it or is not text. */
export function line(text: string, international: boolean): string {
  const clean = text.replaceAll(international ? /[\u0000-\u001f\u007f-\u009f]/g : /[^\x20-\x7e]/g, "?")
  if (Buffer.byteLength(clean) <= longest) return clean
  return `${Buffer.from(clean)
    .subarray(0, longest - 3)
    .toString("utf8")
    .replace(/\ufffd$/, "")}...`
}

/** "4 hours", "1 day", "90 seconds": sendmail's pintvl, of the largest unit that is not below two. */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const units = [
    [86_400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ] as const
  for (const [size, name] of units) {
    const n = Math.floor(seconds / size)
    if (n >= 2 || (n === 1 && seconds === size)) return `${n} ${name}${n === 1 ? "" : "s"}`
  }
  return `${seconds} second${seconds === 1 ? "" : "s"}`
}
