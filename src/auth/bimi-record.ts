// A BIMI Assertion Record as it is published at SELECTOR._bimi.DOMAIN, and the selector that a letter names
// (draft-brand-indicators-for-message-identification-10 §4.3, §5.1). Nothing is mended: what is not well formed is an error.
import { fail, ok, type Result } from "../mail/result.ts"
import { parseTags } from "./tag-list.ts"

export type BimiRecord = {
  readonly text: string
  /** l=: where the indicator is; empty: the domain declines to have one shown. */
  readonly location: string
  /** a=: where the evidence for it is (a mark certificate); empty: there is none. */
  readonly evidence: string
  /** avp=: what the domain would rather have shown beside a person's own picture; undefined: it does not say, or not well. */
  readonly preference: "brand" | "personal" | undefined
  /** lps=true: the author's local part may be a selector. */
  readonly byLocalPart: boolean
}

/** Fields that tell readers of mail what was found; who sends them from outside lies (§5.6). */
export const bimiFields = ["bimi-location", "bimi-indicator", "bimi-logo-preference"] as const

/** Octets: a property of Authentication-Results takes no more, and one that is cut leads nowhere. */
const longestUri = 320
/** RFC 3986 §2, without the comma: the draft wants it encoded. */
const uri = /^https:\/\/(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+=]|%[0-9A-Fa-f]{2})+$/i
const wholeName = /^(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*\.?$/i
/** §4.3.2: SVG and SVGZ are the only formats. A name without a suffix may be either. */
const otherImage = /\.(?:avif|bmp|eps|gif|heic|ico|jpe?g|jxl|png|tiff?|webp)$/i

/** Whether a text means to be one: v= stands first, and exactly so. */
export function isBimi(text: string): boolean {
  return /^v[ \t]*=[ \t]*BIMI1[ \t]*(?:;|$)/.test(text)
}

/** Reads a record; the error says what is wrong with it. */
export function parseBimi(text: string): Result<BimiRecord> {
  const tags = parseTags(text)
  if (!tags.ok) return tags
  const location = tags.value.get("l")
  const evidence = tags.value.get("a") ?? ""
  if (location === undefined) return fail("it has no l=")
  if (location === "" && evidence !== "") return fail("l= is empty, and a= is not")
  const wrong = wrongUri("l", location) ?? wrongUri("a", evidence)
  if (wrong !== undefined) return fail(wrong)
  if (location !== "" && otherImage.test(new URL(location).pathname))
    return fail(`l= names no SVG: ${location}`)
  const preference = tags.value.get("avp")
  return ok({
    text,
    location,
    evidence,
    preference: preference === "brand" || preference === "personal" ? preference : undefined,
    byLocalPart: tags.value.get("lps") === "true",
  })
}

/** Why the value of a tag is neither empty nor one https: URI at a whole domain name. */
function wrongUri(tag: string, text: string): string | undefined {
  if (text === "") return undefined
  if (text.length > longestUri) return `${tag}= has more than ${longestUri} octets`
  if (!uri.test(text) || !URL.canParse(text)) return `${tag}= is no https: URI: ${text}`
  return wholeName.test(new URL(text).hostname) ? undefined : `${tag}= names no host in full: ${text}`
}

/** The selector of a BIMI-Selector field, in lower case; the error says why the field is as good as none (§5.1, A.5). */
export function parseSelector(value: string): Result<string> {
  if (!isBimi(value)) return fail("it does not begin with v=BIMI1")
  const tags = parseTags(value)
  if (!tags.ok) return tags
  const selector = tags.value.get("s")?.toLowerCase()
  if (selector === undefined) return fail("it has no s=")
  return selector.split(".").every(isLabel) ? ok(selector) : fail(`"${selector}" is no selector`)
}

/** The selector that lps=true makes of an author's local part (§4.5 step 3); undefined: it may not be used as one. */
export function localPartSelector(localPart: string): string | undefined {
  const [user = ""] = localPart.split("+")
  const selector = user
    .toLowerCase()
    .replaceAll(/[_.-]+/g, "-")
    .replaceAll(/^-|-$/g, "")
  return isLabel(selector) ? selector : undefined
}

/** RFC 5321 §4.1.2: sub-domain. */
function isLabel(label: string): boolean {
  return label.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(label)
}
