// A TLS report (RFC 8460) for a person: how many sessions were safe, which were not, why, and what to do.
import type { FailureDetail, PolicySum, ResultType, TlsReport } from "./tls-report.ts"

/** Lines for a person. */
export function tlsReportInWords({
  organization,
  contact,
  id,
  begin,
  end,
  policies,
}: TlsReport): readonly string[] {
  const contactWords = contact === "" ? "" : `, ${contact}`
  return [
    `${organization || "somebody"} saw, ${begin || "?"} to ${end || "?"} (report ${id || "without an id"}${contactWords}):`,
    ...(policies.length === 0 ? ["  nothing"] : policies.flatMap(policyInWords)),
  ]
}

function policyInWords({ policy, successful, failed, failures }: PolicySum): readonly string[] {
  const total = successful + failed
  const what = `${kinds[policy.type] ?? policy.type} of ${policy.domain || "?"}`
  const told = failures.reduce((sum, { count }) => sum + count, 0)
  return [
    `  ${what}: ${sessions(total)}, ${failed === 0 ? "all well" : `${failed} not well`}`,
    ...policy.text.map((line) => `    | ${line}`),
    ...failures.toSorted((a, b) => b.count - a.count).flatMap(failureInWords),
    ...(told < failed ? [`    ${failed - told} more, of which nothing is told`] : []),
  ]
}

function failureInWords(failure: FailureDetail): readonly string[] {
  const { result, count, sendingAddress, receivingHost, receivingAddress, reason, information } = failure
  const known = (words as Readonly<Record<string, string | undefined>>)[result]
  const host = receivingHost ?? receivingAddress ?? "a host that is not named"
  const at = receivingHost !== undefined && receivingAddress !== undefined ? ` [${receivingAddress}]` : ""
  const from = sendingAddress === undefined ? "" : `, from ${sendingAddress}`
  return [
    `    ${count} × ${host}${at}${from}: ${result}${known === undefined ? "" : `: ${known}`}`,
    ...(reason === undefined ? [] : [`      it said: ${reason}`]),
    ...(information === undefined ? [] : [`      more: ${information}`]),
  ]
}

function sessions(count: number): string {
  return count === 1 ? "1 session" : `${count} sessions`
}

const kinds: Readonly<Record<string, string>> = {
  tlsa: "DANE",
  sts: "MTA-STS",
  "no-policy-found": "no policy",
}

/** What each result means for whoever reads of it, and what to do (RFC 8460 §4.3). */
const words: Readonly<Record<ResultType, string>> = {
  "starttls-not-supported":
    "the host did not offer STARTTLS: switch it on, or see who stands between you and the sender",
  "certificate-host-mismatch": "its certificate is for other names: add the MX's name to it",
  "certificate-expired": "its certificate has ended: renew it",
  "certificate-not-trusted":
    "its certificate is of no authority that the sender trusts: get one of a public authority, with its chain",
  "validation-failure": "TLS failed in another way: the host's log of that day may tell more",
  "tlsa-invalid": "its TLSA records do not match: publish those of the certificate in use",
  "dnssec-invalid": "DNSSEC did not vouch for the records: look at the zone's signatures",
  "dane-required": "the sender takes nothing but DANE, and there are no TLSA records",
  "sts-policy-fetch-error":
    "the policy could not be fetched: is https://mta-sts.DOMAIN/.well-known/mta-sts.txt there?",
  "sts-policy-invalid": "the policy's text is wrong: see RFC 8461, section 3.2",
  "sts-webpki-invalid": "the web server's certificate for mta-sts.DOMAIN is not good",
}
