// A domain's MTA-STS policy as others see it: got by HTTPS as they get it, read as they read it, and held against the domain's exchangers
// and the certificate that is shown to them.
import { X509Certificate } from "node:crypto"
import type { Result } from "../mail/result.ts"
import type { Dns } from "../mail/world.ts"
import type { StsFailure } from "../trust/mta-sts.ts"
import { matchesMx, parsePolicy, type StsPolicy } from "../trust/mta-sts-policy.ts"
import type { Checked } from "./dns-check.ts"
import { type Site, stsPolicy } from "./dns-records.ts"

export type PolicyWorld = {
  readonly dns: Pick<Dns, "addresses" | "mx">
  /** Gets the policy's text. */
  readonly fetch: (domain: string) => Promise<Result<string, Pick<StsFailure, "says">>>
}

export type CheckedPolicy = Pick<Checked, "state" | "found" | "advice"> & {
  readonly wanted: { readonly what: "policy"; readonly name: string; readonly text: string }
}

/** A day: what is kept shorter protects nobody (RFC 8461 §3.2 speaks of weeks). */
const shortestAge = 86_400

/** Looks at the policy of a domain. */
export async function checkPolicy(site: Site, { dns, fetch }: PolicyWorld): Promise<CheckedPolicy> {
  const { domain, host } = site
  const web = `mta-sts.${domain}`
  const wanted = {
    what: "policy",
    name: `https://${web}/.well-known/mta-sts.txt`,
    text: stsPolicy(host),
  } as const
  const told = (state: Checked["state"], advice?: string, found: readonly string[] = []): CheckedPolicy => ({
    wanted,
    state,
    found,
    advice,
  })
  const [there, exchangers] = await Promise.all([dns.addresses(web), dns.mx(domain)])
  if (there.found === "unavailable") return told("unknown", later(there.why))
  if (there.found === "nothing")
    return told(
      "missing",
      `give ${web} the address of a web server, which serves the policy that setup prints`,
    )
  const text = await fetch(domain)
  if (!text.ok)
    return told(
      /timeout/i.test(text.error.says) ? "unknown" : "wrong",
      `it cannot be had: ${text.error.says}`,
    )
  const read = parsePolicy(text.value)
  if (!read.ok) return told("wrong", `correct it: ${read.error}`, [firstLines(text.value)])
  const found = [inWords(read.value)]
  if (exchangers.found === "unavailable") return told("unknown", later(exchangers.why), found)
  const names = exchangers.found === "records" ? exchangers.records.map(({ exchange }) => exchange) : []
  const wrong = wrongPolicy(read.value, names) ?? wrongCertificate(read.value, site)
  if (wrong !== undefined) return told("wrong", wrong, found)
  return told("ok", hintFor(read.value), found)
}

function later(why: string): string {
  return `ask again later: DNS does not answer (${why})`
}

function inWords({ mode, mx, maxAge }: StsPolicy): string {
  return `${mode}, mx ${mx.join(", ") || "none"}, kept for ${Math.round(maxAge / 86_400)} days`
}

function firstLines(text: string): string {
  return text.slice(0, 200).split(/\r?\n/).slice(0, 4).join("; ")
}

/** What others would make of it that the domain does not want. */
function wrongPolicy(policy: StsPolicy, exchangers: readonly string[]): string | undefined {
  if (policy.mode === "none") return "mode: none says that there is no policy; begin with mode: testing"
  if (policy.maxAge < shortestAge)
    return "max_age is less than a day: others forget the policy; 604800 is a week"
  const left = exchangers.filter((name) => !matchesMx(policy, name))
  if (left.length > 0 && policy.mode === "enforce")
    return `name ${left.join(", ")} with mx: lines: mail to what is not named is not delivered`
  return left.length > 0 ? `name ${left.join(", ")} with mx: lines` : undefined
}

/** Our own certificate, where we are the exchanger: others want its name, and somebody they trust behind it (RFC 8461 §4.1). */
function wrongCertificate({ mode }: StsPolicy, { host, certificate }: Site): string | undefined {
  if (certificate === undefined) return undefined
  const shown = new X509Certificate(certificate)
  const risk = mode === "enforce" ? ": mail is not delivered" : ""
  if (shown.checkHost(host) === undefined) return `show a certificate for ${host} (confSERVER_CERT)${risk}`
  if (shown.checkIssued(shown))
    return `show a certificate of an authority others trust; ours has signed itself${risk}`
  return undefined
}

function hintFor({ mode }: StsPolicy): string | undefined {
  return mode === "testing"
    ? "when reports of TLS (TLS-RPT) are good, mode: enforce, and a new id"
    : undefined
}
