// TLS reports (RFC 8460): what a sender saw of TLS with a domain's hosts in a day, as JSON. Written from our own counts, read from
// others'.
import { fail, ok, type Result } from "../mail/result.ts"

/** What was found to rule sessions: TLSA records (DANE), an MTA-STS policy, or neither. */
export const policyTypes = ["tlsa", "sts", "no-policy-found"] as const
export type PolicyType = (typeof policyTypes)[number]

/** What can go wrong (RFC 8460 §4.3). */
export const resultTypes = [
  "starttls-not-supported",
  "certificate-host-mismatch",
  "certificate-expired",
  "certificate-not-trusted",
  "validation-failure",
  "tlsa-invalid",
  "dnssec-invalid",
  "dane-required",
  "sts-policy-fetch-error",
  "sts-policy-invalid",
  "sts-webpki-invalid",
] as const
export type ResultType = (typeof resultTypes)[number]

/** A policy as it was applied. */
export type AppliedPolicy = {
  readonly type: PolicyType
  /** MTA-STS: the domain; DANE: the TLSA base domain. */
  readonly domain: string
  /** Its records or lines. */
  readonly text: readonly string[]
  /** MTA-STS: its patterns of hosts. */
  readonly hosts: readonly string[]
}

/** Sessions that failed alike. Absent is what the reporter did not tell. */
export type FailureDetail = {
  /** Of resultTypes, or a word of later standards. */
  readonly result: string
  readonly count: number
  readonly sendingAddress?: string | undefined
  readonly receivingHost?: string | undefined
  readonly receivingHelo?: string | undefined
  readonly receivingAddress?: string | undefined
  readonly information?: string | undefined
  readonly reason?: string | undefined
}

/** What one session came to. */
export type SeenSession = {
  /** Whose mail it was for: its TLSRPT record says who wants to know. */
  readonly domain: string
  readonly policy: AppliedPolicy
  readonly failure: Omit<FailureDetail, "count"> | undefined
}

export type PolicySum = {
  readonly policy: Omit<AppliedPolicy, "type"> & { readonly type: string }
  readonly successful: number
  readonly failed: number
  readonly failures: readonly FailureDetail[]
}

export type TlsReport = {
  readonly organization: string
  readonly contact: string
  readonly id: string
  /** RFC 3339, as it is written. */
  readonly begin: string
  readonly end: string
  readonly policies: readonly PolicySum[]
}

/** The report as JSON (RFC 8460 §4.4). */
export function printTlsReport({ organization, contact, id, begin, end, policies }: TlsReport): string {
  return JSON.stringify({
    "organization-name": organization,
    "date-range": { "start-datetime": begin, "end-datetime": end },
    "contact-info": contact,
    "report-id": id,
    policies: policies.map(({ policy, successful, failed, failures }) => ({
      policy: {
        "policy-type": policy.type,
        ...(policy.text.length === 0 ? {} : { "policy-string": policy.text }),
        "policy-domain": policy.domain,
        ...(policy.hosts.length === 0 ? {} : { "mx-host": policy.hosts }),
      },
      summary: { "total-successful-session-count": successful, "total-failure-session-count": failed },
      ...(failures.length === 0 ? {} : { "failure-details": failures.map(printFailure) }),
    })),
  })
}

/** What is undefined is left out by JSON. */
function printFailure(failure: FailureDetail): object {
  return {
    "result-type": failure.result,
    "sending-mta-ip": failure.sendingAddress,
    "receiving-mx-hostname": failure.receivingHost,
    "receiving-mx-helo": failure.receivingHelo,
    "receiving-ip": failure.receivingAddress,
    "failed-session-count": failure.count,
    "additional-information": failure.information,
    "failure-reason-code": failure.reason,
  }
}

type Fields = Readonly<Record<string, unknown>>

/** Reads a report of whoever wrote it. */
export function readTlsReport(text: string): Result<TlsReport> {
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch (error) {
    return fail(`it is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const report = fieldsOf(read)
  const policies = report?.["policies"]
  if (report === undefined || !Array.isArray(policies)) return fail("it is no TLS report: it has no policies")
  const range = fieldsOf(report["date-range"])
  const sums: PolicySum[] = []
  for (const [n, one] of policies.entries()) {
    const sum = readPolicy(fieldsOf(one))
    if (!sum.ok) return fail(`policy ${n + 1}: ${sum.error}`)
    sums.push(sum.value)
  }
  return ok({
    organization: textOf(report, "organization-name") ?? "",
    contact: textOf(report, "contact-info") ?? "",
    id: textOf(report, "report-id") ?? "",
    begin: textOf(range, "start-datetime") ?? "",
    end: textOf(range, "end-datetime") ?? "",
    policies: sums,
  })
}

function readPolicy(one: Fields | undefined): Result<PolicySum> {
  const policy = fieldsOf(one?.["policy"])
  const summary = fieldsOf(one?.["summary"])
  const type = textOf(policy, "policy-type")
  if (type === undefined) return fail("it has no policy-type")
  const successful = countOf(summary, "total-successful-session-count")
  const failed = countOf(summary, "total-failure-session-count")
  if (successful === undefined || failed === undefined) return fail("its summary has no counts")
  const details = one?.["failure-details"] ?? []
  if (!Array.isArray(details)) return fail("its failure-details are no list")
  const failures: FailureDetail[] = []
  for (const detail of details) {
    const failure = readFailure(fieldsOf(detail))
    if (failure === undefined) return fail("a failure has no result-type or no count")
    failures.push(failure)
  }
  const domain = textOf(policy, "policy-domain") ?? ""
  const own = { type, domain, text: textsOf(policy, "policy-string"), hosts: textsOf(policy, "mx-host") }
  return ok({ policy: own, successful, failed, failures })
}

function readFailure(detail: Fields | undefined): FailureDetail | undefined {
  const result = textOf(detail, "result-type")
  const count = countOf(detail, "failed-session-count")
  if (result === undefined || count === undefined) return undefined
  return {
    result,
    count,
    sendingAddress: textOf(detail, "sending-mta-ip"),
    receivingHost: textOf(detail, "receiving-mx-hostname"),
    receivingHelo: textOf(detail, "receiving-mx-helo"),
    receivingAddress: textOf(detail, "receiving-ip"),
    information: textOf(detail, "additional-information"),
    reason: textOf(detail, "failure-reason-code"),
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

function textOf(fields: Fields | undefined, name: string): string | undefined {
  const value = fields?.[name]
  return typeof value === "string" && value !== "" ? value : undefined
}

/** One text counts as a list of it: Microsoft writes mx-host so. */
function textsOf(fields: Fields | undefined, name: string): readonly string[] {
  const value = fields?.[name]
  if (typeof value === "string") return [value]
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : []
}

function countOf(fields: Fields | undefined, name: string): number | undefined {
  const value = fields?.[name]
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
