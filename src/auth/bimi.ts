// BIMI (draft-brand-indicators-for-message-identification-10): which indicator a domain wants to be shown beside mail that DMARC
// vouches for. Its record in DNS is found and read; the indicator and the evidence for it are got by nobody here.
import { because, type Reason } from "../mail/decision.ts"
import type { AskTxt } from "./alignment.ts"
import { type BimiRecord, isBimi, localPartSelector, parseBimi } from "./bimi-record.ts"
import type { DmarcVerdict } from "./dmarc.ts"
import type { DmarcRecord } from "./dmarc-record.ts"
import { isDomain } from "./spf.ts"

/** §7.7. */
export type BimiResult = "pass" | "none" | "fail" | "temperror" | "declined" | "skipped"

/** Where a record stands: SELECTOR._bimi.DOMAIN. */
export type BimiPlace = { readonly selector: string; readonly domain: string }

export type BimiVerdict = {
  readonly result: BimiResult
  /** Where the record stands that was judged, and the record where it is well formed. */
  readonly at: BimiPlace | undefined
  readonly record: BimiRecord | undefined
  /** One sentence. */
  readonly why: string
  readonly trail: readonly Reason[]
}

/** The selector where a letter names none. */
export const defaultSelector = "default"

/**
 * Why a domain's DMARC is too weak for an indicator (§7.1 steps 7 to 9); undefined: it is enforced. The draft speaks of the record of
 * the domain and of that of its organization. It does not know t=y, with which RFC 9989 §4.7 took the place of pct=: who is
 * testing does not enforce yet.
 */
export function whyNotEnforced({ domain, organization, wish, ...found }: DmarcVerdict): string | undefined {
  const { at, record, organizational } = found
  if (record === undefined) return `${domain} has no DMARC record`
  const weak = weakness(at, record) ?? (organizational && weakness(organization, organizational))
  return weak ?? (wish === "none" ? `DMARC of ${at ?? ""} asks for nothing for ${domain}` : undefined)
}

function weakness(at = "", { p, sp, percent, testing }: DmarcRecord): string | undefined {
  const asks = (what: string) => `DMARC of ${at} is not enforced: ${what}`
  if (p === "none") return asks("p=none")
  if (sp === "none") return asks("sp=none")
  if (testing) return asks("t=y")
  return p === "quarantine" && percent < 100 ? asks(`pct=${percent}`) : undefined
}

export type BimiQuestion = {
  /** The author's domain, and that of his organization. */
  readonly domain: string
  readonly organization: string
  /** The author's, for who has lps=true. */
  readonly localPart: string
  readonly selector: string
}

/** Looks for the record of an author (§7.2), and judges it. */
export async function findBimi(
  { domain, organization, localPart, selector }: BimiQuestion,
  txt: AskTxt,
): Promise<BimiVerdict> {
  const trail: Reason[] = []
  const ask = async (place: BimiPlace) => {
    const found = await publishedAt(place, txt)
    trail.push(stepOf(found))
    return found
  }
  for (const place of [...new Set([domain, organization])].map((one) => ({ selector, domain: one }))) {
    const found = await ask(place)
    if (found.is === "nothing") continue // §7.2 step 6
    const own = found.is === "record" && found.record.byLocalPart ? localPartSelector(localPart) : undefined
    if (own === undefined || own === selector) return { ...judge(found), trail }
    const special = await ask({ ...place, selector: own }) // §7.2 steps 5 and 8
    const valid = special.is === "record" || special.is === "unavailable"
    return { ...judge(valid ? special : found), trail }
  }
  const why = `there is no record at ${nameOf({ selector, domain })}${domain === organization ? "" : `, nor at its organization, ${organization}`}`
  return { result: "none", at: undefined, record: undefined, why, trail }
}

/** What a name publishes for BIMI. */
type Published = { readonly at: BimiPlace } & (
  | { readonly is: "record"; readonly record: BimiRecord }
  | { readonly is: "nothing" }
  | { readonly is: "wrong"; readonly texts: readonly string[]; readonly why: string }
  | { readonly is: "unavailable"; readonly why: string }
)

async function publishedAt(at: BimiPlace, txt: AskTxt): Promise<Published> {
  const name = nameOf(at)
  if (!isDomain(name)) return { is: "nothing", at } // too long for any record to stand there
  const answer = await txt(name)
  if (answer.found === "unavailable") return { is: "unavailable", at, why: answer.why }
  const texts = answer.found === "records" ? answer.records.filter(isBimi) : []
  const [text, ...more] = texts
  if (text === undefined) return { is: "nothing", at }
  if (more.length > 0) return { is: "wrong", at, texts, why: `${texts.length} records, where one may stand` }
  const read = parseBimi(text)
  if (!read.ok) return { is: "wrong", at, texts, why: clipped(read.error) }
  return { is: "record", at, record: read.value }
}

function judge(found: Exclude<Published, { is: "nothing" }>): Omit<BimiVerdict, "trail"> {
  const { at } = found
  const name = nameOf(at)
  switch (found.is) {
    case "unavailable":
      return { result: "temperror", at, record: undefined, why: `DNS does not say what ${name} publishes` }
    case "wrong":
      return { result: "fail", at, record: undefined, why: `${name}: ${found.why}` }
    case "record": {
      const { record } = found
      const { location } = record
      if (location === "") return { result: "declined", at, record, why: `${name} wants none shown` } // §4.3.1
      return { result: "pass", at, record, why: `${name} names ${location}, which is not looked at` }
    }
  }
}

function nameOf({ selector, domain }: BimiPlace): string {
  return `${selector}._bimi.${domain}`
}

function stepOf(found: Published): Reason {
  const name = nameOf(found.at)
  switch (found.is) {
    case "record":
      return { ...because("bimi", `${name} says "${clipped(found.record.text)}"`), role: "passed" }
    case "nothing":
      return { ...because("bimi", `${name}: no record`), role: "passed" }
    case "wrong": {
      const said = clipped(found.texts.map((text) => `"${text}"`).join(", "))
      return { ...because("bimi", `${name} says ${said}: ${found.why}`), role: "passed" }
    }
    case "unavailable":
      return { ...because("bimi", `${name}: ${found.why}`), role: "unknown" }
  }
}

function clipped(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 197)}...`
}
