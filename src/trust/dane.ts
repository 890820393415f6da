// DANE for SMTP (RFC 7672): which certificate a mail host may show, by TLSA records that DNSSEC vouches for. Where everything on the
// way to them is secure, they bind; a lookup that fails is no permission to do without.
import { because, type Reason } from "../mail/decision.ts"
import type { Dns, TlsaRecord } from "../mail/world.ts"

export type DaneDns = Pick<Dns, "tlsa" | "cname">

/** What a host's records demand. No records that can be used: TLS, whatever the certificate (RFC 7672 §2.2). */
export type DaneDemand = {
  readonly records: readonly TlsaRecord[]
  /** The TLSA base domain: said in SNI (RFC 7672 §8.1). */
  readonly base: string
  /** Names of which the certificate has to have one, for usage 2 (RFC 7672 §3.2.2). */
  readonly names: readonly string[]
}

export type DaneFound =
  | { readonly found: "demand"; readonly demand: DaneDemand; readonly reason: Reason }
  | { readonly found: "nothing"; readonly reason: Reason }
  /** The host may not be used now. */
  | { readonly found: "unavailable"; readonly reason: Reason }

/** A host as it was found: by MX records, by addresses, each secure or not. */
export type DaneHost = {
  readonly host: string
  readonly port: number
  /** The domain whose mail it takes. */
  readonly domain: string
  readonly mxSecure: boolean
  readonly addressSecure: boolean
}

const step = "dane"
const mostAliases = 8

/** What DNS says of a host. */
export async function findDane(place: DaneHost, dns: DaneDns): Promise<DaneFound> {
  const { host, mxSecure, addressSecure } = place
  // RFC 7672 §2.2.1, §2.2.2: an insecure MX or address could name any host: TLSA records of it would prove nothing.
  if (!mxSecure) return nothing(`the MX records of ${place.domain} are not secured by DNSSEC`)
  const bases = addressSecure ? await basesOf(host, dns) : await onlyBase(host, dns)
  if (bases.found !== "names") return bases
  for (const base of bases.names) {
    const name = `_${place.port}._tcp.${base}`
    const answer = (await dns.tlsa?.(name)) ?? noTlsa
    // RFC 7672 §2.1.1: bogus, SERVFAIL and silence alike: this host is not to be used.
    if (answer.found === "unavailable") return unavailable(`no answer for TLSA ${name}: ${answer.why}`)
    if (answer.found === "records" && answer.secure) return demanded(answer.records, base, place)
  }
  return nothing(`${host} has no secure TLSA records`)
}

const noTlsa = { found: "nothing", why: "no such record", secure: false } as const

type Bases =
  | { readonly found: "names"; readonly names: readonly string[] }
  | (DaneFound & { readonly found: "nothing" })
  | (DaneFound & { readonly found: "unavailable" })

/** RFC 7672 §2.2.3: where the host is an alias, secure all the way, the end of it first, then the host itself. */
async function basesOf(host: string, dns: DaneDns): Promise<Bases> {
  let name = host
  for (let links = 0; links < mostAliases; links++) {
    const answer = await dns.cname(name)
    if (answer.found === "unavailable") return unavailable(`no answer for CNAME ${name}: ${answer.why}`)
    const [next] = answer.found === "records" && answer.secure ? answer.records : []
    if (next === undefined) break
    name = next
  }
  return { found: "names", names: name === host ? [host] : [name, host] }
}

/** RFC 7672 §2.2.2: addresses that are not secure end it, but for a secure alias into a zone that is not signed: then its own name. */
async function onlyBase(host: string, dns: DaneDns): Promise<Bases> {
  const answer = await dns.cname(host)
  if (answer.found === "unavailable") return unavailable(`no answer for CNAME ${host}: ${answer.why}`)
  return answer.found === "records" && answer.secure
    ? { found: "names", names: [host] }
    : nothing(`the addresses of ${host} are not secured by DNSSEC`)
}

function demanded(records: readonly TlsaRecord[], base: string, { host, domain }: DaneHost): DaneFound {
  const usable = strongest(records.filter(isUsable))
  const shown = usable.length === 0 ? records : usable
  const list = shown.map(({ usage, selector, matching }) => `${usage} ${selector} ${matching}`).join(", ")
  const says =
    usable.length === 0
      ? `TLSA records of ${base} (${list}) are not usable: TLS is demanded, whatever the certificate`
      : `TLSA records of ${base} (${list}) bind the certificate`
  const names = [...new Set([base, host, domain])]
  return { found: "demand", demand: { records: usable, base, names }, reason: because(step, says) }
}

/** RFC 7672 §3.1: usages 3 and 2 are for mail, 0 and 1 are not; a digest has its length. */
function isUsable({ usage, selector, matching, octets }: TlsaRecord): boolean {
  if ((usage !== 2 && usage !== 3) || selector > 1) return false
  switch (matching) {
    case 0:
      return octets.length > 0
    case 1:
      return octets.length === 32
    case 2:
      return octets.length === 64
    default:
      return false
  }
}

/** RFC 7671 §9, digest agility: of several digests of one kind only the strongest counts. Whole certificates always do. */
function strongest(records: readonly TlsaRecord[]): readonly TlsaRecord[] {
  return records.filter(
    ({ usage, selector, matching }) =>
      matching !== 1 ||
      !records.some((one) => one.usage === usage && one.selector === selector && one.matching === 2),
  )
}

function nothing(says: string): DaneFound & { readonly found: "nothing" } {
  return { found: "nothing", reason: { ...because(step, says), role: "passed" } }
}

function unavailable(says: string): DaneFound & { readonly found: "unavailable" } {
  return { found: "unavailable", reason: { ...because(step, says), role: "unknown" } }
}
