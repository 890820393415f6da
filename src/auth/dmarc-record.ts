// A DMARC record as it is published at _dmarc.DOMAIN (RFC 9989 §4.7): what is asked of receivers, and how exactly names must agree.
import { fail, ok, type Result } from "../mail/result.ts"

export type DmarcWish = "none" | "quarantine" | "reject"

export type DmarcRecord = {
  readonly text: string
  readonly p: DmarcWish
  /** For subdomains, and for names that do not exist; what is not said is like what is said more widely. */
  readonly sp: DmarcWish
  readonly np: DmarcWish
  readonly adkim: "r" | "s"
  readonly aspf: "r" | "s"
  /** y: a public suffix; n: an organizational domain; u: find out by looking up the tree. */
  readonly psd: "y" | "n" | "u"
  /** t=y: one step less than was asked. */
  readonly testing: boolean
  /** pct=: of how much mail the policy was to be applied to (RFC 7489 §6.3). RFC 9989 has no such tag; BIMI asks for it. */
  readonly percent: number
  /** Where aggregate reports are wanted. */
  readonly rua: readonly string[]
}

/** Whether a TXT record means to be one: v= stands first, and exactly so. */
export function isDmarc(text: string): boolean {
  return /^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/.test(text)
}

/** Reads a record. Tags that are unknown or wrong are passed over (RFC 9989 §4.7); without a policy it needs an address for reports. */
export function parseDmarc(text: string): Result<DmarcRecord> {
  const tags = tagsOf(text)
  const rua = addressesIn(tags)
  const named = wish(tags.get("p"))
  if (named === undefined && rua.length === 0) {
    const p = tags.get("p")
    return fail(p === undefined ? "it has no p=" : `p=${p} is none, quarantine or reject`)
  }
  const p = named ?? "none"
  const sp = wish(tags.get("sp")) ?? p
  const psd = tags.get("psd")?.toLowerCase()
  return ok({
    text,
    p,
    sp,
    np: wish(tags.get("np")) ?? sp,
    adkim: strictness(tags.get("adkim")),
    aspf: strictness(tags.get("aspf")),
    psd: psd === "y" || psd === "n" ? psd : "u",
    testing: tags.get("t")?.toLowerCase() === "y",
    percent: percentOf(tags.get("pct")),
    rua,
  })
}

/** Where aggregate reports are wanted, as any record of DMARC says it (RFC 9990 §4 step 9). */
export function ruaOf(text: string): readonly string[] {
  return addressesIn(tagsOf(text))
}

function addressesIn(tags: ReadonlyMap<string, string>): readonly string[] {
  return (tags.get("rua") ?? "")
    .split(",")
    .map((uri) => uri.trim())
    .filter((uri) => /^[a-z][a-z0-9+.-]*:./i.test(uri))
}

function tagsOf(text: string): ReadonlyMap<string, string> {
  const tags = new Map<string, string>()
  for (const spec of text.split(";")) {
    const equals = spec.indexOf("=")
    const name = spec.slice(0, equals).trim().toLowerCase()
    if (equals > 0 && !tags.has(name)) tags.set(name, spec.slice(equals + 1).trim())
  }
  return tags
}

function wish(value: string | undefined): DmarcWish | undefined {
  const word = value?.toLowerCase()
  return word === "none" || word === "quarantine" || word === "reject" ? word : undefined
}

function percentOf(value = ""): number {
  return /^\d{1,2}$/.test(value) ? Number(value) : 100
}

function strictness(value: string | undefined): "r" | "s" {
  return value?.toLowerCase() === "s" ? "s" : "r"
}
