// One plain signature of DKIM or ARC over header and body, which are of one form (RFC 6376 §3.5, RFC 8617 §4.1.2): good, or not to be
// judged here.
import { hash, verify } from "node:crypto"
import type { RelaxedFields } from "../auth/signed-octets.ts"
import { base64Of, type Tags } from "../auth/tag-list.ts"
import type { Field } from "../message/header.ts"
import type { TxtAnswer } from "./mailauth-requests.ts"
import { type PlainKey, plainKey } from "./quick-keys.ts"

export type QuickWorld = {
  /** The record of a key. */
  readonly ask: (name: string) => Promise<TxtAnswer>
  /** Seconds since 1970. */
  readonly now: number
}

/** What there is to look at. */
export type QuickMessage = {
  readonly fields: RelaxedFields
  /** bh= of the body, "relaxed" or "simple" (RFC 6376 §3.4.3, §3.4.4), each found once. */
  readonly bodyHash: (canon: BodyCanon) => string
}

export type BodyCanon = "relaxed" | "simple"

const domainName = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62})+$/
const selectorName = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9][A-Za-z0-9_-]{0,62})*$/
/** A seal is not covered (RFC 8617 §4.1.2); whether a message signature covers itself is a question of how one reads. */
const unclear: ReadonlySet<string> = new Set(["arc-seal", "arc-message-signature"])
const fieldName = /^[\x21-\x39\x3b-\x7e]+$/

/** The signature of a field over header and body; the first letters of b= when it is good. DKIM's and ARC's are of one form. */
export async function provenBy(
  field: Field,
  tags: Tags,
  { fields, bodyHash }: QuickMessage,
  world: QuickWorld,
): Promise<string | undefined> {
  const body = /^relaxed\/(relaxed|simple)$/.exec(tags.get("c") ?? "")?.[1]
  if (body !== "relaxed" && body !== "simple") return undefined
  const names = signedNames(tags.get("h") ?? "")
  if (names === undefined) return undefined
  // Whether a signature covers itself is a question of how one reads.
  if (fields.named("dkim-signature").includes(field) && names.includes("dkim-signature")) return undefined
  if (!/^(?:dns\/txt)?$/.test(tags.get("q") ?? "")) return undefined
  if (base64Of(tags.get("bh") ?? "") !== bodyHash(body)) return undefined
  return await signedBy(() => fields.covered(names, field), tags, world)
}

/** Names by what stands in h=, which is the same in many letters of a sender; undefined: it is not plain. */
const namesBefore = new Map<string, readonly string[] | undefined>()
const mostNames = 1000
const longestKept = 1000

function signedNames(text: string): readonly string[] | undefined {
  if (namesBefore.has(text)) return namesBefore.get(text)
  const names = text.split(":").map((name) => name.replaceAll(/[ \t\r\n]/g, "").toLowerCase())
  const plain = names.includes("from") && names.every((name) => fieldName.test(name) && !unclear.has(name))
  const found = plain ? names : undefined
  if (namesBefore.size >= mostNames) namesBefore.clear()
  if (text.length <= longestKept) namesBefore.set(text, found)
  return found
}

/** The first letters of b= when it signs these octets with the key that d= and s= name. */
export async function signedBy(
  octets: () => Buffer,
  tags: Tags,
  { ask }: QuickWorld,
): Promise<string | undefined> {
  const [domain, selector] = [tags.get("d") ?? "", tags.get("s") ?? ""]
  const signature = base64Of(tags.get("b") ?? "")
  if (signature === undefined || !domainName.test(domain) || !selectorName.test(selector)) return undefined
  const answer = await ask(`${selector}._domainkey.${domain}`)
  if (answer.found !== "records" || answer.records.length !== 1) return undefined
  const key = plainKey(answer.records[0] ?? "")
  if (key === undefined || tags.get("a") !== `${key.kind}-sha256`) return undefined
  return (await proves(octets(), Buffer.from(signature, "base64"), key)) ? signature.slice(0, 8) : undefined
}

/** What takes long is done by Node's own threads. */
function proves(
  octets: Buffer,
  signature: Buffer,
  { kind, key, quick }: PlainKey,
): boolean | Promise<boolean> {
  const [algorithm, signed] = kind === "rsa" ? ["sha256", octets] : [null, hash("sha256", octets, "buffer")] // RFC 8463 §3: it signs the hash
  if (quick) return verify(algorithm, signed, key, signature)
  return new Promise((resolve, reject) => {
    verify(algorithm, signed, key, signature, (error, good) =>
      error === null ? resolve(good) : reject(error),
    )
  })
}
