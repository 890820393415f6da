// The quick look at a chain of ARC (RFC 8617 §5.2): plain in all its fields, the newest message signature good, and every seal. As
// quick-verify.ts, it never says anything but "pass", or that there is none.
import type { RelaxedFields } from "../auth/signed-octets.ts"
import { parseTags, type Tags } from "../auth/tag-list.ts"
import type { Chain } from "../auth/verification.ts"
import type { Field } from "../message/header.ts"
import { provenBy, signedBy, type QuickMessage, type QuickWorld } from "./quick-signature.ts"

type Signed = { readonly field: Field; readonly tags: Tags }
type ArcSet = { readonly results: Field; readonly signature: Signed; readonly seal: Signed }

/** No chain at all. */
export const noChain: Chain = {
  result: "none",
  why: undefined,
  sets: 0,
  sealer: undefined,
  dmarc: undefined,
}

/** RFC 8617 §4.2.1 */
const mostSets = 50

/** The chain, when it is good or there is none; undefined: mailauth has to look. */
export async function quickChain(message: QuickMessage, world: QuickWorld): Promise<Chain | undefined> {
  const { fields } = message
  const seals = fields.named("arc-seal")
  const signatures = fields.named("arc-message-signature")
  const results = fields.named("arc-authentication-results")
  if (seals.length + signatures.length + results.length === 0) return noChain
  const sets = setsOf(seals, signatures, results, fields)
  const newest = sets?.at(-1)
  if (sets === undefined || newest === undefined) return undefined
  const dmarc = dmarcIn(fields.value(newest.results))
  if (dmarc === "unclear") return undefined
  const proven = await Promise.all([
    provenBy(newest.signature.field, newest.signature.tags, message, world),
    // RFC 8617 §5.2 step 6: every seal.
    ...sets.map(({ seal }, n) =>
      signedBy(() => sealedOctets(sets.slice(0, n + 1), fields), seal.tags, world),
    ),
  ])
  if (proven.includes(undefined)) return undefined
  const sealer = (newest.seal.tags.get("d") ?? "").toLowerCase()
  return { result: "pass", why: undefined, sets: sets.length, sealer, dmarc }
}

/** Three fields for each instance from 1 on, each once, plain in all its tags (RFC 8617 §5.2 step 3). */
function setsOf(
  seals: readonly Field[],
  signatures: readonly Field[],
  results: readonly Field[],
  fields: RelaxedFields,
): readonly ArcSet[] | undefined {
  const count = seals.length
  if (count > mostSets || signatures.length !== count || results.length !== count) return undefined
  const byInstance = new Map<number, { results?: Field; signature?: Signed; seal?: Signed }>()
  const place = (instance: number) => {
    const before = byInstance.get(instance) ?? {}
    byInstance.set(instance, before)
    return before
  }
  for (const field of results) place(instanceIn(fields.value(field))).results = field
  for (const [kind, list] of [
    ["signature", signatures],
    ["seal", seals],
  ] as const) {
    for (const field of list) {
      const tags = parseTags(fields.value(field))
      if (!tags.ok || !isPlain(kind, tags.value)) return undefined
      place(instanceOf(tags.value.get("i") ?? ""))[kind] = { field, tags: tags.value }
    }
  }
  return inOrder(count, byInstance)
}

function inOrder(
  count: number,
  byInstance: ReadonlyMap<number, { results?: Field; signature?: Signed; seal?: Signed }>,
): readonly ArcSet[] | undefined {
  const sets: ArcSet[] = []
  for (let n = 1; n <= count; n++) {
    const { results, signature, seal } = byInstance.get(n) ?? {}
    if (results === undefined || signature === undefined || seal === undefined) return undefined
    if (seal.tags.get("cv") !== (n === 1 ? "none" : "pass")) return undefined
    sets.push({ results, signature, seal })
  }
  return sets
}

/** Tags that ask for more thought; unknown ones are nothing (RFC 6376 §3.2). */
const oddTags: Readonly<Record<"signature" | "seal", readonly string[]>> = {
  signature: ["l", "v", "x"],
  seal: ["h", "l", "v", "x"],
}

function isPlain(kind: "signature" | "seal", tags: Tags): boolean {
  const time = tags.get("t")
  return !oddTags[kind].some((name) => tags.has(name)) && (time === undefined || /^\d{1,12}$/.test(time))
}

/** 0: it is none. */
function instanceOf(text: string): number {
  return /^[1-9]\d?$/.test(text) ? Number(text) : 0
}

/** `i=1;` at the very beginning of ARC-Authentication-Results (RFC 8617 §4.1.1). */
function instanceIn(value: string): number {
  return instanceOf(/^[ \t\r\n]*i=(\d{1,2})[ \t\r\n]*;/.exec(value)?.[1] ?? "")
}

/** RFC 8617 §5.1.1: the sets in their order, the newest seal without what its b= says. */
function sealedOctets(sets: readonly ArcSet[], fields: RelaxedFields): Buffer {
  let text = ""
  for (const [n, { results, signature, seal }] of sets.entries()) {
    text += `${fields.text(results)}\r\n${fields.text(signature.field)}\r\n`
    text += n === sets.length - 1 ? fields.withoutSignature(seal.field) : `${fields.text(seal.field)}\r\n`
  }
  return Buffer.from(text, "latin1")
}

/** What was found of DMARC; nothing, where comments or quotes make it a question of how one reads. */
function dmarcIn(value: string): string | "unclear" | undefined {
  const found = value.match(/dmarc/gi) ?? []
  if (found.length === 0) return undefined
  const plain = /(?:^|;)[ \t\r\n]*dmarc=([a-z]+)(?=[ \t\r\n;]|$)/.exec(value)?.[1]
  if (found.length > 1 || plain === undefined || /["\\]/.test(value)) return "unclear"
  const before = value.slice(0, value.indexOf("dmarc"))
  const [opened, closed] = [before.split("(").length, before.split(")").length]
  return opened === closed ? plain : "unclear"
}
