// What was seen of TLS in a day, session by session, summed up for each domain as its report tells it.
import type { FailureDetail, PolicySum, SeenSession } from "./tls-report.ts"

/** Kinds of failure of a policy that a report tells one by one; the rest is only counted. */
const mostFailures = 100

type Sum = {
  readonly policy: PolicySum["policy"]
  successful: number
  failed: number
  readonly failures: FailureDetail[]
}

/** The policies of each domain whose mail it was for. */
export function sumByDomain(
  counts: Iterable<{ readonly counted: SeenSession; readonly count: number }>,
): ReadonlyMap<string, readonly PolicySum[]> {
  const domains = new Map<string, Map<string, Sum>>()
  for (const { counted, count } of counts) {
    const sums = domains.get(counted.domain) ?? new Map<string, Sum>()
    domains.set(counted.domain, sums)
    const key = JSON.stringify(counted.policy)
    const sum = sums.get(key) ?? { policy: counted.policy, successful: 0, failed: 0, failures: [] }
    sums.set(key, sum)
    if (counted.failure === undefined) sum.successful += count
    else {
      sum.failed += count
      if (sum.failures.length < mostFailures) sum.failures.push({ ...counted.failure, count })
    }
  }
  return new Map([...domains].map(([domain, sums]) => [domain, [...sums.values()]]))
}
