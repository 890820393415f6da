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
  /** What is no policy in it, so that it asks for none; in words. */
  readonly wrong: string | undefined
}

/** Whether a TXT record means to be one: v= stands first, and exactly so. */
export function isDmarc(text: string): boolean {
  return /^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/.test(text)
}

/**
 * Reads a record. Tags that are unknown or wrong are passed over (RFC 9989 §4.7), but for those of the policy: where p= is missing,
 * or one of p=, sp= and np= is no policy, the record is p=none if it has an address for reports, and else none (§4.10.1).
 */
export function parseDmarc(text: string): Result<DmarcRecord> {
  const tags = tagsOf(text)
  const rua = addressesIn(tags)
  const wrong = wrongPolicy(tags)
  if (wrong !== undefined && rua.length === 0) return fail(wrong)
  const said = (name: string) => (wrong === undefined ? wish(tags.get(name)) : undefined)
  const p = said("p") ?? "none"
  const sp = said("sp") ?? p
  const psd = tags.get("psd")?.toLowerCase()
  return ok({
    text,
    p,
    sp,
    np: said("np") ?? sp,
    adkim: strictness(tags.get("adkim")),
    aspf: strictness(tags.get("aspf")),
    psd: psd === "y" || psd === "n" ? psd : "u",
    testing: tags.get("t")?.toLowerCase() === "y",
    percent: percentOf(tags.get("pct")),
    rua,
    wrong,
  })
}

function wrongPolicy(tags: ReadonlyMap<string, string>): string | undefined {
  if (!tags.has("p")) return "it has no p="
  const name = ["p", "sp", "np"].find((one) => tags.has(one) && wish(tags.get(one)) === undefined)
  return name === undefined ? undefined : `${name}=${tags.get(name)} is none, quarantine or reject`
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
