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

const blank = {
  organization: undefined,
  wish: "none",
  lessened: false,
  at: undefined,
  record: undefined,
  organizational: undefined,
} as const

/** Judges the domain of one author. */
export async function checkDmarc(
  author: string,
  vouchers: readonly Voucher[],
  world: DmarcWorld,
): Promise<DmarcVerdict> {
  const domain = author.toLowerCase().replace(/\.$/, "")
  if (!isDomain(domain) || !isHostName(domain))
    return { ...noAuthor(`the author's domain "${domain}" is none`), domain }
  const walk = await walkUp(domain, world.txt)
  const trail = walk.steps.map(stepOf)
  const silent = walk.steps.find((step) => step.is === "unavailable")
  // The author's own record counts whatever stands above it: that is only asked for who may speak for the author.
  if (silent !== undefined && (walk.steps[0] === silent || walk.steps[0]?.is === "nothing")) {
    const why = `DNS does not say what _dmarc.${silent.at} publishes: ${silent.why}`
    return { ...blank, domain, result: "temperror", why, trail }
  }
  const organization = organizationOf(walk)
  const found = policyFor(walk, organization)
  if (found?.is !== "record") {
    const why =
      found === undefined
        ? `neither ${domain} nor a name above it asks for anything`
        : `the record of ${found.at} has no policy`
    return { ...blank, domain, organization, result: "none", why, trail }
  }
  const wished = await wishOf(found, domain, world)
  trail.push(because("dmarc", `${found.at} asks for ${wished.wish}${wished.says}`))
  const { wish, lessened } = wished
  const { at, record } = found
  const organizational = at === organization ? undefined : recordAt(organization, walk)
  const known = { domain, organization, at, record, organizational, wish, lessened }
  const judged = await judge(vouchers, { domain, organization }, record, world)
  const unsure = judged.result === "fail" && wished.unsure !== undefined
  const { result, why } = unsure ? { result: "temperror" as const, why: wished.unsure } : judged
  return { ...known, result, why, trail: [...trail, ...judged.trail] }
}

/** Of an author who cannot be judged. */
export function noAuthor(why: string): DmarcVerdict {
  return { ...blank, domain: "", result: "permerror", why, trail: [] }
}

/** RFC 1035 §2.3.1, and the underscores that there are. Readers of mail who stop at a NUL see another name. */
function isHostName(domain: string): boolean {
  return /^[a-z0-9._-]+$/.test(domain)
}

type Found = Extract<Published, { is: "record" | "no policy" }>

/** RFC 9989 §4.10.1: the author's own record, that of the organization, that of the public suffix. */
function policyFor({ domain, steps }: Walk, organization: string | undefined): Found | undefined {
  const found = steps.filter((step) => step.is === "record" || step.is === "no policy")
  return (
    found.find(({ at }) => at === domain) ??
    found.find(({ at }) => at === organization) ??
    found.find((step) => step.is === "record" && step.record.psd === "y")
  )
}

function recordAt(name: string | undefined, { steps }: Walk): DmarcRecord | undefined {
  const step = steps.find(({ at }) => at === name)
  return step?.is === "record" ? step.record : undefined
}

type Wished = Pick<DmarcVerdict, "wish" | "lessened"> & {
  readonly says: string
  /** DNS does not say which wish it is. */
  readonly unsure: string | undefined
}

/** p= for the name itself, sp= for those below, np= for those that do not exist; t=y takes a step back (RFC 9989 §4.7). */
async function wishOf(
  { at, record }: Extract<Published, { is: "record" }>,
  domain: string,
  { addresses }: DmarcWorld,
): Promise<Wished> {
  let wish = record.p
  let says = record.wrong === undefined ? "" : ` (${record.wrong})`
  let unsure: string | undefined
  if (at !== domain) {
    const answer = record.np === record.sp ? undefined : await addresses(domain)
    const exists = answer?.found !== "nothing" || answer.why !== "no such name"
    wish = exists ? record.sp : record.np
    says += exists ? ` for names below it` : ` for names that do not exist, as ${domain}`
    if (answer?.found === "unavailable") unsure = `DNS does not say whether ${domain} exists: ${answer.why}`
  }
  if (!record.testing || wish === "none") return { wish, lessened: false, says, unsure }
  const less = wish === "reject" ? "quarantine" : "none"
  says += ", one step less than it will, because it is testing (t=y)"
  return { wish: less, lessened: true, says, unsure }
}

type Judged = Pick<DmarcVerdict, "result" | "why" | "trail">

async function judge(
  vouchers: readonly Voucher[],
  author: { readonly domain: string; readonly organization: string | undefined },
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
  const told = because("dmarc", `${by} ${result} for ${domain}: ${alignment} with ${author} (${how})`)
  return alignment === "aligned" && result === "pass" ? told : { ...told, role: "passed" }
}

function stepOf(step: Published): Reason {
  if (step.is === "record") return because("dmarc", `_dmarc.${step.at} says "${step.record.text}"`)
  const told = because("dmarc", `_dmarc.${step.at}: ${step.why}`)
  return { ...told, role: step.is === "unavailable" ? "unknown" : "passed" }
}
