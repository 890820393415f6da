// What TLS reports (RFC 8460) are told of a session with a host: whose mail it was for, by which policy, and what was wrong.
import type { AppliedPolicy, SeenSession } from "../auth/tls-report.ts"
import type { Broken, TlsFailure } from "../smtp/client-fate.ts"
import { policyOf, type Way } from "./esmtp-demand.ts"
import type { NamedPeer } from "./esmtp-security.ts"
import type { Lease } from "./esmtp-pool.ts"
import type { Peer } from "./esmtp-session.ts"

/** A session that was opened now, or came to nothing by TLS; undefined: it is none that counts. */
export function seenSession(
  toward: Way,
  { host, place, demand }: Peer,
  lease: Lease | { readonly broken: Broken },
): SeenSession | undefined {
  if (host === undefined || "path" in place) return undefined
  const failure = "broken" in lease ? lease.broken.failure : lease.session.tlsFailure
  if ("broken" in lease ? failure === undefined : lease.reused) return undefined
  if (failure === undefined && "session" in lease && lease.session.tls === undefined) return undefined // TLS was not tried
  // A policy that is announced and cannot be had is what is wrong, where nothing else is.
  const missing = demand === undefined ? toward.sts?.failure : undefined
  const wrong = failure ?? (missing && { result: missing.result, reason: missing.says })
  return seen(toward, demand?.policy ?? policyOf(toward), { host, address: place.address }, wrong)
}

/** undefined: the configuration names the host itself, so that no domain's record says who wants to know. */
export function seen(
  { reported: domain }: Way,
  policy: AppliedPolicy,
  { host, address }: NamedPeer,
  failure: TlsFailure | undefined,
): SeenSession | undefined {
  if (domain === undefined) return undefined
  if (failure === undefined) return { domain, policy, failure }
  const { result, reason, from } = failure
  const told = { result, reason, receivingHost: host, receivingAddress: address }
  return { domain, policy, failure: from === undefined ? told : { ...told, sendingAddress: from } }
}
