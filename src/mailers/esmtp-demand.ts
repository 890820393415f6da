// What is demanded of a host before it is given mail: by DANE (RFC 7672), else by the domain's MTA-STS policy (RFC 8461). Neither
// makes a host worse than it was: without them TLS is taken where it is offered.
import { because, type Decision, type Reason } from "../mail/decision.ts"
import { parseHosts, type Target } from "../routing/exchangers.ts"
import type { TlsFacts } from "../mail/arrival.ts"
import type { AppliedPolicy, ResultType, SeenSession } from "../auth/tls-report.ts"
import { type DaneDemand, type DaneDns, findDane } from "../trust/dane.ts"
import type { Proof } from "../trust/dane-verify.ts"
import { matchesMx, policyLines } from "../trust/mta-sts-policy.ts"
import type { StsFound } from "../trust/mta-sts.ts"
import type { Fate } from "../smtp/client-fate.ts"
import type { NamedPeer } from "./esmtp-security.ts"

export type Demand = {
  /** Sessions made under other demands are not for this one. */
  readonly key: string
  readonly by: "DANE" | "MTA-STS"
  readonly dane: DaneDemand | undefined
  /** What is missing is told, and mail goes all the same (MTA-STS: testing). */
  readonly testing: boolean
  readonly reason: Reason
  /** The same, as TLS reports tell it. */
  readonly policy: AppliedPolicy
}

/** Who is asked; absent: nobody wants it. */
export type Demands = {
  readonly dane?: DaneDns | undefined
  readonly sts?: ((domain: string) => Promise<StsFound>) | undefined
  /** Hears of each session with the hosts of a domain, for TLS reports (RFC 8460). */
  readonly report?: ((seen: SeenSession) => void) | undefined
  readonly log: (line: string) => void
  /** Letters about a host: D, it need not prove itself by DANE; M, nor by MTA-STS (clt_features). */
  readonly features?: ((peer: NamedPeer) => Promise<Decision<string>>) | undefined
}

/** The way to a route's hosts, as far as it matters to all of them. */
export type Way = {
  readonly domain: string
  /** The domain whose TLSRPT record is asked; undefined: the configuration names the host itself. */
  readonly reported: string | undefined
  readonly mxSecure: boolean
  readonly sts: StsFound | undefined
}

/** What is known once the exchangers are. `host` is the route's. */
export async function wayTo(host: string, secure: boolean, { sts }: Demands): Promise<Way> {
  const specs = parseHosts(host)
  const [spec] = specs.ok ? specs.value : []
  const domain = spec !== undefined && spec.kind !== "address" ? spec.name : host
  const known = { domain, reported: undefined, sts: undefined }
  if (!specs.ok || specs.value.length !== 1 || spec === undefined) return { ...known, mxSecure: secure }
  // RFC 7672 §2.2.2: a host that the configuration names needs no MX records to vouch for it.
  if (spec.kind === "host") return { ...known, mxSecure: true }
  if (spec.kind === "address") return { ...known, mxSecure: secure }
  return { domain, reported: domain, mxSecure: secure, sts: await sts?.(domain) }
}

export type Demanded =
  | { readonly is: "nothing"; readonly reason: Reason | undefined }
  | { readonly is: "demand"; readonly demand: Demand }
  /** This host is not to be used now. */
  | {
      readonly is: "not this host"
      readonly fate: Fate
      readonly reason: Reason
      /** What TLS reports are told; absent where it is our own trouble. */
      readonly told?: { readonly policy: AppliedPolicy; readonly result: ResultType }
    }

/** What this host has to prove. */
export async function demandOf(
  target: Target,
  way: Way,
  { demands, port }: { readonly demands: Demands; readonly port: number },
): Promise<Demanded> {
  const { exchanger, address } = target
  const letters = await demands.features?.({ host: exchanger.host, address })
  if (letters?.outcome === "no" || letters?.outcome === "later") return notThis(letters.reason)
  if (letters?.outcome !== "yes") return proofOf(target, way, { demands, port })
  const { dane, ...others } = demands
  const asked = letters.value.includes("D") || dane === undefined ? others : demands
  const known = letters.value.includes("M") ? { ...way, sts: undefined } : way
  const demanded = await proofOf(target, known, { demands: asked, port })
  return demanded.is === "nothing" && demanded.reason === undefined
    ? { is: "nothing", reason: { ...letters.reason, role: "passed" } }
    : demanded
}

