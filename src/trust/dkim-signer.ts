// Signs a message with DKIM (RFC 6376), with each key it is given: RSA and Ed25519 (RFC 8463) beside each other. Runs in a thread.
import { createHash, createPrivateKey, type KeyObject, sign } from "node:crypto"
import { relaxedField, RelaxedBody, signedFields } from "../auth/dkim-canon.ts"
import { type Header, scanHeader } from "../message/header.ts"
import type { Job, SigningKey } from "./mailauth-requests.ts"

/** Keys are parsed once. */
const keys = new Map<string, KeyObject>()
const mostKeys = 1000

function keyOf({ pem }: SigningKey): KeyObject {
  const known = keys.get(pem)
  if (known !== undefined) return known
  const key = createPrivateKey(pem)
  if (keys.size >= mostKeys) keys.clear()
  keys.set(pem, key)
  return key
}

/** The DKIM-Signature fields, each with CRLF, the first key's on top. */
export async function signMessage(
  octets: AsyncIterable<Buffer>,
  job: Job & { readonly does: "sign" },
): Promise<string> {
  const body = new RelaxedBody()
  const held: Buffer[] = []
  let length = 0
  for await (const piece of octets) {
    const rest = Math.max(0, Math.min(piece.length, job.headerSize - length))
    if (rest > 0) held.push(piece.subarray(0, rest))
    if (rest < piece.length) body.update(piece.subarray(rest))
    length += piece.length
  }
  const header = scanHeader(Buffer.concat(held))
  const digest = body.digest()
  return job.keys.map((key) => fieldOf(header, digest, key, job)).join("")
}

function fieldOf(
  header: Header,
  digest: string,
  key: SigningKey,
  { domain, seconds }: Job & { readonly does: "sign" },
): string {
  const { names, text } = signedFields(header)
  const value = [
    ` v=1; a=${key.algorithm}; c=relaxed/relaxed; d=${domain};`,
    `s=${key.selector}; t=${seconds};`,
    `h=${foldedNames(names)};`,
    `bh=${digest};`,
    "b=",
  ].join("\r\n\t")
  const signed = Buffer.from(text + relaxedField("DKIM-Signature", value), "latin1")
  return `DKIM-Signature:${value}${folded(signatureOf(signed, key).toString("base64"))}\r\n`
}

function signatureOf(signed: Buffer, key: SigningKey): Buffer {
  if (key.algorithm === "rsa-sha256") return sign("sha256", signed, keyOf(key))
  return sign(null, createHash("sha256").update(signed).digest(), keyOf(key)) // RFC 8463 §3
}

/** White space is nothing in base64 (RFC 6376 §3.5). */
function folded(text: string): string {
  return (text.match(/.{1,70}/g) ?? []).join("\r\n\t ")
}

function foldedNames(names: readonly string[]): string {
  const lines: string[] = []
  for (const name of names) {
    const last = lines.at(-1)
    if (last === undefined || last.length + name.length > 70) lines.push(name)
    else lines[lines.length - 1] = `${last}:${name}`
  }
  return lines.join(":\r\n\t ")
}
