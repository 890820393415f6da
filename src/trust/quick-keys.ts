// Public keys of plain records (RFC 6376 §3.6.1, RFC 8463 §4), read once. What is not plain (flags, services, hashes, an old syntax) is
// left to mailauth.
import { createPublicKey, type KeyObject } from "node:crypto"
import { base64Of, parseTags } from "../auth/tag-list.ts"

export type PlainKey = {
  readonly kind: "rsa" | "ed25519"
  readonly key: KeyObject
  /** A check takes some hundredths of a millisecond, no more than to hand it to another thread. */
  readonly quick: boolean
}

/** RFC 8301 §3.2: shorter RSA keys prove nothing. */
export const fewestBits = 1024
/** Larger keys, and exponents that somebody chose to keep us busy, take milliseconds: they are for the threads. */
const mostBits = 4096
const quickBits = 2048
const largestExponent = 2n ** 32n

/** By the record's text. */
const readBefore = new Map<string, PlainKey | "not plain">()
const mostRead = 2000

/** The key of a record; undefined: it is not plain. */
export function plainKey(record: string): PlainKey | undefined {
  const before = readBefore.get(record)
  if (before !== undefined) return before === "not plain" ? undefined : before
  const key = read(record)
  if (readBefore.size >= mostRead) readBefore.clear()
  readBefore.set(record, key ?? "not plain")
  return key
}

function read(record: string): PlainKey | undefined {
  const tags = parseTags(record)
  if (!tags.ok || !/^v[ \t]*=[ \t]*DKIM1[ \t]*;/.test(record)) return undefined
  if ([...tags.value.keys()].some((name) => name !== "v" && name !== "k" && name !== "p")) return undefined
  const kind = tags.value.get("k") ?? "rsa"
  const text = base64Of(tags.value.get("p") ?? "")
  if ((kind !== "rsa" && kind !== "ed25519") || text === undefined) return undefined
  const octets = Buffer.from(text, "base64")
  if (kind === "ed25519" && octets.length !== 32) return undefined
  const der = kind === "rsa" ? octets : Buffer.concat([ed25519Head, octets])
  try {
    const key = createPublicKey({ key: der, format: "der", type: "spki" })
    if (key.asymmetricKeyType !== kind) return undefined
    const { modulusLength: bits = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
    const odd = bits < fewestBits || bits > mostBits || publicExponent > largestExponent
    return kind === "rsa" && odd ? undefined : { kind, key, quick: kind === "rsa" && bits <= quickBits }
  } catch {
    return undefined // mailauth says what is wrong with it
  }
}

/** SubjectPublicKeyInfo of an Ed25519 key, before its 32 octets (RFC 8410 §4). */
const ed25519Head = Buffer.from("302a300506032b6570032100", "hex")