async function proofOf(
  { exchanger, secure }: Target,
  way: Way,
  { demands, port }: { readonly demands: Demands; readonly port: number },
): Promise<Demanded> {
  if (demands.dane !== undefined && exchanger.address === undefined) {
    const { domain, mxSecure } = way
    const host = { host: exchanger.host, port, domain, mxSecure, addressSecure: secure }
    const found = await findDane(host, demands.dane)
    if (found.found === "unavailable")
      return notThis(found.reason, { policy: tlsaPolicy(exchanger.host, []), result: "dnssec-invalid" })
    if (found.found === "demand") {
      const { demand: dane, reason } = found
      const policy = tlsaPolicy(dane.base, tlsaLines(dane, port))
      return {
        is: "demand",
        demand: { key: `dane ${keyOf(dane)}`, by: "DANE", dane, testing: false, reason, policy },
      }
    }
    if (way.sts?.policy === undefined) return { is: "nothing", reason: found.reason }
  }
  return bySts(exchanger.host, way, demands)
}

/** What rules sessions with hosts of this way of which nothing is demanded, as TLS reports tell it. */
export function policyOf({ domain, sts }: Way): AppliedPolicy {
  const type = sts?.policy !== undefined || sts?.failure !== undefined ? "sts" : "no-policy-found"
  return { type, domain, text: policyLines(sts?.policy), hosts: sts?.policy?.mx ?? [] }
}

function tlsaPolicy(base: string, text: readonly string[]): AppliedPolicy {
  return { type: "tlsa", domain: base, text, hosts: [] }
}

function tlsaLines({ base, records }: DaneDemand, port: number): readonly string[] {
  return records.map(({ usage, selector, matching, octets }) => {
    return `_${port}._tcp.${base}. IN TLSA ${usage} ${selector} ${matching} ${octets.toString("hex")}`
  })
}

function bySts(host: string, way: Way, { log }: Demands): Demanded {
  const { sts } = way
  if (sts === undefined) return { is: "nothing", reason: undefined }
  const { policy, says } = sts
  const reason = because("mta-sts", says)
  if (policy === undefined || policy.mode === "none")
    return { is: "nothing", reason: { ...reason, role: "passed" } }
  const testing = policy.mode === "testing"
  if (!matchesMx(policy, host)) {
    const wrong = because("mta-sts", `${host} is not among the hosts of the policy: ${says}`)
    if (!testing)
      return notThis({ ...wrong, role: "refused" }, { policy: policyOf(way), result: "validation-failure" })
    log(`MTA-STS (testing): ${wrong.says}`)
    return { is: "nothing", reason: { ...wrong, role: "passed" } }
  }
  const applied = { dane: undefined, testing, reason, policy: policyOf(way) }
  return { is: "demand", demand: { key: `sts ${policy.mode}`, by: "MTA-STS", ...applied } }
}

function notThis(reason: Reason, told?: (Demanded & { is: "not this host" })["told"]): Demanded {
  const words = reason.says
  // RFC 7672 §2.1.1, RFC 8461 §5: the message waits for a host that proves itself.
  const fate = { action: "delayed", status: "4.7.5", diagnostic: words, says: words } as const
  return { is: "not this host", fate, reason, ...(told === undefined ? {} : { told }) }
}

function keyOf({ base, records, names }: DaneDemand): string {
  const parts = records.map(({ usage, selector, matching, octets }) => {
    return `${usage}${selector}${matching}:${octets.toString("base64")}`
  })
  return [base, ...names, ...parts].join(" ")
}

/** What is missing for this demand; undefined: nothing. */
export function missing(
  demand: Demand,
  facts: TlsFacts | undefined,
  proof: Proof | undefined,
): { readonly says: string; readonly result: ResultType } | undefined {
  if (facts === undefined)
    return { says: `${demand.by} demands TLS, and there is none`, result: "starttls-not-supported" }
  if (demand.dane !== undefined) {
    if (proof?.kept === true) return undefined
    return { says: `DANE: ${proof?.says ?? "not verified"}`, result: "validation-failure" }
  }
  // RFC 8461 §4.2: a chain to an authority that we trust, and the name of the host.
  if (facts.verify !== "OK") {
    const why = facts.why ?? facts.verify
    const result = why.includes("EXPIRED") ? "certificate-expired" : "certificate-not-trusted"
    return { says: `MTA-STS: the certificate is not good: ${why}`, result }
  }
  if (facts.named === true) return undefined
  return { says: "MTA-STS: the certificate is for another name", result: "certificate-host-mismatch" }
}
