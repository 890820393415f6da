// DMARC (RFC 9989): does somebody who vouches for the message, by SPF or DKIM, speak for the domain its author claims, and what does
// that domain ask of receivers where nobody does? What is done about it is policy's business.
import { because, type Reason } from "../mail/decision.ts"
import type { DnsAnswer } from "../mail/world.ts"
import { type AskTxt, isAligned, organizationOf, type Published, walkUp, type Walk } from "./alignment.ts"
import type { DmarcRecord, DmarcWish } from "./dmarc-record.ts"
import { isDomain } from "./spf.ts"

export type DmarcResult = "none" | "pass" | "fail" | "temperror" | "permerror"

/** A name somebody vouches for, and with what result. */
export type Voucher = { readonly by: "spf" | "dkim"; readonly domain: string; readonly result: string }

export type DmarcVerdict = {
  readonly result: DmarcResult
  /** The domain of the author. */
  readonly domain: string
  readonly organization: string | undefined
  /** What the domain asks for mail like this; `none` where it asks nothing. */
  readonly wish: DmarcWish
  /** It would ask for more, but is testing (t=y). */
  readonly lessened: boolean
  /** Where the record stands, and the record. */
  readonly at: string | undefined
  readonly record: DmarcRecord | undefined
  /** That of the organization, where another counts. */
  readonly organizational: DmarcRecord | undefined
  /** One sentence. */
  readonly why: string
  readonly trail: readonly Reason[]
}

export type DmarcWorld = {
  readonly txt: AskTxt
  /** A and AAAA, to know whether a name exists at all. */
  readonly addresses: (name: string) => Promise<DnsAnswer<string>>
}

/** Judges the domain of one author. */
export async function checkDmarc(
  author: string,
  vouchers: readonly Voucher[],
  world: DmarcWorld,
): Promise<DmarcVerdict> {
  const domain = author.toLowerCase().replace(/\.$/, "")
  const blank = {
    domain,
    organization: undefined,
    wish: "none",
    lessened: false,
    at: undefined,
    record: undefined,
    organizational: undefined,
  } as const
  if (!isDomain(domain))
    return { ...blank, result: "permerror", why: `the author's domain "${domain}" is none`, trail: [] }
  const walk = await walkUp(domain, world.txt)
  const trail = walk.steps.map(stepOf)
  const silent = walk.steps.find((step) => step.is === "unavailable")
  if (silent !== undefined) {
    const why = `DNS does not say what _dmarc.${silent.at} publishes: ${silent.why}`
    return { ...blank, result: "temperror", why, trail }
  }
  const organization = organizationOf(walk) ?? domain
  const found = recordFor(walk, organization)
  if (found === undefined) {
    const why = `neither ${domain} nor a name above it asks for anything`
    return { ...blank, organization, result: "none", why, trail }
  }
  const wished = await wishOf(found, domain, world)
  trail.push(because("dmarc", `${found.at} asks for ${wished.wish}${wished.says}`))
  const { wish, lessened } = wished
  const { at, record } = found
  const organizational = at === organization ? undefined : recordAt(organization, walk)
  const known = { domain, organization, at, record, organizational, wish, lessened }
  const judged = await judge(vouchers, { domain, organization }, record, world)
  return { ...known, result: judged.result, why: judged.why, trail: [...trail, ...judged.trail] }
}

type Found = Extract<Published, { is: "record" }>

/** RFC 9989 §4.10.1: the author's own record, that of the organization, that of the public suffix. */
function recordFor({ domain, steps }: Walk, organization: string): Found | undefined {
  const records = steps.filter((step) => step.is === "record")
  return (
    records.find(({ at }) => at === domain) ??
    records.find(({ at }) => at === organization) ??
    records.find(({ record }) => record.psd === "y")
  )
}

function recordAt(name: string, { steps }: Walk): DmarcRecord | undefined {
  const step = steps.find(({ at }) => at === name)
  return step?.is === "record" ? step.record : undefined
}

/** p= for the name itself, sp= for those below, np= for those that do not exist; t=y takes a step back (RFC 9989 §4.7). */
async function wishOf(
  { at, record }: Found,
  domain: string,
  { addresses }: DmarcWorld,
): Promise<Pick<DmarcVerdict, "wish" | "lessened"> & { readonly says: string }> {
  let wish = record.p
  let says = ""
  if (at !== domain) {
    const answer = record.np === record.sp ? undefined : await addresses(domain)
    const exists = answer?.found !== "nothing" || answer.why !== "no such name"
    wish = exists ? record.sp : record.np
    says = exists ? ` for names below it` : ` for names that do not exist, as ${domain}`
  }
  if (!record.testing || wish === "none") return { wish, lessened: false, says }
  const less = wish === "reject" ? "quarantine" : "none"
  return {
    wish: less,
    lessened: true,
    says: `${says}, one step less than it will, because it is testing (t=y)`,
  }
}

type Judged = Pick<DmarcVerdict, "result" | "why" | "trail">

async function judge(
  vouchers: readonly Voucher[],
  author: { readonly domain: string; readonly organization: string },
  record: DmarcRecord,
  { txt }: DmarcWorld,
): Promise<Judged> {
  const trail: Reason[] = []
  let unsure: string | undefined
  for (const voucher of vouchers) {
    const { by, domain, result } = voucher
    if (result !== "pass" && result !== "temperror") continue
    const mode = by === "spf" ? record.aspf : record.adkim
    const alignment = await isAligned(domain, author, mode, txt)
    trail.push(aligned(voucher, alignment, author.domain, mode))
    if (alignment === "not aligned") continue
    if (alignment === "aligned" && result === "pass")
      return { result: "pass", why: `${by} of ${domain} passes, and speaks for ${author.domain}`, trail }
    unsure ??=
      alignment === "aligned"
        ? `${by} of ${domain} could not be checked now`
        : `DNS does not say whose ${domain} is`
  }
  if (unsure !== undefined) return { result: "temperror", why: unsure, trail }
  const why = `nobody who speaks for ${author.domain} vouches for it, by SPF or DKIM`
  return { result: "fail", why, trail }
}

function aligned(
  { by, domain, result }: Voucher,
  alignment: string,
  author: string,
  mode: "r" | "s",
): Reason {
  const how = mode === "s" ? "exactly" : "as one organization"
  const says = `${by} ${result} for ${domain}: ${alignment} with ${author} (${how})`
  return { step: "dmarc", says, at: undefined, after: [], role: "passed" }
}

function stepOf(step: Published): Reason {
  const says =
    step.is === "record" ? `_dmarc.${step.at} says "${step.record.text}"` : `_dmarc.${step.at}: ${step.why}`
  return {
    step: "dmarc",
    says,
    at: undefined,
    after: [],
    role: step.is === "unavailable" ? "unknown" : "passed",
  }
}
