// A quick look at a message whose signatures are all plain and all good, which is most mail that is signed: one pass over the header, one
// over the body. It never says anything but "pass"; whatever is odd, fails or is not known is mailauth's to judge, with its words.
import { relaxedBodyHash, simpleBodyHash } from "../auth/dkim-canon.ts"
import { RelaxedFields } from "../auth/signed-octets.ts"
import { parseTags, type Tags } from "../auth/tag-list.ts"
import type { Chain, Signature } from "../auth/verification.ts"
import type { Field, Header } from "../message/header.ts"
import { noChain, quickChain } from "./quick-arc.ts"
import { type BodyCanon, provenBy, type QuickMessage, type QuickWorld } from "./quick-signature.ts"

export type QuickFound = { readonly signatures: readonly Signature[]; readonly chain: Chain }

export type QuickWants = { readonly dkim: boolean; readonly arc: boolean }

/** What was found, when all of it is good; undefined: mailauth has to look. */
export async function quickVerify(
  header: Header,
  body: Buffer,
  wants: QuickWants,
  world: QuickWorld,
): Promise<QuickFound | undefined> {
  const { bytes, ends, end, bodyStart } = header
  if (ends !== "blank line" || bodyStart - end !== 2 || bytes[0] === 0x3e) return undefined
  const [first] = header.fields
  if (first === undefined || first.start !== 0) return undefined // an envelope line of an mbox comes first
  const message = { fields: new RelaxedFields(header), bodyHash: hashesOf(body) }
  if (!message.fields.haveWholeLineEnds()) return undefined
  if (message.fields.named("from").length !== 1) return undefined
  const signed = wants.dkim ? message.fields.named("dkim-signature") : []
  const [chain, ...found] = await Promise.all([
    wants.arc ? quickChain(message, world) : noChain,
    ...signed.map((field) => goodSignature(field, message, world)),
  ])
  const signatures = found.filter((one) => one !== undefined)
  return chain === undefined || signatures.length < signed.length ? undefined : { signatures, chain }
}

function hashesOf(body: Buffer): QuickMessage["bodyHash"] {
  const known = new Map<BodyCanon, string>()
  return (canon) => {
    const before = known.get(canon)
    if (before !== undefined) return before
    const made = canon === "relaxed" ? relaxedBodyHash(body) : simpleBodyHash(body)
    known.set(canon, made)
    return made
  }
}

async function goodSignature(
  field: Field,
  message: QuickMessage,
  world: QuickWorld,
): Promise<Signature | undefined> {
  const tags = parseTags(message.fields.value(field))
  if (!tags.ok) return undefined
  const value = (name: string) => tags.value.get(name)
  // l=: part of the body is anybody's.
  if (value("v") !== "1" || tags.value.has("l") || !inTime(tags.value, world.now)) return undefined
  const identity = value("i") ?? `@${value("d")}`
  if (!speaksFor(identity, value("d") ?? "")) return undefined
  const mark = await provenBy(field, tags.value, message, world)
  if (mark === undefined) return undefined
  return {
    result: "pass",
    why: undefined,
    domain: (value("d") ?? "").toLowerCase(),
    selector: (value("s") ?? "").toLowerCase(),
    identity,
    algorithm: value("a") ?? "",
    mark,
  }
}

/** t= and x= (RFC 6376 §3.5): made in the past, and not yet over. */
function inTime(tags: Tags, now: number): boolean {
  const [made, ends] = [tags.get("t"), tags.get("x")]
  if ([made, ends].some((time) => time !== undefined && !/^\d{1,12}$/.test(time))) return false
  return ends === undefined || (Number(ends) > now && Number(ends) > Number(made ?? 0))
}

/** i= is of d= or of a domain below it. */
function speaksFor(identity: string, domain: string): boolean {
  const found = /^[A-Za-z0-9._+-]*@([A-Za-z0-9.-]+)$/.exec(identity)
  const of = found?.[1]?.toLowerCase()
  const own = domain.toLowerCase()
  return of !== undefined && !/^\.|\.\.|^[^@]*\.@/.test(identity) && (of === own || of.endsWith(`.${own}`))
}
