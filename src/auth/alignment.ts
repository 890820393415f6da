// Which names belong together (RFC 9989 §4.10): the DNS tree is walked upwards from a name, and the records met there say where its
// organization ends. No list of public suffixes is needed.
import type { DnsAnswer } from "../mail/world.ts"
import { type DmarcRecord, isDmarc, parseDmarc } from "./dmarc-record.ts"

/** What a name publishes for DMARC. */
export type Published =
  | { readonly is: "record"; readonly at: string; readonly record: DmarcRecord }
  | { readonly is: "nothing"; readonly at: string; readonly why: string }
  /** A record without a policy: whom it is for, for them nobody is asked further (RFC 9989 §4.10.1). */
  | { readonly is: "no policy"; readonly at: string; readonly why: string }
  | { readonly is: "unavailable"; readonly at: string; readonly why: string }

/** Asks DNS for TXT records. */
export type AskTxt = (name: string) => Promise<DnsAnswer<string>>

/** The walk up from a name: what each name on the way publishes, the name itself first. */
export type Walk = { readonly domain: string; readonly steps: readonly Published[] }

/** No more names than this are asked (RFC 9989 §4.10). */
const mostLabels = 8

/** What is published at one name. Several records are as good as none (RFC 9989 §4.10.1). */
export async function publishedAt(domain: string, txt: AskTxt): Promise<Published> {
  const answer = await txt(`_dmarc.${domain}`)
  if (answer.found === "unavailable") return { is: "unavailable", at: domain, why: answer.why }
  const records = answer.found === "records" ? answer.records.filter(isDmarc) : []
  const [text, ...more] = records
  if (text === undefined) return { is: "nothing", at: domain, why: "no record" }
  if (more.length > 0) return { is: "nothing", at: domain, why: `${records.length} records` }
  const read = parseDmarc(text)
  return read.ok
    ? { is: "record", at: domain, record: read.value }
    : { is: "no policy", at: domain, why: `"${text}": ${read.error}` }
}

/** Walks up from a name until a record says that the organization ends there, or the names do. */
export async function walkUp(domain: string, txt: AskTxt): Promise<Walk> {
  const steps: Published[] = []
  for (let name: string | undefined = domain; name !== undefined; name = above(name, name === domain)) {
    const published = await publishedAt(name, txt)
    steps.push(published)
    if (published.is === "unavailable") break
    if (published.is === "record" && published.record.psd !== "u") break // it says so itself
  }
  return { domain, steps }
}

/** The name above; from a long one, the one of seven labels (RFC 9989 §4.10 step 5). */
function above(name: string, first: boolean): string | undefined {
  const labels = name.split(".")
  const left = first && labels.length >= mostLabels ? labels.slice(1 - mostLabels) : labels.slice(1)
  return left.length === 0 ? undefined : left.join(".")
}

/** The organizational domain (RFC 9989 §4.10.2); undefined when DNS did not tell. */
export function organizationOf({ domain, steps }: Walk): string | undefined {
  if (steps.some(({ is }) => is === "unavailable")) return undefined
  const records = steps.filter((step) => step.is === "record")
  const own = records.find(({ record }) => record.psd === "n")
  if (own !== undefined) return own.at
  const suffix = records.find(({ record, at }) => record.psd === "y" && at !== domain)
  if (suffix !== undefined) return labelsBelow(domain, suffix.at)
  return records.at(-1)?.at ?? domain
}

/** The name one label longer than `suffix` that `domain` ends in. */
function labelsBelow(domain: string, suffix: string): string {
  const count = suffix.split(".").length + 1
  return domain.split(".").slice(-count).join(".")
}

export type Alignment = "aligned" | "not aligned" | "unavailable"

/** Whether a name that was vouched for speaks for the author's domain (RFC 9989 §4.4). */
export async function isAligned(
  vouched: string,
  author: { readonly domain: string; readonly organization: string | undefined },
  mode: "r" | "s",
  txt: AskTxt,
): Promise<Alignment> {
  if (vouched === author.domain) return "aligned"
  if (mode === "s") return "not aligned"
  if (author.organization === undefined) return "unavailable"
  if (vouched === author.organization) return "aligned"
  if (!vouched.endsWith(`.${author.organization}`)) return "not aligned"
  // Below the same name, yet it may be an organization of its own.
  const other = organizationOf(await walkUp(vouched, txt))
  if (other === undefined) return "unavailable"
  return other === author.organization ? "aligned" : "not aligned"
}
